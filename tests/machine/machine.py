"""The rules. Each is something that people do or that happens; after each the watchman looks, and in the end the day settles."""

from collections import Counter
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cityhall_wire.lifecycle import ENDS
from cityhall_wire.modes import DutyMode
from tests.machine.gates import AT_THE_PRINT, LIKELY, POINTS, Armed, Mishap
from tests.machine.hostile import Attacker
from tests.machine.line import Fate
from tests.machine.people import MAY_BE_ANSWERED, People
from tests.machine.settle import settle
from tests.machine.world import OLD_SOFTWARE, World
from tests.relay_city import CLERKS

BUS: Final = st.sampled_from((0, 0, 0, 1))
PICK: Final = st.integers(0, 3)
PAGES: Final = st.integers(1, 3)
SERVICE: Final = st.sampled_from(("resident-record", "resident-record", "claim-form", "two-approvers"))
MODE: Final = st.sampled_from(
    (DutyMode.CITY_HALL, DutyMode.CITY_HALL, DutyMode.CITY_HALL, DutyMode.DISASTER, DutyMode.ROUTE_BUS)
)
MISHAP: Final = st.sampled_from((*Mishap, Mishap.KILL_AGENT, Mishap.KILL_SPOOLER, Mishap.KILL_SENDER))
TO_THREE: Final = 18 * 3600 + 60.0
"""From 09:00 JST to after 03:00 of the next day, when the day's key goes."""

SPANS: Final = st.sampled_from(
    ((1.0, 2), (3.0, 3), (6.0, 3), (6.0, 6), (16.0, 2), (62.0, 2), (150.0, 3), (610.0, 1), (905.0, 1), (TO_THREE, 1))
)
"""Seconds and leaps: a poll, a sheet, a release, a printer's memory, its silence, approval and lease, an idle session, a night."""

Fault = tuple[str, Mishap] | None
FAULT: Final = st.none() | st.sampled_from(LIKELY) | st.tuples(st.sampled_from(AT_THE_PRINT), MISHAP)
"""Of one press: a third of them meet nothing."""

AFTER: Final = st.sampled_from((0.0, 0.0, 8.0, 70.0, 150.0))
"""Seconds that everybody waits after a press: for three sheets, for what a printer remembers, for what nobody waits longer."""

SELDOM: Final = st.sampled_from((False, False, False, True))
CLERK: Final = st.sampled_from(("opens a session", "sends a document", "approves", "cancels", "ends the session"))
ATTACKS: Final = (
    "replays",
    "replays a release request",
    "replays a statement",
    "keeps statements back",
    "presses print",
)
FATES: Final = st.lists(st.sampled_from(Fate), min_size=1, max_size=4)


class Machine(RuleBasedStateMachine):
    """Both sides over the table."""

    steps = 0
    seen: ClassVar[Counter[str]] = Counter()
    """Of all runs of this process."""

    world: World

    @initialize(other=st.sampled_from(("bus-2", "bus-4")))
    def begin(self, other: str) -> None:
        self.world = World(other)
        self.people, self.attacker = People(self.world), Attacker(self.world)
        self.buses = tuple(self.world.boxes)
        for bus in self.buses:
            self.people.mode(bus, DutyMode.CITY_HALL)
        self.world.wait(3)

    # --- people ---

    @rule(bus=BUS, service=SERVICE, pages=PAGES, fault=FAULT, after=AFTER, bad=SELDOM)
    def a_resident_gets_a_document(
        self, bus: int, service: str, pages: int, fault: Fault, after: float, bad: bool
    ) -> None:
        at = self.buses[bus]
        if not bad:
            self._mend(at)
            self.people.mode(at, DutyMode.CITY_HALL)
        self.people.serve(at, service, pages)
        self.world.wait(1)
        self.people.remember()
        self.world.look()
        if jobs := [job for here, job in self._here("on_bus") if here == at]:
            self._print(at, jobs[-1], fault, after)

    @rule(bus=BUS, service=SERVICE, pages=PAGES)
    def a_resident_comes(self, bus: int, service: str, pages: int) -> None:
        self.people.serve(self.buses[bus], service, pages)

    @rule(bus=BUS, service=SERVICE, pages=PAGES, clerk=st.sampled_from(CLERKS), what=CLERK, pick=PICK)
    def a_clerk(self, bus: int, service: str, pages: int, clerk: str, what: str, pick: int) -> None:
        match what:
            case "opens a session":
                self.people.open(self.buses[bus], clerk)
            case "sends a document":
                self.people.send(self.buses[bus], service, pages)
            case "approves" if self.alive:
                self.people.approve(self._one(self.alive, pick), clerk)
            case "cancels" if self.alive:
                self.people.cancel(self._one(self.alive, pick))
            case "ends the session":
                self.world.end_session(self.buses[bus])
        self.world.run()

    @precondition(lambda self: self._here("on_bus"))
    @rule(pick=PICK, fault=FAULT, after=AFTER)
    def a_concierge_presses_print(self, pick: int, fault: Fault, after: float) -> None:
        bus, job = self._one(self._here("on_bus"), pick)
        self._print(bus, job, fault, after)

    @precondition(lambda self: self._here(*MAY_BE_ANSWERED))
    @rule(pick=PICK, spoils=SELDOM)
    def a_concierge_says_what_came_out(self, pick: int, spoils: bool) -> None:
        bus, job = self._one(self._here(*MAY_BE_ANSWERED), pick)
        self.people.answer(bus, job, spoils)

    @rule(bus=BUS, mode=MODE)
    def the_duty_changes(self, bus: int, mode: DutyMode) -> None:
        self.people.mode(self.buses[bus], mode)

    # --- time ---

    @rule(span=SPANS)
    def time_passes(self, span: tuple[float, int]) -> None:
        self.world.wait(*span)

    @rule(span=SPANS)
    def more_time_passes(self, span: tuple[float, int]) -> None:
        self.world.wait(*span)

    # --- bad days ---

    @rule(bus=BUS, mishap=MISHAP)
    def a_mishap(self, bus: int, mishap: Mishap) -> None:
        self.world.happen(mishap, self.buses[bus])
        self.world.run()

    @rule(point=st.sampled_from(POINTS), mishap=MISHAP, left=st.integers(0, 2))
    def a_mishap_is_on_its_way(self, point: str, mishap: Mishap, left: int) -> None:
        self.world.gates.arm(Armed(point, mishap, "", left))

    @rule(bus=BUS, what=st.sampled_from(("goes down", "gets bad", "brings a hint")), fates=FATES)
    def the_line(self, bus: int, what: str, fates: list[Fate]) -> None:
        line = self.world.boxes[self.buses[bus]].line
        match what:
            case "goes down":
                line.up = False
            case "gets bad":
                line.fates.extend(fates)
                line.forged = self.attacker.answer(len(fates))
            case "brings a hint":
                self.world.hint(self.buses[bus])
        self.world.run()

    @precondition(lambda self: self._held)
    @rule(pick=PICK, times=st.integers(0, 2))
    def what_was_held_arrives(self, pick: int, times: int) -> None:
        line, held = self._one(self._held, pick)
        if times:
            line.deliver(held, twice=times == 2)
        else:
            line.drop(held)
        self.world.run()

    @rule(bus=BUS, what=st.sampled_from(("paper_out", "silent", "deaf_to_cancel", "refuses_documents")))
    def the_printer_turns_bad(self, bus: int, what: str) -> None:
        setattr(self.world.boxes[self.buses[bus]].printer, what, True)

    @rule(bus=BUS, wrong_by_s=st.sampled_from((0, 0, -3600, -30, 30, 86_400, -2_000_000_000)))
    def the_buss_wall_clock_is_set(self, bus: int, wrong_by_s: int) -> None:
        self.world.boxes[self.buses[bus]].clock.wrong_by_ms = wrong_by_s * 1000

    @rule(old=SELDOM, what=st.sampled_from(("all", "all", "programs", "printer", "line")))
    def things_get_well_again(self, old: bool, what: str) -> None:
        if what == "all":
            for bus in self.buses:
                self._mend(bus)
        if what == "programs":
            self.world.thaw()
            self.world.start_again(OLD_SOFTWARE if old else None)
        for bus, box in self.world.boxes.items():
            if what == "line":
                box.line.up = True
            if what == "printer":
                box.printer.silent = box.printer.deaf_to_cancel = box.printer.refuses_documents = False
                self.people.refill(bus)
        self.world.run()

    # --- attackers ---

    @rule(bus=BUS, what=st.sampled_from(ATTACKS), shown=BUS, pick=st.integers(0, 40), more=st.integers(0, 2))
    def an_attacker(self, bus: int, what: str, shown: int, pick: int, more: int) -> None:
        match what:
            case "replays":
                self.attacker.replay(self.buses[bus], self.buses[shown], pick)
            case "replays a release request":
                self.attacker.replay(self.buses[bus], self.buses[bus], pick, "/1/release")
            case "replays a statement":
                self.attacker.replay(self.buses[bus], self.buses[bus], pick, "/1/evidence")
            case "keeps statements back":
                self.world.boxes[self.buses[bus]].keeps_back = more
            case "presses print":
                self.attacker.press(self.buses[bus], pick, more)
        self.world.run()

    # --- what must hold ---

    @invariant()
    def everything_holds(self) -> None:
        self.people.remember()
        self.world.look()
        type(self).steps += 1

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            settle(self.world, self.people)
        finally:
            self.seen.update(self.world.watchman.seen)
            self.seen.update(self.world.gates.fired)
            self.world.close()

    # --- what there is to choose from ---

    def _print(self, bus: str, job: str, fault: Fault, after: float) -> None:
        if fault is not None:
            self.world.gates.arm(Armed(*fault, bus, 0))
        self.people.press(bus, job)
        if after:
            self.world.wait(after, 4)

    def _mend(self, bus: str) -> None:
        box = self.world.boxes[bus]
        self.world.thaw()
        self.world.start_again()
        box.line.up = True
        box.printer.silent = box.printer.deaf_to_cancel = box.printer.refuses_documents = False
        self.world.run()
        self.people.refill(bus)

    @property
    def alive(self) -> list[str]:
        return [job for job, state in self.world.watchman.at_city_hall.items() if state not in ENDS]

    @property
    def _held(self) -> list[Any]:
        return [(box.line, held) for box in self.world.boxes.values() for held in box.line.held]

    def _here(self, *states: str) -> list[tuple[str, str]]:
        on_bus = self.world.watchman.on_bus
        return [(bus, job) for bus in self.buses for job, state in on_bus.get(bus, {}).items() if state in states]

    @staticmethod
    def _one(those: list[Any], pick: int) -> Any:
        return those[pick % len(those)]
