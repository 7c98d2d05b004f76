"""What the city configures: one file, `city.toml`, signed by city hall and published to its buses."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from msgspec import Meta

from cityhall_base import people, settings, timetable
from cityhall_base.errors import ConfigError
from cityhall_base.people import Checklists, Concierge
from cityhall_base.printers import Printer, problems_of
from cityhall_base.settings import Table
from cityhall_base.timetable import Timetable
from cityhall_wire.headers import BusId, CityId, Name, OpaqueId
from cityhall_wire.limits import Limits
from cityhall_wire.modes import DutyMode, JobClass
from cityhall_wire.sheets import Sides

_TAG: Final = b"cityhall/1 city-config\0"

Text = Annotated[str, Meta(min_length=1, max_length=80)]
Phone = Annotated[str, Meta(pattern=r"\A[0-9+][0-9-]{3,19}\Z")]
Url = Annotated[str, Meta(pattern=r"\A(https|sip|sips)://?[^\s]{1,200}\Z|\A\Z")]


class Section(Table, frozen=True, kw_only=True):
    """A section of city hall (課) that residents can talk to."""

    name: Text
    name_en: Text
    phone: Phone
    video_guest: Url = ""
    video_host: Url = ""
    deputy: Name | None = None  # the section that rings too where nobody here answers for `limits.call_next_s`


class Paper(Table, frozen=True, kw_only=True):
    """A paper in the printer. `controlled` sheets are numbered and in the sheet ledger (改ざん防止用紙)."""

    name: Text
    media: Annotated[str, Meta(pattern=r"\A[a-z0-9_.-]{1,127}\Z")] = "iso_a4_210x297mm"
    controlled: bool = False


class Service(Table, frozen=True, kw_only=True):
    """What a section issues."""

    name: Text
    name_en: Text
    section: Name
    job_class: JobClass = msgspec.field(name="class")
    paper: Name
    fee_yen: Annotated[int, Meta(ge=0, le=100_000)] = 0
    max_sheets: Annotated[int, Meta(ge=1, le=100)] = 10
    sides: Sides = Sides.ONE_SIDED
    joint_seal_from_sheets: Annotated[int, Meta(ge=2, le=100)] = 2  # 割印
    second_approver: bool = False
    flatten: bool = False  # a clerk may have the pages printed as pictures, drawn as the printer's `raster` says
    identity_documents: tuple[Text, ...] = ()
    checks: bool = False  # nothing of it is allowed until the clerk has checked identity and 支援措置 in the session

    @property
    def approvers(self) -> int:
        """How many clerks must allow each print."""
        return 2 if self.second_approver else 1


class Stop(Table, frozen=True, kw_only=True):
    """A place that the bus visits (会場). Degrees, WGS 84."""

    name: Text
    district: Text
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]


class Vehicle(Table, frozen=True, kw_only=True):
    """A bus."""

    name: Text
    printer: Name
    first_mode: DutyMode = DutyMode.ROUTE_BUS


class City(Table, frozen=True, kw_only=True):
    """The whole file."""

    city: CityId
    name: Text
    sections: Mapping[Name, Section]
    papers: Mapping[Name, Paper]
    services: Mapping[Name, Service]
    stops: Mapping[Name, Stop]
    timetable: Timetable
    printers: Mapping[Name, Printer]
    vehicles: Mapping[BusId, Vehicle]
    limits: Limits = Limits()
    checklists: Checklists = Checklists()
    concierges: Mapping[OpaqueId, Concierge] = {}


class CityFile(NamedTuple):
    """The configuration and the digest by which both sides know that they use the same."""

    city: City
    digest: bytes


def parse_city(raw: bytes, name: str) -> CityFile:
    """Read and cross-check `city.toml`; raises ConfigError."""
    city = settings.parse(raw, City, name)
    for problem in _cross_check(city):
        raise ConfigError(f"{name}: {problem}")
    return CityFile(city, _digest(raw))


def load_city(path: Path) -> CityFile:
    """Read the city's own copy; raises ConfigError."""
    return parse_city(settings.read(path), path.name)


def load_signed_city(path: Path, key: Ed25519PublicKey) -> CityFile:
    """Read a published copy, `path` with `path`.sig beside it; raises ConfigError where city hall did not sign it."""
    raw, signature = settings.read(path), settings.read(path.with_name(path.name + ".sig"))
    try:
        key.verify(signature, _TAG + raw)
    except InvalidSignature:
        raise ConfigError(f"{path} does not carry city hall's signature; have it published again") from None
    return parse_city(raw, path.name)


def sign_city(raw: bytes, key: Ed25519PrivateKey) -> bytes:
    """64 bytes for the `.sig` file beside a published copy."""
    return key.sign(_TAG + raw)


def _digest(raw: bytes) -> bytes:
    digest = Hash(SHA256())
    digest.update(_TAG + raw)
    return digest.finalize()


def _cross_check(city: City) -> list[str]:
    references = [
        *((f"sections.{n}.deputy", s.deputy, "sections", city.sections) for n, s in city.sections.items() if s.deputy),
        *((f"services.{n}.section", s.section, "sections", city.sections) for n, s in city.services.items()),
        *((f"services.{n}.paper", s.paper, "papers", city.papers) for n, s in city.services.items()),
        *((f"printers.{n}.paper", p.paper, "papers", city.papers) for n, p in city.printers.items()),
        *((f"vehicles.{n}.printer", v.printer, "printers", city.printers) for n, v in city.vehicles.items()),
    ]
    problems = [
        f"{key}: there is no {table}.{value}; allowed: {', '.join(known)}"
        for key, value, table, known in references
        if value not in known
    ]
    for name, printer in city.printers.items():
        problems += problems_of(name, printer)
    problems += [
        f"services.{name}.checks: false, for a test page is nobody's"
        for name, service in city.services.items()
        if service.checks and service.job_class is JobClass.TEST
    ]
    has_test = any(service.job_class is JobClass.TEST for service in city.services.values())
    problems += people.problems_of(city.checklists, city.concierges, has_test=has_test)
    problems += _deputy_problems(city)
    return [*problems, *timetable.problems_of(city.timetable)]


def _deputy_problems(city: City) -> list[str]:
    deputies = {name: section.deputy for name, section in city.sections.items() if section.deputy}
    problems = [f"sections.{name}.deputy: another section" for name, deputy in deputies.items() if name == deputy]
    if deputies and city.limits.call_next_s >= city.limits.call_s:
        problems.append("limits.call_next_s: less than call_s, or no deputy ever hears a call")
    return problems
