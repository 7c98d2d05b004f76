"""The table of points in docs/crash.md, made from the list that every run starts from."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).parents[2] / "docs" / "crash.md"
_MARKS: Final = ("<!-- points -->\n", "<!-- end of points -->\n")


def table(points: Iterable[str]) -> str:
    """Markdown: a line for each part, channel and set of moments."""
    moments: dict[tuple[str, str], set[str]] = {}
    for name in points:
        part, channel, what, moment = name.split("/")
        moments.setdefault((f"{part}/{channel}", what), set()).add(moment)
    rows: dict[tuple[str, str], list[str]] = {}
    for (place, what), found in moments.items():
        rows.setdefault((place, " · ".join(sorted(found))), []).append(what)
    lines = [f"| `{place}` | {when} | {' '.join(sorted(whats))} |" for (place, when), whats in sorted(rows.items())]
    return "\n".join(["| part/channel | moments | what |", "|---|---|---|", *lines]) + "\n"


def on_page() -> str:
    """The table as it stands in the page."""
    return PAGE.read_text(encoding="utf-8").split(_MARKS[0])[1].split(_MARKS[1])[0]


def write(points: Iterable[str]) -> None:
    """Bring the page up to date."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(_MARKS[0])
    PAGE.write_text(before + _MARKS[0] + table(points) + _MARKS[1] + rest.split(_MARKS[1])[1], encoding="utf-8")
