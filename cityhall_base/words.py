"""What people read, in both languages, found by key.

English stands once, where the code says it: in an exception's docstring, or beside its key in a `Word`. Japanese stands in
words.ja.toml, one line a key, so that the city can proof-read all of it in one file. `{detail}` in a sentence is the one
thing that differs from case to case. tests/unit/test_words.py holds both complete, and free of keys that nobody says.
"""

import functools
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

_JAPANESE: Final = Path(__file__).with_name("words.ja.toml")
_DETAIL: Final = "{detail}"


class Language(StrEnum):
    """What the screens speak. Japanese unless somebody chooses otherwise, whatever LANG says."""

    JAPANESE = "ja"
    ENGLISH = "en"


class Word(StrEnum):
    """Base of closed lists of words: the member is its catalogue key, `english` the English for it."""

    english: str

    def __new__(cls, key: str, english: str) -> Self:
        member = str.__new__(cls, key)
        member._value_ = key
        member.english = english
        return member

    def say(self, language: Language = Language.JAPANESE, detail: str = "") -> str:
        """The sentence, with its detail."""
        return say(self, self.english.replace(_DETAIL, detail), language, detail)


def say(key: str, english: str, language: Language = Language.JAPANESE, detail: str = "") -> str:
    """The sentence for `key`; `english` is what its speaker said already, detail included.

    A key that this release's catalogue does not know is said in English: a client may be older than its server.
    """
    found = japanese().get(key) if language is Language.JAPANESE else None
    return english if found is None else found.replace(_DETAIL, detail)


@functools.cache
def japanese() -> Mapping[str, str]:
    """The whole catalogue, key → sentence."""
    return MappingProxyType(tomllib.loads(_JAPANESE.read_text("utf-8")))
