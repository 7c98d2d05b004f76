"""Every colour of the screen. Dark slate ground, one accent, amber for "look here", red only where paper or people are at risk.

Each stands for text at 7:1 or more (WCAG 2.2, contrast enhanced); tests/unit/test_tui_drawing.py computes it.
"""

from typing import Final

from rich.style import Style

from bus_agent.tui.lines import Look

GROUND: Final = "#161c24"
PANEL: Final = "#2a3441"
RULE: Final = "#4a5766"
TEXT: Final = "#f3f5f8"
CALM: Final = "#bcc6d2"
ACCENT: Final = "#8ed4f5"
AMBER: Final = "#ffce6b"
RED: Final = "#ffb0a8"
DARK: Final = "#0d1218"

PAIRS: Final[dict[Look, tuple[str, str]]] = {
    Look.PLAIN: (TEXT, GROUND),
    Look.STRONG: (TEXT, GROUND),
    Look.LOOK: (AMBER, GROUND),
    Look.RISK: (RED, GROUND),
    Look.CALM: (CALM, GROUND),
    Look.ACCENT: (ACCENT, GROUND),
    Look.KEY: (TEXT, PANEL),
    Look.CHOSEN: (DARK, ACCENT),
    Look.RULE: (RULE, GROUND),
    Look.INK: (ACCENT, GROUND),
    Look.PAPER: ("#000000", "#ffffff"),
}
"""Look → text and what is behind it."""

_BOLD: Final = frozenset({Look.STRONG, Look.CHOSEN, Look.LOOK, Look.RISK})

STYLES: Final = {look: Style(color=ink, bgcolor=ground, bold=look in _BOLD) for look, (ink, ground) in PAIRS.items()}

VARIABLES: Final = {
    "ground": GROUND,
    "panel-key": PANEL,
    "rule": RULE,
    "ink": TEXT,
    "calm": CALM,
    "accent-key": ACCENT,
    "amber": AMBER,
    "red": RED,
    "dark": DARK,
}
"""For screen.tcss."""
