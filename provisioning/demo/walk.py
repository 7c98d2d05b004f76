"""One certificate from a clerk's PDF to the resident's hand, through the programs that clerk and concierge use.

What is measured begins when somebody presses and ends when somebody can see it: the start of our own command is in it.
"""

import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from provisioning.demo.paper import Paper
from provisioning.demo.parts import House
from provisioning.demo.people import Json, RefusedError
from provisioning.demo.scan import Haystack, Hit
from provisioning.demo.screen import Screen, Seen
from provisioning.demo.wait import wait_until
from provisioning.errors import DocumentRefusedError, WalkError
from provisioning.files import PUBLIC, write
from provisioning.sample import sample_certificate
from provisioning.small_city import IDENTITY, SECTION, SERVICE, STOP

STEP_S: Final = 60.0
"""For one step; the slowest, carrying 20 MB over loopback and sealing it, takes a few seconds."""
_LAYERS: Final = ("user namespace", "network namespace", "no new privileges", "landlock", "resource limits", "seccomp")
"""What holds the process that looks into a clerk's PDF, where the kernel allows all of it."""
_CITY_HALL_SAYS_NO: Final = 1
"""Exit code of `cityhall-relay`; its others speak of this machine and the line."""
_MS: Final = 1_000_000
_OTHER: Final = 90210
"""Number of the second certificate: what it shares with the first one says nothing about a resident."""

Tell = Callable[[str], None]


class Walked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. Times in milliseconds; sizes in bytes."""

    job: str
    state: str
    sheets: int
    paper_sha256: str
    source_sha256: str
    payload_bytes_to_bus: int
    submit_to_on_bus_ms: int
    release_to_paper_ms: int
    printed_to_clerk_ms: int
    plaintext_hits: int
    windows_searched: int
    intake_isolation: tuple[str, ...]

    def check(self) -> None:
        """Raises WalkError where the promise was broken: other bytes on paper, or readable ones in a file."""
        if self.paper_sha256 != self.source_sha256:
            raise WalkError("what came out on paper is not what the clerk sent")
        if not self.windows_searched:
            raise WalkError("the document is too small or too plain to be looked for in files")
        if self.plaintext_hits:
            raise WalkError(f"readable bytes of the document were found in files, {self.plaintext_hits} times")


class Walk:
    """Takes documents through `house`, and says what happens in plain words."""

    def __init__(self, house: House, tell: Tell) -> None:
        self._house, self._tell = house, tell
        self._hits: set[Hit] = set()
        self._papers = 0

    def go(self, document: bytes) -> Walked:
        """Print `document`. Raises WalkError or PartError; DocumentRefusedError where city hall does not take it."""
        haystack = Haystack(document, _other_certificate())
        self._papers = len(self._house.papers())
        session = self._open_session()
        path = self._house.desk / "document.pdf"
        write(path, document, self._house.users.city.clerk, PUBLIC)
        try:
            return self._with_screen(path, session, haystack)
        finally:
            self._house.clerk.run("session", "close", session)

    def _open_session(self) -> str:
        self._tell("The concierge switches the bus to 市役所 (city hall).")
        self._house.concierge.run("mode", "city_hall")
        self._tell("The concierge calls the section (呼出中), and a clerk accepts: a counter session (窓口対応).")
        wait_until(lambda: self._house.snapshot()["link"]["state"] == "up", STEP_S, "the bus reaches city hall")
        self._house.concierge.run("call", SECTION, "--stop", STOP)
        session = str(self._house.clerk.run("session", "accept")["session"])
        self._tell(
            f"The clerk sees a {IDENTITY} and looks up the protection (支援措置); kinds are written down, no number."
        )
        self._house.clerk.run("session", "check", session, "--identity", IDENTITY, "--support")
        return session

    def _with_screen(self, path: Path, session: str, haystack: Haystack) -> Walked:
        self._tell("The clerk sends the document; city hall checks and seals it, and the ciphertext goes ahead.")
        submitted = time.time_ns()
        with self._house.clerk.running("send", path, "--session", session, "--service", SERVICE) as process:
            screen = Screen(process)
            on_bus = _carried(screen)
            job = str(on_bus.view["job"])
            self._look(haystack)
            with self._looking(haystack):
                pressed = self._print(job, str(on_bus.view["check_word"]))
                printed = self._printed(screen, job)
            paper = self._paper(printed.view)
            self._hand_over(job)
            screen.until(_in("handed_over"), STEP_S, "the clerk sees that it was handed over")
        end = self._end(job)
        self._look(haystack)
        layers = tuple(end.get("intake_isolation", ()))
        self._tell_missing(layers)
        return Walked(
            job=job,
            state=str(end["state"]),
            sheets=int(end["sheets"]),
            paper_sha256=paper.sha256,
            source_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
            payload_bytes_to_bus=int(self._house.concierge.run("status")["payload_bytes_received"]),
            submit_to_on_bus_ms=(on_bus.at_ns - submitted) // _MS,
            release_to_paper_ms=(paper.started_ns - pressed) // _MS,
            printed_to_clerk_ms=(printed.at_ns - paper.completed_ns) // _MS,
            plaintext_hits=len(self._hits),
            windows_searched=sum(map(len, haystack.windows.values())),
            intake_isolation=layers,
        )

    def _tell_missing(self, layers: tuple[str, ...]) -> None:
        missing = [layer for layer in _LAYERS if layer not in layers]
        if missing:
            self._tell(f"This machine's kernel did not allow intake's disposable process: {', '.join(missing)}.")

    def _print(self, job: str, check_word: str) -> int:
        self._tell(f"Both screens show the check word 「{check_word}」. The clerk allows the print (印刷を許可).")
        self._house.clerk.run("approve", job)
        wait_until(lambda: bool(self._on_board(job).get("approved")), STEP_S, "the bus hears that the print is allowed")
        self._tell("The concierge presses 印刷 (print): a key is made for this one print.")
        pressed = time.time_ns()
        self._house.concierge.run("print", job)
        return pressed

    def _printed(self, screen: Screen, job: str) -> Seen:
        try:
            return screen.until(_in("printed", "uncertain"), STEP_S, "the document is printed")
        except WalkError as error:
            raise WalkError(f"{error.args[0]}. On the bus: {self._on_board(job)}") from None

    def _paper(self, view: Json) -> Paper:
        if view["state"] != "printed":
            raise WalkError(f"the job is {view['state']}: {view.get('sentence', '')}")
        papers = self._house.papers()
        if len(papers) != self._papers + 1:
            raise WalkError(f"city hall says printed, and {len(papers) - self._papers} documents came out")
        self._tell(f"Paper came out: {papers[-1].impressions} page(s), sha256 {papers[-1].sha256[:16]}…")
        return papers[-1]

    def _hand_over(self, job: str) -> None:
        self._tell("The concierge looks at the sheet and hands it over (お渡ししました).")
        self._house.concierge.run("hand-over", job)

    def _end(self, job: str) -> Json:
        self._tell("Both sides destroy key and ciphertext, and sign that they did.")
        # A job leaves the bus's inventory when both deletion receipts are there (docs/wire.md, "The end").
        wait_until(lambda: not self._on_board(job), STEP_S, "both deletion receipts are written")
        return self._house.clerk.run("show", job)

    def _on_board(self, job: str) -> Json:
        jobs: Iterable[Json] = self._house.snapshot()["jobs"]
        return next((one for one in jobs if one["job"] == job), {})

    @contextmanager
    def _looking(self, haystack: Haystack) -> Iterator[None]:
        """Look again and again while this is open."""
        done = threading.Event()

        def look_on() -> None:
            while not done.is_set():
                self._look(haystack)

        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(look_on)
            try:
                yield
            finally:
                done.set()
        looking.result()

    def _look(self, haystack: Haystack) -> None:
        found = haystack.search(self._house.may_hold_plaintext(), self._house.leave_out)
        for hit in set(found) - self._hits:
            self._tell(f"READABLE BYTES of the document ({hit.of}, {hit.form}) in {hit.file}")
        self._hits.update(found)


@functools.cache
def _other_certificate() -> bytes:
    return sample_certificate(_OTHER)


def _carried(screen: Screen) -> Seen:
    try:
        return screen.until(_in("on_bus"), STEP_S, "the document is on the bus")
    except RefusedError as error:
        if error.code != _CITY_HALL_SAYS_NO:
            raise
        raise DocumentRefusedError(error.text) from None


def _in(*states: str) -> Callable[[Json], bool]:
    return lambda view: view["state"] in states
