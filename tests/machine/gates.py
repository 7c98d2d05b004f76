"""Named points between two steps of the product, and what can be made to happen there.

A point is passed before each journal row, each word between agent and spooler, each word of an opener, each message of the line
and each operation at a printer, so that a kill hits between any two things that are written, said or done.
"""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple


class Mishap(StrEnum):
    """What happens at a point."""

    KILL_AGENT = "kill the agent"
    KILL_SPOOLER = "kill the spooler"
    KILL_RELAY = "kill the relay"
    CUT_BOX = "cut the bus's power"
    CUT_PRINTER = "cut the printer's power"
    CUT_ALL = "cut the bus's and the printer's power"
    STALL_SENDER = "half a document reaches the printer, which then says nothing to its sender"
    CUT_LINE = "cut the line"
    HALF_A_DOCUMENT = "half a document reaches the printer"
    KILL_SENDER = "half a document reaches the printer, and its spooler is gone"
    LOSE_ANSWER = "the next answer is lost"
    DOUBLE = "the next request comes twice"
    HOLD = "the next request is held"
    FREEZE_AGENT = "freeze the agent"
    FREEZE_SPOOLER = "freeze the spooler"
    END_SESSION = "end the session"
    LEAVE_DUTY = "leave the duty mode"


_AGENT: Final = (
    "offered",
    "step",
    "evidence",
    "release_requested",
    "intent_create-job",
    "intent_send-document",
    "receipted",
    "ciphertext_deleted",
    "session",
    "followed",
    "cancel",
)
_RELAY: Final = (
    "step",
    "sync",
    "evidence",
    "session_ended",
    "approved",
    "destroyed",
    "ciphertext_deleted",
    "key_destroyed",
)
_IPC: Final = (
    "print",
    "answered",
    "committed",
    "cancel",
    "recover",
    "requested",
    "intent",
    "statement",
)
_OPENER: Final = ("fresh-key", "opened", "created", "sending", "sent")
_LINE: Final = ("sync", "release", "evidence", "body")
_PRINTER: Final = ("describe", "create_job", "send_document", "job", "cancel")

POINTS: Final = (
    *(f"agent writes {kind}" for kind in _AGENT),
    *(f"relay writes {kind}" for kind in _RELAY),
    *(f"{word} is said" for word in (*_IPC, *_OPENER)),
    *(f"{path} {way}" for path in _LINE for way in ("goes out", "comes back")),
    *(f"{when} {operation}" for operation in _PRINTER for when in ("before", "after")),
)
"""What a rule may choose; other points are passed as well, and nothing happens there."""

AT_THE_PRINT: Final = tuple(
    point
    for point in POINTS
    if any(
        word in point
        for word in ("release", "requested", "intent", "committed", "create_job", "send_document", "statement")
    )
    or point.split(" ")[0] in _OPENER
)
"""Those between intent and the last statement, where most is at stake."""


LIKELY: Final = (
    ("after send_document", Mishap.KILL_SPOOLER),
    ("sent is said", Mishap.KILL_SPOOLER),
    ("after create_job", Mishap.KILL_SPOOLER),
    ("before send_document", Mishap.KILL_SENDER),
    ("before send_document", Mishap.HALF_A_DOCUMENT),
    ("before send_document", Mishap.STALL_SENDER),
    ("after send_document", Mishap.CUT_BOX),
    ("after send_document", Mishap.CUT_ALL),
    ("statement is said", Mishap.KILL_AGENT),
    ("statement is said", Mishap.END_SESSION),
    ("release goes out", Mishap.HOLD),
    ("release goes out", Mishap.DOUBLE),
    ("release goes out", Mishap.LOSE_ANSWER),
    ("relay writes evidence", Mishap.KILL_RELAY),
)
"""What happens to prints on a bad day, more often than chance alone would have it."""


class Armed(NamedTuple):
    """`mishap` happens when `point` of `bus` (any where empty) has been passed `left` more times."""

    point: str
    mishap: Mishap
    bus: str
    left: int


class Gates:
    """`fire` does what was armed."""

    def __init__(self, fire: Callable[[Mishap, str], None]) -> None:
        self._fire = fire
        self.armed: list[Armed] = []
        self.fired: Counter[str] = Counter()

    def arm(self, armed: Armed) -> None:
        """Once."""
        self.armed.append(armed)

    def disarm(self) -> None:
        """Nothing more happens."""
        self.armed.clear()

    def passing(self, point: str, bus: str) -> None:
        """The product is at `point` on behalf of `bus` (empty: nobody's)."""
        for at, armed in enumerate(self.armed):
            if armed.point == point and armed.bus in (bus, ""):
                if armed.left:
                    self.armed[at] = armed._replace(left=armed.left - 1)
                    continue
                del self.armed[at]
                self.fired[f"{point}: {armed.mishap}"] += 1
                self._fire(armed.mishap, bus)
                return
