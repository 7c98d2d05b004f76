"""The kinds of cycles: what happens in each beside its mishap, so that every point is reached by some of them."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from tests.crash.house import LIMITS, CrashHouse
from tests.crash.people import People

Cue = Callable[[CrashHouse, People], None]
"""Runs while the process that reached the cue's point waits there."""

_BEGUN: Final = "printer/paper/begin/after"
_HOLD_S: Final = 1.5
"""How long a sheet is held half-way for a Cancel-Job to come."""


class Scenario(NamedTuple):
    """`at_end`: what the concierge says of a printed document. `canceled`: the clerk takes it back instead of allowing it."""

    cues: Mapping[str, Cue] = MappingProxyType({})
    at_end: str = "hand-over"
    canceled: bool = False


def _killed(*names: str, dark_s: float = 0.3) -> Cue:
    def cue(house: CrashHouse, _people: People) -> None:
        house.act(house.kill, names).result()
        house.act(_mend_after, house, dark_s)

    return cue


def _mend_after(house: CrashHouse, seconds: float) -> None:
    time.sleep(seconds)
    house.mend()


def _cancel(_house: CrashHouse, people: People) -> None:
    people.clerk.cancel(people.job)


def _until_canceled(house: CrashHouse) -> None:
    until = time.monotonic() + _HOLD_S
    while time.monotonic() < until and not house.points.seen["spooler/printer/cancel-job/after"]:
        time.sleep(0.02)


def _end_session(house: CrashHouse, people: People) -> None:
    people.leave()
    _until_canceled(house)


def _leave_mode(house: CrashHouse, people: People) -> None:
    people.mode("route_bus")
    _until_canceled(house)
    people.mode("city_hall")


_BLIND_S: Final = LIMITS["printer_silence_s"] + 1.5

SCENARIOS: Final[dict[str, Scenario]] = {
    "normal": Scenario(),
    "spoiled": Scenario(at_end="spoiled"),
    "canceled": Scenario(canceled=True),
    "refused": Scenario({"agent/link/release-request/before": _cancel}),
    "declined": Scenario({"agent/api/print/heard": _killed("printer", dark_s=1.0)}),
    "session-end": Scenario({_BEGUN: _end_session}),
    "mode-left": Scenario({_BEGUN: _leave_mode}),
    "no-opener": Scenario({"spooler/ipc/intent-create-job/say": _killed("opener")}),
    "never-created": Scenario({"spooler/ipc/requested/say": _killed("spooler")}),
    "created-empty": Scenario({"spooler/ipc/intent-send-document/say": _killed("spooler")}),
    "recover": Scenario({_BEGUN: _killed("spooler", "agent")}),
    "printer-restarts": Scenario({_BEGUN: _killed("printer")}),
    "nothing-comes": Scenario({"opener/printer/send-document/middle": _killed("printer")}),
    "blind": Scenario({_BEGUN: _killed("spooler", dark_s=_BLIND_S)}),
}

PLAIN: Final = ("normal", "spoiled", "canceled")
"""Those in which nothing goes wrong by themselves."""
