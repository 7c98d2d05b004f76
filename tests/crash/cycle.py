"""One cycle: a new document from the clerk's hand to its end, with one mishap on the way, and the verdict."""

import io
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Final

import httpx
import msgspec
import pikepdf

from cityhall_relay.client.errors import ClientError
from provisioning.errors import PartError
from tests.crash.house import CrashHouse
from tests.crash.mishaps import Mishap, strike
from tests.crash.people import Errand, People
from tests.crash.points import KILLED, REQUESTED, Target, Trap, killed
from tests.crash.scenarios import SCENARIOS, Cue
from tests.crash.under import ABOUT, about
from tests.crash.verdict import Doubt, End, judge, outcome, unjustified

DEADLINE_S: Final = 60.0
_LOOK_S: Final = 0.05
_CLOSE_S: Final = 2.0
"""City hall answers a clerk in milliseconds; where it is down, who is held waits no longer than this."""

_SESSION_ENDED: Final = "relay/journal/session_ended/after"
_WITNESSES: Final = frozenset(
    f"{point}/before"
    for point in (
        "relay/journal/step-seal",
        "relay/journal/destroyed",
        "agent/link/sync",
    )
)
"""Moments without which no document came to its end: one that is missing is a border of the product that no hook sees any more."""

_RELEASED: Final = "relay/journal/step-release/after"


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """What happens, and when."""

    target: Target
    mishap: Mishap

    def __str__(self) -> str:
        return f"{self.mishap} at {self.target.name} ({self.target.nth})"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a cycle is about; enough to repeat it. Without a mishap it is a dry one.

    `first` is another mishap that leads to the point: some are reached only after one.
    """

    number: int
    seed: int
    scenario: str
    first: Strike | None = None
    strike: Strike | None = None

    def __str__(self) -> str:
        strikes = "; then ".join(str(one) for one in (self.first, self.strike) if one)
        return f"cycle {self.number} of seed {self.seed}: {self.scenario}, {strikes or 'nothing'}"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    plan: Plan
    hit: bool  # the point was reached, and the mishap happened
    between: bool  # it happened between the first intent and the hand-over
    outcome: str
    state: str  # at city hall
    faults: dict[str, str]
    seconds: float
    reached: dict[str, tuple[int, int]] = {}  # point → how often, and how often between intent and hand-over

    @property
    def power(self) -> bool:
        """Whether its mishap was a power cut."""
        return self.plan.strike is not None and self.plan.strike.mishap.kind == "power"


def document(plan: Plan, place: int = 0) -> bytes:
    """A PDF of one or two pages that no other cycle has, 60 to 110 kB."""
    dice = Random(f"{plan.seed}/{plan.number}/document/{place}/{time.time_ns()}")
    pdf, out = pikepdf.new(), io.BytesIO()
    for _ in range(dice.choice((1, 1, 2))):
        pdf.add_blank_page(page_size=(595, 842))
    pdf.Root.Filler = pdf.make_stream(dice.randbytes(dice.randrange(60_000, 110_000)))
    pdf.save(out)
    return out.getvalue()


class Cycle:
    """Made for one plan in a house that runs and has met."""

    def __init__(self, house: CrashHouse, plan: Plan) -> None:
        self._house, self._plan, self._points = house, plan, house.points
        self._scenario = SCENARIOS[plan.scenario]
        self._doubts: list[str] = []
        self._trap: Trap | None = None

    def run(self) -> Record:
        """To its end or its deadline."""
        began = time.monotonic()
        self._points.reset()
        scenario = self._scenario
        documents = [document(self._plan, place) for place in range(scenario.documents)]
        self.people = people = People(self._house, documents, scenario.habits)
        people.on_doubt = self._note_doubt
        for name, cue in scenario.cues.items():
            self._points.cues[name] = lambda cue=cue: _quietly(cue, self._house, people)  # type: ignore[misc]
        self._arm(self._plan.first or self._plan.strike)
        try:
            settled = self._live(began + DEADLINE_S)
        finally:
            self._points.disarm()
        record = self._record(settled, time.monotonic() - began)
        people.close()
        return record

    def _live(self, until: float) -> bool:
        while time.monotonic() < until:
            self.people.look()
            if self.people.over and self._calm():
                return True
            time.sleep(_LOOK_S)
        return False

    def _arm(self, what: Strike | None) -> None:
        if what is None:
            return

        def reached(trap: Trap) -> None:
            if what is self._plan.first:
                self._arm(self._plan.strike)
            if what.mishap.kind == "close":
                self._close_session(what.mishap, trap)
            else:
                self._house.act(strike, self._house, what.mishap, trap)

        self._trap = self._points.arm(what.target, reached)

    def _close_session(self, mishap: Mishap, trap: Trap) -> None:
        on_bus = mishap.side == "bus"
        closing = threading.Thread(target=_quietly, args=(_ends[on_bus], self._house, self.people))
        closing.start()
        if trap.moment and trap.moment.role != (
            "agent" if on_bus else "relay"
        ):  # who could not answer while it is held
            closing.join(_CLOSE_S)
        trap.let_go()

    def _calm(self) -> bool:
        if self._house.busy:
            return False
        with suppress(PartError):
            return not self._house.down() and self._house.met()
        return False

    # --- what the harness knows ---

    def _note_doubt(self, errand: Errand) -> None:
        if why := unjustified(self._known(errand)):
            self._doubts.append(why)

    def _moments(self, errand: Errand) -> Iterator[tuple[str, ...]]:
        """Those about this document; those of the printer while it was this one's turn; and whatever was killed."""
        mine, turn = set(about(errand.job)), set[str]()
        for names in list(self._points.order):
            said = {name for name in names if name.startswith(ABOUT)}
            if REQUESTED in names:
                turn = said
            if mine & (said or turn or mine) or names[0].startswith(KILLED):
                yield names

    def _known(self, errand: Errand) -> Doubt:
        jobs = self.people.printer_jobs()
        attempt = set[str]()  # everything since the last release request was signed
        requested = False
        for names in self._moments(errand):
            if REQUESTED in names:
                attempt, requested = set(), True
            attempt.update(names)
        spooler_restarted = killed("spooler") in attempt
        ends = {f"spooler/ipc/statement-{end}/say" for end in ("completed", "no_sheet", "canceled_at_printer")}
        said_sent = "spooler/ipc/statement-sent/say" in attempt
        return Doubt(
            jobs=None if jobs is None else tuple(jobs),
            name=f"{errand.job}-{errand.board['attempt']}",
            impressions=errand.board["impressions"],
            printer_restarted=killed("printer") in attempt,
            spooler_restarted=spooler_restarted,
            requested=requested,
            create_asked="opener/printer/create-job/before" in attempt,
            create_known="agent/journal/intent_send-document/after" in attempt,
            sending="opener/ipc/sending/say" in attempt,
            sent_known="agent/journal/evidence-sent/after" in attempt or (said_sent and not spooler_restarted),
            ended_by_spooler=bool(ends & attempt) and not spooler_restarted,
        )

    def _end(self, errand: Errand, settled: bool) -> End:
        view, mine = errand.view, set().union(*self._moments(errand))
        state, times = str(view.get("state", "")), view.get("times", {})
        return End(
            sha256=errand.sha256,
            papers=self.people.papers_of(errand),
            acknowledged=bool(errand.job),
            # What nobody got round to allowing has stood still for too long, unless that is what the cycle is about.
            settled=settled and (state != "expired" or self._scenario.habits.on_bus == "nothing"),
            state=state,
            machine_printed="printed" in times or "agent/journal/step-completed/after" in mine,
            asked=errand.asked,
            ended_ms=times.get(state, 0) if view.get("ended") else 0,
            released_late=self._released_late(errand),
        )

    def _released_late(self, errand: Errand) -> bool:
        order = list(self._points.order)
        ended = {_SESSION_ENDED, *about(self.people.session)}
        after = next((n for n, names in enumerate(order) if ended <= set(names)), len(order))
        return any({_RELEASED, *about(errand.job)} <= set(names) for names in order[after:])

    def _record(self, settled: bool, seconds: float) -> Record:
        points, plan = self._points, self._plan
        if settled and self.people.errands[0].job and (missed := _WITNESSES - points.seen.keys()):
            raise SystemExit(f"The points must follow the product: it came by {', '.join(sorted(missed))} unseen.")
        ends = [self._end(errand, settled) for errand in self.people.errands if errand.job or not errand.waiting]
        faults = {name: what for end in ends for name, what in judge(end).items()}
        moment = self._trap.moment if self._trap and plan.strike and self._trap.target is plan.strike.target else None
        if self._doubts:
            faults["uncertain_unjustified"] = self._doubts[0]
        return Record(
            plan=plan,
            hit=moment is not None,
            between=moment is not None and moment.between,
            outcome=outcome(ends),
            state=", ".join(end.state for end in ends),
            faults=faults,
            seconds=round(seconds, 2),
            reached={name: (count, points.seen_between[name]) for name, count in points.seen.items() if "/" in name},
        )


_ends: Final[dict[bool, Cue]] = {
    True: lambda _house, people: people.leave(on_bus=True),
    False: lambda _house, people: people.leave(),
}


def _quietly(cue: Cue, house: CrashHouse, people: People) -> None:
    # The mishap may have taken away whom a cue wants to talk to: then this cycle is one without it.
    with suppress(ClientError, httpx.HTTPError):
        cue(house, people)
