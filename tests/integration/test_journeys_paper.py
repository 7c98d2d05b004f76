"""Journeys across both real sides in which the paper, the line, the visit or the bus itself goes another way than planned."""

import asyncio
import base64
import os
import shutil
import signal
from collections.abc import Iterator

import pytest

from bus_agent.tui.scene import Tone
from provisioning.demo.mishaps import LIE
from provisioning.demo.stage import Scene
from provisioning.errors import PartError
from provisioning.sample import sample_certificate
from tests.journeys.clerk import CHROMIUM
from tests.journeys.paper import END, PaperCounter, PaperHouse, at_the_counter, paper_house, today
from tests.journeys.waiting import until

pytestmark = [
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not all(map(shutil.which, ("ippeveprinter", "dbus-daemon", "mosquitto"))),
        reason="no ippeveprinter, dbus-daemon or mosquitto",
    ),
    pytest.mark.skipif(not CHROMIUM, reason="no chromium"),
]

TWO_WAYS = ["無効にする", "刷り直し（1回のみ）"]
SEND_BY_SCRIPT = """async ([path, base64]) => {
  const csrf = document.querySelector("[name=csrf]").value;
  const body = Uint8Array.from(atob(base64), (sign) => sign.charCodeAt(0));
  const headers = {"X-CSRF": csrf, "Accept": "application/json", "Content-Type": "application/pdf"};
  const answer = await fetch(path, {method: "POST", headers, body});
  return [answer.status, await answer.text()];
}"""


@pytest.fixture(scope="module")
def house() -> Iterator[PaperHouse]:
    with paper_house() as house:
        yield house


def test_a_jam_between_two_sheets_is_reported_and_gets_its_one_reissue(house: PaperHouse) -> None:
    async def journey() -> None:
        async with at_the_counter(house) as both:
            her, clerk, before, books = both.concierge, both.clerk, house.papers(), house.sheets[0]
            house.director.stage.play(Scene(reason="media-jam", after_page=1, aborts=True))
            word = await both.until_card(sample_certificate(1, pages=2))
            await both.step("許可")
            await both.same_word(word)
            await both.allows()
            await both.prints_and_stands()
            spoiled = both.job["job"]
            await her.sees("紙がつまりました。カバーをあけて紙を取り除き")
            await clerk.sees("バスで印刷しています", word)
            await both.step("印刷")

            await her.press("f10", "f1")
            await her.sees("出てきた紙を知らせる")
            await asyncio.to_thread(house.director.stage.mend)
            await clerk.sees("要確認", "コンシェルジュが、何が出たかを確かめています。", word)
            assert await both.buttons() == TWO_WAYS
            assert await clerk.page.locator(".todo button[disabled]").all_inner_texts() == TWO_WAYS[1:]
            await her.choose("出てきた紙を知らせる")
            await her.sees("出てきた紙を確かめ", word)
            await both.step("お渡し")
            (sheet,) = await marked_one(both)
            await her.choose("これで知らせる")
            await her.at("visit.talk")
            await her.sees("使えない紙を市役所に知らせました。職員が刷り直しを送れます。")
            await clerk.sees("コンシェルジュの知らせ", "使えない紙が出ました。", f"使えない紙：{sheet}")
            assert await both.buttons() == TWO_WAYS

            await clerk.press("刷り直し（1回のみ）")
            await clerk.sees("刷り直し（1回のみ）の書類を送ってください")
            await clerk.page.get_by_label("書損の用紙の番号").fill(sheet)
            again = await both.sends(sample_certificate(1, pages=2))
            assert again != word
            await both.allows()
            await both.same_word(again)
            await her.sees("刷り直し（1回のみ）の書類です。")
            await both.step("印刷")
            await both.prints()
            await both.step("お渡し")
            await her.choose("お渡ししました")
            await clerk.sees("お渡し済", again)
            await until(lambda: not both.jobs, "both sides have forgotten the document")
            await her.at("visit.fee")
            await her.choose("受け取りました")
            await her.at("visit.talk")

            assert [one.came_out for one in house.papers()[len(before) :]] == [1, 2]
            both_books = house.sheets
            assert both_books[0] == both_books[1]
            assert {name: both_books[0][name] - books[name] for name in ("issued", "spoiled", "lost")} == {
                "issued": 2,
                "spoiled": 1,
                "lost": 0,
            }
            third = (
                f"{both.visit}/documents?service=resident-record&number={'3' * 32}&reissue_of={spoiled}&sheet={sheet}"
            )
            certificate = base64.b64encode(sample_certificate(1, pages=2)).decode()
            status, said = await clerk.page.evaluate(SEND_BY_SCRIPT, [third, certificate])
            assert (status, "刷り直し" in said) == (409, True), said
            assert TWO_WAYS[1] not in await both.sees_elsewhere(f"{both.visit}?reissue={spoiled}", "お渡し済")
            assert await both.refuses(f"/v1/jobs/{spoiled}/print")
            await clerk.press("窓口対応を終了")
            await both.parts()
            assert len(house.papers()) == len(before) + 2

    asyncio.run(journey())


async def marked_one(both: PaperCounter) -> list[str]:
    """The first of the two sheets; its number."""
    await both.concierge.choose("使えない紙が出た")
    await both.concierge.sees("出てきた紙にしるしをつけてください。")
    await both.concierge.press("1")
    return [line.split()[-1] for line in both.concierge.text.splitlines() if "[x]" in line]


def test_in_a_dead_zone_the_sheet_comes_out_and_is_handed_over_and_city_hall_hears_it_afterwards(
    house: PaperHouse,
) -> None:
    async def journey() -> None:
        async with at_the_counter(house) as both:
            her, clerk, before, books = both.concierge, both.clerk, len(house.papers()), house.sheets[0]
            # It reports something that its profile calls a lie, and prints on when it is told: a slow printer, without a clock.
            house.director.stage.play(Scene(reason=LIE))
            word = await both.until_card()
            await both.allows()
            await both.prints_and_stands()
            await clerk.sees("バスで印刷しています", word)
            house.go_dark()
            try:
                await until(lambda: house.snapshot()["link"]["state"] != "up", "the bus notices the dead zone")
                await her.sees("印刷しています。お待ちください。")
                await her.sees("圏外", "不通")
                assert her.app.deck.scene().tone is Tone.PLAIN
                assert {one["light"]: one["level"] for one in house.snapshot()["lights"]}["city_hall"] == "calm"
                await both.sees_elsewhere("/", "から連絡がありません")
                await asyncio.to_thread(house.director.stage.mend)
                await her.at("visit.outcome")
                assert len(house.papers()) == before + 1
                await her.choose("お渡ししました")
                await her.at("visit.fee")
                await her.choose("受け取りました")
                await her.at("visit.talk")
                assert "お渡し済" not in await clerk.text()
                await clerk.sees("バスで印刷しています", word)
            finally:
                house.light()
            await clerk.sees("お渡し済", word)
            assert len(house.papers()) == before + 1
            assert house.sheets[0] == house.sheets[1] == {**books, "issued": books["issued"] + 1}
            await clerk.press("窓口対応を終了")
            await both.parts()

    asyncio.run(journey())


def test_a_visit_that_ends_while_the_document_waits_kills_it_on_both_screens(house: PaperHouse) -> None:
    async def journey() -> None:
        async with at_the_counter(house) as both:
            her, clerk, before = both.concierge, both.clerk, len(house.papers())
            word = await both.until_card()
            await both.allows()
            await both.same_word(word)
            visit, job = both.visit, both.job["job"]
            await clerk.press("窓口対応を終了")
            await her.at("visit.feedback")
            assert word not in her.text
            await both.sees_elsewhere(visit, "この窓口対応は終わりました", word, "取消です。もう印刷されません。")
            await until(lambda: house.ciphertexts == [], "the bus has destroyed it")
            assert await both.refuses(f"/v1/jobs/{job}/print")
            await both.parts()
            assert len(house.papers()) == before

    asyncio.run(journey())


def test_a_visit_that_ends_while_the_printer_stands_leaves_nothing_to_a_refill(house: PaperHouse) -> None:
    async def journey() -> None:
        async with at_the_counter(house) as both:
            before = len(house.papers())
            await printer_confirms(both)
            await printer_is_deaf(both)
            assert len(house.papers()) == before

    asyncio.run(journey())


async def printer_confirms(both: PaperCounter) -> None:
    """It gives the document up when it is asked to."""
    house, her = both.house, both.concierge
    word, visit = await out_of_paper(both)
    await both.clerk.press("窓口対応を終了")
    await her.at("visit.feedback")
    assert word not in her.text
    await both.sees_elsewhere(visit, "この窓口対応は終わりました", word, "取消です。もう印刷されません。")
    with pytest.raises(PartError, match="does not stand"):
        house.director.stage.mend()
    await both.parts()


async def printer_is_deaf(both: PaperCounter) -> None:
    """It answers no more, with the document in it."""
    house, her = both.house, both.concierge
    printer = house.part("printer")
    word, visit = await out_of_paper(both)
    os.kill(printer.pid, signal.SIGSTOP)
    await both.clerk.press("窓口対応を終了")
    await her.sees("印刷を止めています。用紙を入れずに、そのままお待ちください。")
    await her.sees("プリンターに書類が残っているかもしれません。プリンターの電源を切り", word)
    await both.sees_elsewhere(visit, "要確認", "コンシェルジュが、何が出たかを確かめています。", word)
    await both.sees_elsewhere("/", "もーば1号車の書類が要確認です。")
    await her.press("f10", "f1")
    await her.sees("プリンターの電源を切ります。", "用紙を入れないでください。")
    printer.kill()
    await asyncio.to_thread(printer.start)
    await her.choose("出てきた紙を知らせる")
    await her.choose("出てこない")
    await her.at("visit.feedback")
    await both.sees_elsewhere(visit, "この窓口対応は終わりました", word, "未印刷です。")
    await both.parts()


async def out_of_paper(both: PaperCounter) -> tuple[str, str]:
    """The printer has a document whole and no paper; its check word, and the address of the visit."""
    both.house.director.stage.play(Scene(reason="media-empty"))
    word = await both.until_card()
    await both.allows()
    await both.prints_and_stands()
    await both.concierge.sees("用紙がなくなりました。改ざん防止用紙を入れると、続きが印刷されます。")
    await both.clerk.sees("バスで印刷しています", word)
    return word, both.visit


def test_after_the_theft_key_nothing_is_on_board_and_nothing_can_be_called_or_printed(house: PaperHouse) -> None:
    async def journey() -> None:
        async with at_the_counter(house) as both:
            her, before = both.concierge, len(house.papers())
            word = await both.until_card()
            await both.allows()
            visit, job = both.visit, both.job["job"]
            assert house.ciphertexts == [job]
            await her.pilot.mouse_down("#f12")
            await her.sees("盗難のときは、3秒おしつづけてください。", "手をはなせば、何も起きません。")
            await her.at("locked")
            await her.pilot.mouse_up("#f12")
            await her.sees("非常停止が押されました。書類はすべて消しました。", "110番に電話し", "0265-00-1101")
            assert house.ciphertexts == []
            await both.sees_elsewhere(visit, "この窓口対応は終わりました", word, "取消です。もう印刷されません。")
            board = await both.sees_elsewhere(
                "/", "もーば1号車は印刷できません。", "市役所がこのバスを失効させました。書類は消しました。"
            )
            assert "こちらから窓口対応を開く" not in board
            assert await both.calls_nobody() == "reason.panic"
            assert await both.refuses(f"/v1/jobs/{job}/print")
            await asyncio.to_thread(house.comes_back)
            await until(lambda: house.snapshot()["locked"] is None, "the bus hears that it is let back in")
            await her.at("route_bus")
            await her.sees("路線バスとして運行しています", "業務をはじめる")
            assert len(house.papers()) == before

    asyncio.run(journey())


def test_the_hours_end_a_visit_that_everybody_forgot_and_close_what_was_open(house: PaperHouse) -> None:
    house.goes_to(today("15:28"))

    async def journey() -> None:
        async with at_the_counter(house) as both:
            her, before = both.concierge, len(house.papers())
            word = await both.until_card()
            await both.allows()
            visit, job = both.visit, both.job["job"]
            await her.press("f9")
            await her.sees("長谷公民館")
            house.goes_to(today(END))
            await her.at("route_bus")
            await her.sees("路線バスとして運行しています")
            assert her.text.split() == ["路線バスとして運行しています", END]
            await both.sees_elsewhere(visit, "この窓口対応は終わりました", word, "取消です。もう印刷されません。")
            board = await both.sees_elsewhere("/", "路線バス", "窓口にだれもいません")
            assert "こちらから窓口対応を開く" not in board
            await her.press("f1", "f9", "f10", "f11", "f12")
            assert her.text.split() == ["路線バスとして運行しています", END]
            await until(lambda: house.ciphertexts == [], "the bus has destroyed it")
            print(await both.calls_nobody())
            assert await both.refuses(f"/v1/jobs/{job}/print")
            assert len(house.papers()) == before

    asyncio.run(journey())
