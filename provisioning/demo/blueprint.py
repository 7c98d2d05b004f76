"""How each part of the house is started, as whom, and how it is seen to be ready."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import provisioning
from provisioning.demo.console import add_accounts
from provisioning.demo.people import Person
from provisioning.demo.printer import PrinterFolder
from provisioning.demo.probe import accepts, listens, snapshot
from provisioning.demo.process import Command, Part
from provisioning.demo.users import Users
from provisioning.files import Owner, folder
from provisioning.small_city import SmallCity

PARTS: Final = ("message-bus", "printer", "broker", "relay", "spooler", "agent")
"""In the order of their start."""

DRIVER: Final = "driver"
"""Beside PARTS, where the printer needs one; started before the spooler."""


class Ports(NamedTuple):
    """TCP ports on loopback."""

    bus: int
    clerk: int
    broker: int
    printer: int


class _Plan(NamedTuple):
    owner: Owner
    argv: tuple[str, ...]
    ready: Callable[[], bool]
    groups: tuple[int, ...] = ()


class Blueprint(NamedTuple):
    """Everything that is settled before the first part starts."""

    dir: Path
    users: Users
    ports: Ports
    printer: PrinterFolder
    city: SmallCity

    def part(self, name: str) -> Part:
        """One of PARTS or DRIVER, not started."""
        plan = {**self._printer(), **self._city_hall(), **self._bus()}[name]
        env, log = self._env(name, plan.owner), self.dir / "log" / f"{name}.log"
        command = Command(name, plan.argv, plan.owner, env, log, plan.groups, one_machine=name == "printer")
        return Part(command, plan.ready)

    def clerk(self) -> Person:
        """Whoever runs `cityhall-relay` at a counter."""
        owner = self.users.city.clerk
        return Person("cityhall_relay", owner, self._env("clerk", owner), {"CITYHALL_CLERK": str(self.city.clerk_toml)})

    def accounts(self, staff: Mapping[str, tuple[str, ...]], answers: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
        """Make the console's accounts; the first-time code of each. Raises RefusedError."""
        relay = self.users.city.relay
        return add_accounts(staff, answers, self.city.city.relay_toml, relay, self._env("account", relay))

    def concierge(self) -> Person:
        """Whoever runs `bus-agent` on board."""
        owner = self.users.city.concierge
        settings = {"BUS_AGENT_SOCKET": str(self.city.bus.api_socket)}
        return Person("bus_agent", owner, self._env("concierge", owner), settings)

    def _printer(self) -> dict[str, _Plan]:
        owner, printer, port = self.users.printer, self.printer, self.ports.printer
        return {
            "message-bus": _Plan(owner, printer.message_bus_argv(), lambda: listens(printer.message_bus)),
            "printer": _Plan(owner, printer.printer_argv(port), lambda: accepts(port)),
        }

    def _city_hall(self) -> dict[str, _Plan]:
        users, city, ports = self.users.city, self.city.city, self.ports
        broker = ("mosquitto", "-c", str(city.broker / "mosquitto.conf"))
        relay = _ours("cityhall_relay", "serve", city.relay_toml)
        return {
            "broker": _Plan(users.broker, broker, lambda: accepts(ports.broker)),
            "relay": _Plan(users.relay, relay, lambda: accepts(ports.bus) and accepts(ports.clerk)),
        }

    def _bus(self) -> dict[str, _Plan]:
        users, bus = self.users.city, self.city.bus
        spooler, agent = _ours("bus_agent", "spooler", bus.spooler_toml), _ours("bus_agent", "run", bus.bus_toml)
        driver = _ours("bus_agent", "driver", bus.driver_toml)
        return {
            DRIVER: _Plan(users.driver, driver, lambda: listens(bus.driver_socket)),
            "spooler": _Plan(users.spooler, spooler, lambda: listens(bus.spooler_socket)),
            "agent": _Plan(users.agent, agent, lambda: snapshot(bus.api_socket) is not None, (users.on_board,)),
        }

    def _env(self, name: str, owner: Owner) -> dict[str, str]:
        own = str(folder(self.dir / "tmp" / name, owner))
        env = environment() | {"HOME": own, "TMPDIR": own}
        if name == "printer":
            env["DBUS_SYSTEM_BUS_ADDRESS"] = self.printer.message_bus_address
        return env


def environment() -> dict[str, str]:
    """What every process of the house sees, and nothing of the newcomer's own."""
    packages = str(Path(provisioning.__file__).parent.parent)
    env = {"PATH": f"{os.defpath}:/usr/sbin:/sbin", "LANG": "C.UTF-8", "PYTHONPATH": packages}
    return env | {"PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def _ours(module: str, verb: str, config: Path) -> tuple[str, ...]:
    return (sys.executable, "-m", f"{module}.cli", verb, "--config", str(config))
