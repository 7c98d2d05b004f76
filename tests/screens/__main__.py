"""Write a picture of every screen: `./run screens OUT/`."""

import argparse
import html
import os
import re
import sys
from pathlib import Path
from typing import Final

from cityhall_base.words import Language
from tests.screens import browser, bus, hall, snapshots
from tests.screens.kiosk import TYPES
from tests.screens.moments import samples
from tests.screens.readme import side_by_side

USER: Final = os.environ.get("SUDO_USER", "nobody")
DOCS: Final = Path(__file__).parents[2] / "docs"


def main() -> int:
    """1 where a page breaks a rule of the layout."""
    parser = argparse.ArgumentParser(prog="./run screens")
    parser.add_argument("out", type=Path, nargs="?", help="folder for the pictures")
    parser.add_argument("--only", default="", metavar="PATTERN", help="names that this regular expression finds")
    parser.add_argument(
        "--user", default=USER, help="who runs the kiosk where this is started by root (default: %(default)s)"
    )
    parser.add_argument("--write-snapshots", action="store_true", help="write tests/screens/*.txt anew, and no picture")
    parser.add_argument(
        "--readme", action="store_true", help="take docs/screens.png from a real visit, and nothing else"
    )
    said = parser.parse_args()
    if said.write_snapshots:
        snapshots.write()
        return 0
    if said.readme:
        side_by_side(DOCS / "screens.png", said.user)
        return 0
    if said.out is None:
        parser.error("OUT/ is missing")
    said.out.mkdir(parents=True, exist_ok=True)
    faults = _bus(said.out, re.compile(said.only), said.user) or _hall(said.out, re.compile(said.only))
    _index(said.out)
    return faults


def _bus(out: Path, only: re.Pattern[str], user: str) -> int:
    for language in Language:
        for size in TYPES:
            wanted = [one for one in samples() if only.search(f"bus-{size}-{language}-{one.name}")]

            def keep(name: str, picture: bus.Picture, before: str = f"bus-{size}-{language}") -> None:
                picture.quantize(64).save(out / f"{before}-{name}.png", optimize=True)
                print(f"{before}-{name}.png", flush=True)

            if wanted:
                bus.take(wanted, language, size, user, keep)
    return 0


def _hall(out: Path, only: re.Pattern[str]) -> int:
    found: list[str] = []
    for language in Language:
        wanted = [one for one in hall.pages(language) if only.search(f"hall-{language}-{one.name}")]

        def keep(page: hall.Page, picture: bytes, faults: list[str], before: str = f"hall-{language}") -> None:
            (out / f"{before}-{page.name}.png").write_bytes(picture)
            print(f"{before}-{page.name}.png", *faults, flush=True)
            found.extend(faults)

        browser.show(wanted, language, keep)
    return int(bool(found))


def _index(out: Path) -> None:
    names = sorted(one.name for one in out.glob("*.png"))
    rows = "\n".join(
        f'<figure><a href="{name}"><img src="{name}" alt="" loading="lazy"></a><figcaption>{name}</figcaption></figure>'
        for name in map(html.escape, names)
    )
    style = "body{background:#444;color:#fff;display:flex;flex-wrap:wrap;gap:12px}figure{margin:0}img{width:440px}"
    page = f'<!doctype html><meta charset="utf-8"><title>{len(names)} screens</title><style>{style}</style>\n{rows}\n'
    (out / "index.html").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
