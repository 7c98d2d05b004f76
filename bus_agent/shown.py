"""What the local API says: the contract between the agent and everything that shows it (screen, `bus-agent status`).

Data alone, so that a screen carries nothing of the agent. Whatever people read is a key of the catalogue with its English beside it
(cityhall_base.words); nothing in here has to be worked out or remembered by who shows it.
"""

from enum import StrEnum

import msgspec

from cityhall_wire.messages.link import PrinterSummary
from cityhall_wire.messages.people import Which
from cityhall_wire.messages.relay import SessionView
from cityhall_wire.messages.visit import Slot
from cityhall_wire.modes import DutyMode
from cityhall_wire.sheets import SheetCount


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence in English, and its key in the catalogue; `detail` is what stands for `{detail}` there."""

    key: str
    sentence: str
    detail: str = ""


# --- the five lights ---


class Light(StrEnum):
    """In the order in which they are shown."""

    POWER = "power"  # 電源
    LINE = "line"  # 回線
    CITY_HALL = "city_hall"  # 市役所
    PRINTER = "printer"  # プリンター
    PAPER = "paper"  # 用紙


class Level(StrEnum):
    """How a light looks; its word says the same."""

    GOOD = "good"
    WEAK = "weak"  # look here, amber
    BAD = "bad"  # paper or people are at risk, red
    CALM = "calm"  # grey: not well, and nothing to be done, as in a dead zone
    UNKNOWN = "unknown"  # 未計測


class LightShown(msgspec.Struct, frozen=True, kw_only=True):
    """`short` stands in the strip (よい, のこり38枚); `said` is one sentence with what to do."""

    light: Light
    level: Level
    short: Said
    said: Said
    guide: str = ""  # the guide of the trouble book that helps (bus_agent/tui/guides.py); empty: there is nothing to do


# --- the day and the visit ---


class DayShown(msgspec.Struct, frozen=True, kw_only=True):
    """Today as the city planned it; slots by start. Without a plan there are none."""

    date: str = ""  # of Japan Standard Time
    stop: str = ""  # where the bus stands; empty: nowhere
    slots: tuple[Slot, ...] = ()
    done: tuple[int, ...] = ()  # numbers of slots that had their visit


class CallShown(msgspec.Struct, frozen=True, kw_only=True):
    """A section rings (呼出中). Where its own people do not answer, its deputy (`then`) rings beside it."""

    section: str
    then: str  # the section that rings too by now; empty: not yet, or it has none
    waited_s: int
    left_s: int  # until the call ends unanswered


class VisitShown(msgspec.Struct, frozen=True, kw_only=True):
    """The last visit, until the concierge has seen how it ended (`POST /v1/visit/seen`) or calls anew."""

    session: str
    section: str
    stop: str
    slot: int
    unanswered: bool  # nobody took the call: the section's telephone is what is left
    ended_here: bool  # by the concierge; else city hall ended it, or time did
    feedback: bool  # 利用者の声 may be given (`POST /v1/feedback`): it was a visit, and nobody pressed yet


# --- what the city says, for a screen ---


class SectionShown(msgspec.Struct, frozen=True, kw_only=True):
    """課, in the order of city.toml."""

    section: str
    name: str
    name_en: str
    phone: str
    video: str  # the guest's address; empty: by telephone


class ServiceShown(msgspec.Struct, frozen=True, kw_only=True):
    """What a document is called and what it costs."""

    service: str
    name: str
    name_en: str
    fee_yen: int
    paper: str


class PlaceShown(msgspec.Struct, frozen=True, kw_only=True):
    """A stop (会場): its name of city.toml and as people say it."""

    stop: str
    name: str


class PaperName(msgspec.Struct, frozen=True, kw_only=True):
    """A paper as people call it. `numbered`: its sheets are in the ledger (改ざん防止用紙)."""

    paper: str
    name: str
    numbered: bool


class CityShown(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/city`: of the signed city.toml what a screen shows. Asked for again where `Snapshot.config` differs."""

    config: str  # hex, names this configuration
    city: str
    bus: str  # the vehicle's name: もーば1号車
    sections: tuple[SectionShown, ...]
    services: tuple[ServiceShown, ...]
    stops: tuple[PlaceShown, ...]
    papers: tuple[PaperName, ...]
    concierges: tuple[str, ...]  # opaque ids
    extension_min: int  # most minutes by which a day may end later


# --- people and checklists ---


class SignedInShown(msgspec.Struct, frozen=True, kw_only=True):
    """In the snapshot. `wanted`: in this city somebody must be signed in."""

    wanted: bool = False
    who: str = ""
    how: str = ""
    pin_wait_s: int = 0


class ItemShown(msgspec.Struct, frozen=True, kw_only=True):
    """One line. `ok` is null while nobody has looked; `key` and `sentence` say what to do or what was seen."""

    item: str
    text: str
    text_en: str
    box: str  # what the box looks at itself; empty: a person does
    ok: bool | None
    by: str  # who ticked it; empty where the box looks
    at: int  # UTC milliseconds; 0 where the box looks
    note: str
    key: str
    sentence: str
    detail: str = ""


class ListShown(msgspec.Struct, frozen=True, kw_only=True):
    """One of today's lists. `complete` is UTC milliseconds, 0 while it is open."""

    which: Which
    day: str
    complete: int
    by: str
    items: tuple[ItemShown, ...]


# --- the books ---


class DifferenceShown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in which book and drawer differ. `detail` is the numbers, or how many sheets."""

    key: str
    sentence: str
    detail: str
    sheets: int
    numbers: tuple[str, ...]


class PaperShown(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered paper: what must lie in the drawer, and what does not agree."""

    paper: str
    left: int
    next: str  # the number on top; empty where there is none
    rows: tuple[str, ...]  # all numbers that must lie there
    counted_on: str  # JST date of the last count, where no sheet has moved since
    differences: tuple[DifferenceShown, ...]
    today: SheetCount = SheetCount()  # today's columns: what was there this morning, and what came and went since


class FeeShown(msgspec.Struct, frozen=True, kw_only=True):
    """A fee that is open: above 0 yen to be paid or waived, below to be refunded."""

    job: str
    check_word: str
    yen: int
    session: str = ""  # the visit that it is a part of


class BooksShown(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/books`, and `books` of the snapshot."""

    papers: tuple[PaperShown, ...]
    cash_expected: int
    cash_off: int  # so much more in the box than the books say, at the last count
    cash_counted_on: str
    open_fees: tuple[FeeShown, ...]


# --- the bus ---


class Advice(msgspec.Struct, frozen=True):
    """`job` is empty where the sentence is about none; `detail` is what stands for `{detail}` in the catalogue."""

    key: str
    sentence: str
    job: str = ""
    detail: str = ""


class LinkShown(msgspec.Struct, frozen=True, kw_only=True):
    """`state` is up or down; one that is down and `calm` is shown grey, else it says: look here."""

    state: str
    calm: bool
    since: int  # UTC milliseconds
    key: str
    sentence: str


class NoteShown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that the printer says. `severity` is now, soon or technician; `reason` is the technician's alone."""

    severity: str
    key: str
    sentence: str
    reason: str


class SupplyShown(msgspec.Struct, frozen=True, kw_only=True):
    """Toner, waste toner and the like. `level` is per cent, -1 where the printer does not say."""

    type: str
    color: str
    level: int
    sentence: str


class PrinterShown(msgspec.Struct, frozen=True, kw_only=True):
    """The printer in words. Where nothing fresh was heard, all but `told_before_s` says so: old values are never shown."""

    notes: tuple[NoteShown, ...]  # the most pressing first; empty: all is well
    told_before_s: int | None  # seconds since the spooler spoke; None while it is gone
    supplies: tuple[SupplyShown, ...]
    media_ready: tuple[str, ...]  # PWG 5101.1 names of what lies in the trays; empty where the printer cannot tell
    impressions: int | None  # the printer's own counter over its life


class DutyShown(msgspec.Struct, frozen=True, kw_only=True):
    """The duty beside its mode."""

    seat: str  # whom a session in this mode is with: none, counter, headquarters or technical
    within_hours: bool
    hours: tuple[int, int] | None  # today's, from and until, UTC milliseconds; None where today has none
    extended: bool
    asked_min: int  # so much later city hall was asked to end it, and no clerk has granted it yet; 0
    noted: bool  # city hall knows of the last change


class JobShown(msgspec.Struct, frozen=True, kw_only=True):
    """One document. No resident's name: there is none on the bus."""

    job: str
    state: str
    attempt: int
    service: str
    job_class: str = msgspec.field(name="class")
    paper: str
    sheets: int
    impressions: int
    document_format: str  # of what is sealed: application/pdf or image/pwg-raster
    check_word: str  # 照合番号, for example 47・さくら
    check_word_reading: str  # for example 47 sakura
    approved: bool
    received: int  # bytes of ciphertext here
    size: int  # bytes of ciphertext in all
    joint_seal: bool  # 割印
    reissue_of: str | None
    in_session: bool
    printer_job: int
    why: str  # the last reason (cityhall_base.reasons), or an error's key
    why_sentence: str


class LockShown(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing can be printed and nobody be called until city hall, or a technician, has mended it."""

    reason: str  # cityhall_base.reasons, for example config_differs or panic
    key: str
    sentence: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/snapshot`."""

    bus: str
    city: str
    mode: DutyMode
    duty: DutyShown
    boot: int
    at: int  # UTC milliseconds
    link: LinkShown
    lease_left_s: int
    session: SessionView | None
    printer: PrinterSummary
    printer_shown: PrinterShown
    printer_empty: bool  # nothing can come out of it any more; false also while something prints
    spooler: bool
    opener_ready: bool  # 印刷 starts at once
    jobs: tuple[JobShown, ...]
    payload_bytes_received: int
    advice: Advice
    books: BooksShown
    signed_in: SignedInShown = SignedInShown()
    checklists: tuple[ListShown, ...] = ()  # today's, as far as the city has any
    locked: LockShown | None = None
    config: str = ""  # hex; another one: ask for `/v1/city` again
    lights: tuple[LightShown, ...] = ()  # all five, in order
    day: DayShown = DayShown()
    call: CallShown | None = None  # while a section rings
    visit: VisitShown | None = None
