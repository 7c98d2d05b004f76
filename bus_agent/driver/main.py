"""`bus-agent driver`: waits for a document to convert, and starts a process for each. It sees no byte of any of them."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

import bus_agent
from bus_agent.driver.cell import Orders
from bus_agent.driver.cupsd import CUPSD
from bus_agent.driver.stream import OUTPUT_BYTES
from bus_agent.driver.swap import may_swap
from bus_agent.errors import WrongPeerError
from bus_agent.harden import harden
from bus_agent.ipc import address
from bus_agent.ipc.channel import check_peer
from bus_agent.settings import DriverSettings, load_driver_settings, uid_of
from cityhall_base import notify
from cityhall_base.errors import SetupError

_TOP: Final = str(Path(str(bus_agent.__file__)).parent.parent)
_REHEARSAL_S: Final = 30

_START: Final = """
import sys
sys.path.append(sys.argv.pop())
from bus_agent import lean
lean.leave_out()
from bus_agent.driver import cell
name, driver, orders, *rest = sys.argv[1:]
getattr(cell, name)(int(driver), orders, *map(int, rest))
"""

log = logging.getLogger(__name__)


class NoRoomError(SetupError):
    """A printer's driver cannot be locked in here, so none will run:"""

    key = "setup.no_room"


def run(config: Path) -> int:
    """Until SIGTERM; raises SetupError where a driver could not be locked in, or would find a disk to write to."""
    settings = load_driver_settings(config)
    orders = Orders(str(settings.ppd_dir), tuple(map(str, settings.programs)), settings.deadline_s)
    _check_machine(orders)
    harden(file_bytes=OUTPUT_BYTES)
    asyncio.run(_serve(settings, orders))
    return 0


def _check_machine(orders: Orders) -> None:
    if os.geteuid() == 0:
        raise NoRoomError("start it as a user of its own; root's limits do not hold")
    if not Path(CUPSD).exists():
        raise NoRoomError("install the package cups-core-drivers")
    if may_swap():
        raise NoRoomError(
            "this machine swaps to disk; start it with MemorySwapMax=0, as its unit does, or switch swap off"
        )
    argv = _argv("rehearse", orders)
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, timeout=_REHEARSAL_S, env={"LANG": "C.UTF-8"}
    )
    if done.returncode:
        raise NoRoomError(
            f"{done.stderr.strip().removeprefix('<4>driver: ')}; allow this user to make user namespaces "
            "(sysctl user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns); Landlock needs Linux 5.13"
        )


def _argv(name: str, orders: Orders, *more: int) -> list[str]:
    words = (name, str(os.getpid()), msgspec.json.encode(orders).decode(), *map(str, more), _TOP)
    return [sys.executable, "-I", "-B", "-c", _START, *words]


async def _serve(settings: DriverSettings, orders: Orders) -> None:
    listener = address.listen(settings.socket, socket.SOCK_STREAM, settings.socket_mode, settings.socket_group)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with listener:
        async with asyncio.TaskGroup() as tasks:
            work = [
                tasks.create_task(_accept(listener, uid_of(settings.spooler_uid), orders)),
                tasks.create_task(notify.stay_alive()),
            ]
            notify.ready()
            log.info("driver, PPDs in %s", settings.ppd_dir)
            await stop.wait()
            notify.notify(notify.STOPPING)
            for task in work:
                task.cancel()


async def _accept(listener: socket.socket, spooler_uid: int, orders: Orders) -> None:
    """One document after the other: the bus has one printer, and a second caller waits in the backlog."""
    while True:
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        with connection:
            try:
                check_peer(connection, spooler_uid)
            except WrongPeerError as error:
                log.warning("refused: %s", error)
                continue
            connection.setblocking(True)
            argv, fd = _argv("main", orders, connection.fileno()), connection.fileno()
            process = await asyncio.create_subprocess_exec(
                *argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[fd], env={"LANG": "C.UTF-8"}
            )
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
