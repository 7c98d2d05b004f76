"""What a person reads of a page, without a browser: its text by blocks, buttons in brackets, fields as lines."""

import re
from html.parser import HTMLParser
from typing import Final

_BLOCKS: Final = frozenset(
    [
        "address",
        "article",
        "aside",
        "div",
        "dl",
        "dt",
        "dd",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "header",
        "hr",
        "legend",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "section",
        "table",
        "tr",
        "ul",
        "details",
        "summary",
        "label",
        "figcaption",
        "pre",
    ]
)
_SILENT: Final = frozenset(("script", "style", "noscript", "head", "svg", "title"))

_MASKS: Final = (
    (re.compile(r"\b[sjei][0-9a-f]{16,}\b|\b[0-9a-f]{12,}\b"), "(id)"),
    (re.compile(r"\b[A-Z2-9]{5}(-[A-Z2-9]{5}){3}\b|(\b[A-Z2-7]{4} ){5,}[A-Z2-7]{2,4}"), "(code)"),
    (re.compile(r"[0-9]{2}・[ぁ-ん]+"), "47・さくら"),
    (re.compile(r"\b[0-9]{2} [a-z]{3,}(?= 47・さくら|$)", re.MULTILINE), "47 sakura"),
)
"""What is drawn by lot."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = dict(attrs)
        if tag in _SILENT:
            self._silent += 1
        elif tag in _BLOCKS or tag == "br":
            self.said.append("\n")
        elif tag in ("td", "th"):
            self.said.append(" | ")
        elif tag == "button":
            self.said.append(" [")
        elif tag == "input" and about.get("type") not in ("hidden", None):
            self.said.append(f" <{about['type']}> ")
        elif tag == "img":
            self.said.append(f" <{about.get('alt') or 'picture'}> ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent -= 1
        elif tag in _BLOCKS:
            self.said.append("\n")
        elif tag == "button":
            self.said.append("] ")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.said.append(re.sub(r"\s+", " ", data))


def inner_text(html: str) -> list[str]:
    """Lines that are not empty."""
    reader = _Reader()
    reader.feed(html)
    text = "".join(reader.said)
    lines = [" ".join(line.replace("[ ", "[").replace(" ]", "]").split()) for line in text.split("\n")]
    return [masked(line) for line in lines if line]


def masked(line: str) -> str:
    """Without what differs from run to run."""
    for what, instead in _MASKS:
        line = what.sub(instead, line)
    return line
