"""The pages of custodian and auditor: what they show, what they refuse, and that a reader's reading is written down."""

import csv
import io
import json
import re
from pathlib import Path

import pytest

from cityhall_base.words import Language
from cityhall_relay.audit import PAGE
from cityhall_relay.console.dates import Dates, next_month
from cityhall_relay.incidents import What
from cityhall_relay.store import audit
from cityhall_relay.store.audit import Wanted
from cityhall_relay.store.rows import Incident
from cityhall_wire.books import Column
from tests.reading_room import AUDITOR, BUS, CLERK, CUSTODIAN, DAY, MONTH, ReadingRoom
from tests.relay_city import MORNING, OnBus
from tests.unit.test_audit_digest import program

HOSTILE = '"><script>alert(1)</script>'
READ = ("/books", f"/days/{BUS}", "/checklists", "/audit", "/audit/digests", f"/audit/digests/{DAY}", "/audit/export")


@pytest.fixture
def room(tmp_path: Path) -> ReadingRoom:
    return ReadingRoom(tmp_path)


@pytest.fixture
def used(room: ReadingRoom) -> OnBus:
    return room.a_day()


def cells(page: str, table: int = 0) -> list[list[str]]:
    """The cells of a table's rows, without their tags."""
    body = re.findall(r"<table.*?</table>", page, re.DOTALL)[table]
    rows = re.findall(r"<tr[ >].*?</tr>", body, re.DOTALL)
    return [[_text(cell) for cell in re.findall(r"<t[hd][ >].*?</t[hd]>", row, re.DOTALL)] for row in rows]


def _text(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


# --- the ledger, as on paper ---


def test_the_ledger_has_the_columns_of_the_paper_form_in_its_order(room: ReadingRoom, used: OnBus) -> None:
    page = room.get("/books", bus=BUS, month=MONTH).text
    head, line, *_ = cells(page)
    assert head == ["日付", "繰越", "受入", "交付", "書損", "亡失", "試し刷り", "残", "番号", "記入者"]
    numbers = "受入 A-000001..A-005000 交付 A-000001 試し刷り A-000002"
    assert line == ["11月21日", "0", "5000", "1", "", "", "1", "4998", numbers, "concierge concierge-3b"]
    assert "令和8年11月" in page
    assert "受払簿と紙は合っています。" in page


def test_a_difference_is_said_in_words_and_the_next_month_carries_over(room: ReadingRoom, used: OnBus) -> None:
    room.writes(Column.COUNTED, 5, sheets=4990)
    room.town.clock.forward(30 * 24 * 3600)
    room.writes(Column.LOST, 6, sheets=1, numbers=("A-000009",), why="wind")
    assert "引き出しにない紙" in room.get("/books").text
    assert cells(room.get("/books", month="2026-12").text)[1][:8] == ["12月21日", "4998", "", "", "", "1", "", "4997"]


def test_lines_stand_there_as_written_with_ids_and_the_money_by_what_became_of_it(
    room: ReadingRoom, used: OnBus
) -> None:
    page = room.get("/books").text
    entries = {entry.id for entry in room.town.relay.books.lines(BUS) if entry.paper}
    assert all(one in page for one in entries)
    fees = cells(page, 1)
    assert [row[1:4] for row in fees[1:]] == [["", "手数料", "300"], ["2026-00012", "収納", "300"]]
    assert str(used.job.check_word) in page
    assert "残っている手数料はありません。" in page


def test_paper_is_handed_out_by_a_wish_that_waits_for_the_bus(room: ReadingRoom, used: OnBus) -> None:
    asked = {"paper": "controlled", "first": "B-000001", "last": "B-000100", "month": MONTH}
    answer = room.post(f"/books/{BUS}/receive", **asked)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/books?bus={BUS}&month={MONTH}")
    (wish,) = room.town.relay.books.pending(BUS)
    assert (wish.column, wish.sheets, wish.by) == (Column.RECEIVED, 100, CUSTODIAN.who)
    assert "B-000001..B-000100" in room.get("/books").text
    again = room.post(f"/books/{BUS}/receive", **asked)
    assert again.status_code == 409, "pressed twice"
    assert "その番号は使えません。" in again.text
    assert 'value="B-000100"' in again.text, "what was typed is not lost"
    assert len(room.town.relay.books.pending(BUS)) == 1


def test_a_line_is_taken_back_and_written_with_the_right_number(room: ReadingRoom, used: OnBus) -> None:
    wrong = room.writes(Column.SPOILED, 5, sheets=1, numbers=("A-000003",), why="jam")
    form = room.get("/books", correct=wrong.id).text
    assert "5行目を訂正する" in form
    answer = room.post(f"/books/{BUS}/correct", entry=wrong.id, why="wrong_number", instead=" A-000004 、", month=MONTH)
    assert answer.status_code == 303
    back, right = room.town.relay.books.pending(BUS)
    assert (back.corrects, back.sheets, back.why, right.numbers) == (wrong.id, -1, "wrong_number", ("A-000004",))
    twice = room.post(f"/books/{BUS}/correct", entry=wrong.id, why="wrong_number", month=MONTH)
    assert twice.status_code == 409
    assert "もう取り消されています" in twice.text


CANNOT_BE: tuple[tuple[dict[str, str], int], ...] = (
    ({"paper": "plain", "first": "A-1", "last": "A-2"}, 409),
    ({"paper": "controlled", "first": "A-9", "last": "A-2"}, 400),
    ({"paper": "controlled", "first": "", "last": "A-2"}, 400),
    ({"paper": "controlled"}, 400),
    ({"paper": "../etc", "first": "A-1", "last": "A-2"}, 400),
    ({"paper": "controlled", "first": "B-0000001", "last": "B-9999999"}, 409),
    ({"paper": "controlled", "first": HOSTILE, "last": HOSTILE}, 400),
)


def test_what_cannot_be_received_is_said_on_the_page_and_nothing_is_wished(room: ReadingRoom) -> None:
    for form, status in CANNOT_BE:
        answer = room.post(f"/books/{BUS}/receive", **form)
        assert answer.status_code == status, form
        assert 'role="alert"' in answer.text
        assert "<script>alert" not in answer.text
    assert room.town.relay.books.pending(BUS) == []
    assert room.post("/books/bus-9/receive", paper="controlled", first="A-1", last="A-2").status_code == 400


# --- the day, its incidents, a month of checklists ---


def test_the_day_shows_duty_documents_lists_sheets_fees_and_voices(room: ReadingRoom, used: OnBus) -> None:
    page = room.get(f"/days/{BUS}", day=DAY).text
    for said in (
        "令和8年11月21日",
        "市役所",
        "record",
        str(used.job.check_word),
        "電源",
        "よくない",
        "slow",
        "4998",
        "300",
    ):
        assert said in page
    assert "終業点検: 届いていません" in _text(page)
    assert "よかった 0" in _text(page)


def test_an_incident_is_closed_with_a_reason_by_whoever_has_the_right(room: ReadingRoom, used: OnBus) -> None:
    number = opened(room, What.CHECKLIST, f"closing {DAY}").n
    assert "点検が届いていません (終業点検)" in _text(room.get(f"/days/{BUS}", day=DAY).text)
    room.door.visitor = AUDITOR
    assert "<form" not in room.get(f"/days/{BUS}", day=DAY).text.split('id="incidents"')[1]
    assert room.post(f"/incidents/{number}/close", why="cleared_up").status_code == 403
    room.door.visitor = CUSTODIAN
    answer = room.post(f"/incidents/{number}/close", why="cleared_up")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/days/{BUS}?day={DAY}#incidents")
    known = room.town.relay.store.incident(number)
    assert (known.closed_by, known.closed_why) == (CUSTODIAN.who, "cleared_up")
    room.post(f"/incidents/{number}/close", why="mistaken")
    assert room.town.relay.store.incident(number) == known, "closed once"
    assert "調べて、わけがわかりました" in room.get(f"/days/{BUS}", day=DAY).text


def opened(room: ReadingRoom, what: What, detail: str) -> Incident:
    with room.town.relay.store.event():
        return room.incidents.open(BUS, what, detail, DAY)


def test_an_incident_that_is_none_and_a_reason_that_is_none_of_the_list_close_nothing(room: ReadingRoom) -> None:
    for path in ("/incidents/0/close", "/incidents/x/close", "/incidents/99999999999999999999/close"):
        assert room.post(path, why="cleared_up").status_code == 404
    number = opened(room, What.LOST, "stolen").n
    assert room.post(f"/incidents/{number}/close", why=HOSTILE).status_code == 400
    assert room.town.relay.store.incident(number).open


def test_the_overview_says_which_lists_are_complete_and_which_are_missing(room: ReadingRoom, used: OnBus) -> None:
    opened(room, What.CHECKLIST, f"closing {DAY}")
    rows = cells(room.get("/checklists", month=MONTH).text)
    assert rows[2][:3] == ["11月21日", "09:00に済み よくない項目1件", "届いていません"]
    assert set(rows[2][3:]) == {"業務なし"}
    assert len(rows) == 2 + 21, "the month as far as it has come"


# --- the journal ---


def test_the_journal_stands_newest_first_in_pages_and_each_reading_is_a_row_of_it(room: ReadingRoom) -> None:
    room.door.visitor = AUDITOR
    for _ in range(PAGE + 5):
        room.writes_something()
    page = room.get("/audit").text
    rows = cells(page)[1:]
    assert len(rows) == PAGE
    assert rows[0][2:4] == ["audit_read", AUDITOR.who]
    older = re.search(r"before=(\d+)", page)
    assert older
    assert int(older[1]) == int(rows[-1][0])
    rest = cells(room.get("/audit", before=older[1]).text)[1:]
    assert int(rest[0][0]) == int(rows[-1][0]) - 1
    assert [json.loads(body)["by"] for _, _, body in room.rows("audit_read")] == [AUDITOR.who] * 2


def test_rows_are_found_by_day_person_kind_and_document(room: ReadingRoom, used: OnBus) -> None:
    room.night()
    assert {row[2] for row in cells(room.get("/audit", kind="digest").text)[1:]} == {"digest"}
    assert len(cells(room.get("/audit", day="2026-11-20").text)) == 2, "nothing"
    assert all("令和8年11月21日" in row[1] for row in cells(room.get("/audit", day=DAY).text)[1:])
    by_job = cells(room.get("/audit", job=used.name).text)[1:]
    assert {row[4] for row in by_job} == {used.name}
    assert {"approved", "book", "step"} <= {row[2] for row in by_job}
    both = cells(room.get("/audit", who="clerk-1", kind="approved", job=used.name, day=DAY).text)[1:]
    assert [row[2:5] for row in both] == [["approved", "clerk-1", used.name]]
    assert "book" not in {row[2] for row in cells(room.get("/audit", who="concierge-3b").text)[1:]}


NOBODY_LOOKS_FOR: tuple[dict[str, str], ...] = (
    {"day": "2026-02-30"},
    {"day": "9999-99-99"},
    {"day": "../../etc/passwd"},
    {"who": "山田太郎"},
    {"kind": HOSTILE},
    {"job": "x' or 1=1 --"},
    {"before": "-1"},
    {"before": "99999999999999999999999"},
    {"before": "0"},
)


def test_what_nobody_can_look_for_is_a_sentence_and_never_a_row(room: ReadingRoom) -> None:
    rows = len(room.rows())
    for asked in NOBODY_LOOKS_FOR:
        answer = room.get("/audit", **asked)
        assert answer.status_code == 400, asked
        assert 'role="alert"' in answer.text
        assert program(room, "/1/audit/rows", params=asked).status_code == 400
    assert len(room.rows()) == rows


def test_the_last_page_and_a_page_behind_the_last_are_pages(room: ReadingRoom) -> None:
    assert "あてはまる行はありません。" in room.get("/audit", before="1").text
    assert room.get("/audit", before=str(2**53 - 1)).status_code == 200


def test_the_days_digest_is_a_page_to_print_with_its_code(room: ReadingRoom, used: OnBus) -> None:
    room.night()
    assert f"/audit/digests/{DAY}" in room.get("/audit/digests", year="2026").text
    page = room.get(f"/audit/digests/{DAY}").text
    assert "<svg" in page
    assert "style=" not in page, "the console's policy lets no style into a page"
    assert "CHD1-" in page
    kept = room.get(f"/audit/digests/{DAY}/file")
    assert kept.headers["content-disposition"] == f'attachment; filename="digest-{DAY}.json"'
    assert kept.json()["kind"] == "daily-digest"
    assert room.get("/audit/digests/2026-11-20").status_code == 404
    for day in ("2026-11-99", "%2e%2e", "x" * 5000):
        assert room.get(f"/audit/digests/{day}").status_code in (400, 404)


def many_rows(room: ReadingRoom, count: int) -> None:
    """A long journal, without what each row of it would cost to write."""
    first = len(room.rows()) + 1
    rows = [(n, MORNING + n * 40_000, ("sync", "step", "approved")[n % 3], n) for n in range(first, first + count)]
    db = room.town.relay.store.db.conn  # type: ignore[attr-defined]
    insert = "insert into journal select ?1, ?2, ?3, iif(?3 = 'sync', '', printf('j%024x', ?4 / 9)), '{}', zeroblob(32)"
    people = [(f"clerk-{n % 30}", n) for n, _, kind, _ in rows if kind == "approved"]
    with room.town.relay.store.event():
        db.executemany(insert, rows)
        db.executemany("insert into journal_who values (?, ?)", people)


def test_a_page_of_a_long_journal_is_a_bounded_question(room: ReadingRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "STEP", 100)
    monkeypatch.setattr(audit, "MOST_STEPS", 10_000)
    many_rows(room, 30_000)
    asked = [
        Wanted(),
        Wanted(before=15_000),
        Wanted(kind="sync"),
        Wanted(who="clerk-8"),
        Wanted(who="clerk-8", kind="approved", before=9_000),
        Wanted(job="j" + "0" * 21 + "123"),
        Wanted(begin=MORNING, end=MORNING + 24 * 3_600_000, kind="step"),
        Wanted(kind="nothing", who="nobody"),
    ]
    with room.town.relay.store.journal() as journal:
        for wanted in asked:
            found = journal.page(wanted, PAGE)
            assert found or wanted.kind == "nothing"
            assert journal._steps * 100 < 30_000, (
                wanted
            )  # a day costs its rows; to look at all rows costs ten times that


def test_a_question_that_takes_too_long_ends_with_a_sentence(
    room: ReadingRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    many_rows(room, 1_000)
    monkeypatch.setattr(audit, "STEP", 10)
    monkeypatch.setattr(audit, "MOST_STEPS", 3)
    answer = room.get("/audit", who="clerk-8", kind="sync")
    assert answer.status_code == 400
    assert "時間がかかりすぎます" in answer.text


def test_what_a_journal_of_an_older_release_holds_is_found_by_person_too(room: ReadingRoom, used: OnBus) -> None:
    db = room.town.relay.store.db  # type: ignore[attr-defined]
    for what in ("table digests", "table journal_who", *(f"index journal_{one}" for one in ("at", "kind", "job"))):
        db.execute(f"drop {what}")
    db.execute("drop index idx_book_bus_day")
    db.execute("delete from _sqlite_migrations where name = '0015_audit'")
    db.execute("update journal set body = 'no JSON' where n = 1")
    room.town.restart()
    found = program(room, "/1/audit/rows", params={"who": "clerk-1", "kind": "approved"}).json()["rows"]
    assert [row["job"] for row in found] == [used.name]


def test_a_third_copy_waits_unless_a_reader_has_stopped_reading(room: ReadingRoom) -> None:
    now = room.town.clock.boottime()
    room.audit._exporting |= {1: now, 2: now}
    assert room.get("/audit/export").status_code == 429
    room.town.clock.forward(3600)
    assert room.get("/audit/export").status_code == 200
    assert len(room.audit._exporting) == 2


# --- who may ---


def test_a_clerk_of_the_counter_reads_none_of_it(room: ReadingRoom) -> None:
    room.door.visitor = CLERK
    rows = len(room.rows())
    assert {room.get(path).status_code for path in READ} == {403}
    assert len(room.rows()) == rows


def test_an_auditor_reads_all_of_it_and_writes_nothing(room: ReadingRoom, used: OnBus) -> None:
    room.night()
    room.door.visitor = AUDITOR
    for path in READ:
        assert room.get(path).status_code == 200, path
    page = room.get("/books").text
    assert "受入に記入する" not in page
    assert "correct=" not in page
    for path in (f"/books/{BUS}/receive", f"/books/{BUS}/correct", "/incidents/1/close"):
        assert room.post(path).status_code == 403


def test_programs_need_the_right_to_read_too(room: ReadingRoom) -> None:
    settings = room.town.top / "relay.toml"
    text = settings.read_text()
    first, second = text.rsplit("may = ", 1)
    settings.write_text(first + "may = []\n" + second.split("\n", 1)[1] if "\n" in second else first + "may = []\n")
    room.town.restart()
    for path in ("/1/audit/rows", "/1/audit/digests", f"/1/audit/digests/{DAY}", "/1/audit/export"):
        assert program(room, path, clerk="clerk-2").status_code == 403
        assert program(room, path, clerk="clerk-1").status_code in (200, 404)
    assert program(room, "/1/audit/check", "POST", clerk="clerk-2").status_code == 403
    assert program(room, f"/1/books/{BUS}/ledger", clerk="clerk-2").status_code == 403


def test_a_token_with_the_right_to_read_writes_no_line(room: ReadingRoom) -> None:
    settings = room.town.top / "relay.toml"
    settings.write_text(settings.read_text().replace('["books", "duty", "revoke"]', '["read"]'))
    room.town.restart()
    assert program(room, f"/1/books/{BUS}/ledger").status_code == 200
    assert program(room, f"/1/buses/{BUS}/day").status_code == 200
    assert program(room, f"/1/books/{BUS}/receive", "POST", json={}).status_code == 403
    assert program(room, "/1/incidents/1/close", "POST", json={"why": "x"}).status_code == 403


# --- hostile texts ---


def test_no_text_that_crosses_becomes_a_script(room: ReadingRoom, used: OnBus) -> None:
    """A spoiled sheet's number is what somebody typed on the bus; a row's body is what anybody sent."""
    wide = "<img src=x onerror=a>"
    line = room.writes(Column.LOST, 5, sheets=1, numbers=("A-000009",), why="wind", by="c-1")
    db = room.town.relay.store.db  # type: ignore[attr-defined]
    (text,) = db.execute("select entry from book where id = ?", [line.id]).fetchone()
    db.execute("update book set entry = ? where id = ?", [text.replace("A-000009", f"{wide}1"), line.id])
    with room.town.relay.store.event():
        room.town.relay.store.record("something", detail=HOSTILE, by=HOSTILE)
        room.incidents.open(BUS, What.SHEETS, HOSTILE, DAY)
    for path in ("/books", f"/days/{BUS}?day={DAY}", "/audit", "/checklists"):
        page = room.get(path).text
        assert "<script>alert" not in page, path
        assert "<img" not in page, path
    assert "&lt;script&gt;" in room.get("/audit").text
    assert "&lt;img" in room.get("/books").text


def test_a_place_or_a_month_that_is_none_is_a_sentence(room: ReadingRoom) -> None:
    for bus in ("..", "../../etc/passwd", "%2e%2e%2f", HOSTILE, "bus-9", "x" * 3000):
        for path in ("/books", "/audit/export?what=ledger", "/audit/export?what=fees"):
            answer = room.client.get(path, params=dict(_of(path), bus=bus, month=MONTH))
            assert answer.status_code in (400, 404), (path, bus)
            assert "<script>alert" not in answer.text
        assert room.get(f"/days/{bus}", day=DAY).status_code in (400, 404)
    for month in ("2026-13", "../..", "0000-00", HOSTILE, "9" * 400, "0000-01", "9999-12"):
        for path in ("/books", "/checklists", "/audit/export?what=ledger"):
            answer = room.client.get(path, params=dict(_of(path), bus=BUS, month=month))
            assert answer.status_code == 400, (path, month)
        assert room.get(f"/days/{BUS}", day=month).status_code == 400
    assert room.rows("audit_export") == []


def _of(path: str) -> dict[str, str]:
    return dict(pair.split("=") for pair in path.partition("?")[2].split("&") if pair)


# --- copies ---


def test_an_export_is_written_down_before_its_first_byte(room: ReadingRoom, used: OnBus) -> None:
    room.night()
    room.door.visitor = AUDITOR
    answer = room.get("/audit/export", **{"from": DAY, "until": DAY})
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert answer.headers["content-disposition"] == f'attachment; filename="journal-{DAY}-{DAY}.jsonl"'
    numbers = [line["n"] for line in lines if "n" in line]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [line["day"] for line in lines if "digest" in line] == [DAY]
    assert lines[-1] == {"end": numbers[-1]}
    (_, _, body) = room.rows("audit_export")[-1]
    assert json.loads(body) == {"by": AUDITOR.who, "since": DAY, "until": DAY, "what": "journal"}
    today = room.get("/audit/export")
    assert '"audit_export"' in today.text, "the copy of today holds its own row"


def test_an_absurd_range_is_refused_and_nothing_is_written_down(room: ReadingRoom) -> None:
    for since, until in (("2026-11-22", DAY), ("2001-01-01", DAY), ("x", DAY), (DAY, "2026-11-31"), ("..", "..")):
        assert room.get("/audit/export", **{"from": since, "until": until}).status_code == 400
    assert room.get("/audit/export", what="everything").status_code == 400
    assert room.rows("audit_export") == []


def test_an_export_that_cannot_be_written_down_gives_no_byte(room: ReadingRoom, used: OnBus) -> None:
    room.town.relay.store.db.execute("PRAGMA query_only = on")  # type: ignore[attr-defined]
    answer = room.get("/audit/export")
    assert answer.status_code == 507
    assert "sync" not in answer.text


def test_a_spreadsheet_of_a_month_works_out_no_cell(room: ReadingRoom, used: OnBus) -> None:
    room.writes(Column.PAID, 5, paper=None, yen=-300, why="x", by="c-1", job=used.name)
    answer = room.get("/audit/export", what="fees", bus=BUS, month=MONTH)
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0] == ["日付", "領収番号", "区分", "円", "照合番号", "書類", "理由", "記入者"]
    assert [row[3] for row in rows[1:]] == ["300", "300", "-300"]
    assert answer.headers["content-type"].startswith("text/csv")
    ledger = room.get("/audit/export", what="ledger", bus=BUS, month=MONTH)
    assert f'filename="ledger-{BUS}-{MONTH}.csv"' in ledger.headers["content-disposition"]
    assert [json.loads(body)["what"] for _, _, body in room.rows("audit_export")] == ["fees", "ledger"]


# --- dates ---


@pytest.mark.parametrize(
    ("iso", "said"),
    [("2026-11-21", "令和8年11月21日"), ("2019-05-01", "令和元年5月1日"), ("2019-04-30", "2019年4月30日")],
)
def test_dates_are_the_citys(iso: str, said: str) -> None:
    assert Dates(Language.JAPANESE).day(iso) == said
    assert Dates(Language.ENGLISH).day(iso) == iso
    assert Dates(Language.JAPANESE).moment(MORNING) == "令和8年11月21日 09:00:00"
    assert (next_month("2026-12", 1), next_month("2026-01", -1)) == ("2027-01", "2025-12")
