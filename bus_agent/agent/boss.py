"""`bus-agent run` on one screen: every machine of the agent, and who is wired to whom."""

import asyncio
import logging
import signal
from pathlib import Path

from bus_agent.agent import server
from bus_agent.agent.api import Api
from bus_agent.agent.bodies import Bodies
from bus_agent.agent.books import Books
from bus_agent.agent.books_desk import BooksDesk
from bus_agent.agent.carrier import Carrier
from bus_agent.agent.commands import Commands
from bus_agent.agent.duty import Duty, OnBoard
from bus_agent.agent.facts import Scribe
from bus_agent.agent.guard import Guard
from bus_agent.agent.hints import Hints
from bus_agent.agent.hours import DutyHours
from bus_agent.agent.link import Ends, Link
from bus_agent.agent.movement import journey
from bus_agent.agent.panic import Panic, PanicDesk
from bus_agent.agent.people import People
from bus_agent.agent.planning import Planner
from bus_agent.agent.printing import Printing
from bus_agent.agent.readiness import Readiness
from bus_agent.agent.release import ReleaseCourier
from bus_agent.agent.roster import Roster
from bus_agent.agent.snapshot import Camera
from bus_agent.agent.spooler_line import SpoolerLine
from bus_agent.agent.store import STORE, BusStore
from bus_agent.agent.syncer import Digests, Syncer
from bus_agent.agent.tour import Tour
from bus_agent.settings import AgentSettings, load_agent_settings, uid_of
from bus_agent.shown import Snapshot
from cityhall_base import keys, notify
from cityhall_base.boot import boot_id
from cityhall_base.city import load_signed_city
from cityhall_base.clock import SystemClock
from cityhall_base.errors import ConfigError
from cityhall_base.software import software_digest
from cityhall_base.store import trouble
from cityhall_base.tls import client_context

log = logging.getLogger(__name__)


def run(config: Path) -> int:
    """Until SIGTERM; raises SetupError where the machine is not set up for it."""
    asyncio.run(Boss(load_agent_settings(config)).run())
    return 0


class Boss:
    """Made inside a running event loop."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings, clock = settings, SystemClock()
        self._clock = clock
        relay_key = keys.load_public_key(settings.relay_public_key)
        file = load_signed_city(settings.city_file, relay_key)
        city, bus, limits = file.city, settings.bus, file.city.limits
        if bus not in city.vehicles:
            raise ConfigError(f"bus.toml: bus: city.toml has vehicles {', '.join(city.vehicles)}")
        link_key, print_key = keys.load_signing_key(settings.link_key), keys.load_public_key(settings.print_public_key)
        at = settings.relay
        context = client_context(at.ca, at.cert, at.key)

        self.store = store = BusStore(settings.state_dir / STORE, clock, f"{bus} of {city.city}")
        try:
            self.bodies = bodies = Bodies(settings.state_dir)
        except OSError as error:
            raise trouble(error, settings.state_dir) from None
        vehicle = city.vehicles[bus]
        on_board = OnBoard(city.printers[vehicle.printer].lies, city.papers)
        self.duty = duty = Duty(store, clock, vehicle.first_mode, limits.lease_s, on_board)
        self.link = link = Link(at.url, context, Ends(city.city, bus, relay_key), clock)
        scribe = Scribe(city.city, bus, link_key, store, clock)
        planner = Planner(store, bodies, scribe)
        digests = Digests(software_digest(), file.digest)
        self.syncer = syncer = Syncer(store, link, scribe, planner, duty, digests, limits, clock)
        self.carrier = Carrier(store, bodies, link, syncer)
        self.line = line = SpoolerLine(settings.spooler_socket, uid_of(settings.spooler_uid))
        courier = ReleaseCourier(store, link, syncer, limits, clock)
        self.printing = Printing(store, bodies, duty, syncer, line, courier, print_key)
        self.guard = Guard(store, duty, line, scribe, syncer, limits, clock)
        self.readiness = Readiness(store, duty, line, syncer.planned)
        self.books = books = Books(store, duty, scribe, city, clock, syncer.tell)
        books.join(planner, syncer)
        hours = DutyHours(store, city.timetable, limits, clock)
        self.roster = Roster(store, duty, scribe, syncer, hours, clock, journey(settings.movement))
        self.panic = Panic(store, bodies, duty, self.roster, scribe, syncer)
        self.commands = Commands(store, duty, scribe, syncer, books, self.roster)
        broker = settings.broker
        self.hints = Hints(broker, city.city, bus, store.boot, syncer.wake) if broker else None
        self._camera = Camera(bus, city.city, store, duty, syncer, books, self.roster)
        self.people = People(city, store, scribe, syncer, duty, boot_id(), clock, books)
        self.people.wire(self.commands, self._camera)
        self.tour = Tour(file, store, scribe, syncer, duty, self.roster, books, clock, settings.power)
        self.tour.wire(self.commands, planner, self._camera)
        # Every commit is shown, and looked at by whoever waits for a change.
        store.on_commit(syncer.planned.beat)

        self._machines = (
            *(syncer, self.carrier, line, self.guard, self.panic, self.readiness, self.roster),
            *(self.people.signing_in, self.tour),
        )

    async def run(self) -> None:
        """Everything, until SIGTERM or SIGINT."""
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        # Before anybody is served: a duty that ended while this was off is over.
        self.roster.look()
        self.bodies.keep_only({job.job for job in self.store.jobs() if job.body_kept})
        desks = (BooksDesk(self.books), self.people, PanicDesk(self.panic), self.tour)
        api = Api(self._snapshot, self.syncer.planned, self.printing, self.commands, self.store.verify_journal, desks)
        web = server.make(api.app(), self._settings)
        try:
            async with asyncio.TaskGroup() as tasks:
                served = tasks.create_task(web.run_until_stopped())
                work = [tasks.create_task(machine.run()) for machine in self._machines]
                work.append(tasks.create_task(notify.stay_alive()))
                if self.hints:
                    self.hints.start()
                notify.ready()
                log.info("agent of %s, boot %d", self._settings.bus, self.store.boot)
                await stop.wait()
                notify.notify(notify.STOPPING)
                web.stop()
                await served
                for task in work:
                    task.cancel()
        finally:
            await self._close()

    async def _close(self) -> None:
        if self.hints:
            await self.hints.stop()
        await self.link.close()
        self.store.close()

    def _snapshot(self) -> Snapshot:
        received = self.link.received + (self.hints.received if self.hints else 0)
        return self._camera.take(self._clock.utc_ms(), received)
