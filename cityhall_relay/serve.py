"""`cityhall-relay serve`: one process, one event loop, two listeners, until SIGTERM."""

import asyncio
import logging
import resource
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, NamedTuple

from cityhall_base import log, tls
from cityhall_base.clock import Clock, SystemClock
from cityhall_base.mqtt import Mqtt
from cityhall_base.notify import STOPPING, WATCHDOG, notify, ready, watchdog_interval_s
from cityhall_base.store import TROUBLE, trouble
from cityhall_base.web.listener import Listener
from cityhall_relay import boss
from cityhall_relay.hints import Hints
from cityhall_relay.intake.check import check
from cityhall_relay.intake.turns import Turns
from cityhall_relay.settings import RelaySettings, load_relay
from cityhall_relay.web.listener import BUSES, CLERKS, bind

TICK_S: Final = 1.0
"""Rhythm of the housekeeping, whose shortest time is 5 s, and of the watchdog's sign of life."""

logger = logging.getLogger(__name__)


class Running(NamedTuple):
    """A relay that answers."""

    relay: boss.Relay
    bus_port: int
    clerk_port: int


def run(config: Path) -> int:
    """Serve until SIGTERM or SIGINT; returns 0. Raises SetupError or ListenError."""
    log.setup()
    # A core dump would put documents and content keys on a disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asyncio.run(_until_signal(load_relay(config)))
    return 0


async def _until_signal(settings: RelaySettings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serving(settings, SystemClock()) as running:
        logger.info("buses on port %d, clerks on port %d", running.bus_port, running.clerk_port)
        ready()
        await stopped.wait()
        notify(STOPPING)
        logger.info("stopping")


@asynccontextmanager
async def serving(settings: RelaySettings, clock: Clock) -> AsyncIterator[Running]:
    """A whole relay on its sockets. Raises SetupError or ListenError."""
    async with AsyncExitStack() as stack:
        relay = boss.build(settings, clock, Turns().taken_by(check))
        stack.callback(relay.close)
        _start(relay, settings.state_dir)
        hints = _hints(settings, relay)
        if hints is not None:
            stack.push_async_callback(hints.stop)
        listeners = _listeners(settings, relay, hints)
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(_tick(relay))
            for listener in listeners:
                tasks.create_task(listener.run_until_stopped())
                await listener.up.wait()
            try:
                yield Running(relay, listeners[0].port, listeners[1].port)
            finally:
                relay.changes.stop()
                ticking.cancel()
                for listener in listeners:
                    listener.stop()


def _listeners(settings: RelaySettings, relay: boss.Relay, hints: Hints | None) -> tuple[Listener, Listener]:
    bus, clerk = settings.bus_listener, settings.clerk_listener
    bus_tls = tls.server_context(bus.cert, bus.key, bus.ca)
    clerk_tls = tls.server_context(clerk.cert, clerk.key, None)
    clerk_app = relay.clerk_app(hints.online if hints else lambda _bus: None)
    return (
        Listener(relay.bus_app, bind(bus.host, bus.port), bus_tls, BUSES),
        Listener(clerk_app, bind(clerk.host, clerk.port), clerk_tls, CLERKS),
    )


def _hints(settings: RelaySettings, relay: boss.Relay) -> Hints | None:
    broker = settings.broker
    if broker is None:
        return None
    city = relay.city.city.city
    context = tls.client_context(broker.ca, broker.cert, broker.key)
    hints = Hints(Mqtt(f"cityhall-relay-{city}", context), city, settings.buses, relay.revocation.revoked)
    relay.attach(hints.gate)
    relay.changes.hint = hints.hint
    hints.start(broker.host, broker.port)
    return hints


def _start(relay: boss.Relay, folder: Path) -> None:
    try:
        relay.housekeeping.start()
    except TROUBLE as error:
        raise trouble(error, folder) from error


async def _tick(relay: boss.Relay) -> None:
    # The sign of life comes from the loop that serves, and is tied to no line.
    watched, said = watchdog_interval_s() is not None, ""
    while True:
        try:
            relay.housekeeping.tick()
            relay.revocation.go_on()
            said = ""
        except TROUBLE as error:
            # A full disk is no reason to end: what is due is done when there is room again. Loud once, then quiet.
            sentence = str(trouble(error))
            if sentence != said:
                logger.error(sentence)  # noqa: TRY400 - the sentence is enough
            said = sentence
        if watched:
            notify(WATCHDOG)
        await asyncio.sleep(TICK_S)
