"""What may go wrong at a point, drawn from the cycle's own dice; and how it is done to the house."""

import re
import time
from random import Random
from typing import Final, Literal

import msgspec

from tests.crash.house import CrashHouse
from tests.crash.lines import Line
from tests.crash.points import Trap
from tests.crash.under import GO

Kind = Literal["kill", "power", "cut", "disturb", "close"]

KILLED: Final = ("relay", "broker", "agent", "spooler", "opener", "printer")

_CUT_BYTES: Final = {"city": 9000, "printer": 120_000}
"""Most bytes that still go: a sync with its answer and TLS is about 5 kB, a body range 32 KiB, a document 60 to 110 kB."""

_CLOSES: Final = 0.12
"""Of the mishaps. The others end the session too, but only when all is done."""

_CUT_S: Final = 2.0
"""How long the byte is waited for at which a line shall end."""


class Mishap(msgspec.Struct, frozen=True, kw_only=True):
    """One. Only the fields of its kind mean something."""

    kind: Kind
    parts: tuple[str, ...] = ()
    side: str = ""
    printer_too: bool = False
    line: str = ""
    after: int = 0  # bytes
    up: bool = False
    politely: bool = False
    word: str = ""  # to the sender that is held
    dark_s: float = 0.0

    def __str__(self) -> str:
        match self.kind:
            case "kill":
                return f"SIGKILL {', '.join(self.parts)}"
            case "power":
                return f"power cut of {self.side}{' and printer' if self.printer_too else ''}"
            case "cut":
                where, how = "up" if self.up else "down", "FIN" if self.politely else "RST"
                return f"line to {self.line} cut {self.after} bytes {where} from here, {how}, dark {self.dark_s} s"
            case "close":
                return f"session ended {'on the bus' if self.side == 'bus' else 'at city hall'}"
            case _:
                return f"message: {self.word}"


def may_disturb(point: str) -> bool:
    """Whether a message is about to be sent there whose sender can double, hold back or swap it."""
    part, channel, _what, moment = point.split("/")
    return (channel == "link" and moment == "before" and part == "agent") or (channel == "mqtt" and moment == "say")


def may_close(point: str) -> bool:
    """Whether a session is open there for sure, and not about to be closed anyway."""
    return not re.search(r"session|/boot|mode|deleted|destroyed|forgotten|deletion|program", point)


def power_cut(dice: Random, point: str) -> Mishap:
    """Mostly of the side where the point is."""
    near = "city" if point.startswith("relay") else "bus"
    side = near if dice.random() < 0.8 else ("bus" if near == "city" else "city")
    return Mishap(kind="power", side=side, printer_too=side == "bus" and dice.random() < 0.5, dark_s=_dark(dice))


def draw(dice: Random, point: str) -> Mishap:
    """Any but a power cut."""
    if may_close(point) and dice.random() < _CLOSES:
        return Mishap(kind="close", side=dice.choice(("bus", "city")))
    if may_disturb(point) and dice.random() < 0.5:
        return Mishap(kind="disturb", word=_word(dice, point.split("/")[1]))
    if dice.random() < 0.15:
        line = dice.choice(tuple(_CUT_BYTES))
        after = dice.randrange(_CUT_BYTES[line]) if dice.random() < 0.7 else dice.randrange(400)
        up, politely = dice.random() < 0.5, dice.random() < 0.5
        return Mishap(kind="cut", line=line, after=after, up=up, politely=politely, dark_s=_dark(dice))
    return Mishap(kind="kill", parts=_victims(dice, point), dark_s=_dark(dice))


def _word(dice: Random, channel: str) -> str:
    words = ["double", f"hold {dice.uniform(0.2, 2.0):.2f}", f"late {dice.uniform(0.3, 3.0):.2f}"]
    return dice.choice([*words, "swap" if channel == "link" else "drop"])


def _victims(dice: Random, point: str) -> tuple[str, ...]:
    own = point.split("/")[0].removesuffix("-keys")
    if dice.random() < 0.55:
        return (own,)
    count = dice.choice((1, 1, 2, 2, 3))
    return tuple(sorted(dice.sample(KILLED, count)))


def _dark(dice: Random) -> float:
    return round(dice.choice((0.0, 0.1, dice.uniform(0.0, 1.0))), 2)


def strike(house: CrashHouse, mishap: Mishap, trap: Trap) -> None:
    """Now. Who is held dies or goes on; then what is dead is started. Raises PartError. In the house's one thread."""
    try:
        match mishap.kind:
            case "kill":
                house.kill(mishap.parts)
            case "power":
                house.cut_power(mishap.side, mishap.printer_too)
            case "cut":
                house.lines[mishap.line].cut(mishap.after, up=mishap.up, politely=mishap.politely)
    finally:
        trap.let_go(mishap.word or GO)
    if mishap.kind == "cut":
        _wait_for_cut(house.lines[mishap.line])
    time.sleep(mishap.dark_s)
    house.mend()


def _wait_for_cut(line: Line) -> None:
    # A line on which nothing goes any more cannot be cut by a byte.
    until = time.monotonic() + _CUT_S
    while not line.dark and time.monotonic() < until:
        time.sleep(0.02)
