"""The screen in Textual: three zones of fixed widgets. Everything that it decides is decided by deck.py.

A kiosk: no palette, no quit, no selection, no suspending, no shell. What nobody foresaw is logged, and the process ends with
code 1, so that systemd starts it anew; it holds nothing that could be lost.
"""

import asyncio
import logging
import signal
from typing import ClassVar, Final

from textual.app import App, ComposeResult
from textual.containers import Container
from textual.events import Key, Resize
from textual.screen import Screen

from bus_agent.shown import Light, Said
from bus_agent.tui import keys, strip
from bus_agent.tui.agent import Agent
from bus_agent.tui.colours import VARIABLES
from bus_agent.tui.deck import THEFT, Deck
from bus_agent.tui.lines import Look, Room, line
from bus_agent.tui.local_http import LocalHttp
from bus_agent.tui.panel import Panel
from bus_agent.tui.parts import keys as part_keys
from bus_agent.tui.scene import MOST_CHOICES, Scene, Tell, Video
from bus_agent.tui.settings import ScreenSettings
from bus_agent.tui.stage import inside, stage
from bus_agent.tui.video import VideoLink
from bus_agent.tui.words import TuiWord
from cityhall_base.clock import Clock, SystemClock
from cityhall_base.words import say

log = logging.getLogger(__name__)

REST_S: Final = 1.0
BUSY_S: Final = 0.1


class Kiosk(Screen[None], inherit_bindings=False):
    """Without Textual's own keys."""

    ALLOW_SELECT = False


class ConciergeScreen(App[None], inherit_bindings=False):
    """`ticking` off: tests call `tick`, and own `clock`."""

    ENABLE_COMMAND_PALETTE = False
    ALLOW_SELECT = False
    CSS_PATH = "screen.tcss"
    TITLE = ""
    AUTO_FOCUS: ClassVar[str | None] = None

    def __init__(self, settings: ScreenSettings, clock: Clock | None = None, *, ticking: bool = True) -> None:
        self.deck = Deck(clock or SystemClock(), settings.language)
        super().__init__()
        self._ticking = ticking
        self._video = VideoLink(settings.video_command)
        self._telling: asyncio.Task[None] | None = None
        # Looked up here and not in the tree: a key is answered sooner.
        names = ("head", "rule-above", "body", "rule-below", *_LIGHTS.values(), *_CHOICES, *_ALWAYS)
        self._panels = {name: Panel(id=name, holds=name == "f12") for name in names}
        rows = {"lights": _LIGHTS.values(), "choices": _CHOICES, "always": _ALWAYS}
        self._boxes = {
            name: Container(*(self._panels[one] for one in inside), id=name) for name, inside in rows.items()
        }
        self.agent = Agent(LocalHttp(settings.socket), self._heard)

    # --- Textual's doors, and those that stay shut ---

    def get_css_variables(self) -> dict[str, str]:
        """Textual's, and ours."""
        return {**super().get_css_variables(), **VARIABLES}

    def get_default_screen(self) -> Screen[None]:
        """The only one."""
        return Kiosk(id="kiosk")

    async def action_quit(self) -> None:
        """Nobody quits it by a key."""

    def action_help_quit(self) -> None:
        """Nor is there a hint how."""

    def action_suspend_process(self) -> None:
        """Behind it would be a shell."""

    def _fatal_error(self) -> None:
        # Textual would write the traceback to the terminal, with everything that the frames hold.
        log.error("the screen ends for a fault of its own", exc_info=self._exception)
        self._close_messages_no_wait()

    # --- the three zones ---

    def compose(self) -> ComposeResult:
        """Made once; from then on they only show other lines."""
        yield self._panels["head"]
        yield self._boxes["lights"]
        yield self._panels["rule-above"]
        yield self._panels["body"]
        yield self._boxes["choices"]
        yield self._panels["rule-below"]
        yield self._boxes["always"]

    def on_mount(self) -> None:
        """Begin to listen."""
        for ending in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(ending, self.exit)
        self._listening = asyncio.create_task(self.agent.run())
        self._listening.add_done_callback(self._stopped)
        if self._ticking:
            self.set_interval(REST_S, self.tick)
            self.set_interval(BUSY_S, self._tick_fast)
        self.redraw()

    async def on_unmount(self) -> None:
        """The video goes with the screen."""
        self._listening.cancel()
        self._video.close()

    def _stopped(self, listening: "asyncio.Task[None]") -> None:
        if not listening.cancelled() and (error := listening.exception()) is not None:
            self._handle_exception(error if isinstance(error, Exception) else RuntimeError(str(error)))

    def _heard(self) -> None:
        self.deck.update(self.agent.seen, self.agent.city, self.agent.up)
        self.redraw()

    def _tick_fast(self) -> None:
        if self.deck.busy:
            self.tick()

    def tick(self) -> None:
        """Time passed."""
        if self.deck.hold.tick():
            self._tell(THEFT)
        self.redraw()

    # --- what she does ---

    def on_key(self, event: Key) -> None:
        """One of the big keys, one of the four, or something to enter."""
        event.stop()
        event.prevent_default()
        if event.key in _CHOICES:
            self._do(self.deck.press(_CHOICES[event.key]))
        elif event.key in _ALWAYS:
            self._open(event.key)
        else:
            name = event.key if event.key == "backspace" else (event.character or "").lower()
            entry = part_keys(self.deck.scene(), self.deck.entered).get(name)
            if entry is not None:
                self._do(self.deck.touch(entry))
        self.redraw()

    def on_panel_touched(self, event: Panel.Touched) -> None:
        """The same by touch."""
        name = event.panel.id or ""
        if event.entry is not None:
            self._do(self.deck.touch(event.entry))
        elif name in _CHOICES:
            self._do(self.deck.press(_CHOICES[name]))
        elif name in _ALWAYS and name != "f12":
            self._open(name)
        elif name in _OF_LIGHT:
            self.deck.open("light", _OF_LIGHT[name])
        self.redraw()

    def on_panel_held(self, event: Panel.Held) -> None:
        """The theft key by touch."""
        if event.down and not self.deck.quiet:
            self.deck.hold.down()
        else:
            self.deck.hold.up()
        self.redraw()

    def _open(self, key: str) -> None:
        opens = _ALWAYS[key]
        if opens is not None:
            self.deck.open(opens.scene, opens.about)
        elif not self.deck.quiet:
            self.deck.hold.key()

    def _do(self, act: Tell | Video | None) -> None:
        if isinstance(act, Tell):
            self._tell(act)
        elif act is not None:
            address = next((one.video for one in self.deck.city.sections if one.section == act.section), "")
            if not self._video.open(address):
                self.deck.refusal = Said(key=TuiWord.SCAN, sentence=TuiWord.SCAN.english)

    def _tell(self, tell: Tell) -> None:
        self.deck.begin()
        self._telling = asyncio.create_task(self._said(tell))
        self._telling.add_done_callback(self._stopped)

    async def _said(self, tell: Tell) -> None:
        self.deck.told(tell, await self.agent.tell(tell))
        self.redraw()

    # --- what it looks like ---

    def on_resize(self, event: Resize) -> None:
        """Another terminal, or a turned one."""
        self.redraw()

    def redraw(self) -> None:
        """Show what the deck says; what did not change is not drawn."""
        if not self._panels["f12"].is_attached:
            return
        scene, size = self.deck.scene(), self.size
        quiet = self.deck.quiet or not self.deck.up
        self._strip(size.width, quiet)
        self._choices(scene, size.width, keys.choice_rows(size.height))
        note = self.deck.note
        said = say(note.key, note.sentence, self.deck.language, note.detail) if note else ""
        around = 0 if quiet else 5
        rows = max(0, size.height - around - (keys.choice_rows(size.height) if scene.choices else 0))
        room = Room(size.width, self.deck.language, self.deck.entered)
        self._panels["body"].show(*stage(scene, said, room, rows))

    def _strip(self, width: int, quiet: bool) -> None:
        around = (*(self._panels[name] for name in ("head", "rule-above", "rule-below")), self._boxes["lights"])
        for widget in (*around, self._boxes["always"]):
            widget.set_class(quiet, "hidden")
        if quiet or self.deck.seen is None:
            return
        seen, language = self.deck.seen, self.deck.language
        self._panels["head"].show(strip.head(seen, self.deck.city, self.deck.at, language, width))
        for light, one in strip.lights(seen, language, width):
            self._panels[_LIGHTS[light]].show(one)
        for name in ("rule-above", "rule-below"):
            self._panels[name].show(line("─" * width, Look.RULE))
        for name, word, _ in keys.ALWAYS:
            self._panels[name].show(keys.always(name, word, language, width // len(keys.ALWAYS)))

    def _choices(self, scene: Scene, width: int, rows: int) -> None:
        box = self._boxes["choices"]
        box.set_class(not scene.choices, "hidden")
        box.styles.height = rows
        box.styles.padding = (0, 0, 0, (width - inside(width)) // 2)
        wide = keys.choice_width(len(scene.choices), width)
        for name, number in _CHOICES.items():
            panel = self._panels[name]
            there = number <= len(scene.choices)
            panel.set_class(not there, "hidden")
            panel.styles.height = rows
            if there:
                panel.show(*keys.choice(number, scene.choices[number - 1], wide, rows))


_CHOICES: Final = {f"f{number}": number for number in range(1, MOST_CHOICES + 1)}
_ALWAYS: Final = {name: opens for name, _, opens in keys.ALWAYS}
_LIGHTS: Final = {light: f"light-{light.value.replace('_', '-')}" for light in Light}
_OF_LIGHT: Final = {name: light.value for light, name in _LIGHTS.items()}
