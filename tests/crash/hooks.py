"""Where each part's points are. A point's name is part/channel/what/moment, as in `agent/journal/step-release/before`.

journal: before the transaction that holds this row commits, and after it · txn: a transaction without a row, by its function ·
link, clerk, api, mqtt, ipc: a message before it is said, when it is heard, when its answer is there or is about to leave ·
body: ciphertext on its disk · printer: an IPP operation · paper: the sheet itself · life: an opener.
"""

import functools
import json
import sys
from base64 import b64decode
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tests.crash.under import Tell, Teller, about, wrap

# Every import that an opener does not need stands in the function that needs it: its start is part of what is measured.

SWAP_S: Final = 1.0
"""How long a message waits for another one that may overtake it."""

_ROOMS: Final = ("bus_agent", "cityhall_relay")  # not the base, whose store every transaction goes through

_ROOT: Final = str(Path(__file__).parents[2])


# --- what is the same in every part ---


def _both(tell: Tell, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A point before and one after a plain function."""

    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        def call(*args: Any, **kwargs: Any) -> Any:
            tell(f"{name}/before")
            done = real(*args, **kwargs)
            tell(f"{name}/after")
            return done

        return call

    return around


def _both_async(tell: Tell, name: str, first: str, last: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def around(real: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(real)
        async def call(*args: Any, **kwargs: Any) -> Any:
            tell(f"{name}/{first}")
            done = await real(*args, **kwargs)
            tell(f"{name}/{last}")
            return done

        return call

    return around


def kind_of(envelope: bytes) -> str:
    """An envelope's kind; of evidence also its finding. Nothing is verified: it is only a name. A batch has that of its first."""
    outer = json.loads(envelope)
    outer = outer[0] if isinstance(outer, list) else outer
    if outer["kind"] != "evidence":
        return str(outer["kind"])
    return f"evidence-{json.loads(b64decode(outer['payload']))['finding']}"


# --- stores ---


def _store(tell: Tell, part: str) -> None:
    from cityhall_base.store import Store

    def init(real: Callable[..., None]) -> Callable[..., None]:
        def call(self: Any, path: Path, *args: Any, **kwargs: Any) -> None:
            real(self, path, *args, **kwargs)
            # The relay's second database holds the keys.
            self.points_of = f"{part}-keys" if path.stem == "keys" else part
            self.points_rows = list[tuple[str, str]]()

        return call

    def alone(real: Callable[..., Any]) -> Callable[..., Any]:
        @contextmanager
        def call(self: Any) -> Generator[None, None, None]:
            self.points_rows.clear()
            caller = _caller(sys._getframe(1))
            with real(self):
                yield
                rows = dict.fromkeys(row for row, _ in self.points_rows)
                whose = dict.fromkeys(label for _, what in self.points_rows for label in about(what))
                names = [f"{self.points_of}/journal/{row}" for row in rows] or [f"{self.points_of}/txn/{caller}"]
                tell(*(f"{name}/before" for name in names), *whose)
            tell(*(f"{name}/after" for name in names), *whose)

        return call

    def record(real: Callable[..., None]) -> Callable[..., None]:
        def call(self: Any, kind: str, job: str = "", **body: Any) -> None:
            real(self, kind, job, **body)
            self.points_rows.append((_row(kind, body), job or body.get("session", "")))

        return call

    def checkpoint(real: Callable[..., None]) -> Callable[..., None]:
        def call(self: Any) -> None:
            _both(tell, f"{self.points_of}/checkpoint/truncate")(real)(self)

        return call

    wrap(Store, "__init__", init)
    wrap(Store, "_alone", alone)
    wrap(Store, "record", record)
    wrap(Store, "checkpoint", checkpoint)


def _row(kind: str, body: dict[str, Any]) -> str:
    more = {"step": "event", "evidence": "finding", "receipted": "what", "not_taken": "what"}.get(kind)
    return f"{kind}-{body[more]}" if more else kind


def _caller(frame: FrameType | None) -> str:
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.parent.name in _ROOMS or path.parent.parent.name in _ROOMS:
            return f"{path.stem}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "unknown"


# --- messages ---


def _ipc(tell: Tell, part: str) -> None:
    from bus_agent.ipc.channel import End

    def send(real: Callable[..., None]) -> Callable[..., None]:
        def call(self: Any, message: Any, fd: int | None = None) -> None:
            tell(f"{part}/ipc/{_message(message)}/say", *about(getattr(message, "job", "")))
            real(self, message, fd)

        return call

    def take(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any) -> Any:
            received = real(self)
            tell(f"{part}/ipc/{_message(received.message)}/hear", *about(getattr(received.message, "job", "")))
            return received

        return call

    wrap(End, "send", send)
    wrap(End, "take", take)


def _message(message: Any) -> str:
    tag = str(message.__struct_config__.tag)
    if tag in ("intent", "committed", "proceed"):
        return f"{tag}-{message.step}"
    if tag == "statement":
        return f"{tag}-{kind_of(message.evidence).removeprefix('evidence-')}"
    return tag


def _mqtt(tell: Tell, part: str) -> None:
    import asyncio

    from cityhall_base.mqtt import Mqtt

    def publish(real: Callable[..., None]) -> Callable[..., None]:
        def call(self: Any, topic: str, payload: bytes, **how: Any) -> None:
            again = functools.partial(real, self, topic, payload, **how)
            word, _, seconds = tell(f"{part}/mqtt/{topic.rsplit('/', 1)[-1]}/say").partition(" ")
            loop = asyncio.get_running_loop()
            if word == "hold":
                loop.call_later(float(seconds), again)
            elif word != "drop":
                again()
            if word == "double":
                again()
            if word == "late":
                loop.call_later(float(seconds), again)

        return call

    def deliver(real: Callable[..., None]) -> Callable[..., None]:
        def call(self: Any, topic: str, payload: bytes) -> None:
            tell(f"{part}/mqtt/{topic.rsplit('/', 1)[-1]}/hear")
            real(self, topic, payload)

        return call

    wrap(Mqtt, "publish", publish)
    wrap(Mqtt, "_deliver", deliver)


def _link(tell: Tell) -> None:
    import asyncio

    from bus_agent.agent.link import Link
    from bus_agent.errors import BusError

    swaps: list[asyncio.Event] = []
    tasks: set[asyncio.Task[Any]] = set()

    def send(real: Callable[..., Any]) -> Callable[..., Any]:
        async def again(seconds: float, *args: Any) -> None:
            await asyncio.sleep(seconds)
            with suppress(BusError):  # nobody waits for the answer to a message that came late
                await real(*args)

        async def call(self: Any, method: str, path: str, headers: Any, content: bytes | None, limit: int) -> Any:
            what, args = _asked(method, content), (self, method, path, headers, content, limit)
            word, _, seconds = tell(f"agent/link/{what}/before").partition(" ")
            if word == "hold":
                await asyncio.sleep(float(seconds))
            if word == "swap":
                swaps.append(mine := asyncio.Event())
                await asyncio.wait([asyncio.ensure_future(mine.wait())], timeout=SWAP_S)
            if word == "late":
                tasks.add(task := asyncio.create_task(again(float(seconds), *args)))
                task.add_done_callback(tasks.discard)
            answer = await real(*args)
            if word == "double":
                answer = await real(*args)
            if word != "swap":
                while swaps:
                    swaps.pop().set()
            tell(f"agent/link/{what}/answered")
            return answer

        return call

    wrap(Link, "_send", send)


def _asked(method: str, content: bytes | None) -> str:
    from cityhall_base import coding
    from cityhall_wire.messages.envelope import ENVELOPE_BYTES

    return "body" if content is None or method == "GET" else kind_of(coding.unpack(content, ENVELOPE_BYTES))


# --- the parts ---


def agent(tell: Teller, _path: str) -> None:
    """`bus-agent run`."""
    from bus_agent.agent.api import Api
    from bus_agent.agent.bodies import Bodies

    _store(tell, "agent")
    _ipc(tell, "agent")
    _mqtt(tell, "agent")
    _link(tell)
    for button in ("call", "end_session", "print", "hand_over", "spoiled", "nothing_came_out", "refuse", "mode"):
        wrap(Api, f"_{button}", _both_async(tell, f"agent/api/{button}", "heard", "answer"))
    for name in ("prepare", "write", "delete"):
        wrap(Bodies, name, _both(tell, f"agent/body/{name}"))


def relay(tell: Teller, _path: str) -> None:
    """`cityhall-relay serve`."""
    from cityhall_relay.bodies import Bodies
    from cityhall_relay.bus_desk import BusDesk
    from cityhall_relay.web.clerk_api import ClerkApi

    _store(tell, "relay")
    _mqtt(tell, "relay")

    def answer(real: Callable[..., bytes]) -> Callable[..., bytes]:
        def call(self: Any, bus: str, raw: bytes, kinds: Any) -> bytes:
            tell(f"relay/link/{kind_of(raw)}/heard")
            said = real(self, bus, raw, kinds)
            tell(f"relay/link/{kind_of(said)}/leaves")
            return said

        return call

    def read(real: Callable[..., bytes]) -> Callable[..., bytes]:
        def call(self: Any, *args: Any) -> bytes:
            tell("relay/link/body/heard")
            piece = real(self, *args)
            tell("relay/link/body/leaves")
            return piece

        return call

    wrap(BusDesk, "answer", answer)
    wrap(Bodies, "read", read)
    for name in ("write", "delete"):
        wrap(Bodies, name, _both(tell, f"relay/body/{name}"))
    for request in ("open_session", "accept", "close_session", "submit", "approve", "cancel", "refuse", "void"):
        wrap(ClerkApi, request, _both_async(tell, f"relay/clerk/{request}", "heard", "leaves"))


def spooler(tell: Teller, path: str) -> None:
    """`bus-agent spooler`; what its openers are started with is told about the points too."""
    from bus_agent.spooler import launch, main

    _ipc(tell, "spooler")
    # The spooler gives up every descriptor that it does not know.
    wrap(main, "harden", lambda real: functools.partial(real, keep=(tell.fd,)))
    watch_printer(tell, "spooler")
    wrap(launch.Opener, "__init__", _both(tell, "spooler/life/start-opener"))
    wrap(launch.Opener, "end", _both(tell, "spooler/life/end-opener"))
    entry = "from bus_agent.spooler.opener import main\n"
    if entry not in launch._START:
        raise RuntimeError("an opener is started in another way now: the points must follow")
    points = f"sys.path.append({_ROOT!r})\nfrom tests.crash.hooks import opener\nopener({path!r})\n"
    launch._START = launch._START.replace(entry, points + entry)  # type: ignore[misc]


def opener(path: str) -> None:
    """Runs inside an opener, before its own main."""
    from bus_agent.spooler import opener as program

    tell = Teller(path, "opener")
    tell("opener/life/program/started")
    wrap(program, "harden", lambda real: lambda keep: real(keep=(*keep, tell.fd)))
    _ipc(tell, "opener")
    wrap(program, "_open", _both(tell, "opener/life/open"))
    watch_printer(tell, "opener")


def watch_printer(tell: Tell, part: str) -> None:
    """Every IPP operation; in the middle of Send-Document half of the document is in the kernel's hands."""
    from bus_agent.spooler import exchange
    from bus_agent.spooler.printer import Printer

    def ask(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: Any, operation: Any, *args: Any, **kwargs: Any) -> Any:
            name = operation.name.lower().replace("_", "-")
            return _both(tell, f"{part}/printer/{name}")(real)(self, operation, *args, **kwargs)

        return call

    def each(_real: Callable[..., Any]) -> Callable[..., Any]:
        def call(pieces: list[Any]) -> Generator[Any, None, None]:
            head, *documents = pieces
            yield head
            for document in documents:
                half = len(document) // 2
                yield document[:half]
                tell(f"{part}/printer/send-document/middle")
                yield document[half:]

        return call

    wrap(Printer, "_ask", ask)
    wrap(exchange, "_each", each)


def printer(tell: Teller, _path: str) -> None:
    """What the virtual printer runs for each document: its paper. Called, because as `__main__` it would be a second module."""
    from provisioning.demo import paper
    from provisioning.demo.stage import Stage

    def record(real: Callable[..., None]) -> Callable[..., None]:
        def call(records: Path, sheet: Any) -> None:
            moment = "end" if sheet.completed_ns else "page" if sheet.came_out else "begin"
            _both(tell, f"printer/paper/{moment}")(real)(records, sheet)

        return call

    wrap(paper, "_record", record)
    records, stage, started, seconds, document = sys.argv[1:]
    sys.exit(paper.main(Path(records), Stage(Path(stage)), int(started), float(seconds), Path(document)))


INTO: Final[dict[str, Callable[[Teller, str], None]]] = {
    "agent": agent,
    "relay": relay,
    "spooler": spooler,
    "printer": printer,
}
"""By the role that `under` is started with."""
