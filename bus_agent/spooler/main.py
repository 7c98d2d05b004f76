"""`bus-agent spooler`: always running, no state of its own. It listens for the agent and asks the printer how it is."""

import asyncio
import logging
import secrets
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from bus_agent.driver.client import Driver
from bus_agent.harden import harden
from bus_agent.ipc import address
from bus_agent.settings import SpoolerSettings, load_spooler_settings, uid_of
from bus_agent.spooler.case import Tools
from bus_agent.spooler.desk import Desk
from bus_agent.spooler.evidence import Identity, Signer
from bus_agent.spooler.front import Front
from bus_agent.spooler.printer import path_at
from bus_agent.spooler.standby import Standby
from cityhall_base import keys, notify
from cityhall_base.city import City, CityFile, load_signed_city
from cityhall_base.clock import SystemClock
from cityhall_base.errors import ConfigError
from cityhall_base.printers import Memory, Proof
from cityhall_base.printers import Printer as PrinterProfile
from cityhall_base.software import software_digest

_PRINTER_THREADS: Final = 2
"""One asks for the job, one for the printer; each thread more costs memory that the spooler must not need."""

log = logging.getLogger(__name__)


def run(config: Path) -> int:
    """Until SIGTERM; raises SetupError where the machine is not set up for it."""
    settings = load_spooler_settings(config)
    relay_key = keys.load_public_key(settings.relay_public_key)
    file = load_signed_city(settings.city_file, relay_key)
    profile, identity = _profile(file.city, settings.bus), _identity(file, settings.bus)
    # Before the first secret is in memory.
    harden()
    clock, front = SystemClock(), Front(uid_of(settings.agent_uid))
    signer = Signer(keys.load_signing_key(settings.print_key), identity, clock)
    printer, standby = (
        path_at(profile.address, counts_all=profile.proof is Proof.COUNTER),
        Standby(profile.address, front.look),
    )
    driver = _driver(settings, profile)
    tools = Tools(file.city, profile, printer, relay_key, signer, clock, standby, front.say, driver)
    asyncio.run(_serve(settings, front, Desk(tools), tools))
    return 0


def _identity(file: CityFile, bus: str) -> Identity:
    return Identity(file.city.city, bus, secrets.token_hex(16), software_digest(), file.digest)


def _profile(city: City, bus: str) -> PrinterProfile:
    if bus not in city.vehicles:
        raise ConfigError(f"spooler.toml: bus: city.toml has vehicles {', '.join(city.vehicles)}")
    return city.printers[city.vehicles[bus].printer]


def _driver(settings: SpoolerSettings, profile: PrinterProfile) -> Driver | None:
    if profile.driver is None:
        return None
    return Driver(settings.driver_socket, uid_of(settings.driver_uid), profile.driver.ppd)


async def _serve(settings: SpoolerSettings, front: Front, desk: Desk, tools: Tools) -> None:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_PRINTER_THREADS))
    listener = address.listen(settings.socket, socket.SOCK_SEQPACKET, settings.socket_mode, settings.socket_group)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with listener:
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(front.serve(listener, desk)),
                tasks.create_task(front.report(tools, desk)),
                tasks.create_task(notify.stay_alive()),
            ]
            notify.ready()
            log.info("spooler of %s, printer %s", settings.bus, tools.profile.uri)
            if tools.profile.memory is not Memory.LOST:
                log.warning("the printer's jobs after power-off: %s", tools.profile.memory)
            await stop.wait()
            notify.notify(notify.STOPPING)
            await _end(desk)
            for task in work:
                task.cancel()


async def _end(desk: Desk) -> None:
    # Statements are still said while the printer confirms, so the agent stays connected until the end.
    desk.stop()
    await asyncio.gather(*(case.task for case in desk.live if case.task is not None))
