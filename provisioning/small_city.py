"""A complete small city for trying it all: 長谷市, its bus もーば1号車, one clerk. Made by the functions that real cities use."""

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

from cityhall_base import pin
from cityhall_base.clock import Clock
from cityhall_base.printers import PDF
from provisioning.bus_folder import BusFolder, BusOwners
from provisioning.city import add_clerk, init_city
from provisioning.city_folder import Addresses, CityFolder, CityOwners
from provisioning.files import Owner, me
from provisioning.vehicle import admit, install_bus_config, install_driver, make_bus_keys

BUS: Final = "moba-1"
CLERK: Final = "clerk-7f3a"
SECOND: Final = "clerk-9b2e"
"""Whoever is asked where one person is not enough."""
SECTION: Final = "citizen"
STOP: Final = "hase-hall"
SERVICE: Final = "resident-record"
PAPER: Final = "controlled"
DRAWER: Final = ("A-000101", "A-005100")
"""First and last number of the paper that the bus is given."""

IDENTITY: Final = "運転免許証"
"""A kind of document that the services of SECTION list."""

RIGHTS: Final = ("books", "duty", "revoke")
"""A small town's clerks do everything."""

CONCIERGE: Final = "concierge-5d"
PIN: Final = "482913"
"""Of the one concierge, in a small city that has any: it is no secret of anybody's."""

_TEMPLATE: Final = Path(__file__).with_name("small_city.toml")
_CHECKLISTS: Final = Path(__file__).with_name("small_city_checklists.toml")


class Users(NamedTuple):
    """Whose each part's files are. `on_board` is the group that agent and spooler share."""

    authority: Owner
    relay: Owner
    broker: Owner
    clerk: Owner
    agent: Owner
    spooler: Owner
    concierge: Owner
    on_board: int
    driver: Owner

    @property
    def city(self) -> CityOwners:
        """At city hall."""
        return CityOwners(self.authority, self.relay, self.broker, self.clerk)

    @property
    def bus(self) -> BusOwners:
        """On the bus."""
        return BusOwners(self.authority, self.agent, self.spooler, self.on_board, self.concierge.gid, self.driver)


class SmallCity(NamedTuple):
    """Where it all is."""

    city: CityFolder
    bus: BusFolder

    @property
    def clerk_toml(self) -> Path:
        """The clerk's settings."""
        return self.city.clerk(CLERK) / "clerk.toml"


class PrinterPlan(NamedTuple):
    """Of the one printer's profile, what differs."""

    uri: str
    formats: tuple[str, ...] = (PDF,)
    lies: tuple[str, ...] = ()
    ppd: Path | None = None  # of its driver, which makes the first of `formats`


class Hours(NamedTuple):
    """The timetable of city.toml. Without more it is tried out at any hour of any day, and begins nothing by itself."""

    duty_from: str = "00:00"
    duty_until: str = "24:00"
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7)
    holidays: tuple[str, ...] = ()
    enters: bool = False


class Plan(NamedTuple):
    """What differs from one small city to the next. `limits` are city.toml's; `broker_runs_as` is Mosquitto's `user`.

    `checklists`: it has an opening and a closing one. `concierges`: whoever works on the bus signs in (CONCIERGE, PIN).
    `checks`: no certificate is allowed before its clerk has checked who it is (IDENTITY) and the protection (支援措置).
    `second`: a tax certificate is allowed by two clerks. `deputy`: the section that answers for SECTION.
    """

    at: Addresses
    printer: PrinterPlan
    limits: Mapping[str, int] = {}
    broker_runs_as: str | None = None
    hours: Hours = Hours()
    checklists: bool = False
    concierges: bool = False
    checks: bool = False
    second: bool = False
    deputy: str = ""


def one_owner() -> Users:
    """Everything belongs to whoever runs this program."""
    own = me()
    return Users(own, own, own, own, own, own, own, own.gid, own)


def city_toml(plan: Plan) -> bytes:
    """The city's configuration file."""
    limits = "\n".join(f"{name} = {value}" for name, value in plan.limits.items())
    timetable = "\n".join(f"{name} = {json.dumps(value)}" for name, value in plan.hours._asdict().items())
    printer, values = plan.printer, {"limits": limits, "timetable": timetable}
    values |= {"printer_uri": printer.uri, "formats": json.dumps(printer.formats), "lies": json.dumps(printer.lies)}
    values |= {"checks": json.dumps(plan.checks), "second": json.dumps(plan.second)}
    values["deputy"] = f'deputy = "{plan.deputy}"' if plan.deputy else '# deputy = "tax"'
    driver = f'driver = {{ ppd = "{printer.ppd.name}", sends = "{printer.formats[0]}" }}' if printer.ppd else ""
    text = Template(_TEMPLATE.read_text("utf-8")).substitute(values, driver=driver)
    text += _CHECKLISTS.read_text("utf-8") if plan.checklists else ""
    text += f'\n[concierges.{CONCIERGE}]\npin = "{pin.make(PIN)}"\n' if plan.concierges else ""
    return text.encode()


def make(where: Path, plan: Plan, users: Users, clock: Clock) -> SmallCity:
    """Make city and bus in the folder `where`; raises AlreadyThereError or ConfigError."""
    made = SmallCity(CityFolder(where / "cityhall"), BusFolder(where / "bus"))
    init_city(made.city, city_toml(plan), plan.at, users.city, clock, plan.broker_runs_as)
    for clerk in (CLERK, SECOND):
        add_clerk(made.city, clerk, users.city, RIGHTS)
    request = make_bus_keys(made.bus, BUS, users.bus)
    install_bus_config(made.bus, admit(made.city, request, clock), users.bus)
    if plan.printer.ppd:
        install_driver(made.bus, plan.printer.ppd, users.bus)
    return made
