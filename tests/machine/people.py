"""Clerks and concierges: they tell the truth, do what the screen says, and press at any moment."""

import contextlib
from dataclasses import dataclass, field
from typing import Final

from bus_agent.agent.advice import Do, advise
from bus_agent.errors import BusError
from bus_agent.shown import Advice
from cityhall_base.store import TROUBLE
from cityhall_relay.errors import RelayError
from cityhall_relay.intake.errors import IntakeError
from cityhall_relay.submission import Submission
from cityhall_wire.modes import DutyMode
from tests.machine.truth import Sent, document
from tests.machine.world import World
from tests.relay_city import CLERKS

MAY_BE_ANSWERED: Final = frozenset({"printed", "uncertain"})


@dataclass
class People:
    """Everybody. `lost` are submissions whose answer never came."""

    world: World
    documents: int = 0
    lost: dict[str, Sent] = field(default_factory=dict)

    # --- at city hall ---

    def open(self, bus: str, clerk: str) -> None:
        """A counter session."""
        if not self.world.relay.process.dead:
            with contextlib.suppress(RelayError, *TROUBLE):
                self.world.relay.parts.sessions.open(clerk, bus, "citizen", "hall", 3)
        self.world.run()

    def send(self, bus: str, service: str, pages: int) -> str | None:
        """A document into the session of this bus, where there is one; the job."""
        session = self.world.live_session(bus)
        if session is None:
            return None
        self.documents += 1
        sent = Sent(bus, session.session, session.clerk, service, document(self.documents, pages))
        return self.submit(f"{self.documents:032x}", sent)

    def submit(self, number: str, sent: Sent) -> str | None:
        """Once, or again under the same number."""
        world, taken = self.world, []
        ask = Submission(clerk=sent.clerk, session=sent.session, service=sent.service, number=number, copies=1)

        async def read() -> bytes:
            return sent.document

        async def take() -> None:
            with contextlib.suppress(RelayError, IntakeError, *TROUBLE):
                taken.append(await world.relay.parts.submissions.take(ask, read))

        self.lost[number] = sent
        if not world.relay.process.dead:
            world.relay.process.spawn(take())
        world.run()
        if not taken:
            self.remember()
            return None
        del self.lost[number]
        self.world.truth.sent.setdefault(taken[0].job.job, sent)
        return taken[0].job.job

    def remember(self) -> None:
        """Which job each document became: city hall is asked, as a clerk's screen asks it."""
        if self.lost and not self.world.relay.process.dead:
            for number, sent in self.lost.items():
                if job := self.world.relay.parts.store.job_of_submission(number):
                    self.world.truth.sent.setdefault(job.job, sent)
            # A clerk whose document was not taken sends it as a new one.
            self.lost.clear()

    def approve(self, job: str, clerk: str) -> None:
        """印刷を許可."""
        self._at_the_desk("approve", clerk, job)

    def cancel(self, job: str) -> None:
        """取消."""
        self._at_the_desk("cancel", self.world.truth.sent[job].clerk, job)

    def serve(self, bus: str, service: str, pages: int) -> None:
        """A resident: session, document, approval."""
        if self.world.live_session(bus) is None:
            self.open(bus, next((clerk for clerk in CLERKS if clerk not in self._busy()), CLERKS[0]))
        if job := self.send(bus, service, pages):
            for clerk in sorted(CLERKS, key=lambda one: one != self.world.truth.sent[job].clerk):
                self.approve(job, clerk)

    # --- on the bus ---

    def press(self, bus: str, job: str) -> None:
        """印刷."""
        agent = self.world.agents[bus]
        if agent.process.dead:
            return

        async def pressed() -> None:
            with contextlib.suppress(BusError, *TROUBLE):
                await agent.printing.print(job)

        agent.process.spawn(pressed())
        self.world.run()

    def mode(self, bus: str, mode: DutyMode) -> None:
        """業務モード."""
        agent = self.world.agents[bus]
        if not agent.process.dead:
            with contextlib.suppress(BusError, *TROUBLE):
                agent.commands.set_mode(mode)
        self.world.run()

    def answer(self, bus: str, job: str, spoils: bool) -> None:
        """She waits while the printer works, does what the screen says, looks at the tray, and says what lies there."""
        agent, truth, printer = self.world.agents[bus], self.world.truth, self.world.boxes[bus].printer
        if agent.process.dead or any(one.sheet_since is not None for one in printer.jobs.values()):
            return
        state = self.world.watchman.on_bus.get(bus, {}).get(job)
        if state not in MAY_BE_ANSWERED:
            return
        if self.advice(bus).key in (str(Do.SWITCH_OFF), str(Do.LEAVE_PRINTER)):
            self.switch_off(bus)
        with contextlib.suppress(BusError, *TROUBLE):
            if truth.whole.get(job) and not spoils:
                agent.commands.hand_over(job)
            elif truth.begun.get(job):
                agent.commands.spoiled(job, "torn", self._on_sheet(bus) if spoils else ("?",))
            elif state == "uncertain":
                agent.commands.nothing_came_out(job)
        self.world.run()

    def _on_sheet(self, bus: str) -> tuple[str, ...]:
        """The number on the sheet that she holds: the next of the drawer."""
        return (str(self.world.agents[bus].books.book.paper("controlled").next(1)[0]),)

    def switch_off(self, bus: str) -> None:
        """The printer, and on again."""
        self.world.boxes[bus].printer.cut()

    def refill(self, bus: str) -> None:
        """Paper, unless the screen is dark or says that the printer is to be left alone."""
        if self.world.agents[bus].process.dead or self.advice(bus).key in (str(Do.SWITCH_OFF), str(Do.LEAVE_PRINTER)):
            return
        self.world.boxes[bus].printer.paper_out = False

    def advice(self, bus: str) -> Advice:
        """What the screen says."""
        agent = self.world.agents[bus]
        return advise(agent.store.jobs(), agent.duty, agent.syncer.state)

    def _at_the_desk(self, what: str, clerk: str, job: str) -> None:
        if not self.world.relay.process.dead:
            with contextlib.suppress(RelayError, *TROUBLE):
                getattr(self.world.relay.parts.clerk_desk, what)(clerk, job)
        self.world.run()

    def _busy(self) -> set[str]:
        if self.world.relay.process.dead:
            return set()
        return {one.clerk for one in self.world.relay.parts.store.live_sessions()}
