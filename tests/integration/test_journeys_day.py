"""A whole day at the counter, across both real sides: from the PIN in the morning to the one quiet line of a route bus."""

import asyncio
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest

from bus_agent.tui.scene import Qr
from cityhall_base.clock import SystemClock, jst
from cityhall_relay import trial_page
from provisioning import small_city
from provisioning.demo.parts import House
from provisioning.files import write
from tests.journeys.clerk import CHROMIUM
from tests.journeys.counter import FIRST, HALL, SERVICE, Counter, a_house, counter, still_running
from tests.journeys.waiting import until

MIDNIGHT: Final = timedelta(minutes=10)
TODAY: Final = jst(SystemClock().utc_ms()).date()
FORM: Final = "児童手当認定請求書"
DRAWER: Final = ("A-000101", "A-000150")

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium"),
    pytest.mark.skipif(
        jst(SystemClock().utc_ms() + int(MIDNIGHT.total_seconds() * 1000)).date() != TODAY,
        reason="too near midnight in Japan: the day of its slots and lists would end in the middle",
    ),
]


@pytest.fixture
def house() -> Iterator[House]:
    with a_house(people=True) as house:
        yield house
    assert not still_running(house)


def plan(house: House) -> None:
    """Two slots of today, from a table as the city's own system exports it."""
    rows = (
        "date,bus,slot,start,end,stop,section",
        f"{TODAY},{small_city.BUS},1,00:00,23:58,hase-hall,citizen",
        f"{TODAY},{small_city.BUS},2,23:58,23:59,mibu-hall,tax",
    )
    path = house.desk / "plan.csv"
    write(path, "\n".join(rows).encode(), house.users.city.clerk)
    assert house.clerk.run("day", "import", path)["days"][0]["slots"] == 2


# --- the morning ---


async def signs_in(both: Counter) -> None:
    """Out of the quiet line, by her PIN, into 市役所."""
    one = both.concierge
    await one.at("route_bus")
    await one.choose("業務をはじめる")
    await one.pick("市役所")
    await one.choose("先にサインイン")
    await one.pick(small_city.CONCIERGE)
    await one.choose("つぎへ")
    await one.types(small_city.PIN)
    await one.sees("*" * len(small_city.PIN))
    assert small_city.PIN not in one.text
    await one.choose("サインイン")
    await one.at("route_bus")
    await one.choose("業務をはじめる")
    await one.pick("市役所")
    await one.choose("これにする")
    await one.at("opening")
    await one.sees("市役所モード", "始業点検")
    await both.clerk.sees("もーば1号車", "市役所")


async def arrives(both: Counter) -> None:
    """At the first stop of the day; the board says the same."""
    one = both.concierge
    await one.press("f9")
    await one.sees("つぎは", "予約 1番", HALL)
    await one.choose("会場に着いた")
    await one.pick(HALL)
    await one.choose("ここに着いた")
    await one.at("opening")
    await one.sees(HALL)
    await both.clerk.sees(HALL)


async def receives_paper(both: Counter) -> None:
    """Fifty numbered sheets, by the first number and the last."""
    one = both.concierge
    await one.press("f11")
    await one.choose("用紙・お金")
    await one.choose("ちがう・ほか")
    await one.pick("用紙を受け取った")
    await one.choose("ひらく")
    await one.types(DRAWER[0])
    await one.choose("つぎへ")
    await one.types(DRAWER[1])
    await one.sees("50")
    await one.choose("受け取りました")
    await one.at("lists")
    await both.clerk.sees("のこり50枚")


async def counts(both: Counter, left: int) -> None:
    """The drawer holds what the book says."""
    await both.concierge.choose("用紙を数える")
    await both.concierge.sees(f"引き出しに {left}枚 あるはずです")
    await both.concierge.choose(f"{left}枚 あります")
    await both.concierge.at("lists")


async def opens_the_day(both: Counter) -> None:
    """始業点検, one item after the other, with the test page that a clerk sends by command."""
    one = both.concierge
    await one.choose("始業点検")
    await one.sees("電源ランプがついている")
    await one.choose("よい")
    await one.sees("車内と机をふいた")
    await one.choose("よい")
    await one.sees("改ざん防止用紙の枚数が台帳と合う")
    await counts(both, 50)
    await one.choose("始業点検")
    await one.sees("試し刷りを確かめた")
    await one.choose("窓口の画面へ")
    await trial(both)
    await one.at("opening")
    await one.choose("始業点検をはじめる")
    await one.sees("すべての項目を確かめました")
    await one.choose("点検を終える")
    await one.at("lists")
    await one.sees("済み")
    await one.choose("もどる")
    await one.at("counter")


async def trial(both: Counter) -> None:
    """It comes through a visit of its own, and the browsers see whose that is."""
    one, run = both.concierge, both.house.clerk.run
    await one.choose("相談だけする")
    await one.pick("予約なし")
    await one.choose("市民課")
    await one.at("visit.ringing")
    await both.clerk.sees("応答する", "予約なし")
    session = (await asyncio.to_thread(run, "session", "accept"))["session"]
    await one.at("visit.talk")
    await both.clerk.sees(f"{small_city.CLERK} が応答しました")
    page = await asyncio.to_thread(run, "test-page", "--session", session, "--approve")
    await one.at("visit.card")
    await one.sees("試し刷り")
    await one.sees_large(page["check_word"])
    await both.prints()
    assert both.house.papers()[-1].size == len(trial_page.document())
    await one.choose("お渡ししました")
    await one.at("visit.talk")
    await asyncio.to_thread(run, "session", "close", session)
    await one.at("visit.feedback")
    await one.press("0")


# --- the visits ---


async def booked_visit(both: Counter) -> None:
    """予約 1番: a certificate, its fee, and a face."""
    one, clerk = both.concierge, both.clerk
    await one.sees("予約 1番", "どの課につなぎますか")
    await both.calls()
    await one.sees("[呼出]", "市民課を呼び出しています")
    await clerk.sees("予約枠1", HALL)
    await both.answers()
    await both.same_step("本人確認")
    await video(both)
    assert "対応中" in await slots(both)
    await both.checks()
    await both.same_step("書類")
    await one.sees("職員が書類を用意しています")
    word = await both.sends()
    await one.at("visit.card")
    await both.same_step("許可")
    await one.sees_large(word)
    await one.sees(SERVICE, "手数料 300円", "1枚")
    await clerk.sees(SERVICE, "300円", "改ざん防止用紙")
    assert one.choices[0].act is None, "not allowed yet"
    await both.allows()
    await both.same_step("印刷")
    await both.prints()
    await both.same_step("お渡し")
    await one.sees(word, DRAWER[0])
    await clerk.sees(word)
    await one.choose("お渡ししました")
    await one.at("visit.fee")
    await one.sees("手数料300円を受け取ってください")
    await one.choose("受け取りました")
    await one.at("visit.talk")
    await clerk.sees("お渡し済", word)
    await clerk.press("窓口対応を終了")
    await one.at("visit.feedback")
    await one.choose("よかった")
    await one.at("counter")
    await clerk.sees("窓口にだれもいません", "のこり49枚")
    assert "済み" in await slots(both)


async def video(both: Counter) -> None:
    """Both doors lead into the same room: the clerk's as host, hers as guest."""
    host = await both.clerk.page.get_by_role("link", name="映像を開く").get_attribute("href")
    codes = [part.address for part in both.concierge.app.deck.scene().body if isinstance(part, Qr)]
    assert [f"{guest}/host" for guest in codes] == [host]
    await both.concierge.sees("映像をひらく")


async def slots(both: Counter) -> str:
    """What the board says of the day's first slot; looked at beside what the clerk's window shows."""
    page = await both.clerk.page.context.new_page()
    await page.goto(both.house.console)
    said = await page.locator("g.slot title").first.text_content()
    await page.close()
    return said or ""


async def another_section(both: Counter) -> None:
    """A form of another section, without booking, check or fee."""
    one, clerk = both.concierge, both.clerk
    await one.sees("この会場の予約は、もうありません")
    await one.choose("ほかの課")
    await one.pick("子育て課")
    await one.choose("呼び出す")
    await one.at("visit.ringing")
    await clerk.sees("子育て課", "予約なし")
    await both.answers()
    await clerk.press("本人確認のいらない書類へ進む")
    await clerk.sees("書類を送ってください", FORM)
    word = await both.sends()
    await one.sees(FORM)
    await one.sees_large(word)
    await both.allows()
    await both.prints()
    await one.choose("お渡ししました")
    await one.at("visit.talk")
    await clerk.sees("お渡し済")
    await clerk.press("窓口対応を終了")
    await one.at("visit.feedback")
    await one.press("0")
    await one.at("counter")


# --- the evening ---


async def leaves(both: Counter) -> None:
    """On to the next stop; both screens say so."""
    one = both.concierge
    await one.press("f9")
    await one.sees(f"いまは{HALL}にいます", "済み")
    await one.choose("出発する")
    await one.sees("いまは会場にいません", "美和公民館")
    await one.choose("もどる")
    await one.at("way")
    await one.sees("移動中です", "美和公民館")
    await both.clerk.sees("移動中", "会場の外")


async def closes_the_day(both: Counter) -> None:
    """終業点検 with sheets and cash; then there is one quiet line."""
    one = both.concierge
    await one.press("f11")
    await one.choose("終業点検")
    await counts(both, 49)
    await one.choose("終業点検")
    await one.choose("現金を数える")
    await one.sees("現金は 300円 あるはずです")
    await one.choose("300円 あります")
    await one.choose("終業点検")
    await one.sees("用紙を鍵のかかる所にしまった")
    await one.choose("よい")
    await one.sees("すべての項目を確かめました")
    await one.choose("点検を終える")
    await one.at("lists")
    await one.press("f9")
    await one.choose("業務モード・延長")
    await one.choose("業務モードを変える")
    await one.pick("路線バス")
    await one.choose("これにする")
    await one.at("route_bus")
    await until(lambda: len(quiet(both)) == 3, "nothing but the line, the clock and the way back", lambda: one.text)
    assert re.fullmatch("路線バスとして運行しています [0-9]{2}:[0-9]{2} F1  業務をはじめる", " ".join(quiet(both)))
    await both.clerk.sees("路線バス")


def quiet(both: Counter) -> list[str]:
    """All lines in which something stands."""
    return [one.strip() for one in both.concierge.text.splitlines() if one.strip()]


def books(house: House) -> dict[str, Any]:
    """The day as city hall's custodian reads it."""
    day = house.clerk.run("day", small_city.BUS)
    sheets = next(one for one in day["sheets"] if one["paper"] == small_city.PAPER)
    return {
        "sheets": {name: sheets[name] for name in ("received", "issued", "spoiled", "lost", "left", "differences")},
        "paid": day["fees"]["paid"],
        "faces": day["feedback"],
        "lists": [bool(one["completed_at"]) for one in day["checklists"]],
        "ends": [[job["state"] for job in one["documents"]] for one in day["sessions"]],
        "slots": [one["slot"] for one in day["sessions"]],
        "incidents": day["incidents"],
    }


EVENING: Final = {
    "sheets": {"received": 50, "issued": 1, "spoiled": 0, "lost": 0, "left": 49, "differences": []},
    "paid": 300,
    "faces": {"good": 1, "so_so": 0, "not_good": 0},
    "lists": [True, True],
    "ends": [["handed_over"]] * 3,
    "slots": [0, 1, 0],
    "incidents": [],
}


def test_a_day_without_trouble_says_the_same_on_both_screens_from_the_pin_to_the_route_bus(house: House) -> None:
    async def journey() -> None:
        plan(house)
        async with counter(house, FIRST) as both:
            for part in (signs_in, arrives, receives_paper, opens_the_day):
                await part(both)
            for part in (booked_visit, another_section, leaves, closes_the_day):
                await part(both)
        assert len(house.papers()) == 3
        await until(lambda: books(house) == EVENING, "city hall's books are the day's", lambda: books(house))

    asyncio.run(journey())
