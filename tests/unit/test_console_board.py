"""The clerk's board: calls, what needs attention, buses; drawn once for all who may see the same."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cityhall_base.clock import business_day
from cityhall_relay.console import live
from cityhall_relay.console.board import BoardPages
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.live import Live
from cityhall_relay.console.strip import Kind, strip
from cityhall_relay.incidents import What
from cityhall_relay.settings import Right
from cityhall_relay.store.rows import Incident
from cityhall_relay.store.visits import DayPlan
from cityhall_wire.messages import link, printing, visit
from cityhall_wire.messages.visit import Slot, encode_slots
from tests.console_counter import COUNTER, Counter, called, clerk
from tests.relay_city import BUSES, CITY, Town, carried, desk_bus

DEPUTY = CITY.replace(
    b'name = "tax"\nname_en = "Taxes"', b'name = "tax"\nname_en = "Taxes"\ndeputy = "citizen"'
).replace(b'duty_until = "24:00"', b'duty_until = "15:30"')
SESSION = "s" + "0" * 23 + "1"
EVIL = "<script>alert(1)</script>"
READER = frozenset({Right.READ})
BOSS = COUNTER | {Right.DUTY}


@pytest.fixture
def town() -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="board-") as top:
        yield Town(Path(top), DEPUTY)


@pytest.fixture
def counter(town: Town) -> Counter:
    return Counter(town)


def board(counter: Counter) -> str:
    answer = counter.get("/")
    assert answer.status_code == 200
    return answer.text


def part(page: str, name: str) -> str:
    """One of the board's parts."""
    return page.split(f'sse-swap="{name}"')[1].split("sse-swap=")[0]


def test_an_empty_board_is_a_good_state_and_says_so(counter: Counter) -> None:
    page = board(counter)
    assert "すべてよい状態です" in part(page, "attention")
    assert "いま呼び出しているバスはありません" in part(page, "calls")


def test_a_call_is_answered_with_one_button_and_leads_to_the_visit(counter: Counter, town: Town) -> None:
    called(town)
    town.clock.forward(32)
    calls = part(board(counter), "calls")
    assert "30秒 待っています" in calls
    assert calls.count("<button") == 1
    answer = counter.post(f"/calls/{SESSION}/accept")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/visits/{SESSION}")


def test_the_others_see_who_has_answered_and_only_that_clerk_the_way_back(counter: Counter, town: Town) -> None:
    called(town)
    town.clock.forward(1)
    counter.post(f"/calls/{SESSION}/accept")
    assert f"/visits/{SESSION}" in part(board(counter), "mine")
    page = board(counter.as_(clerk("clerk-2")))
    assert "clerk-1 が応答しました" in part(page, "calls")
    assert "応答する" not in page
    assert SESSION not in page


def test_the_second_of_two_who_press_reads_that_the_call_is_gone(counter: Counter, town: Town) -> None:
    called(town)
    counter.post(f"/calls/{SESSION}/accept")
    late = counter.as_(clerk("clerk-2")).post(f"/calls/{SESSION}/accept")
    assert late.status_code == 409
    assert "ほかの職員が出たか" in late.text
    session = town.relay.store.session(SESSION)
    assert session is not None
    assert session.clerk == "clerk-1"


def test_a_call_rings_for_its_section_and_later_for_the_deputy_who_may_take_it(counter: Counter, town: Town) -> None:
    called(town, section="tax")
    citizen, tax = clerk("clerk-1", "citizen"), clerk("clerk-2", "tax")
    assert "応答する" in board(counter.as_(tax))
    assert "応答する" not in board(counter.as_(citizen))
    assert counter.post(f"/calls/{SESSION}/accept").status_code == 403
    town.clock.forward(40)
    calls = part(board(counter.as_(citizen)), "calls")
    assert "taxの代わりに呼ばれています" in calls
    assert counter.post(f"/calls/{SESSION}/accept").status_code == 303


def test_an_auditor_sees_buses_and_nothing_to_press(counter: Counter, town: Town) -> None:
    called(town).fact(link.Extend, minutes=15)
    page = board(counter.as_(clerk("auditor", rights=READER)))
    assert 'id="bus-bus-1"' in page
    assert "<button" not in page.split("<main")[1]
    assert counter.post(f"/calls/{SESSION}/accept").status_code == 403
    assert counter.post("/buses/bus-1/visit", section="citizen", stop="hall").status_code == 403
    assert counter.post("/buses/bus-1/extend").status_code == 403


def test_an_extension_is_granted_from_the_board_by_whoever_has_the_right(counter: Counter, town: Town) -> None:
    called(town).fact(link.Extend, minutes=15)
    asked = board(counter)
    assert "15分の延長を頼んでいます" in asked
    assert "延長を認める" not in asked
    assert counter.post("/buses/bus-1/extend").status_code == 403
    assert "延長を認める" in board(counter.as_(clerk("clerk-2", rights=BOSS)))
    assert counter.post("/buses/bus-1/extend").headers["location"] == "/#bus-bus-1"
    assert "延長を頼んでいます" not in board(counter)


def test_what_needs_attention_stands_in_sentences_with_the_way_to_mend_it(counter: Counter, town: Town) -> None:
    box = called(town)
    town.clock.forward(town.relay.city.city.limits.call_s)
    town.relay.housekeeping.tick()
    box.sync(printer=link.PrinterSummary(state="stopped", reasons=("media-jam-error",)))
    day = business_day(town.clock.utc_ms())
    with town.relay.store.event():
        town.relay.store.record("test")
        for what, bus in ((What.SHEETS, "bus-1"), (What.PRINTER_NOT_EMPTY, "bus-2")):
            town.relay.store.add_incident(_incident(bus, what, day, town.clock.utc_ms()))
    needs = part(board(counter), "attention")
    assert "bus 1の呼び出しにだれも出ませんでした" in needs
    assert "bus 1のプリンターに手当てがいります" in needs
    assert "紙がつまりました" in needs
    assert "用紙の枚数が台帳と合いません" in needs
    assert needs.count('class="need') == needs.count("見る</a>") == 4
    assert "#bus-bus-1" in needs


def _incident(bus: str, what: What, day: str, at: int) -> Incident:
    return Incident(bus=bus, day=day, what=str(what), detail="x", at=at)


def test_a_locked_bus_says_why_and_offers_no_visit(counter: Counter, town: Town) -> None:
    desk_bus(town).sync(software=b"x" * 32)
    page = board(counter)
    assert "bus 1は印刷できません" in part(page, "attention")
    assert "承認前" in part(page, "buses")
    assert "/buses/bus-1/visit" not in page


def test_a_document_in_doubt_leads_its_own_clerk_to_the_visit_and_others_to_the_bus(
    counter: Counter, town: Town
) -> None:
    job = carried(town)
    request, _ = job.release()
    job.bus.evidence(request, printing.Finding.DOUBT, 1)
    own, others = f"/visits/{job.session.session}?job={job.name}", board(counter.as_(clerk("clerk-2")))
    assert own in part(board(counter.as_(clerk())), "attention")
    assert "要確認" in part(others, "attention")
    assert job.session.session not in others


def test_a_document_that_waits_for_a_second_approver_is_on_the_others_boards(counter: Counter, town: Town) -> None:
    session = town.session()
    job = town.send(session, service="two-approvers").job
    assert job.job not in board(counter.as_(clerk("clerk-2")))
    town.relay.clerk_desk.approve("clerk-1", job.job)
    assert f'href="/jobs/{job.job}"' in board(counter.as_(clerk("clerk-2")))
    assert f'href="/jobs/{job.job}"' not in board(counter.as_(clerk()))


def test_a_clerk_opens_a_visit_where_nobody_answered(counter: Counter, town: Town) -> None:
    box = desk_bus(town)
    box.sync()
    box.fact(visit.AtStop, stop="hall")
    assert '<option value="hall" selected>' in board(counter)
    answer = counter.post("/buses/bus-1/visit", section="citizen", stop="hall", slot="4")
    opened = town.relay.sessions.on_bus("bus-1")
    assert opened is not None
    assert (answer.status_code, answer.headers["location"]) == (303, f"/visits/{opened.session}")
    assert (opened.clerk, opened.slot) == ("clerk-1", 4)


@pytest.mark.parametrize("slot", ["-1", "1000", "٣", "x", "1" * 5000])
def test_a_slot_that_is_no_number_opens_nothing(counter: Counter, town: Town, slot: str) -> None:
    assert counter.post("/buses/bus-1/visit", section="citizen", stop="hall", slot=slot).status_code == 400
    assert town.relay.store.live_sessions() == []


@pytest.mark.parametrize("path", ["/buses/../etc/visit", "/buses/%2e%2e%2fetc/visit", "/buses/no-bus/visit"])
def test_no_address_leads_out_of_the_city_s_buses(counter: Counter, path: str) -> None:
    answer = counter.post(path, section="citizen", stop="hall")
    assert answer.status_code in (400, 404, 405)


def test_slots_lie_on_a_strip_of_time_with_the_visit_of_now_in_it() -> None:
    slots = [Slot(slot=n, start=540 + 30 * n, end=570 + 30 * n, stop="hall", section="citizen") for n in (1, 2, 3)]
    shown = strip(slots, (510, 930), 615, {1}, 2)
    assert [bar.kind for bar in shown.bars] == [Kind.DONE, Kind.NOW, Kind.AHEAD]
    assert shown.bars[0].x + shown.bars[0].width <= shown.bars[1].x
    assert [tick.hour for tick in shown.ticks] == ["9:00", "10:00", "11:00", "12:00", "13:00", "14:00", "15:00"]
    assert shown.now == 250
    assert strip(slots, (510, 930), 400, set(), 0).now is None


def test_the_board_draws_today_s_slots_and_marks_the_one_at_the_counter(counter: Counter, town: Town) -> None:
    called(town, slot=3)
    slots = tuple(Slot(slot=n, start=510 + 30 * n, end=540 + 30 * n, stop="hall", section="citizen") for n in (2, 3, 4))
    day = business_day(town.clock.utc_ms())
    with town.relay.store.event():
        plan = DayPlan(bus="bus-1", day=day, slots=encode_slots(slots).decode(), by="clerk-1", at=1)
        town.relay.store.save_day_plan(plan)
        town.relay.store.record("test")
    assert 'class="slot now"' not in board(counter)
    counter.post(f"/calls/{SESSION}/accept")
    page = part(board(counter), "buses")
    assert page.count('class="slot ahead"') == 2
    assert page.count('class="slot now"') == 1


def test_no_text_of_the_city_s_file_becomes_markup() -> None:
    names = (b'name = "hall"', b'name = "bus 1"', b'name = "citizen"', b'name = "controlled"', b'name = "record"')
    city = DEPUTY
    for name in names:
        city = city.replace(name, b"name = '" + EVIL.encode() + b"'")
    with tempfile.TemporaryDirectory(prefix="board-") as top:
        town = Town(Path(top), city)
        counter = Counter(town)
        called(town)
        counter.post(f"/calls/{SESSION}/accept")
        for path in ("/", f"/visits/{SESSION}", f"/visits/{SESSION}?send=1"):
            page = counter.get(path).text
            assert EVIL not in page
            assert "&lt;script&gt;" in page


def test_a_hostile_bus_says_nothing_that_a_browser_would_run(counter: Counter, town: Town) -> None:
    box = desk_bus(town)
    box.sync(printer=link.PrinterSummary(state=EVIL, reasons=(EVIL, "media-jam", '"><img src=x onerror=alert(1)>')))
    page = board(counter)
    assert EVIL not in page
    assert "onerror" not in page


# --- drawn once for all ---


class CountingFrame(Frame):
    drawn = 0

    def text(self, *args: Any, **values: Any) -> str:
        CountingFrame.drawn += 1
        return super().text(*args, **values)


def test_fifty_boards_of_the_same_right_are_drawn_once_and_of_the_buses_only_those_that_changed(town: Town) -> None:
    CountingFrame.drawn = 0
    desks = town.relay.counter(lambda _bus: None)
    boards = BoardPages(desks, CountingFrame(desks.city), Live(desks.changes))._boards
    pages = [boards.of(clerk(f"c-{n}")) for n in range(50)]
    assert CountingFrame.drawn == 4 + len(BUSES)  # one for each part and bus
    CountingFrame.drawn = 0
    called(town)
    shown = [boards.of(clerk(f"c-{n}")) for n in range(50)]
    assert CountingFrame.drawn == 4 + 1  # the other buses are as they were
    assert pages[0] != shown[0]
    assert "token-of-c-7" in shown[7]["calls"]
    assert "token-of-c-7" not in "".join(shown[8].values())


def test_what_may_be_seen_is_never_shared_with_whoever_may_not(town: Town) -> None:
    desks = town.relay.counter(lambda _bus: None)
    boards = BoardPages(desks, Frame(desks.city), Live(desks.changes))._boards
    called(town)
    assert "応答する" in boards.of(clerk("a"))["calls"]
    assert "応答する" not in boards.of(clerk("b", "tax"))["calls"]
    assert boards.of(clerk("c", rights=READER))["calls"].strip() == ""
    assert "Answer" in boards.of(clerk("d", lang="en"))["calls"]


# --- live ---


def test_a_stream_says_everything_first_and_then_what_differs_until_the_relay_stops(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BEAT_S", 0.01)
    desks = town.relay.counter(lambda _bus: None)
    boards = BoardPages(desks, Frame(desks.city), Live(desks.changes))

    async def look() -> list[list[str]]:
        stream: Any = boards._live.stream(lambda: boards._boards.of(clerk())).body_iterator
        said = [_names(await anext(stream))]
        called(town)
        said.append(_names(await anext(stream)))
        town.relay.changes.stop()
        said += [_names(piece) async for piece in stream]
        return said

    first, *rest = asyncio.run(asyncio.wait_for(look(), 20))
    assert first == ["mine", "attention", "calls", "buses"]
    assert rest == [["calls", "buses"]]


def test_a_quiet_stream_gives_signs_of_life(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LOOK_S", 0.01)
    monkeypatch.setattr(live, "SIGN_OF_LIFE_S", 0.02)
    stream: Any = Live(town.relay.changes).stream(lambda: {"one": "same"}).body_iterator

    async def look() -> list[Any]:
        return [await anext(stream) for _ in range(3)]

    assert asyncio.run(asyncio.wait_for(look(), 20))[1:] == [b": still here\n\n"] * 2


def test_a_stream_ends_where_there_is_nothing_to_see_any_more_and_before_a_sign_in_is_old(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def all_of(look: Any) -> list[Any]:
        return [piece async for piece in Live(town.relay.changes).stream(look).body_iterator]

    assert asyncio.run(all_of(lambda: None)) == []
    monkeypatch.setattr(live, "LOOK_S", 0.01)
    monkeypatch.setattr(live, "LIFE_S", 0.05)
    assert asyncio.run(asyncio.wait_for(all_of(lambda: {"one": "same"}), 20)) == [b"event: one\ndata: same\n\n"]


def test_a_fragment_cannot_end_its_event() -> None:
    said = live.event("now", "<p>one\n\nevent: evil\r\ndata: two</p>")
    assert said == b"event: now\ndata: <p>one\ndata: \ndata: event: evil\ndata: data: two</p>\n\n"


def _names(piece: Any) -> list[str]:
    text = piece.decode() if isinstance(piece, bytes) else str(piece)
    return [line.removeprefix("event: ") for line in text.splitlines() if line.startswith("event: ")]
