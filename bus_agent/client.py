"""The commands that stand in for the concierge's screen: clients of the local API, without any truth of their own."""

import argparse
import json
from pathlib import Path
from typing import Any, Final

import httpx

from bus_agent.errors import AgentAnswerError, AgentGoneError, RefusedError
from bus_agent.settings import load_agent_settings
from bus_agent.status_text import text
from cityhall_base.clock import SystemClock
from cityhall_base.words import Language
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError

TIMEOUT_S: Final = 30
"""`print` answers when an opener waits for its key: the printer may take seconds to wake up."""


ANSWER_BYTES: Final = 1024 * 1024
"""A snapshot of 200 documents takes about 0.1 MB."""


class SaidNoError(RefusedError):
    """The bus refuses:"""

    key = "refused"

    def __init__(self, key: str, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.said_key, self.said, self.detail = key, sentence, detail

    def __str__(self) -> str:
        return self.said


def run(arguments: argparse.Namespace) -> int:
    """Send one command and print what came back; raises BusError, or SetupError for `verify --config`."""
    if arguments.command == "verify":
        return _verify(arguments)
    answer = _send(arguments.socket, *request(arguments))
    shown = getattr(arguments, "shown", _status)
    print(json.dumps(answer, ensure_ascii=False) if arguments.json else shown(answer, arguments))
    return 0


def _status(answer: dict[str, Any], arguments: argparse.Namespace) -> str:
    return text(answer, Language(arguments.lang))


def request(arguments: argparse.Namespace) -> tuple[str, str, dict[str, Any] | None]:
    """Method, address and body of a command; those in modules of their own bring it along (`set_defaults(request=…)`)."""
    asked: tuple[str, str, dict[str, Any] | None] = getattr(arguments, "request", _common)(arguments)
    return asked


def _common(arguments: argparse.Namespace) -> tuple[str, str, dict[str, Any] | None]:
    match arguments.command:
        case "hand-over":
            return "POST", f"/v1/jobs/{arguments.job}/hand-over", {"sheets": arguments.sheets}
        case "status":
            return "GET", "/v1/snapshot", None
        case "mode":
            return "POST", "/v1/mode", {"mode": arguments.mode}
        case "extend":
            return "POST", "/v1/duty/extend", {"minutes": arguments.minutes}
        case "call":
            body = {"section": arguments.section, "stop": arguments.stop, "slot": arguments.slot}
            return "POST", "/v1/session/call", body
        case "end-session":
            return "POST", "/v1/session/end", None
        case "refuse":
            return "POST", f"/v1/jobs/{arguments.job}/refuse", {"why": arguments.why}
        case "spoiled":
            body = {"why": arguments.why, "sheets": arguments.sheets, "came_out": arguments.came_out}
            return "POST", f"/v1/jobs/{arguments.job}/spoiled", body
        case command:
            return "POST", f"/v1/jobs/{arguments.job}/{command}", None


def _verify(arguments: argparse.Namespace) -> int:
    if arguments.config:
        from bus_agent.agent.store import STORE, count_journal

        rows = count_journal(load_agent_settings(arguments.config).state_dir / STORE, SystemClock())
    else:
        rows = _send(arguments.socket, "GET", "/v1/journal", None)["rows"]
    print(json.dumps({"rows": rows}) if arguments.json else f"The journal's chain holds over {rows} rows.")
    return 0


def _send(path: Path, method: str, url: str, body: dict[str, Any] | None) -> dict[str, Any]:
    transport = httpx.HTTPTransport(uds=str(path))
    try:
        with (
            httpx.Client(transport=transport, base_url="http://bus", timeout=TIMEOUT_S) as client,
            client.stream(method, url, json=body) as response,
        ):
            return _said(response)
    except httpx.HTTPError as error:
        raise AgentGoneError(f"{path}: {error}") from None


def _said(response: httpx.Response) -> dict[str, Any]:
    raw = bytearray()
    for piece in response.iter_raw():
        raw += piece
        if len(raw) > ANSWER_BYTES:
            raise AgentAnswerError(f"more than {ANSWER_BYTES} bytes")
    try:
        content = strict_json.decode(bytes(raw), dict[str, Any], ANSWER_BYTES)
    except WireError as error:
        raise AgentAnswerError(str(error)) from None
    if response.is_error:
        raise SaidNoError(*(str(content.get(name, "")) for name in ("key", "sentence", "detail")))
    return content
