"""The clerk's requests (docs/wire.md), one method each. A relay that restarts is waited for; nothing is ever sent twice as new."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

from cityhall_base import tls
from cityhall_base.files import UnfitFileError, read_small
from cityhall_relay.client.errors import AnswerError, FileError, OutOfReachError, RefusedError
from cityhall_relay.settings import ClerkSettings
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError

ANSWER_BYTES: Final = 4 * 1024 * 1024
"""Of one answer: the list of 200 jobs takes about 0.2 MB."""

ANSWER_S: Final = 200.0
"""For a whole answer, however steadily it drips."""

_TOKEN_BYTES: Final = 4096

T = TypeVar("T")
Json = dict[str, Any]

PATIENCE_S: Final = 60.0
"""How long a relay may be away while a document is on its way: a restart takes seconds, a reboot about half a minute."""

PAUSES_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
"""Between tries; the last one repeats."""

TIMEOUT: Final = httpx.Timeout(10, read=180, write=60)
"""Reading waits long: the answer to a document comes after its check and sealing."""

EVENT_SILENCE_S: Final = 45.0
"""The relay sends a sign of life every 15 s; three missing ones mean that the connection is dead."""


class CityHall:
    """The relay as one clerk sees it. Raises RefusedError, OutOfReachError or AnswerError.

    With `patience_s` a relay that is away is waited for so long at each request; `on_wait` is told once each time.
    """

    def __init__(
        self, settings: ClerkSettings, patience_s: float = 0, on_wait: Callable[[str], None] = lambda sentence: None
    ) -> None:
        self._patience_s, self._on_wait = patience_s, on_wait
        # Identity: what is limited in size must not grow when it is unpacked.
        headers = {"Authorization": f"Bearer {_token(settings.token_file)}", "Accept-Encoding": "identity"}
        context = tls.client_context(settings.ca)
        self._http = httpx.Client(
            base_url=settings.url, verify=context, headers=headers, timeout=TIMEOUT, trust_env=False
        )

    def open_session(self, bus: str, section: str, stop: str, slot: int) -> Json:
        """Open the clerk's counter session. Not repeated by itself: the answer to a second try would be "busy"."""
        body = {"bus": bus, "section": section, "stop": stop, "slot": slot}
        return self._once("POST", "/1/sessions", json=body)

    def calls(self) -> list[Json]:
        """What rings for the clerk's sections, the longest first."""
        return list(self._patiently("GET", "/1/calls")["calls"])

    def accept(self, session: str) -> Json:
        """Take a call: the session is the clerk's from now on."""
        return self._patiently("POST", f"/1/sessions/{session}/accept")

    def close_session(self, session: str) -> Json:
        """End it; its documents that are not at the printer die with it."""
        return self._patiently("DELETE", f"/1/sessions/{session}")

    def send(
        self,
        document: bytes,
        session: str,
        service: str,
        submission: str,
        flatten: bool = False,
        reissue: tuple[str, str] | None = None,
    ) -> Json:
        """Hand in a document; `flatten`: as pictures of its pages. The submission (32 hex digits) makes repeating safe.

        `reissue` is the spoiled document that this one takes the place of, and the number of its sheet.
        """
        path, headers = f"/1/sessions/{session}/jobs", {"Submission": submission, "Content-Type": "application/pdf"}
        params = {"service": service, **({"flatten": "true"} if flatten else {})}
        if reissue is not None:
            params |= {"reissue_of": reissue[0], "sheet": reissue[1]}
        return self._patiently("POST", path, params=params, headers=headers, content=document)

    def approve(self, job: str, *, again: bool = False) -> Json:
        """印刷を許可; `again` for a second copy of the same document."""
        return self._patiently("POST", f"/1/jobs/{job}/approve", params={"again": "true"} if again else {})

    def cancel(self, job: str) -> Json:
        """取消, before the release only."""
        return self._patiently("POST", f"/1/jobs/{job}/cancel")

    def refuse(self, job: str, why: str) -> Json:
        """受付不可, before the release only."""
        return self._patiently("POST", f"/1/jobs/{job}/refuse", json={"why": why})

    def void(self, job: str, sheets: list[str]) -> Json:
        """無効: what came out is worth nothing, and there is no reissue."""
        return self._patiently("POST", f"/1/jobs/{job}/void", json={"sheets": sheets})

    def receipts(self, job: str) -> Json:
        """The signed deletion receipts of both sides."""
        return self._patiently("GET", f"/1/jobs/{job}/receipts")

    def job(self, job: str) -> Json:
        """Where one job stands."""
        return self._patiently("GET", f"/1/jobs/{job}")

    def jobs(self) -> list[Json]:
        """The clerk's jobs, newest first."""
        return list(self._patiently("GET", "/1/jobs")["jobs"])

    def buses(self) -> list[Json]:
        """The fleet."""
        return list(self._patiently("GET", "/1/buses")["buses"])

    def books(self, bus: str, what: str, month: str) -> Json:
        """A month of a bus's books: `what` is ledger, entries or fees. This month where `month` is empty."""
        return self._patiently("GET", f"/1/books/{bus}/{what}", params={"month": month} if month else {})

    def wish(self, bus: str, what: str, body: Json) -> Json:
        """What the bus shall write into its book: `what` is receive or correct."""
        return self._once("POST", f"/1/books/{bus}/{what}", json=body)

    def duty(self, bus: str) -> Json:
        """Today's duty of a bus."""
        return self._patiently("GET", f"/1/buses/{bus}/duty")

    def extend(self, bus: str) -> Json:
        """Grant what its concierge asked for. Not repeated by itself: the answer to a second try would be "nothing asked"."""
        return self._once("POST", f"/1/buses/{bus}/extend")

    def ask(self, method: str, path: str, **request: Any) -> Json:
        """Any other line of the table; once where `patience_s` is 0."""
        return self._patiently(method, path, **request)

    def revoke(self, bus: str, reason: str) -> Json:
        """Take a bus out of service; again is once."""
        return self._patiently("POST", f"/1/buses/{bus}/revoke", json={"reason": reason})

    def revocation(self, bus: str) -> Json:
        """Where that stands."""
        return self._patiently("GET", f"/1/buses/{bus}/revoke")

    def reinstate(self, bus: str, why: str) -> Json:
        """Want it back; the second person's wish lifts it."""
        return self._patiently("POST", f"/1/buses/{bus}/reinstate", json={"why": why})

    def statement(self, bus: str) -> Json:
        """The parts of the last signed statement."""
        return self._patiently("GET", f"/1/buses/{bus}/statement")

    def download(self, path: str, params: dict[str, str]) -> Iterator[bytes]:
        """A copy, as it comes, however large: whoever takes it says where it ends. Not repeated by itself."""
        try:
            with self._http.stream("GET", path, params=params) as response:
                if not response.is_success:
                    _answer(response)
                yield from response.iter_raw()
        except httpx.TransportError as error:
            raise OutOfReachError(tls.why_refused(error) or type(error).__name__) from error

    def watch(self, job: str) -> Iterator[Json]:
        """The job at once and at each change, until its end; goes on after any loss of the connection."""
        last: Json = {}
        while not last.get("ended"):
            for view in self._waiting(lambda: self._stream(job)):
                if view != last:
                    last = view
                    yield view

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def _stream(self, job: str) -> Iterator[Json]:
        timeout = httpx.Timeout(10, read=EVENT_SILENCE_S)
        request = self._http.build_request("GET", f"/1/jobs/{job}/events", timeout=timeout)
        response = self._http.send(request, stream=True)
        if response.status_code != httpx.codes.OK:
            with contextlib.closing(response):
                _answer(response)
        return _views(response)

    def _patiently(self, method: str, path: str, **request: Any) -> Json:
        return self._waiting(lambda: self._once(method, path, **request))

    def _once(self, method: str, path: str, **request: Any) -> Json:
        try:
            with self._http.stream(method, path, **request) as response:
                return _answer(response)
        except httpx.TransportError as error:
            raise OutOfReachError(tls.why_refused(error) or type(error).__name__) from error

    def _waiting(self, action: Callable[[], T]) -> T:
        until, tries = time.monotonic() + self._patience_s, 0
        while True:
            try:
                return action()
            except (OutOfReachError, httpx.TransportError) as error:
                away = error if isinstance(error, OutOfReachError) else OutOfReachError(type(error).__name__)
                if time.monotonic() >= until:
                    raise away from error
            if tries == 0:
                self._on_wait(str(away))
            time.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
            tries += 1


def _views(response: httpx.Response) -> Iterator[Json]:
    # A cut in the middle is no error: the caller asks again, and the first event is the whole job.
    try:
        for line in _lines(response):
            if line.startswith(b"data: "):
                yield _json(line.removeprefix(b"data: "))
    except httpx.TransportError:
        return
    finally:
        response.close()


class _Answer(Json):
    """What every command may read without looking first."""

    def __missing__(self, name: str) -> Any:
        raise AnswerError(f"it names no {name}")


def _lines(response: httpx.Response) -> Iterator[bytes]:
    """An event stream has no end, but each of its lines has."""
    left = b""
    for piece in response.iter_raw():
        *lines, left = (left + piece).split(b"\n")
        yield from lines
        if len(left) > ANSWER_BYTES:
            raise AnswerError(f"more than {ANSWER_BYTES} bytes")


def _whole(response: httpx.Response) -> bytes:
    raw, until = bytearray(), time.monotonic() + ANSWER_S
    for piece in response.iter_raw():
        raw += piece
        if len(raw) > ANSWER_BYTES:
            raise AnswerError(f"more than {ANSWER_BYTES} bytes")
        if time.monotonic() > until:
            raise OutOfReachError("the answer does not end")
    return bytes(raw)


def _answer(response: httpx.Response) -> Json:
    raw = _whole(response)
    if response.is_success:
        return _Answer(_json(raw))
    said = _json(raw)
    if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
        raise OutOfReachError(str(said.get("sentence", "")))
    raise RefusedError(str(said.get("key", "")), str(said.get("sentence", "")), response.status_code)


def _json(raw: bytes) -> Json:
    try:
        return strict_json.decode(raw, dict[str, Any], ANSWER_BYTES)
    except WireError as error:
        raise AnswerError(str(error)) from None


def _token(path: Path) -> str:
    try:
        token = read_small(path, _TOKEN_BYTES, private=True).decode("ascii").strip()
    except UnfitFileError as error:
        raise FileError(str(error)) from None
    except ValueError:
        token = ""
    if not token.isprintable() or not token or " " in token:
        raise FileError(f"{path} holds no token; ask city IT for a new one")
    return token
