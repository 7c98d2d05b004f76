"""What may be wrong with a scene on a screen of 80 columns and 24 rows, whoever made it, and with a line as it is drawn."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from bus_agent.tui import keys
from bus_agent.tui.lines import Room
from bus_agent.tui.parts import draw
from bus_agent.tui.scene import MOST_CHOICES, Context, Marks, Pad, Pick, Scene
from bus_agent.tui.stage import MARGIN, ROWS, SMALL, rows
from bus_agent.tui.wrap import wrap
from cityhall_base.words import Language

WIDTH: Final = SMALL[0] - 2 * MARGIN
MOST_PICKS: Final = 9

_GLYPHS: Final = (
    "20-7e a0-103 110-113 11a-11b 128-12b 143-144 147-148 14c-14f 152-153 168-16d 192 1a0-1a1 1af-1b0 1cd-1dc "
    "1f8-1f9 251 261 2bb 2c7 2c9-2cb 2d9 2ea-2eb 300-301 304 307 30c 391-3a1 3a3-3a9 3b1-3c9 401 410-44f 451 "
    "1100-11ff 1e3e-1e3f 1ea0-1ef9 2002-2003 2010-2016 2018-201a 201c-201e 2020-2022 2025-2027 2030 2032-2033 2035 "
    "2039-203c 2042 2047-2049 2051 2074 20a9 20ab-20ac 20dd-20de 2100 2103 2105 2109-210a 210f 2113 2116 2121-2122 "
    "2126-2127 212b 212e 2135 213b 2160-216b 2170-217b 2190-2199 21b8-21b9 21c4-21c6 21cb-21cc 21d0 21d2 21d4 "
    "21e6-21e9 21f5 2200 2202-2203 2205-220b 220f 2211-2213 2215 221a 221d-2220 2223 2225-222e 2234-2237 223d 2243 "
    "2245 2248 224c 2260-2262 2264-2267 226a-226b 226e-226f 2272-2273 2276-2277 2282-2287 228a-228b 2295-2299 22a0 "
    "22a5 22bf 22da-22db 22ef 2305-2307 2312 2318 2329-232a 23b0-23b1 23be-23cc 23ce 23da-23db 2423 2460-25ab "
    "25b1-25b3 25b6-25b7 25bc-25bd 25c0-25c1 25c6-25c7 25c9-25cc 25ce-25d3 25e2-25e6 25ef 2600-2603 2605-2606 2609 "
    "260e-260f 2616-2617 261c-261f 262f 2640-2642 2660-266f 2672-267d 26a0 26bd-26be 2702 2713 271a 273d 273f-2740 "
    "2756 2776-2793 27a1 2934-2935 29bf 29fa-29fb 2b05-2b07 2b1a 2b95 2e3a-2e3b 2e80-2e99 2e9b-2ef3 2f00-2fd5 "
    "2ff0-2ffb 3000-303f 3041-3096 3099-30ff 3105-312f 3131-318e 3190-31bb 31c0-31e3 31f0-321e 3220-332b 332d-4db5 "
    "4e00-9fef a960-a97c ac00-d7a3 d7b0-d7c6 d7cb-d7fb f900-fa6d fb00-fb04 fe10-fe19 fe30-fe52 fe54-fe66 fe68-fe6b "
    "ff01-ffbe ffc2-ffc7 ffca-ffcf ffd2-ffd7 ffda-ffdc ffe0-ffe6 ffe8-ffee "
)
"""Code points below 10000 (hexadecimal) of Noto Sans Mono CJK JP 2.004, as `fc-query -f '%{charset}'` names them."""

HAS_GLYPH: Final = frozenset(
    point
    for part in _GLYPHS.split()
    for first, _, last in (part.partition("-"),)
    for point in range(int(first, 16), int(last or first, 16) + 1)
)
_OURS: Final = re.compile(r"[A-Z]-[0-9?]*|[a-z]-[0-9a-z]+|https?://\S+|F[0-9]+")
"""Numbers on sheets, opaque ids, addresses and keys: they are what they are in every language."""

_LATIN: Final = re.compile("[A-Za-z]{2,}")
DRAWN: Final = range(0x2500, 0x25A0)
"""Box drawing and blocks: terminals draw them one cell wide by themselves, whatever the font has."""


def faults(scene: Scene, context: Context) -> Iterator[str]:
    """All of them, in words."""
    yield from _of_choices(scene, context)
    if rows(scene, context.language, context.entered) > ROWS:
        yield f"{rows(scene, context.language, context.entered)} rows; there are {ROWS}"
    entering = [part for part in scene.body if isinstance(part, Pick | Marks | Pad)]
    if len(entering) > 1:
        yield "two parts listen to the same digits"
    for part in entering:
        if not isinstance(part, Pad) and len(part.items) > MOST_PICKS:
            yield f"{len(part.items)} things to pick"
    room = Room(WIDTH, context.language, context.entered)
    said = wrap(scene.sentence, WIDTH)
    drawn = ["".join(piece.text for piece in line.pieces) for part in scene.body for line in draw(part, room)]
    if not scene.sentence.strip() or len(said) > 2:
        yield f"the sentence takes {len(said)} lines: {scene.sentence!r}"
    for text in (*said, *drawn, *(choice.label for choice in scene.choices)):
        yield from of_text(text, context.language)


def _of_choices(scene: Scene, context: Context) -> Iterator[str]:
    if not len(scene.choices) <= MOST_CHOICES:
        yield f"{len(scene.choices)} choices"
    for choice in scene.choices:
        if not choice.label.strip():
            yield "a choice without a label"
        if keys.label_rows(choice, len(scene.choices), SMALL[0]) > keys.CHOICE_ROWS:
            yield f"no room for {choice.label!r}"
        if len(wrap(choice.sure, WIDTH)) > 2:
            yield f"no room for {choice.sure!r}"
        yield from of_text(choice.sure, context.language)


def of_text(line: str, language: Language) -> Iterator[str]:
    """What is wrong with a line as it is drawn."""
    text = line.strip()
    if text.startswith(("。", "、")):
        yield f"begins with a stop: {text!r}"
    if "{detail}" in text:
        yield f"a detail is missing: {text!r}"
    if language is Language.JAPANESE and (latin := _LATIN.findall(_OURS.sub("", text))):
        yield f"Latin words {latin} in {text!r}"
    for sign in text:
        if ord(sign) in DRAWN:
            continue
        if ord(sign) not in HAS_GLYPH:
            yield f"no glyph for {sign!r} in {text!r}"
        elif unicodedata.east_asian_width(sign) == "A":
            yield f"{sign!r} is one cell here and two there: {text!r}"
