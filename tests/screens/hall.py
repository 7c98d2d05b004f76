"""The clerk's console, page after page, as a whole relay without sockets answers it: one walk through a day in each language.

A page is kept as the relay sent it, so that a browser can show it later and a test can read it now. Buses are made by hand.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from cityhall_base.clock import business_day
from cityhall_base.words import Language
from cityhall_relay.incidents import What
from cityhall_relay.store.rows import Incident
from cityhall_relay.store.visits import DayPlan
from cityhall_wire import seal
from cityhall_wire.books import BookEntry, Column
from cityhall_wire.messages import link, people, printing, visit
from cityhall_wire.messages.people import Item, Which
from cityhall_wire.messages.visit import Slot, encode_slots
from cityhall_wire.modes import DutyCause, DutyMode
from tests.console_lab import Browser, account, application, cheap_hashes
from tests.relay_city import CITY, Town, desk_bus, in_memory
from tests.unit.on_board import LISTS

_NAMES: Final = {
    b'name = "citizen"': 'name = "市民課"\nvideo_host = "https://video.example/host"\nvideo_guest = "https://video.example/guest"',
    b'name = "tax"\nname_en = "Taxes"': 'name = "税務課"\nname_en = "Taxes"\ndeputy = "citizen"',
    b'name = "controlled"': 'name = "改ざん防止用紙"',
    b'name = "record"\nname_en = "Record"': 'name = "住民票の写し"\nname_en = "Copy of the resident record"\nchecks = true\n'
    'fee_yen = 300\nidentity_documents = ["マイナンバーカード", "運転免許証"]',
    b'name = "two"\nname_en = "Two"': 'name = "印鑑登録証明書"\nname_en = "Seal registration certificate"\nfee_yen = 300',
    b'name = "form"\nname_en = "Form"': 'name = "申請書"\nname_en = "Application form"',
    b'name = "tax"\nname_en = "Tax"': 'name = "納税証明書"\nname_en = "Tax certificate"',
    b'name = "hall"': 'name = "長谷公民館"',
    b'name = "bus 1"': 'name = "もーば1号車"',
    b'name = "bus 2"': 'name = "もーば2号車"',
    b'name = "bus 3"': 'name = "もーば3号車"',
    b'name = "bus 4"': 'name = "もーば4号車"',
    b'duty_until = "24:00"': 'duty_until = "15:30"',
}
LEAD, CLERK, READER, CUSTODIAN, BOSS = "staff-2c", "staff-8e", "audit-4d", "books-6f", "admin-1a"
BUS: Final = "bus-1"


class Page(NamedTuple):
    """What a browser got."""

    name: str
    path: str
    html: str


def city() -> bytes:
    """The tests' small city, in the words of a Japanese one."""
    made = CITY
    for before, after in _NAMES.items():
        made = made.replace(before, after.encode(), 1)
    return made + LISTS


def pages(language: Language) -> Iterator[Page]:
    """Every page and state of it, each name once."""
    with cheap_hashes(), in_memory("screens-") as top:
        walk = Walk(top, language)
        yield from walk.door()
        yield from walk.board()
        yield from walk.visit()
        yield from walk.second()
        yield from walk.trouble()
        yield from walk.reading()
        yield from walk.people()
        yield from walk.errors()
        walk.town.relay.close()


class Walk:
    """One relay, and a browser for each of its people."""

    def __init__(self, top: Path, language: Language) -> None:
        self.language = language
        self.town = Town(top, city())
        for who, *roles in (
            (BOSS, "administrator"),
            (LEAD, "clerk", "section_lead"),
            (CLERK, "clerk"),
            (READER, "auditor"),
            (CUSTODIAN, "custodian"),
        ):
            account(self.town, who, *roles, sections=())
        self.app = application(self.town)
        self.bus = desk_bus(self.town, BUS)
        self.who: dict[str, Browser] = {}

    def browser(self, who: str) -> Browser:
        """Signed in, in the walk's language."""
        if who not in self.who:
            one = self.who[who] = Browser(self.app)
            self.town.clock.forward(30)
            assert one.sign_in(self.town, who).status_code == 303
            one.submit("/me", "/me/language", language=str(self.language))
        return self.who[who]

    def page(self, name: str, who: str, path: str) -> Page:
        """As this person sees it."""
        return Page(name, path, self.browser(who).get(path).text)

    # --- the door ---

    def door(self) -> Iterator[Page]:
        """Before anybody is in."""
        ask = f"?lang={self.language}"
        one = Browser(self.app)
        yield Page("sign-in", "/sign-in", one.get(f"/sign-in{ask}").text)
        wrong = one.submit(
            f"/sign-in{ask}", f"/sign-in{ask}", who="staff-2c", password="wrong words", digits="000000", to=""
        )
        yield Page("sign-in-wrong", "/sign-in", wrong.text)
        yield Page("first-time", "/first", one.get(f"/first{ask}").text)
        code = self.town.relay.console.accounts.add("staff-9d", ["clerk"], [], BOSS)
        one.submit(f"/first{ask}", f"/first{ask}", who="staff-9d", code=code)
        yield Page("set-up", "/first/set-up", one.get(f"/first/set-up{ask}").text)

    # --- the board ---

    def board(self) -> Iterator[Page]:
        """Empty, busy, with attention; and for somebody without a counter."""
        yield self.page("board-empty", LEAD, "/")
        self._morning()
        yield self.page("board-quiet", LEAD, "/")
        self._call("1", "citizen")
        self.town.clock.forward(25)
        yield self.page("board-call", LEAD, "/")
        self._attention()
        yield self.page("board-attention", LEAD, "/")
        yield self.page("board-auditor", READER, "/")

    def _morning(self) -> None:
        self.town.clock.forward(6000)  # past the half hour after which everybody signs in again
        self.who.clear()
        today = business_day(self.town.clock.utc_ms())
        slots = tuple(
            Slot(slot=n, start=510 + 30 * n, end=540 + 30 * n, stop="hall", section="citizen" if n % 2 else "tax")
            for n in range(1, 12)
        )
        plan = DayPlan(bus=BUS, day=today, slots=encode_slots(slots).decode(), by=LEAD, at=self.town.clock.utc_ms())
        with self.town.relay.store.event():
            self.town.relay.store.save_day_plan(plan)
            self.town.relay.store.record("test")
        for bus in (BUS, "bus-2"):
            box = self.bus if bus == BUS else desk_bus(self.town, bus)
            box.sync()
            box.fact(visit.AtStop, stop="hall")
            box.sync()
        items = (Item(item="lamp", ok=True), Item(item="line", ok=True, box=True))
        self.bus.fact(people.Checklist, which=Which.OPENING, day=today, items=items, by="concierge-3b")

    def _call(self, number: str, section: str, slot: int = 3) -> None:
        self.bus.sync()
        self.bus.fact(link.Call, session="s" + "0" * 23 + number, section=section, stop="hall", slot=slot)

    def _attention(self) -> None:
        box = desk_bus(self.town, "bus-2")
        box.boot = 2
        box.sync(printer=link.PrinterSummary(state="stopped", reasons=("media-jam-error",)))
        day, at = business_day(self.town.clock.utc_ms()), self.town.clock.utc_ms()
        with self.town.relay.store.event():
            self.town.relay.store.record("test")
            for what, bus in ((What.SHEETS, BUS), (What.PRINTER_NOT_EMPTY, "bus-2")):
                self.town.relay.store.add_incident(Incident(bus=bus, day=day, what=str(what), detail="", at=at))

    # --- a visit ---

    def visit(self) -> Iterator[Page]:
        """From the call to the hand-over."""
        lead = self.browser(LEAD)
        session = "s" + "0" * 23 + "1"
        lead.submit("/", f"/calls/{session}/accept")
        here = f"/visits/{session}"
        yield self.page("board-taken", CLERK, "/")
        yield self.page("visit-check", LEAD, here)
        lead.submit(here, f"{here}/check", support="1", identity="マイナンバーカード")
        yield self.page("visit-send", LEAD, here)
        job = self._sent(session)
        yield self.page("visit-allow", LEAD, here)
        lead.submit(here, f"/jobs/{job}/approve")
        yield self.page("visit-allowed", LEAD, here)
        self._carried()
        yield self.page("visit-on-bus", LEAD, here)
        request = self._released(job)
        yield self.page("visit-printing", LEAD, here)
        for n, finding in enumerate((printing.Finding.SENDING, printing.Finding.SENT, printing.Finding.COMPLETED), 1):
            self.bus.evidence(request, finding, n, impressions=2)
        yield self.page("visit-printed", LEAD, here)
        self.bus.now(job, state="printed")
        self.bus.fact(link.HandOver, job=job, attempt=1)
        self.bus.held.clear()
        yield self.page("visit-handed-over", LEAD, here)
        lead.submit(here, f"{here}/close")
        yield self.page("visit-over", LEAD, here)

    def _sent(self, session: str, service: str = "resident-record") -> str:
        one = self.town.relay.store.session(session)
        assert one is not None
        return self.town.send(one, b"2 pages", service).job.job

    def _carried(self) -> None:
        for offer in self.bus.sync().offers:
            self.bus.hold(offer)
        self.bus.sync()

    def _released(self, job: str) -> printing.ReleaseRequest:
        request = self.bus.request(self.town.job(job), seal.OpenerKey(), at=self.town.clock.utc_ms())
        self.bus.asks(request)
        return request

    def second(self) -> Iterator[Page]:
        """A document that two have to allow."""
        session, lead = self._opened("2"), self.browser(LEAD)
        here = f"/visits/{session}"
        job = self._sent(session, "two-approvers")
        lead.submit(here, f"/jobs/{job}/approve")
        yield self.page("visit-second-waits", LEAD, here)
        yield self.page("board-second", CLERK, "/")
        yield self.page("second-approver", CLERK, f"/jobs/{job}")
        lead.submit(here, f"/jobs/{job}/cancel")
        yield self.page("visit-canceled", LEAD, here)
        lead.submit(here, f"{here}/close")

    def _opened(self, number: str) -> str:
        self._call(number, "citizen", int(number) + 2)
        session = "s" + "0" * 23 + number
        self.browser(LEAD).submit("/", f"/calls/{session}/accept")
        here = f"/visits/{session}"
        self.browser(LEAD).submit(here, f"{here}/check", support="1", identity="運転免許証")
        return session

    def trouble(self) -> Iterator[Page]:
        """A jam between two sheets, her report, the reissue."""
        session, lead = self._opened("3"), self.browser(LEAD)
        here = f"/visits/{session}"
        job = self._sent(session)
        yield self.page("visit-allow-again", LEAD, here)
        lead.submit(here, f"/jobs/{job}/approve")
        self._carried()
        request = self._released(job)
        self.bus.evidence(request, printing.Finding.SENDING, 1)
        self.bus.evidence(request, printing.Finding.DOUBT, 2, why="stood_between_sheets")
        yield self.page("visit-trouble", LEAD, here)
        yield self.page("board-doubt", CLERK, "/")
        self.bus.fact(link.Spoiled, job=job, attempt=1, sheets=("A-000412",), why="jam", came_out=1)
        self.bus.held.clear()
        yield self.page("visit-reported", LEAD, here)
        yield self.page("visit-reissue", LEAD, f"{here}?reissue={job}")
        lead.submit(here, f"/jobs/{job}/void")
        yield self.page("visit-voided", LEAD, here)
        lead.submit(here, f"{here}/close")

    # --- the books ---

    def reading(self) -> Iterator[Page]:
        """Custodian's and auditor's."""
        day = business_day(self.town.clock.utc_ms())
        self.bus.fact(
            link.DutyChanged, mode=DutyMode.CITY_HALL, why=DutyCause.CONCIERGE, since=self.town.clock.utc_ms()
        )
        self._writes()
        for name, path in (
            ("books", "/books"),
            ("day", f"/days/{BUS}"),
            ("checklists", "/checklists"),
            ("audit", "/audit"),
        ):
            yield self.page(name, CUSTODIAN if name == "books" else READER, path)
        reader = self.browser(READER)
        yield Page("audit-checked", "/audit", reader.submit("/audit", "/audit/check").text)
        self.town.clock.forward(24 * 3600)
        self.town.relay.housekeeping.tick()
        self.who.clear()
        yield self.page("digests", READER, "/audit/digests")
        yield self.page("digest", READER, f"/audit/digests/{day}")

    def _writes(self) -> None:
        rows: tuple[tuple[Column, dict[str, Any]], ...] = (
            (Column.ISSUED, {"sheets": 2, "numbers": ("A-000410..A-000411",), "paper": "controlled", "yen": 300}),
            (Column.SPOILED, {"sheets": 1, "numbers": ("A-000412",), "paper": "controlled", "why": "jam"}),
            (Column.TEST, {"sheets": 1, "numbers": ("A-000413",), "paper": "controlled"}),
        )
        for n, (column, fields) in enumerate(rows, 100):
            entry = BookEntry(
                id="e" + f"{n:024x}", n=n, column=column, at=self.town.clock.utc_ms(), by="concierge-3b", **fields
            )
            with self.town.relay.store.event():
                self.town.relay.books.write(BUS, entry)

    # --- people, and what goes wrong ---

    def people(self) -> Iterator[Page]:
        """An administrator's pages, and everybody's own."""
        boss = self.browser(BOSS)
        yield self.page("people", BOSS, "/people")
        yield self.page("person", BOSS, f"/people/{CLERK}")
        made = boss.submit("/people", "/people", who="staff-7b", **{"role.clerk": "on", "section.citizen": "on"})
        yield Page("person-code", "/people", made.text)
        yield self.page("me", LEAD, "/me")
        yield self.page("me-app", LEAD, "/me/app")

    def errors(self) -> Iterator[Page]:
        """What is not there, not allowed, not done."""
        yield self.page("not-found", LEAD, "/nowhere")
        yield self.page("not-allowed", LEAD, "/people")
        lead = self.browser(LEAD)
        weak = lead.submit("/me", "/me/password", present="x", password="password", again="password", digits="")
        yield Page("me-weak-password", "/me/password", weak.text)
        yield Page("not-done", "/", lead.submit("/", "/calls/s" + "0" * 23 + "9/accept").text)
