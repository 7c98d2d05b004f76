"""The one widget: lines, and what is touched on them."""

from typing import Final

from rich.segment import Segment
from textual.events import Click, MouseDown, MouseUp
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from bus_agent.tui.colours import STYLES
from bus_agent.tui.lines import Entry, Line, Look

_UNSEEN: Final = (range(32), range(127, 160), range(0x200B, 0x2010), range(0x202A, 0x202F), range(0x2066, 0x206A))
_CONTROL: Final = {sign: None for signs in _UNSEEN for sign in signs}
"""No text that came from elsewhere tells the terminal what to do, or turns the direction of reading."""


class Panel(Widget, can_focus=False):
    """Shows lines, each a row; what a touch means is the app's business."""

    ALLOW_SELECT = False

    class Touched(Message):
        """A finger or the mouse, on `entry` where there is one."""

        def __init__(self, panel: "Panel", entry: Entry | None) -> None:
            super().__init__()
            self.panel, self.entry = panel, entry

    class Held(Message):
        """A finger or the mouse is on it (`down`), or is not any more."""

        def __init__(self, panel: "Panel", down: bool) -> None:
            super().__init__()
            self.panel, self.down = panel, down

    def __init__(self, *, id: str, holds: bool = False) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._holds = holds

    @property
    def lines(self) -> tuple[Line, ...]:
        """What it shows."""
        return self._lines

    @property
    def text(self) -> str:
        """What a person reads."""
        return "\n".join("".join(piece.text for piece in one.pieces).rstrip() for one in self._lines)

    def show(self, *lines: Line) -> None:
        """Draw it anew where it differs."""
        if lines == self._lines:
            return
        wider = max((one.width for one in lines), default=0) != max((one.width for one in self._lines), default=0)
        self._lines = lines
        self.refresh(layout=wider and self.styles.width is not None and self.styles.width.is_auto)

    def get_content_width(self, container: Size, viewport: Size) -> int:
        """Of the widest line."""
        return max((one.width for one in self._lines), default=0)

    def render_line(self, y: int) -> Strip:
        """A row of the terminal."""
        pieces = self._lines[y].pieces if y < len(self._lines) else ()
        strip = Strip([Segment(piece.text.translate(_CONTROL), STYLES[piece.look]) for piece in pieces])
        return strip.adjust_cell_length(self.size.width, STYLES[Look.PLAIN])

    def on_click(self, event: Click) -> None:
        """A touch."""
        event.stop()
        touches = self._lines[event.y].touches if event.y < len(self._lines) else ()
        entry = next((one.entry for one in touches if one.left <= event.x < one.left + one.width), None)
        self.post_message(self.Touched(self, entry))

    def on_mouse_down(self, event: MouseDown) -> None:
        """It may be the beginning of a hold; wherever the finger is lifted, it ends."""
        if self._holds:
            event.stop()
            self.capture_mouse()
            self.post_message(self.Held(self, True))

    def on_mouse_up(self, event: MouseUp) -> None:
        """The end of a hold."""
        if self._holds:
            self.release_mouse()
            self.post_message(self.Held(self, False))
