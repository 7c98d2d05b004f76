"""What she enters: things to mark, one of several, digits. Every key of the keyboard is a touch key too."""

from collections.abc import Iterator
from typing import Final

from bus_agent.tui.lines import Entry, Line, Look, Piece, Room, Touch, cells, centred, padded, rows_of
from bus_agent.tui.scene import Aside, Mark, Marks, Pad, Pick
from bus_agent.tui.words import TuiWord

_PAD_ROW: Final = 7
_ONE_COLUMN: Final = 4
"""So many have a line of their own, and an empty one below it that takes the touch as well."""

ASIDE_KEY: Final = "0"
ASIDE: Final = Entry("", ASIDE_KEY)
"""No scene has an entry without a name."""


def aside(part: Aside, room: Room) -> tuple[Line, ...]:
    """One line to touch."""
    return (cells([[(f" {ASIDE_KEY}  {part.label} ", Look.KEY, ASIDE)]])[0],)


def marked(part: Marks, entered: str) -> tuple[str, ...]:
    """Ids that are marked, in the order of the items."""
    known = set(entered.split(","))
    return tuple(item.id for item in part.items if item.id in known)


def marks(part: Marks, room: Room) -> tuple[Line, ...]:
    """[x] for each that is marked."""
    chosen = set(marked(part, room.entered.get(part.name, "")))
    return _items(part.items, _toggles(part, room.entered.get(part.name, "")), chosen, room.width, ("[x]", "[ ]"))


def pick(part: Pick, room: Room) -> tuple[Line, ...]:
    """(*) for the one that is taken."""
    chosen = {room.entered.get(part.name, "")}
    entries = [Entry(part.name, item.id) for item in part.items]
    return _items(part.items, entries, chosen, room.width, ("(*)", "( )"))


def pad(part: Pad, room: Room) -> tuple[Line, ...]:
    """What was typed, and the keys."""
    typed = room.entered.get(part.name, "")
    shown = "*" * len(typed) if part.secret else typed
    head = Line((Piece(f"{part.label}  ", Look.CALM), Piece(padded(f" {shown}_", part.most + 3), Look.KEY)))
    wide = (room.width - _PAD_ROW + 1) // _PAD_ROW
    clear = TuiWord.ERASE.say(room.language)
    keys = [(key, _typed(part, typed, key)) for key in "1234567890" + part.letters]
    keys.append((clear, Entry(part.name, typed[:-1])))
    lines = [head, Line()]
    for row in rows_of(keys, _PAD_ROW):
        blank, named = (
            cells([[(centred(text if at else "", wide), Look.KEY, entry) for text, entry in row]])[0] for at in (0, 1)
        )
        lines += [blank, named, Line()]
    return tuple(lines[:-1])


def keys(part: Marks | Pick | Pad, typed: str) -> dict[str, Entry]:
    """Key of the keyboard → what it enters."""
    match part:
        case Marks():
            return {str(n): entry for n, entry in enumerate(_toggles(part, typed), 1)}
        case Pick():
            return {str(n): Entry(part.name, item.id) for n, item in enumerate(part.items, 1)}
        case Pad():
            found = {key.lower(): _typed(part, typed, key) for key in "1234567890" + part.letters}
            return found | {"backspace": Entry(part.name, typed[:-1])}


def _typed(part: Pad, typed: str, key: str) -> Entry:
    return Entry(part.name, (typed + key)[: part.most])


def _toggles(part: Marks, typed: str) -> list[Entry]:
    chosen = marked(part, typed)
    toggled = ({*chosen} ^ {item.id} for item in part.items)
    return [Entry(part.name, ",".join(one.id for one in part.items if one.id in ids)) for ids in toggled]


def _items(
    items: tuple[Mark, ...], entries: list[Entry], chosen: set[str], width: int, boxes: tuple[str, str]
) -> tuple[Line, ...]:
    columns = 1 if len(items) <= _ONE_COLUMN else 2
    wide = (width - columns + 1) // columns
    drawn = [
        (
            padded(f" {number}  {boxes[0] if item.id in chosen else boxes[1]} {item.label} ", wide),
            item.id in chosen,
            entry,
        )
        for number, (item, entry) in enumerate(zip(items, entries, strict=True), 1)
    ]
    rows = [
        [(text, Look.CHOSEN if on else Look.KEY, entry) for text, on, entry in row] for row in rows_of(drawn, columns)
    ]
    return tuple(_spread(cells(rows), columns))


def _spread(lines: tuple[Line, ...], columns: int) -> Iterator[Line]:
    for number, one in enumerate(lines):
        if number and columns == 1:
            yield Line((), tuple(Touch(touch.left, touch.width, touch.entry) for touch in lines[number - 1].touches))
        yield one
