"""What stands on the stage, as data: one sentence, what she needs to see, and at most three choices.

A scene is a pure function of a `Context`. Nothing of it survives: a screen that is killed and started again looks at the
same snapshot and shows the same. What she has typed or marked in the running scene is `Context.entered`, and is lost with it.
`bus_agent/tui/scenes.py` names every scene; `bus_agent/tui/parts/` draws every part. A scene whose matter is gone (its job, its
light) raises LookupError, and the stage of the moment comes back. `Context.seen` counts on between two snapshots: its `at` is now.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from bus_agent.shown import CityShown, Snapshot
from cityhall_base.words import Language, Word, say

MOST_CHOICES: Final = 3
"""F1 to F3. F9 to F12 are the same on every screen."""


class Tone(StrEnum):
    """How a thing is coloured; its words say the same."""

    PLAIN = "plain"
    LOOK = "look"  # amber: look here
    RISK = "risk"  # red: paper or people are at risk
    CALM = "calm"  # grey: nothing to be done


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Something in the body of a scene."""


class Text(Part, frozen=True, kw_only=True):
    """A line of text. `big` is twice as large where the terminal can, else bold."""

    text: str
    tone: Tone = Tone.PLAIN
    big: bool = False


class Facts(Part, frozen=True, kw_only=True):
    """Labels and values, in two columns."""

    rows: tuple[tuple[str, str], ...]


class CheckWord(Part, frozen=True, kw_only=True):
    """照合番号, in the largest letters there are: for example 47・さくら."""

    word: str


class Phone(Part, frozen=True, kw_only=True):
    """A telephone number in large digits."""

    number: str


class Visit(Part, frozen=True, kw_only=True):
    """The steps of the visit (呼出 → 対応 → … → お渡し), in the words of the clerk's page; `now` is the running one's place."""

    steps: tuple[str, ...]
    now: int


class Steps(Part, frozen=True, kw_only=True):
    """What to do, one after the other, beside a drawing made of characters."""

    steps: tuple[str, ...]
    picture: tuple[str, ...] = ()


class Mark(NamedTuple):
    """Something that may be marked."""

    id: str
    label: str


class Marks(Part, frozen=True, kw_only=True):
    """Things to mark, each by its digit or a touch; `entered[name]` holds the marked ids, joined by commas."""

    name: str
    items: tuple[Mark, ...]


class Pick(Part, frozen=True, kw_only=True):
    """One of several, by its digit or a touch; `entered[name]` holds the id. At most nine; more have pages of their own."""

    name: str
    items: tuple[Mark, ...]


class Pad(Part, frozen=True, kw_only=True):
    """Digits (or a sheet's number), from keys or touch; `entered[name]` holds them. `secret` ones are shown as dots."""

    name: str
    label: str
    most: int
    secret: bool = False
    letters: str = ""  # keys beside the ten digits, for example "A-?"


class Qr(Part, frozen=True, kw_only=True):
    """A QR code of this address."""

    address: str


class Bar(Part, frozen=True, kw_only=True):
    """A thin bar and what it says; `done` from 0 to 1."""

    done: float
    label: str


# --- what a choice does ---


class Tell(NamedTuple):
    """Say it to the agent; then open `then`, or go back to the running stage. A refusal's sentence is shown where she is."""

    path: str
    body: Mapping[str, Any] | None = None
    then: str = ""
    method: str = "POST"


class Open(NamedTuple):
    """Show another scene. `about` says which: a job's id, a light's name."""

    scene: str
    about: str = ""


class Back(NamedTuple):
    """To the stage of the moment."""


class Video(NamedTuple):
    """Open the video link of a section, by the configured command."""

    section: str


Act = Tell | Open | Back | Video


class Choice(NamedTuple):
    """One big key. `sure` (a sentence) makes it slow: it is asked again, and may be confirmed only after two seconds."""

    label: str
    act: Act | None  # None: not yet, for example while too few digits are typed
    sure: str = ""


class Aside(Part, frozen=True, kw_only=True):
    """A small choice beside the three, by the key 0 or a touch: what is seldom wanted. One in a scene, and none beside a Pad."""

    label: str
    act: Act


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """One thing at a time."""

    sentence: str
    body: tuple[Part, ...] = ()
    choices: tuple[Choice, ...] = ()
    tone: Tone = Tone.PLAIN


class Says(Protocol):
    """What the agent says; some of it has a `detail` too."""

    @property
    def key(self) -> str:
        """Of the catalogue."""

    @property
    def sentence(self) -> str:
        """In English."""


class Context(NamedTuple):
    """All that a scene may look at."""

    seen: Snapshot
    city: CityShown
    language: Language
    about: str = ""
    entered: Mapping[str, str] = MappingProxyType({})

    def say(self, word: Word, detail: str = "") -> str:
        """A word of the screen, in its language."""
        return word.say(self.language, detail)

    def said(self, one: Says) -> str:
        """What the agent said; whatever has `key`, `sentence` and perhaps `detail` will do."""
        return say(one.key, one.sentence, self.language, getattr(one, "detail", ""))


MakeScene = Callable[[Context], Scene]
