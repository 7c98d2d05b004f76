"""What all lights look at, and how one is put together."""

from typing import NamedTuple

from bus_agent.agent.books import Books
from bus_agent.agent.duty import Duty
from bus_agent.agent.power import Reading
from bus_agent.agent.rows import Job
from bus_agent.agent.syncer import LinkState
from bus_agent.shown import Level, Light, LightShown, Said
from cityhall_base.words import Language, Word


class Seen(NamedTuple):
    """`media` is what lies in the printer by its profile; `measures` says whether the power is measured, and `power` is None
    where nothing fresh was heard of it."""

    media: str
    duty: Duty
    link: LinkState
    jobs: list[Job]
    books: Books
    measures: bool = False
    power: Reading | None = None


def said(word: Word, detail: str = "") -> Said:
    """A word, its English beside it."""
    return Said(key=str(word), sentence=word.say(Language.ENGLISH, detail), detail=detail)


def light(which: Light, level: Level, short: Said, sentence: Said, guide: str = "") -> LightShown:
    """One of the five."""
    return LightShown(light=which, level=level, short=short, said=sentence, guide=guide)
