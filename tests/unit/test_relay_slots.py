"""The slots of a day: a table that is taken whole or not at all, the eight bytes in a plan, and the answer to a bus that asks."""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from cityhall_base import coding
from cityhall_relay import cli, slot_table
from cityhall_relay.client import commands
from cityhall_relay.errors import PlanError
from cityhall_relay.slot_table import COLUMNS, MOST_ERRORS, TABLE_BYTES
from cityhall_relay.slots import Day
from cityhall_wire.messages import visit
from cityhall_wire.messages.relay import Refusal
from cityhall_wire.messages.visit import MOST_SLOTS, DayPlan, DayWanted, Slot
from cityhall_wire.modes import DutyMode
from tests.relay_city import HandMadeBus, Town, desk_bus, token

TODAY, TOMORROW, YESTERDAY = "2026-11-21", "2026-11-22", "2026-11-20"
HEADER = ",".join(COLUMNS)
FIRST = f"{TODAY},bus-1,1,09:00,09:30,hall,citizen"
SECOND = f"{TODAY},bus-1,2,9:30,10:00,hall,tax"
SLOTS = (
    Slot(slot=1, start=540, end=570, stop="hall", section="citizen"),
    Slot(slot=2, start=570, end=600, stop="hall", section="tax"),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """For tables that change nothing."""
    return Town(tmp_path_factory.mktemp("town"), paper=False)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path, paper=False)


def table(*lines: str) -> bytes:
    return "\n".join((HEADER, *lines)).encode()


def take(town: Town, *lines: str) -> tuple[Day, ...]:
    return town.relay.slots.take("clerk-1", table(*lines)).days


def journal(town: Town) -> list[tuple[str, dict[str, Any]]]:
    rows = town.relay.store.db.execute("select kind, body from journal order by n").fetchall()  # type: ignore[attr-defined]
    return [(kind, msgspec.json.decode(body)) for kind, body in rows]


# --- the table ---


def test_a_table_is_taken_and_stands_by_start_whatever_the_order_of_lines_and_columns(town: Town) -> None:
    assert take(town, SECOND, FIRST) == (Day("bus-1", TODAY, 2, 0),)
    assert town.relay.slots.of("bus-1", TODAY) == SLOTS
    turned = "\ufeffstop,section,end,start,slot,bus,date\r\nhall,citizen,09:30,09:00,1,bus-2,2026/11/22\r\n\r\n"
    assert town.relay.slots.take("clerk-1", turned.encode()).days == (Day("bus-2", TOMORROW, 1, 0),)
    assert town.relay.slots.of("bus-2", TOMORROW) == SLOTS[:1]
    assert town.relay.slots.of("bus-2", TODAY) == ()


def test_an_import_replaces_the_days_it_names_and_no_other_and_is_written_down_once(town: Town) -> None:
    take(town, FIRST, SECOND, f"{TOMORROW},bus-1,9,13:00,13:30,hall,tax")
    assert take(town, FIRST) == (Day("bus-1", TODAY, 1, 2),)
    assert take(town, FIRST) == (Day("bus-1", TODAY, 1, 1),)
    assert [one.slot for one in town.relay.slots.of("bus-1", TOMORROW)] == [9]
    digest = hashlib.sha256(msgspec.json.encode(SLOTS[:1])).hexdigest()[:16]
    said = [body for kind, body in journal(town) if kind == "day_plan"]
    assert [(body["day"], body["slots"]) for body in said] == [(TODAY, 2), (TOMORROW, 1), (TODAY, 1)]
    assert said[-1] == {"bus": "bus-1", "day": TODAY, "slots": 1, "digest": digest, "by": "clerk-1"}


def test_a_line_with_date_and_bus_alone_empties_the_day(town: Town) -> None:
    bus = desk_bus(town)
    take(town, FIRST)
    assert bus.sync().day is not None
    assert take(town, f"{TODAY},bus-1,,,,,") == (Day("bus-1", TODAY, 0, 1),)
    assert bus.sync().day is None
    assert bus.fact(DayWanted).slots == ()


def test_slots_survive_a_restart(town: Town) -> None:
    take(town, FIRST, SECOND)
    town.restart()
    assert town.relay.slots.of("bus-1", TODAY) == SLOTS


WRONG_LINES = {
    f"{YESTERDAY},bus-1,3,11:00,11:30,hall,tax": "date: a day as",
    "2027-11-23,bus-1,3,11:00,11:30,hall,tax": "date: a day as",
    "2026-11-31,bus-1,3,11:00,11:30,hall,tax": "date: a day as",
    "22.11.2026,bus-1,3,11:00,11:30,hall,tax": "date: a day as",
    "２０２６-11-22,bus-1,3,11:00,11:30,hall,tax": "date: a day as",
    f"{TODAY},bus-9,3,11:00,11:30,hall,tax": "bus: bus-1, bus-2, bus-3, bus-4",
    f"{TODAY},bus-1,0,11:00,11:30,hall,tax": "slot: a number from 1 to 999",
    f"{TODAY},bus-1,1000,11:00,11:30,hall,tax": "slot: a number from 1 to 999",
    f"{TODAY},bus-1,-3,11:00,11:30,hall,tax": "slot: a number from 1 to 999",
    f"{TODAY},bus-1,山田,11:00,11:30,hall,tax": "slot: a number from 1 to 999",
    f"{TODAY},bus-1,3,11:00,11:30,山田太郎,tax": "stop: hall",
    f"{TODAY},bus-1,3,11:00,11:30,hall,山田太郎": "section: citizen, tax",
    f"{TODAY},bus-1,3,11:00,11:30,hall,\x00tax": "section: citizen, tax",
    f"{TODAY},bus-1,3,11:60,11:30,hall,tax": "start: a time of day as 10:30",
    f"{TODAY},bus-1,3,24:01,24:02,hall,tax": "start: a time of day as 10:30",
    f"{TODAY},bus-1,3,11:30,11:00,hall,tax": "end: later than start",
    f"{TODAY},bus-1,3,11:30,11:30,hall,tax": "end: later than start",
    f"{TODAY},bus-1,3,11:00,11:30,hall": "6 columns, 7 are allowed",
    f"{TODAY},bus-1,3,11:00,11:30,hall,tax,山田太郎": "8 columns, 7 are allowed",
    f"{TODAY},bus-1,,11:00,11:30,hall,tax": "slot: a number from 1 to 999",
    f"{TODAY},bus-1,1,11:00,11:30,hall,tax": "slot: stands in line 2 already",
    f"{TODAY},bus-1,3,09:29,09:31,hall,tax": "start: not before the end of line 2",
    f"{TODAY},bus-1,,,,,": "a day without slots has one line",
    f'{TODAY},bus-1,3,11:00,11:30,hall,"tax': "no CSV; an open quotation mark?",
    f'{TODAY},bus-1,3,11:00,11:30,hall,"tax"x': "no CSV; an open quotation mark?",
}


@pytest.mark.parametrize("line", WRONG_LINES)
def test_a_line_that_cannot_be_is_named_with_what_is_allowed_and_nothing_is_taken(shared: Town, line: str) -> None:
    with pytest.raises(PlanError) as refused:
        take(shared, FIRST, line)
    assert f"line 3: {WRONG_LINES[line]}" in str(refused.value)
    assert "山田" not in str(refused.value)
    assert shared.relay.slots.of("bus-1", TODAY) == ()


@pytest.mark.parametrize(
    "header",
    [
        "date,bus,slot,start,end,stop,section,name",
        "date,bus,slot,start,end,stop,氏名",
        "date,bus,slot,start,end,stop",
        "date,bus,slot,start,end,stop,section,section",
        "Date,Bus,Slot,Start,End,Stop,Section",
        FIRST,
    ],
)
def test_a_column_that_is_none_of_the_seven_is_refused_so_that_nobodys_name_comes_in(shared: Town, header: str) -> None:
    with pytest.raises(PlanError, match="line 1: the columns are date,bus,slot,start,end,stop,section"):
        shared.relay.slots.take("clerk-1", f"{header}\n{FIRST}".encode())


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "line 1: the columns are"),
        (table(), "line 2: at least one line"),
        (table() + b"\n" * 1_000_000, "line 2: at least one line"),
        (table() + b"\n" + b'"' * 1_000_000, "line 2: no CSV"),
        (table() + b"\n" + b"x" * 1_000_000, "line 2: no CSV"),
        (b"\x00" * 1_000_000, "line 1: "),
        (b"\n" * TABLE_BYTES + b"\n", f"larger than {TABLE_BYTES} bytes"),
        (table(FIRST) + b"\n\xff\xfe", "line 3: not UTF-8"),
        (table(FIRST).decode().encode("utf-16"), "line 1: not UTF-8"),
        (b"PK\x03\x04" + b"\x9c" * 100, "line 1: not UTF-8"),
    ],
    ids=[
        "empty",
        "no-line",
        "million-lines",
        "quotes",
        "one-cell",
        "nul",
        "too-large",
        "bytes",
        "utf-16",
        "spreadsheet",
    ],
)
def test_whatever_comes_costs_a_sentence(shared: Town, raw: bytes, says: str) -> None:
    with pytest.raises(PlanError) as refused:
        shared.relay.slots.take("clerk-1", raw)
    assert says in str(refused.value)


def test_the_first_wrong_lines_are_named_and_the_rest_is_not_read(shared: Town) -> None:
    with pytest.raises(PlanError) as refused:
        take(shared, *(f"{TODAY},bus-1,{n},a,b,c,d" for n in range(1, 1000)))
    assert str(refused.value).count("line ") == MOST_ERRORS
    assert f"line {MOST_ERRORS + 1}: " in str(refused.value)


def test_a_day_has_at_most_a_hundred_slots_and_they_fit_one_answer(town: Town) -> None:
    times = [f"{minute // 60}:{minute % 60:02}" for minute in range(480, 480 + 5 * (MOST_SLOTS + 2), 5)]
    lines = [f"{TODAY},bus-1,{n + 1},{times[n]},{times[n + 1]},hall,citizen" for n in range(MOST_SLOTS + 1)]
    with pytest.raises(PlanError, match=f"line {MOST_SLOTS + 2}: at most {MOST_SLOTS} slots a bus and day"):
        take(town, *lines)
    take(town, *lines[:-1])
    assert len(desk_bus(town).fact(DayWanted).slots) == MOST_SLOTS


def test_a_city_of_many_stops_gets_a_short_sentence() -> None:
    with pytest.raises(slot_table._WrongError) as refused:
        slot_table._known("stop", "x", dict.fromkeys(f"stop-{n}" for n in range(500)))
    assert str(refused.value).endswith("stop-19 and 480 more")


# --- what the bus hears ---


def sizes(town: Town, bus: HandMadeBus) -> int:
    """Bytes of one plan on the line."""
    answers: list[bytes] = []
    post = bus.post

    def listen(path: str, raw: bytes) -> bytes:
        answers.append(post(path, raw))
        return answers[-1]

    bus.post = listen
    bus.sync()
    bus.post = post
    return len(coding.pack(answers[0]))


def test_a_plan_names_todays_slots_in_about_twenty_bytes_and_says_nothing_without_any(town: Town) -> None:
    bus = desk_bus(town)
    bus.sync()
    without = max(sizes(town, bus) for _ in range(4))
    take(town, FIRST, SECOND)
    plan = bus.sync()
    assert plan.day == hashlib.sha256(msgspec.json.encode(SLOTS)).digest()[:8]
    assert sizes(town, bus) - without <= 24
    assert desk_bus(town, "bus-2").sync().day is None


def test_slots_are_named_on_duty_alone_and_of_today_alone(town: Town) -> None:
    bus = desk_bus(town)
    take(town, f"{TOMORROW},bus-1,1,09:00,09:30,hall,citizen")
    assert bus.sync().day is None
    town.clock.forward(15 * 3600)  # 00:00 JST
    assert bus.sync().day == visit.day_digest(SLOTS[:1])
    assert bus.sync(mode=DutyMode.ON_THE_WAY).day is not None
    assert bus.sync(mode=DutyMode.ROUTE_BUS).day is None
    assert bus.sync(mode=DutyMode.MAINTENANCE).day is None


def test_a_bus_that_asks_gets_todays_slots_and_the_digest_is_theirs(town: Town) -> None:
    bus = desk_bus(town)
    take(town, SECOND, FIRST)
    answer = bus.fact(DayWanted)
    assert isinstance(answer, DayPlan)
    assert (answer.day, answer.slots) == (TODAY, SLOTS)
    assert visit.day_digest(answer.slots) == bus.sync().day


def test_a_bus_that_is_out_of_service_hears_of_no_slots(town: Town) -> None:
    bus = desk_bus(town)
    take(town, FIRST)
    bus.sync()
    town.relay.revocation.revoke("bus-1", "clerk-1", "stolen")
    assert bus.sync().day is None
    refused = bus.fact(DayWanted)
    assert isinstance(refused, Refusal)
    assert refused.reason == "revoked"


def test_a_bus_is_hinted_at_when_its_slots_of_today_change_and_only_then(town: Town) -> None:
    hinted: list[str] = []
    town.relay.changes.hint = hinted.append
    take(town, FIRST)
    assert hinted == ["bus-1"]
    take(town, FIRST, f"{TOMORROW},bus-2,1,09:00,09:30,hall,citizen")
    assert hinted == ["bus-1"]


# --- what clerks ask ---


def clerk(town: Town, method: str, path: str, **request: Any) -> httpx.Response:
    app = town.relay.clerk_app(lambda bus: None)

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://relay") as client:
            headers = {"Authorization": f"Bearer {token('clerk-1')}", **request.pop("headers", {})}
            return await client.request(method, path, headers=headers, **request)

    return asyncio.run(once())


CSV = {"Content-Type": "text/csv; charset=utf-8"}


def test_a_clerk_with_the_right_duty_imports_and_everybody_reads(town: Town) -> None:
    taken = clerk(town, "POST", "/1/day-plan", content=table(FIRST, SECOND), headers=CSV)
    assert (taken.status_code, taken.json()) == (
        200,
        {"days": [{"bus": "bus-1", "day": TODAY, "slots": 2, "before": 0}]},
    )
    settings = (town.top / "relay.toml").read_text().replace('"duty", ', "")
    (town.top / "relay.toml").write_text(settings)
    town.restart()
    assert clerk(town, "POST", "/1/day-plan", content=table(FIRST), headers=CSV).status_code == 403
    plan = clerk(town, "GET", "/1/buses/bus-1/plan").json()
    assert (plan["bus"], plan["day"], len(plan["slots"])) == ("bus-1", TODAY, 2)
    assert plan["slots"][0] == {"slot": 1, "start": 540, "end": 570, "stop": "hall", "section": "citizen"}
    assert clerk(town, "GET", f"/1/buses/bus-1/plan?day={TOMORROW}").json()["slots"] == []


@pytest.mark.parametrize(
    ("path", "request_", "status", "key"),
    [
        ("/1/day-plan", {"content": table(FIRST)}, 400, "relay.plan"),
        ("/1/day-plan", {"content": table("x"), "headers": CSV}, 400, "relay.plan"),
        ("/1/day-plan", {"content": b"x" * (TABLE_BYTES + 1), "headers": CSV}, 413, "http.body_too_large"),
        ("/1/buses/bus-9/plan", {}, 400, "relay.unknown_place"),
        ("/1/buses/bus-1/plan?day=21.11.2026", {}, 400, "relay.request"),
    ],
)
def test_what_cannot_be_imported_or_read_gets_a_sentence(
    shared: Town, path: str, request_: dict[str, Any], status: int, key: str
) -> None:
    answer = clerk(shared, "POST" if request_ else "GET", path, **dict(request_))
    assert (answer.status_code, answer.json()["key"]) == (status, key)


class _Hall:
    """Stands in for the connection to city hall: what was asked, and the answer of a test."""

    def __init__(self, answer: dict[str, Any]) -> None:
        self.answer, self.asked = answer, list[Any]()

    def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        self.asked.append((method, path, request))
        return self.answer


def test_the_command_imports_a_file_and_reads_a_bus_by_the_same_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plan.csv").write_bytes(table(FIRST))
    days = [{"bus": "bus-1", "day": TODAY, "slots": 12, "before": n} for n in (0, 3)]
    hall = _Hall({"days": days})
    monkeypatch.setattr(commands, "city_hall", lambda args: hall)
    assert cli.main(["day", "import", str(tmp_path / "plan.csv")]) == 0
    assert hall.asked == [
        ("POST", "/1/day-plan", {"content": table(FIRST), "headers": {"Content-Type": "text/csv"}}),
    ]
    said = capsys.readouterr().out.splitlines()
    assert said == [f"{TODAY}  bus-1  予約枠 12件", f"{TODAY}  bus-1  予約枠 12件 (前の3件と入れかえ)"]
    assert cli.main(["day", "import", str(tmp_path / "plan.csv"), "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out) == {"days": days}
    for words in (["day", "import"], ["day", "bus-1", "plan.csv"]):
        with pytest.raises(SystemExit, match="2"):
            cli.main(words)
