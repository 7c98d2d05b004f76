"""Staff practice: something goes wrong, the bus says what to do, somebody does it, and both sides see how it ends.

Nothing of it is real and nothing of it is counted: the city, its keys and its paper are made for this one run.
"""

import functools
import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import msgspec

from cityhall_base.words import Language, Word, say
from cityhall_wire.sheets import span
from provisioning.demo.mishaps import HAND_OVER, LIE, MISHAPS, PRINT, Button, Mishap
from provisioning.demo.parts import House
from provisioning.demo.people import Json
from provisioning.demo.probe import press
from provisioning.demo.screen import Screen
from provisioning.demo.wait import wait_until
from provisioning.errors import WalkError
from provisioning.files import PUBLIC, write
from provisioning.sample import sample_certificate
from provisioning.small_city import BUS, SECTION, SERVICE, STOP

STEP_S: Final = 60.0
LIMITS: Final = {"sync_s": 2}
"""So that nobody waits a minute to read that the line is down."""
_NUMBER: Final = 412


class Said(Word):
    """What the rehearsal itself says."""

    INTRO = ("rehearse.intro", "This is practice. Nothing in it is a real document, and no ledger is touched.")
    ELSEWHERE = (
        "rehearse.elsewhere",
        "To type the commands yourself, first type this in another terminal:\n  {detail}",
    )
    MENU = ("rehearse.menu", "What shall happen? Type its number or name; an empty line or q ends.")
    NOT_IN_MENU = ("rehearse.not_in_menu", "“{detail}” is not in the list; type a number or name of it.")
    SCENE = ("rehearse.scene", "== {detail}")
    BUS = ("rehearse.bus", "Bus:      {detail}")
    CHECK_WORD = ("rehearse.check_word", "Check word: {detail}")
    CLERK = ("rehearse.clerk", "Clerk:    {detail}")
    COMMAND = ("rehearse.command", "Command:  {detail}")
    TECHNICIAN = ("rehearse.technician", "Technician: {detail}")
    DONE = ("rehearse.done", "          Done at the printer.")
    SHEETS = ("rehearse.sheets", "Tray:     {detail} sheet(s)")
    ENTER = ("rehearse.enter", "          [Enter: do so]")


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """How one mishap went: the keys of what the bus said, where the job ended, and the sheets that came out."""

    mishap: str
    said: tuple[str, ...]
    state: str
    came_out: int


class Rehearsal:
    """In a running `house`. `tell` shows a line; `pause` waits until whoever practises wants to go on."""

    def __init__(
        self, house: House, language: Language, tell: Callable[[str], None], pause: Callable[[], None]
    ) -> None:
        self._house, self._language, self._show, self._pause = house, language, tell, pause
        self._stage = house.director.stage
        self._said: list[str] = []
        self._session = ""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """A counter session for all of them, closed at the end."""
        self._house.on_duty()
        where = ("--bus", BUS, "--section", SECTION, "--stop", STOP)
        self._session = str(self._house.clerk.run("session", "open", *where)["session"])
        self._tell(Said.INTRO)
        self._tell(Said.ELSEWHERE, self._house.concierge.exports())
        try:
            yield
        finally:
            self._house.clerk.run("session", "close", self._session)

    def play(self, name: str) -> Played:
        """One of MISHAPS, to its end; raises WalkError or PartError where bus or city hall do not do as they must."""
        mishap, self._said = MISHAPS[name], []
        self._tell(Said.SCENE, mishap.title.say(self._language))
        if name == "lie":
            self._house.director.report(LIE)
        document = _certificate(mishap.pages)
        path, papers = self._house.desk / "rehearsal.pdf", len(self._house.papers())
        write(path, document, self._house.users.city.clerk, PUBLIC)
        words = ("send", path, "--session", self._session, "--service", SERVICE, "--approve", "--again")
        with self._house.clerk.running(*words) as process:
            self._screen = Screen(process)
            self._bus("do.print")
            job = str(self._advice()["job"])
            shown = self._screen.until(lambda view: view["job"] == job, STEP_S, "the clerk sees the document")
            self._tell(Said.CHECK_WORD, str(shown.view["check_word"]))
            self._PLAYS.get(name, Rehearsal._at_the_printer)(self, mishap, job)
            end = self._finish(mishap, job)
        came_out = sum(paper.came_out for paper in self._house.papers()[papers:])
        self._tell(Said.SHEETS, str(came_out))
        if name == "lie":
            self._house.director.report()
        return Played(mishap=name, said=tuple(self._said), state=str(end["state"]), came_out=came_out)

    def _at_the_printer(self, mishap: Mishap, job: str) -> None:
        self._until_it_stands(mishap, job)
        self._stage.mend()
        self._tell(Said.DONE)

    def _power(self, mishap: Mishap, job: str) -> None:
        self._stage.play(mishap.scene)
        self._press(job, PRINT)
        self._stage.wait_standing()
        printer = self._house.part("printer")
        printer.kill()
        self._bus(mishap.says)
        self._pause()
        printer.start()
        self._tell(Said.DONE)

    def _line(self, mishap: Mishap, job: str) -> None:
        relay = self._house.part("relay")
        relay.stop()
        self._bus(mishap.says)
        self._pause()
        relay.start()
        self._bus("do.print")
        self._press(job, PRINT)

    def _lie(self, mishap: Mishap, job: str) -> None:
        wait_until(lambda: bool(self._notes()), STEP_S, "the bus has heard what the printer reports")
        for note in self._notes():
            text = say(note["key"], note["sentence"], self._language)
            self._tell(Said.TECHNICIAN, f"{text} [{note['reason']}]")
        self._press(job, PRINT)

    _PLAYS: Final = {"power": _power, "line": _line, "lie": _lie}

    def _until_it_stands(self, mishap: Mishap, job: str) -> None:
        self._stage.play(mishap.scene)
        self._press(job, PRINT)
        self._stage.wait_standing()
        self._bus(mishap.says)
        printing = self._screen.until(
            lambda view: view["state"] == "printing", STEP_S, "the clerk sees the print begin"
        )
        self._clerk(printing.view)
        self._pause()

    def _finish(self, mishap: Mishap, job: str) -> Json:
        wait_until(lambda: self._state(job) in ("printed", "uncertain"), STEP_S, "the print has come to an end")
        if self._state(job) == "printed":
            self._bus("do.hand_over")
            self._press(job, HAND_OVER)
        else:
            self._bus("do.look")
            self._press(job, mishap.then)
        end = self._screen.until(lambda view: bool(view["ended"]), STEP_S, "the clerk sees the end").view
        self._clerk(end)
        return end

    def _press(self, job: str, button: Button) -> None:
        numbers = self._on_top(button.sheets)
        self._tell(Said.COMMAND, button.command(job, numbers))
        before = self._state(job)
        self._pause()
        if self._state(job) == before:  # else whoever practises has typed it in another terminal
            said = {"why": button.why, "sheets": numbers} if button.why else {}
            press(self._house.city.bus.api_socket, job, button.name, **said)

    def _on_top(self, sheets: int) -> list[str]:
        # By the rehearsal's own ledger: the numbers of the sheets that have just come out.
        rows = [span(row) for paper in self._house.snapshot()["books"]["papers"] for row in paper["rows"]]
        numbers = (str(row.at(n, n)) for row in rows for n in range(row.first, row.last + 1))
        return list(itertools.islice(numbers, sheets))

    def _bus(self, key: str) -> None:
        wait_until(lambda: self._advice()["key"] == key, STEP_S, f"the bus says {key}")
        advice = self._advice()
        self._said.append(str(advice["key"]))
        self._tell(Said.BUS, say(advice["key"], advice["sentence"], self._language, advice["detail"]))

    def _notes(self) -> list[Json]:
        return list(self._house.snapshot()["printer_shown"]["notes"])

    def _advice(self) -> Json:
        return dict(self._house.snapshot()["advice"])

    def _clerk(self, view: Json) -> None:
        self._tell(Said.CLERK, say(f"clerk.{view['state']}", view["sentence"], self._language))

    def _state(self, job: str) -> str:
        jobs = self._house.snapshot()["jobs"]
        return next((str(one["state"]) for one in jobs if one["job"] == job), "")

    def _tell(self, word: Word, detail: str = "") -> None:
        self._show(word.say(self._language, detail))


@functools.cache
def _certificate(pages: int) -> bytes:
    return sample_certificate(_NUMBER, pages)


def menu(rehearsal: Rehearsal, language: Language, tell: Callable[[str], None]) -> Iterator[Played]:
    """Ask and play until somebody has had enough, or standard input ends."""
    names = list(MISHAPS)
    while True:
        for number, name in enumerate(names, 1):
            tell(f"{number:>3}  {MISHAPS[name].title.say(language)}  ({name})")
        tell(Said.MENU.say(language))
        answer = sys.stdin.readline().strip()
        if answer in ("", "q"):
            return
        chosen = names[int(answer) - 1] if answer.isdecimal() and 0 < int(answer) <= len(names) else answer
        if chosen in MISHAPS:
            yield rehearsal.play(chosen)
        else:
            tell(Said.NOT_IN_MENU.say(language, answer))


def chosen(names: str) -> Sequence[str]:
    """The mishaps of `a,b,c`; `all` is every one. Raises WalkError naming what there is."""
    if names == "all":
        return tuple(MISHAPS)
    wanted = [name for name in names.split(",") if name]
    unknown = [name for name in wanted if name not in MISHAPS]
    if unknown:
        raise WalkError(f"no mishap {', '.join(unknown)}; there are {', '.join(MISHAPS)}, and all")
    return wanted
