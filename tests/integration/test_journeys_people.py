"""Journeys in which a person is missing, two are there, or a screen dies: both real sides, the real printer, one test each."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Final

import pytest
from playwright.async_api import Browser, Response

from provisioning.demo import probe
from provisioning.demo.console import STAFF
from provisioning.demo.parts import House
from provisioning.demo.stage import Scene
from provisioning.sample import sample_certificate
from tests.journeys.again import Again
from tests.journeys.clerk import CHROMIUM, Clerk, chromium, sign_in
from tests.journeys.concierge import on_board
from tests.journeys.counter import FIRST, OTHER, SERVICE, Counter, a_house, still_running
from tests.journeys.waiting import until

DEPUTY: Final = "staff-3t"
LIMITS: Final = {"sync_s": 2, "call_s": 20, "call_next_s": 5}
CARRIED_BYTES: Final = 4_000_000
"""More than a hundred ranges: the test sees it half carried."""

TAX: Final = "納税証明書"

pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium"),
]


@pytest.fixture(scope="module")
def shared() -> Iterator[House]:
    """One for all of them."""
    staff = {**STAFF, DEPUTY: ("clerk",)}
    with a_house(limits=LIMITS, staff=staff, answers={DEPUTY: ("tax",)}, second=True, deputy="tax") as house:
        assert still_running(house)
        yield house
    assert not still_running(house)


@pytest.fixture
def house(shared: House) -> Iterator[House]:
    """At the free counter; where a journey failed on its way, the next one finds it free all the same."""
    yield shared
    if shared.snapshot()["session"]:
        probe.post(shared.city.bus.api_socket, "/v1/session/end")
    if shared.snapshot()["visit"]:
        probe.post(shared.city.bus.api_socket, "/v1/visit/seen")


class Meeting(AsyncExitStack):
    """Her screen and two windows, all at the free counter."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house

    async def of(self, who: str, other: str) -> tuple[Counter, Clerk]:
        """The counter of `who`, and the other one's window."""
        concierge = await self.enter_async_context(on_board(self._house))
        browser: Browser = await self.enter_async_context(chromium())
        both = Counter(self._house, concierge, await sign_in(browser, self._house, who), browser)
        await both.arrives()
        return both, await sign_in(browser, self._house, other)


async def says_goodbye(both: Counter) -> None:
    """The clerk ends it, and the visitor gives no answer."""
    await both.clerk.press("窓口対応を終了")
    await both.concierge.at("visit.feedback")
    await both.concierge.press("0")
    await both.concierge.at("counter")
    await both.clerk.sees("窓口にだれもいません")


def test_a_call_that_nobody_answers_rings_at_the_deputy_and_then_the_telephone_is_what_is_left(house: House) -> None:
    async def journey() -> None:
        async with Meeting(house) as meeting:
            both, deputy = await meeting.of(FIRST, DEPUTY)
            one = both.concierge
            await both.calls()
            await one.sees("[呼出]", "市民課を呼び出しています")
            await one.sees("まだ出ません。税務課にもかけています。")
            await deputy.sees("市民課の代わりに呼ばれています", "もーば1号車", "応答する")
            await one.at("visit.unanswered")
            await one.sees("職員が出ませんでした。市民課に電話をかけてください。")
            await one.sees_large("0265-00-1101")
            await both.clerk.sees("もーば1号車の呼び出しにだれも出ませんでした", "いま呼び出しているバスはありません")
            await deputy.sees("いま呼び出しているバスはありません")
            await one.choose("もう一度呼ぶ")
            await one.at("visit.ringing")
            await both.clerk.sees("応答する", "すべてよい状態です")
            await both.answers()
            await both.same_step("本人確認")
            await says_goodbye(both)
            await both.clerk.sees("すべてよい状態です")

    asyncio.run(journey())


def test_of_two_clerks_who_answer_at_once_one_has_the_visit_and_the_other_sees_who(house: House) -> None:
    async def journey() -> None:
        async with Meeting(house) as meeting:
            both, other = await meeting.of(FIRST, OTHER)
            clerks = (both.clerk, other)
            await both.calls()
            for clerk in clerks:
                await clerk.sees("応答する")
                await clerk.page.get_by_role("button", name="応答する").focus()
            await asyncio.gather(*(clerk.page.keyboard.press("Enter") for clerk in clerks))
            await both.concierge.at("visit.talk")
            await until(lambda: any(map(visiting, clerks)), "one of them has the visit")
            winner, loser = sorted(clerks, key=visiting, reverse=True)
            assert house.snapshot()["session"]["clerk"] == winner.who
            await winner.sees("本人確認をしてください")
            await loser.page.goto(house.console)
            await loser.sees(f"{winner.who} が応答しました", f"市民課 · {winner.who}")
            assert "応答する" not in await loser.text()
            await is_not_there(loser, winner.page.url)
            await both.concierge.choose("終了する")
            await both.concierge.at("visit.feedback")
            await both.concierge.press("0")
            await both.concierge.at("counter")
            await winner.sees("この窓口対応は終わりました")

    asyncio.run(journey())


def visiting(clerk: Clerk) -> bool:
    """Whether this window shows a visit."""
    return "/visits/" in clerk.page.url and not clerk.page.url.endswith("/accept")


async def is_not_there(clerk: Clerk, address: str) -> None:
    """Somebody else's visit is no page at all."""
    answer: Response | None = await clerk.page.goto(address)
    assert answer is not None
    assert answer.status == 404
    await clerk.sees("ここには何もありません")


def test_what_needs_a_second_approver_waits_on_both_screens_until_the_other_browser_allows_it(house: House) -> None:
    async def journey() -> None:
        async with Meeting(house) as meeting:
            both, second = await meeting.of(FIRST, OTHER)
            one, before = both.concierge, len(house.papers())
            await one.choose("税務課")
            await both.clerk.sees("税務課", "応答する")
            await both.answers()
            await both.checks()
            word = await both.sends()
            await both.clerk.press("印刷を許可")
            await both.clerk.sees("もう一人の職員の許可が必要です", word)
            await one.sees_large(word)
            await one.sees(TAX)
            await both.same_step("許可")
            assert one.choices[0].act is None, "one alone does not allow it"
            await second.sees("もーば1号車の書類が、二人目の許可を待っています。", word)
            await second.press("見る")
            await second.sees("あなたが二人目の許可者です", word, f"{FIRST} に照合番号を聞き")
            await second.press("印刷を許可")
            await until(lambda: one.choices[0].act is not None, "her key is live", lambda: one.text)
            await both.same_step("印刷")
            await both.clerk.sees(f"職員 {FIRST}, 職員 {OTHER}")
            await both.prints()
            await both.hands_over()
            assert len(house.papers()) == before + 1
            await says_goodbye(both)

    asyncio.run(journey())


def test_screen_and_browser_that_die_at_each_step_show_the_same_again_and_one_sheet_comes_out(house: House) -> None:
    async def journey() -> None:
        async with chromium() as browser, Again(house, browser) as again:
            both, before = again.counter, len(house.papers())
            await both.arrives()
            await again.both()
            await both.calls()
            await both.concierge.sees("税務課にもかけています")
            await again.both()
            await both.answers()
            await again.both()
            await both.checks()
            await both.same_step("書類")
            await again.both()
            word = await on_its_way(again)
            await again.both()
            await both.concierge.sees_large(word)
            await both.allows()
            await both.same_step("印刷")
            await again.both()
            await printing(again)
            assert len(house.papers()) == before + 1
            await again.both()
            await both.concierge.choose("お渡ししました")
            await both.concierge.at("visit.fee")
            await both.concierge.sees("手数料300円を受け取ってください")
            await both.clerk.sees("お渡し済", word)
            await again.both()
            await both.concierge.choose("受け取りました")
            await both.concierge.at("visit.talk")
            await both.clerk.press("窓口対応を終了")
            await both.concierge.at("visit.feedback")
            await both.clerk.sees("窓口にだれもいません")
            await again.both()
            await both.concierge.choose("よかった")
            await both.concierge.at("counter")
            assert len(house.papers()) == before + 1
            assert again.times == 11

    asyncio.run(journey())


async def on_its_way(again: Again) -> str:
    """City hall stands still while the document is being carried: long enough for a screen to die. The check word."""
    both, relay = again.counter, again.counter.house.part("relay").pid
    file = {"name": "a.pdf", "mimeType": "application/pdf", "buffer": sample_certificate(1, target_bytes=CARRIED_BYTES)}
    await both.clerk.page.set_input_files("input[type=file]", file)  # type: ignore[arg-type]
    await until(lambda: both.jobs, "the bus has heard of the document")
    os.kill(relay, signal.SIGSTOP)
    try:
        await both.concierge.at("visit.coming")
        await both.concierge.sees("書類が届くところです", SERVICE)
        await again.concierge()
    finally:
        os.kill(relay, signal.SIGCONT)
    await both.concierge.at("visit.card")
    word = str(both.jobs[-1]["check_word"])
    await both.clerk.sees("印刷を許可してください", word)
    await both.clerk.page.wait_for_selector(".page img")
    await both.same_step("許可")
    return word


async def printing(again: Again) -> None:
    """The printer waits for paper while they die, and for nothing else."""
    both, stage = again.counter, again.counter.house.director.stage
    stage.play(Scene(reason="media-empty"))
    await both.concierge.choose("印刷する")
    await asyncio.to_thread(stage.wait_standing)
    await both.concierge.at("visit.printing")
    await both.concierge.sees("用紙がなくなりました")
    await both.clerk.sees("バスで印刷しています", "印刷しています。")
    await again.both()
    await asyncio.to_thread(stage.mend)
    await both.concierge.at("visit.outcome")
    await both.same_step("お渡し")
