"""Every page of the console in each of its states and both languages, as HTML: what a browser is to be shown in one go."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cityhall_base.words import Language
from cityhall_wire.messages import link, printing
from cityhall_wire.messages.link import PrinterSummary
from tests.console_counter import Counter, called, clerk
from tests.console_lab import Browser, account, application, cheap_hashes
from tests.reading_room import AUDITOR, BUS, CUSTODIAN, DAY, ReadingRoom
from tests.relay_city import CITY, OnBus, Town, carried

Album = dict[str, str]
"""Name → page."""

CHECKED = CITY.replace(
    b'name_en = "Record"',
    b'name_en = "Record"\nchecks = true\nidentity_documents = ["card", "licence"]',
)
SLOTS = b"""date,bus,slot,start,end,stop,section
2026-11-21,bus-1,1,09:00,09:30,hall,citizen
2026-11-21,bus-1,2,09:30,10:00,hall,tax
"""


def album() -> Album:
    """All of them."""
    with cheap_hashes():
        return _counter() | _trouble() | _books() | _entrance()


@contextmanager
def _top() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="album-") as top:
        yield Path(top)


class _Seen:
    """Looks at the same address in both languages."""

    def __init__(self, counter: Counter) -> None:
        self._counter, self.album = counter, Album()

    def at(self, name: str, path: str, status: int = 200, who: str = "clerk-1") -> None:
        for language in Language:
            self._counter.as_(clerk(who, lang=language))
            answer = self._counter.get(path)
            assert answer.status_code == status, (name, answer.status_code)
            self.album[f"{name}, {language}"] = answer.text
        self._counter.as_(clerk(who))


def _counter() -> Album:
    with _top() as top:
        town = Town(top, CHECKED)
        counter = Counter(town)
        seen = _Seen(counter)
        seen.at("board, empty", "/")
        town.relay.slots.take("clerk-1", SLOTS)
        box = called(town)
        box.sync(printer=PrinterSummary(state="stopped", reasons=("media-jam-error",)))
        seen.at("board, a call", "/")
        session = town.relay.sessions.accept("clerk-1", "s" + "0" * 23 + "1")
        seen.at("board, taken", "/", who="clerk-2")
        visit = f"/visits/{session.session}"
        seen.at("visit, who it is", visit)
        counter.post(f"{visit}/check", identity="card", support="1")
        seen.at("visit, send", visit)
        job = counter.upload(session).json()["job"]
        seen.at("visit, allow", visit)
        counter.post(f"/jobs/{job}/approve")
        seen.at("visit, on its way", visit)
        box.hold(box.sync().offers[0])
        box.sync()
        on = OnBus(town, box, session, job)
        request, _ = on.release()
        box.evidence(request, printing.Finding.SENDING, 1)
        seen.at("visit, printing", visit)
        box.evidence(request, printing.Finding.SENT, 2)
        box.evidence(request, printing.Finding.COMPLETED, 3, impressions=1)
        seen.at("visit, printed", visit)
        box.fact(link.HandOver, job=job, attempt=1)
        seen.at("visit, handed over", visit)
        again = counter.upload(session).json()["job"]
        seen.at("visit, the same again", f"{visit}?job={again}")
        counter.post(f"/jobs/{again}/cancel")
        two = counter.upload(session, b"1 another", service="two-approvers").json()["job"]
        counter.post(f"/jobs/{two}/approve")
        seen.at("visit, second approver", f"{visit}?job={two}")
        seen.at("a colleague's document", f"/jobs/{two}", who="clerk-2")
        seen.at("board, second approver", "/", who="clerk-2")
        seen.at("visit of nobody", "/visits/s" + "9" * 24, 404)
        counter.post(f"{visit}/close")
        seen.at("visit, closed", visit)
        return seen.album


def _trouble() -> Album:
    with _top() as top:
        town = Town(top)
        seen, job = _Seen(Counter(town)), carried(town)
        request, _ = job.release()
        job.bus.evidence(request, printing.Finding.SENDING, 1)
        job.bus.evidence(request, printing.Finding.DOUBT, 2, why="stood_between_sheets")
        visit = f"/visits/{job.session.session}"
        seen.at("visit, in doubt", visit)
        job.bus.fact(link.Spoiled, job=job.name, attempt=1, sheets=("A-000412",), why="aborted", came_out=1)
        seen.at("visit, spoiled", visit)
        seen.at("visit, reissue", f"{visit}?reissue={job.name}")
        seen.at("board, own visit", "/")
        return seen.album


def _books() -> Album:
    found = Album()
    with _top() as top:
        room = ReadingRoom(top)
        room.a_day()
        room.night()
        paths = {"books": "/books", "day": f"/days/{BUS}", "checklists": "/checklists", "audit": "/audit"}
        paths |= {
            "digests": "/audit/digests",
            "digest": f"/audit/digests/{DAY}",
            "a day that has passed": f"/days/{BUS}?day={DAY}",
        }
        for language in Language:
            room.door.visitor = CUSTODIAN._replace(language=language)
            for name, path in paths.items():
                answer = room.get(path)
                assert answer.status_code == 200, (name, answer.status_code)
                found[f"{name}, {language}"] = answer.text
            room.door.visitor = AUDITOR._replace(language=language)
            found[f"books of an auditor, {language}"] = room.get("/books").text
    return found


def _entrance() -> Album:
    with _top() as top:
        town = Town(top)
        account(town, "boss", "administrator", "section_lead")
        code = town.relay.console.accounts.add("c-9", ["clerk"], [], "boss")
        return {
            f"{name}, {language}": text for language in Language for name, text in _door(town, language, code).items()
        }


def _door(town: Town, language: Language, code: str) -> Album:
    stranger, boss, newcomer = (Browser(application(town), f"10.0.{n}.{len(language)}") for n in range(3))
    lang = f"?lang={language}"
    found = {
        "sign in": stranger.get(f"/sign-in{lang}").text,
        "signed in wrongly": stranger.submit(
            f"/sign-in{lang}", "/sign-in", who="boss", password="x", digits="000000", to=""
        ).text,
        "first time": stranger.get(f"/first{lang}").text,
        "wrong code": stranger.submit(f"/first{lang}", "/first", who="c-9", code="00000000").text,
        "no such page": stranger.get("/nothing-is-here").text,
    }
    newcomer.submit(f"/first{lang}", "/first", who="c-9", code=code)
    found["set up"] = newcomer.get("/first/set-up").text
    town.clock.forward(60)
    assert boss.sign_in(town, "boss").status_code == 303
    boss.submit("/me", "/me/language", language=str(language))
    new = f"d-{language}"
    found |= {
        "own page": boss.get("/me").text,
        "own app": boss.get("/me/app").text,
        "own page, refused": boss.submit("/me", "/me/password", now="x", password="y", again="z", digits="000000").text,
        "people": boss.get("/people").text,
        "a person": boss.get("/people/c-9").text,
        "first-time code": boss.submit("/people", "/people", who=new, role_clerk="1", role="clerk").text,
        "people, refused": boss.submit("/people", "/people", who="NOT AN ID", role="clerk").text,
        "not allowed": boss.get("/books").text,
    }
    return found
