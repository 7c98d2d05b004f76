"""How a page is made: Jinja2 with everything escaped, the words of the catalogue, times as the city writes them."""

import functools
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse

from cityhall_base.city import City
from cityhall_base.clock import business_day, jst
from cityhall_base.words import Language, Word, say
from cityhall_relay.console.static_files import address
from cityhall_relay.console.visitor import Visitor
from cityhall_relay.console.words import W

_NOT_STORED: Final = {"Cache-Control": "no-store"}


class Frame:
    """Renders `console/templates`. In each: `t(WORD, detail)`, `said(x)`, `city`, `lang`, `visitor`, `static(NAME)`, the door's
    words `W`, and the filters below."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._pages = _environment()

    def page(
        self, visitor: Visitor | None, language: Language, template: str, status: int = 200, **values: Any
    ) -> HTMLResponse:
        """A whole page, stored by nobody."""
        return HTMLResponse(self.text(visitor, language, template, **values), status, _NOT_STORED)

    def text(self, visitor: Visitor | None, language: Language, template: str, **values: Any) -> str:
        """A page or a fragment of one, for example an event of a stream."""

        def t(word: Word, detail: str = "") -> str:
            return word.say(language, detail)

        def said(one: Any) -> str:
            return say(one.key, one.sentence, language, getattr(one, "detail", ""))

        return self._pages.get_template(template).render(
            t=t, said=said, lang=str(language), city=self._city, visitor=visitor, **values
        )


@functools.cache
def _environment() -> Environment:
    """One for all: a page is compiled once in a process."""
    made = Environment(
        loader=PackageLoader("cityhall_relay.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"hm": hm, "day": day, "moment": moment}
    made.globals |= {"static": address, "W": W}
    return made


def hm(ms: int) -> str:
    """UTC milliseconds as 10:42 of Japan Standard Time."""
    return jst(ms).strftime("%H:%M")


def moment(ms: int, language: str = "ja") -> str:
    """UTC milliseconds as 令和8年11月22日 10:42 of Japan Standard Time."""
    return f"{day(business_day(ms), language)} {hm(ms)}"


def day(iso: str, language: str = "ja") -> str:
    """2026-11-22 as the city writes it: 令和8年11月22日."""
    year, month, date = map(int, iso.split("-"))
    return f"令和{year - 2018}年{month}月{date}日" if language == "ja" else iso
