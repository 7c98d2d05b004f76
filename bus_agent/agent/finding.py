"""What the box finds when a checklist asks it to look at something itself."""

from typing import NamedTuple

from cityhall_base.words import Word


class Finding(NamedTuple):
    """`ok` is None where the box cannot tell: then a person looks and ticks. `detail` stands for `{detail}` in the word."""

    ok: bool | None
    word: Word
    detail: str = ""
