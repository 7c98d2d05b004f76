"""The rules. Each is one thing that somebody does or that happens; after each the watchman looks, and at the end the day settles."""

from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cityhall_wire.lifecycle import ENDS
from cityhall_wire.modes import DutyMode
from tests.machine.gates import AT_THE_PRINT, POINTS, Armed, Mishap
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
MODE: Final = st.sampled_from((DutyMode.CITY_HALL, DutyMode.CITY_HALL, DutyMode.DISASTER, DutyMode.ROUTE_BUS))
MISHAP: Final = st.sampled_from(Mishap)
TO_THREE: Final = 18 * 3600 + 60.0
"""From 09:00 JST to after 03:00 of the next day, when the day's key goes."""

SPANS: Final = st.sampled_from(
    ((1.0, 2), (3.0, 3), (6.0, 6), (16.0, 2), (62.0, 3), (130.0, 2), (150.0, 5), (610.0, 2), (905.0, 2), (TO_THREE, 2))
)
"""Seconds and leaps: a poll, a sheet, a release, a printer's memory, its silence, approval and lease, an idle session, a night."""

FATES: Final = st.lists(st.sampled_from(Fate), min_size=1, max_size=4)


class Machine(RuleBasedStateMachine):
    """Both sides over the table."""

    steps = 0
    """Of all runs of this process."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.settled = False

    @initialize(other=st.sampled_from(("bus-2", "bus-4")))
    def begin(self, other: str) -> None:
        self.world = World(other)
        self.people, self.attacker = People(self.world), Attacker(self.world)
        self.buses = tuple(self.world.boxes)
        for bus in self.buses:
            self.people.mode(bus, DutyMode.CITY_HALL)
        self.world.wait(3)

    # --- city hall ---

    @rule(bus=BUS, service=SERVICE, pages=PAGES)
    def a_resident_comes(self, bus: int, service: str, pages: int) -> None:
        self.people.serve(self.buses[bus], service, pages)

    @rule(bus=BUS, clerk=st.sampled_from(CLERKS))
    def a_clerk_opens_a_session(self, bus: int, clerk: str) -> None:
        self.people.open(self.buses[bus], clerk)

    @rule(bus=BUS, service=SERVICE, pages=PAGES)
    def a_clerk_sends_a_document(self, bus: int, service: str, pages: int) -> None:
        self.people.send(self.buses[bus], service, pages)

    @precondition(lambda self: self.alive)
    @rule(pick=PICK, clerk=st.sampled_from(CLERKS))
    def a_clerk_approves(self, pick: int, clerk: str) -> None:
        self.people.approve(self._one(self.alive, pick), clerk)

    @precondition(lambda self: self.alive)
    @rule(pick=PICK)
    def a_clerk_cancels(self, pick: int) -> None:
        self.people.cancel(self._one(self.alive, pick))

    @rule(bus=BUS)
    def a_clerk_ends_the_session(self, bus: int) -> None:
        self.world.end_session(self.buses[bus])
        self.world.run()

    # --- on the bus ---

    @precondition(lambda self: self._here("on_bus"))
    @rule(pick=PICK)
    def a_concierge_presses_print(self, pick: int) -> None:
        self.people.press(*self._one(self._here("on_bus"), pick))

    @precondition(lambda self: self._here("on_bus"))
    @rule(pick=PICK, point=st.sampled_from(AT_THE_PRINT), mishap=MISHAP)
    def a_print_meets_a_mishap(self, pick: int, point: str, mishap: Mishap) -> None:
        bus, job = self._one(self._here("on_bus"), pick)
        self.world.gates.arm(Armed(point, mishap, bus, 0))
        self.people.press(bus, job)

    @precondition(lambda self: self._here(*MAY_BE_ANSWERED))
    @rule(pick=PICK, spoils=st.booleans())
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
    def time_passes_again(self, span: tuple[float, int]) -> None:
        self.world.wait(*span)

    # --- bad days ---

    @rule(bus=BUS, mishap=MISHAP)
    def a_mishap(self, bus: int, mishap: Mishap) -> None:
        self.world.happen(mishap, self.buses[bus])
        self.world.run()

    @rule(point=st.sampled_from(POINTS), mishap=MISHAP, left=st.integers(0, 2))
    def a_mishap_is_on_its_way(self, point: str, mishap: Mishap, left: int) -> None:
        self.world.gates.arm(Armed(point, mishap, "", left))

    @rule(old=st.sampled_from((False, False, False, True)))
    def what_is_dead_starts_again(self, old: bool) -> None:
        self.world.thaw()
        self.world.start_again(OLD_SOFTWARE if old else None)
        self.world.run()

    @rule(bus=BUS)
    def the_line_changes(self, bus: int) -> None:
        line = self.world.boxes[self.buses[bus]].line
        line.up = not line.up
        self.world.run()

    @rule(bus=BUS, fates=FATES)
    def the_line_gets_bad(self, bus: int, fates: list[Fate]) -> None:
        box = self.world.boxes[self.buses[bus]]
        box.line.fates.extend(fates)
        box.line.forged = self.attacker.answer(len(fates))

    @precondition(lambda self: self._held)
    @rule(pick=PICK, times=st.integers(0, 2))
    def what_was_held_arrives(self, pick: int, times: int) -> None:
        line, held = self._one(self._held, pick)
        if times:
            line.deliver(held, twice=times == 2)  # noqa: PLR2004
        else:
            line.drop(held)
        self.world.run()

    @rule(bus=BUS)
    def a_hint_comes(self, bus: int) -> None:
        self.world.hint(self.buses[bus])
        self.world.run()

    @rule(bus=BUS, what=st.sampled_from(("paper_out", "silent", "deaf_to_cancel", "refuses_documents")))
    def the_printer_turns_bad(self, bus: int, what: str) -> None:
        setattr(self.world.boxes[self.buses[bus]].printer, what, True)

    @rule(bus=BUS)
    def the_printer_is_well_again(self, bus: int) -> None:
        printer = self.world.boxes[self.buses[bus]].printer
        printer.silent = printer.deaf_to_cancel = printer.refuses_documents = False
        self.people.refill(self.buses[bus])
        self.world.run()

    @rule(bus=BUS, wrong_by_s=st.sampled_from((0, 0, -3600, -30, 30, 86_400, -2_000_000_000)))
    def the_buss_wall_clock_is_set(self, bus: int, wrong_by_s: int) -> None:
        self.world.boxes[self.buses[bus]].clock.wrong_by_ms = wrong_by_s * 1000

    # --- attackers ---

    @rule(bus=BUS, shown=BUS, pick=st.integers(0, 400))
    def an_attacker_replays(self, bus: int, shown: int, pick: int) -> None:
        self.attacker.replay(self.buses[bus], self.buses[shown], pick)
        self.world.run()

    @rule(bus=BUS)
    def a_hostile_agent_withholds_what_it_should_say(self, bus: int) -> None:
        self.attacker.withhold(self.buses[bus])

    @rule(bus=BUS, pick=PICK, more=st.integers(0, 2))
    def a_hostile_agent_presses(self, bus: int, pick: int, more: int) -> None:
        self.attacker.press(self.buses[bus], pick, more)
        self.world.run()

    # --- what must hold ---

    @invariant()
    def everything_holds(self) -> None:
        if not self.settled:
            self.people.remember()
            self.world.look()
            type(self).steps += 1

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            settle(self.world, self.people)
        finally:
            self.world.close()

    # --- what there is to choose from ---

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
