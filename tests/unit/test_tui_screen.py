"""The whole screen, pressed and touched by Textual's Pilot, on a stand-in for the agent (tests/screen_city.py says why).

Its clock is the test's.
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from bus_agent.shown import Advice, DayShown, Snapshot, VisitShown
from bus_agent.tui.app import ConciergeScreen
from bus_agent.tui.panel import Panel
from bus_agent.tui.scene import Open
from bus_agent.tui.settings import ScreenSettings
from cityhall_base.words import Language
from cityhall_wire.modes import DutyMode
from tests.screen_city import CITY, JOB, QUIET, SESSION, TALKING, StandIn, TestClock, shown, with_job

WAIT_S: Final = 45.0
SMALL: Final = (80, 24)
AT_STOP: Final = shown(day=DayShown(date="2026-11-22", stop="hase"))
ALLOWED: Final = msgspec.structs.replace(with_job(), advice=Advice("do.print", "Read the check word back.", JOB))
ENDED: Final = VisitShown(
    session=SESSION, section="shimin", stop="hase", slot=0, unanswered=False, ended_here=True, feedback=True
)


class Desk:
    """Screen, stand-in and clock."""

    def __init__(self, screen: ConciergeScreen, pilot: "Pilot[None]", bus: StandIn, clock: TestClock) -> None:
        self.screen, self.pilot, self.bus, self.clock = screen, pilot, bus, clock

    @property
    def rows(self) -> list[str]:
        """What stands on the terminal."""
        strips = self.screen.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip) for strip in strips]

    @property
    def text(self) -> str:
        return "\n".join(self.rows)

    async def until(self, state: Callable[[], bool]) -> None:
        """Drawn by then."""
        while not state():
            await self.pilot.pause(0.005)
        await self.pilot.pause()

    async def see(self, text: str) -> None:
        await self.until(lambda: text in self.text)

    async def pass_time(self, seconds: float) -> None:
        self.clock.now += seconds
        self.screen.tick()
        await self.pilot.pause()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="screen-") as name:
        yield Path(name)


def on_screen(
    folder: Path, snapshot: Snapshot, test: Callable[[Desk], Awaitable[None]], **settings: object
) -> ConciergeScreen:
    @asynccontextmanager
    async def desk() -> AsyncIterator[Desk]:
        bus, clock = StandIn(folder / "api.sock", snapshot), TestClock()
        await bus.start()
        screen = ConciergeScreen(ScreenSettings(socket=bus.path, **settings), clock, ticking=False)  # type: ignore[arg-type]
        try:
            async with screen.run_test(size=SMALL) as pilot:
                one = Desk(screen, pilot, bus, clock)
                await one.until(lambda: screen.deck.up and screen.deck.city == bus.city)
                yield one
        finally:
            await bus.stop()
        screens.append(screen)

    async def bounded() -> None:
        async with asyncio.timeout(WAIT_S), desk() as one:
            await test(one)

    screens: list[ConciergeScreen] = []
    asyncio.run(bounded())
    return screens[0]


def test_three_zones_stand_on_the_smallest_terminal(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        rows = desk.rows
        assert len(rows) == SMALL[1]
        assert {cell_len(row) for row in rows} == {SMALL[0]}
        assert rows[0].startswith(" もーば1号車 | 市役所モード | 長谷公民館 15:30まで")
        assert rows[0].rstrip().endswith("10:42")
        assert (
            " ".join(rows[1].split()) == "電源 よい 回線 よい 市役所 つながっています プリンター よい 用紙 のこり38枚"
        )
        assert " ".join(rows[23].split()) == "F9 きょうの予定 F10 困ったとき F11 点検・用紙 F12 盗難（3秒おす）"
        assert "どの課につなぎますか。" in desk.text

    on_screen(folder, AT_STOP, test)


def test_what_came_from_elsewhere_gives_the_terminal_no_orders(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        desk.bus.say(shown(day=DayShown(stop="\x1b]0;owned\x07\x9b2J\u202e\r\n" + "x" * 500)))
        await desk.see("xxx")
        assert not any(ord(sign) < 32 or 127 <= ord(sign) < 160 or sign == "\u202e" for sign in "".join(desk.rows))
        assert {cell_len(row) for row in desk.rows} == {SMALL[0]}

    on_screen(folder, AT_STOP, test)


def test_english_is_spoken_where_it_is_asked_for(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        assert "Which section shall be called?" in desk.text
        assert "Citizens" in desk.text

    on_screen(folder, AT_STOP, test, language=Language.ENGLISH)


def test_a_section_is_called_and_its_document_printed_by_keys_alone(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        desk.bus.answer = lambda _: shown(session=msgspec.structs.replace(TALKING, clerk=None))
        await desk.pilot.press("f1")
        await desk.see("市民課を呼び出しています。")
        desk.bus.say(ALLOWED)
        await desk.see("声に出して読み合わせてください。")
        desk.bus.answer = lambda _: with_job(state="printing")
        await desk.pilot.press("f1")
        await desk.see("印刷しています。お待ちください。")
        assert desk.bus.asked == [
            ("POST", "/v1/session/call", {"section": "shimin", "stop": "hase", "slot": 0}),
            ("POST", f"/v1/jobs/{JOB}/print", None),
        ]

    on_screen(folder, AT_STOP, test)


def test_the_same_is_done_by_touch_alone(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.pilot.click("#f3")
        await desk.see("福祉課")
        row = next(number for number, text in enumerate(desk.rows) if "子育て支援課" in text)
        await desk.pilot.click(offset=(10, row))
        await desk.see("(*) 子育て支援課")
        await desk.pilot.click("#f1")
        await desk.until(lambda: bool(desk.bus.asked))
        assert desk.bus.asked[0][2] == {"section": "kosodate", "stop": "hase", "slot": 0}

    on_screen(folder, AT_STOP, test)


def test_marks_are_set_by_digit_and_by_touch(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.pilot.press("f2")
        await desk.see("出てきた紙にしるしをつけてください。")
        await desk.pilot.press("2")
        await desk.see("[x] 2枚目  A-000413")
        row = next(number for number, text in enumerate(desk.rows) if "1枚目" in text)
        await desk.pilot.click(offset=(20, row))
        await desk.see("[x] 1枚目  A-000412")
        await desk.pilot.press("2", "f1")
        await desk.see("1枚を書き損じとして知らせます。")
        await desk.pilot.press("f1")
        assert desk.bus.asked == []
        await desk.pass_time(2.1)
        await desk.pilot.press("f1")
        await desk.until(lambda: bool(desk.bus.asked))
        assert desk.bus.asked[0][2] == {"why": "unusable", "sheets": ["A-000412"], "came_out": 1}

    on_screen(folder, with_job(state="uncertain"), test)


def test_a_number_is_typed_by_keys_and_by_touch(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.pilot.press("0")
        await desk.see("1枚目の用紙の番号を入れてください。")
        await desk.pilot.press("a", "minus", "0", "0", "0", "5", "0", "0", "9", "backspace")
        await desk.see("A-000500 - A-000501")
        row, text = next((number, text) for number, text in enumerate(desk.rows) if "消す" in text)
        await desk.pilot.click(offset=(cell_len(text[: text.index("消す")]), row))
        await desk.see(" A-00050_")

    on_screen(folder, with_job(state="printed"), test)


def test_a_face_is_one_press(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.pilot.press("f1")
        await desk.until(lambda: bool(desk.bus.asked))
        assert desk.bus.asked == [("POST", "/v1/feedback", {"face": 3})]
        await desk.pilot.press("0")
        await desk.until(lambda: len(desk.bus.asked) == 2)
        assert desk.bus.asked[1][1] == "/v1/visit/seen"

    on_screen(folder, shown(visit=ENDED), test)


def test_a_refusal_is_said_where_she_is(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        desk.bus.answer = lambda _: (409, {"key": "refused.busy", "sentence": "Another document is at the printer."})
        await desk.pilot.press("f1")
        await desk.see("別の書類を印刷しています。終わるまでお待ちください。")
        assert desk.screen.deck.place.scene == "visit.card"

    on_screen(folder, ALLOWED, test)


def test_a_lost_agent_is_waited_for_also_in_the_middle_of_a_command(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        def dies(_: object) -> None:
            raise ConnectionError

        desk.bus.answer = dies
        listening = asyncio.create_task(desk.bus.stop())
        await desk.pilot.press("f1")
        await listening
        await desk.see("しばらくお待ちください。")
        assert desk.rows[0].strip() == "", "no strip says what nobody knows"
        desk.bus.snapshot = with_job(state="printing")
        await desk.bus.start()
        await desk.see("印刷しています。お待ちください。")
        assert len(desk.bus.asked) <= 1, "it is not said again by itself"

    on_screen(folder, ALLOWED, test)


def test_route_bus_is_one_quiet_line_and_no_key_does_anything(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.pilot.press("f9", "f10", "f11", "f12", "f1", "1")
        assert "".join(desk.text.split()) == "路線バスとして運行しています10:42"
        assert desk.bus.asked == []

    quiet = shown(mode=DutyMode.ROUTE_BUS, duty=msgspec.structs.replace(QUIET.duty, within_hours=False))
    on_screen(folder, quiet, test)


def test_leaving_duty_empties_the_screen_at_once(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        assert "▀" in desk.text, "the check word"
        desk.bus.say(shown(mode=DutyMode.ROUTE_BUS))
        await desk.see("路線バスとして運行しています")
        assert "▀" not in desk.text

    on_screen(folder, ALLOWED, test)


SHUT: Final = (
    "ctrl+q",
    "ctrl+c",
    "ctrl+z",
    "ctrl+p",
    "ctrl+d",
    "ctrl+backslash",
    "escape",
    "tab",
    "shift+tab",
    "f4",
    "f8",
    "q",
)


def test_no_key_quits_suspends_or_opens_anything_else(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        before = desk.rows
        await desk.pilot.press(*SHUT)
        await desk.screen.run_action("quit")
        await desk.screen.run_action("suspend_process")
        await desk.screen.run_action("help_quit")
        await desk.pilot.pause()
        assert desk.rows == before
        assert desk.screen.is_running
        assert desk.screen.screen_stack == [desk.screen.screen]
        bound = {key for _, bindings in desk.screen.screen._binding_chain for key in bindings.key_to_bindings}
        assert bound == set()

    on_screen(folder, AT_STOP, test)


def test_nothing_is_selected_with_the_mouse(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.pilot.mouse_down("#body", offset=(3, 3))
        await desk.pilot.hover("#body", offset=(40, 6))
        await desk.pilot.mouse_up("#body", offset=(40, 6))
        assert not desk.screen.screen.selections
        assert not any(panel.allow_select for panel in desk.screen.query(Panel))

    on_screen(folder, AT_STOP, test)


def test_the_theft_key_is_held_by_key(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.pilot.press("f12")
        await desk.see("手をはなせば、何も起きません。")
        await desk.pass_time(1)
        await desk.see("どの課につなぎますか。")
        await desk.pilot.press("f12")
        for _ in range(16):
            await desk.pass_time(0.2)
            await desk.pilot.press("f12")
        await desk.until(lambda: bool(desk.bus.asked))
        assert desk.bus.asked == [("POST", "/v1/panic", None)]

    on_screen(folder, AT_STOP, test)


def test_the_theft_key_is_held_by_touch(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        await desk.pilot.mouse_down("#f12")
        await desk.see("手をはなせば、何も起きません。")
        await desk.pass_time(2.9)
        await desk.pilot.mouse_up("#head")  # wherever the finger is lifted
        await desk.pass_time(5)
        assert desk.bus.asked == []
        await desk.pilot.mouse_down("#f12")
        await desk.pass_time(3)
        await desk.until(lambda: bool(desk.bus.asked))
        assert desk.bus.asked == [("POST", "/v1/panic", None)]

    on_screen(folder, AT_STOP, test)


def test_a_light_is_touched_and_asks_for_its_scene(folder: Path) -> None:
    async def test(desk: Desk) -> None:
        opened: list[Open] = []
        desk.screen.deck.open = lambda scene, about="": opened.append(Open(scene, about))  # type: ignore[method-assign]
        for name in ("power", "line", "city-hall", "printer", "paper"):
            await desk.pilot.click(f"#light-{name}")
        await desk.pilot.press("f9", "f10", "f11")
        lights = [Open("light", name) for name in ("power", "line", "city_hall", "printer", "paper")]
        assert opened == [*lights, Open("day"), Open("trouble"), Open("lists")]

    on_screen(folder, AT_STOP, test)


def test_the_video_is_opened_by_its_command_and_goes_with_the_screen(folder: Path) -> None:
    told = folder / "told"
    script = f"import pathlib, sys, time; pathlib.Path({str(told)!r}).write_text(sys.argv[1]); time.sleep(600)"

    async def test(desk: Desk) -> None:
        await desk.pilot.press("f1")
        await desk.until(lambda: told.exists() and told.read_text() == CITY.sections[0].video)
        running.append(desk.screen._video._running)
        os.kill(os.getpid(), signal.SIGTERM)  # as systemd ends it
        while desk.screen.is_running:  # noqa: ASYNC110 - Textual says it no other way
            await asyncio.sleep(0.005)

    running: list[subprocess.Popen[bytes] | None] = []
    screen = on_screen(folder, shown(session=TALKING), test, video_command=(sys.executable, "-c", script, "{address}"))
    assert (screen.return_code, screen._video._running) == (0, None)
    assert [one and one.returncode for one in running] == [-signal.SIGKILL]


@pytest.mark.parametrize("command", [(), ("/nonexistent/player", "{address}")])
def test_where_no_video_can_be_shown_the_code_and_the_number_are_named(folder: Path, command: tuple[str, ...]) -> None:
    async def test(desk: Desk) -> None:
        await desk.pilot.press("f1")
        await desk.see("電話をかけてください。")

    on_screen(folder, shown(session=TALKING), test, video_command=command)


def test_what_nobody_foresaw_ends_the_process_with_a_code_and_shows_nothing_of_it(
    folder: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    secret = "a sentence of a fault"

    async def test(desk: Desk) -> None:
        def breaks() -> None:
            raise ZeroDivisionError(secret)

        desk.screen.call_later(breaks)
        await desk.until(lambda: not desk.screen.is_running)

    with pytest.raises(ZeroDivisionError):  # Pilot raises what ended the screen
        on_screen(folder, AT_STOP, test)
    assert secret in caplog.text
    assert secret not in "".join(capsys.readouterr())
