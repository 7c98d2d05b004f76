"""Write them: `./run pages`."""

from pathlib import Path
from typing import Final

from tests.pages import lifecycle

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGES: Final = {"lifecycle.md": lifecycle.page}

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")
