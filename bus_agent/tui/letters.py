"""Large letters: digits and the kana of the check words, drawn by strokes of our own into dots, two of them in each cell.

A stroke is a run of points, two signs each: x from 0 to a, y from 0 (top) to b, in a field of 11 by 12 dots. Voiced kana are
the plain ones with two dots, small ones the same drawn smaller. tests/unit/test_tui_drawing.py draws every check word.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple

HEIGHT: Final = 12
_KANA_WIDTH: Final = 11
_DIGIT_WIDTH: Final = 7
_GAP: Final = 2

_DIGITS: Final = {
    "0": "1050616a5b1b0a0110",
    "1": "12303b 1b5b",
    "2": "02105061640b6b",
    "3": "01105061645525 55666a5b1b0a",
    "4": "500868 505b",
    "5": "6000051454656a5b1b0a",
    "6": "514020020a1b5b6a66551506",
    "7": "00602b",
    "8": "105061645515040110 15060a1b5b6a6655",
    "9": "1a2b4b6961501001051656 5665",
}

_STROKES: Final = {
    **_DIGITS,
    "-": "0646",
    "・": "0515 0616",
    "あ": "1292 40465a 74673a1a08266596a89a6b",
    "い": "12183a48 8295a8",
    "う": "3071 14538395987a4b",
    "え": "4071 2484 841b 57686a8bab 1b57",
    "お": "1373 40493a1a1827 276696a89a7b 82a4",
    "か": "036374695b4a 40350a 82a6",
    "き": "1292 1595 4088 183a6b8b",
    "く": "8025 25268b",
    "け": "11061b 43a3 70775b",
    "こ": "2282 173a4b9b",
    "さ": "1393 4087 173a5b8b",
    "し": "20283a5b7b98",
    "す": "03a3 6069 664536374868 69594b",
    "せ": "04a4 30394b9b 818677",
    "そ": "2080 8005 05a5 6547496b8b",
    "た": "0373 401b 65a5 585a7bab",
    "ち": "0292 4026 265585979a7b3b",
    "つ": "04437395a6a88a5b",
    "て": "02a2 8246485a8b",
    "と": "3145 934517193b9b",
    "な": "0363 4018 82a4 6469 695b3b294879ab",
    "に": "11061b 53a3 585a7bab",
    "ぬ": "1349 6047 472a0825 256293a6 a69a7b5979ab",
    "ね": "202b 033309 096383a5a88b6b5979ab",
    "の": "6249 492a0805 053272a5a87b",
    "は": "11061b 43a3 80896b4b4969ab",
    "ひ": "0242 4215184b6b 6b8881 8195a7",
    "ふ": "4061 5445767a5b3a 170a 86a9",
    "へ": "073343aa",
    "ほ": "11061b 41a1 45a5 7179 795b4a4969ab",
    "ま": "1292 1595 6069 694b2b193869ab",
    "み": "1161 611a 1a082666a9 94886b",
    "め": "1349 7056 562a0825 256293a6 a6986b",
    "も": "1373 1676 40384a6b9a97",
    "や": "0572a3a576 225b 5062",
    "ゆ": "1109 092553 5383a5a87948 60684b",
    "よ": "6393 6069 694b2b193869ab",
    "ら": "3062 2317 175585979a7b3b",
    "り": "111628 7285885b",
    "る": "1080 8007 075484a6a87b4b39587a",
    "れ": "202b 033309 096373 73798ba9",
    "ろ": "1080 8007 075484a6a87b3b",
    "わ": "202b 033309 095383a5a87b5b",
    "ん": "600b 0b3656 566a7b9aa7",
}

_SMALL: Final = {"ゃ": "や", "ゅ": "ゆ", "ょ": "よ"}
_VOICED: Final = dict(zip("がぎぐげござじずぜぞだでどばびぶべぼ", "かきくけこさしすせそたてとはひふへほ", strict=True))
_HALF_VOICED: Final = dict(zip("ぴぽ", "ひほ", strict=True))

_MARK: Final = "8092 a0b2"
_RING: Final = "90a1a2 9081 8192 a292"

_BLOCKS: Final = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}

Dots = frozenset[tuple[int, int]]


class _Letter(NamedTuple):
    dots: Dots
    width: int


def as_blocks(text: str, width: int) -> tuple[str, ...] | None:
    """`text` in six rows of half blocks; None where a letter is unknown, or it is wider than `width` cells even drawn narrow."""
    for digits, gap in ((_DIGIT_WIDTH, _GAP), (_DIGIT_WIDTH, 1), (5, 1)):
        letters = [_letter(sign, digits) for sign in text]
        known = [one for one in letters if one is not None]
        if len(known) < len(letters):
            return None
        if sum(one.width + gap for one in known) - gap <= width:
            return tuple(_rows(known, gap))
    return None


def _letter(sign: str, digits: int) -> _Letter | None:
    if sign in _DIGITS:
        return _Letter(_drawn(_STROKES[sign], digits - 1, _DIGIT_WIDTH - 1), digits)
    if sign in _SMALL:
        small = _drawn(_STROKES[_SMALL[sign]], 7, 10)
        return _Letter(frozenset((x, 4 + y * 2 // 3) for x, y in small), 8)
    plain = _VOICED.get(sign) or _HALF_VOICED.get(sign) or sign
    if plain not in _STROKES:
        return None
    wide = 3 if sign == "・" else 5 if sign == "-" else _KANA_WIDTH
    dots = _drawn(_STROKES[plain])
    if sign in _VOICED:
        return _Letter(dots | _drawn(_MARK), wide + 1)
    if sign in _HALF_VOICED:
        return _Letter(dots | _drawn(_RING), wide)
    return _Letter(dots, wide)


def _drawn(strokes: str, to: int = 1, of: int = 1) -> Dots:
    """Dots of the strokes, x made narrower as `to` is to `of`."""
    found: set[tuple[int, int]] = set()
    for stroke in strokes.split():
        signs = [int(sign, 12) for sign in stroke]
        points = [(round(x * to / of), y) for x, y in zip(signs[::2], signs[1::2], strict=False)]
        for start, end in pairwise(points):
            found |= set(_between(start, end))
    return frozenset(found)


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]), 1)
    for step in range(steps + 1):
        yield tuple(round(a + (b - a) * step / steps) for a, b in zip(start, end, strict=True))  # type: ignore[misc]


def _rows(letters: list[_Letter], gap: int) -> Iterator[str]:
    for y in range(0, HEIGHT, 2):
        signs = []
        for one in letters:
            columns = range(one.width)
            signs.append("".join(_BLOCKS[((x, y) in one.dots, (x, y + 1) in one.dots)] for x in columns))
        yield (" " * gap).join(signs)
