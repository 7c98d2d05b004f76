"""The kinds of cycles: what happens in each beside its mishap, so that every point is reached by some of them."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from tests.crash.house import LIMITS, CrashHouse
from tests.crash.people import Habits, People

Cue = Callable[[CrashHouse, People], None]
"""Runs while the process that reached the cue's point waits there."""

_BEGUN: Final = "printer/paper/begin/after"
_HALF: Final = "opener/printer/send-document/middle"
_CARRIED: Final = "agent/journal/step-carried/after"
_SESSION_GONE: Final = "relay/journal/session_ended/after"
_CANCELED: Final = "spooler/printer/cancel-job/after"
_BLIND_S: Final = LIMITS["printer_silence_s"] + 1.5
_HOLD_S: Final = 1.5
"""How long a sheet is held half-way for a Cancel-Job to come."""


class Scenario(NamedTuple):
    """All `documents` but the first wait until a cue has them brought."""

    cues: Mapping[str, Cue] = MappingProxyType({})
    habits: Habits = Habits()
    documents: int = 1


def _killed(*names: str, dark_s: float = 0.3) -> Cue:
    def cue(house: CrashHouse, _people: People) -> None:
        house.act(house.kill, names).result()
        house.act(_mend_after, house, dark_s)

    return cue


def _darken(seconds: float) -> Cue:
    def cue(house: CrashHouse, _people: People) -> None:
        house.lines["printer"].go_dark()
        house.act(_mend_after, house, seconds)

    return cue


def _mend_after(house: CrashHouse, seconds: float) -> None:
    time.sleep(seconds)
    house.mend()


def _cancel(_house: CrashHouse, people: People) -> None:
    people.clerk.cancel(people.errands[0].job)


def _until(house: CrashHouse, point: str, times: int = 1) -> None:
    until = time.monotonic() + _HOLD_S
    while time.monotonic() < until and house.points.seen[point] < times:
        time.sleep(0.02)


def _end_session(until: str) -> Cue:
    def cue(house: CrashHouse, people: People) -> None:
        people.leave()
        _until(house, until)

    return cue


def _end_session_on_bus(house: CrashHouse, people: People) -> None:
    # City hall is held, and hears of it later.
    people.leave(on_bus=True)


def _leave_mode(house: CrashHouse, people: People) -> None:
    people.away = True
    try:
        people.mode("route_bus")
        _until(house, _CANCELED)
    finally:
        people.away = False


def _bring_another(house: CrashHouse, people: People) -> None:
    people.bring()
    _until(house, _CARRIED, 2)


def _bring_another_and_end(house: CrashHouse, people: People) -> None:
    _bring_another(house, people)
    people.leave()
    _until(house, _CANCELED)


SCENARIOS: Final[dict[str, Scenario]] = {
    "normal": Scenario(),
    "called": Scenario(habits=Habits(called=True)),
    "spoiled": Scenario(habits=Habits(at_end="spoiled")),
    "canceled": Scenario(habits=Habits("cancel")),
    "refused-by-clerk": Scenario(habits=Habits("refuse")),
    "refused-on-bus": Scenario(habits=Habits("refuse on bus")),
    "refused": Scenario({"agent/link/release-request/before": _cancel}),
    "declined": Scenario({"agent/api/print/heard": _killed("printer", dark_s=1.0)}),
    "unapproved": Scenario(habits=Habits("nothing")),
    "early-end": Scenario({_CARRIED: _end_session(_SESSION_GONE)}),
    "early-end-on-bus": Scenario({"relay/clerk/approve/leaves": _end_session_on_bus}, Habits(called=True)),
    "session-end": Scenario({_BEGUN: _end_session(_CANCELED)}),
    "half-sent-end": Scenario({_HALF: _end_session("spooler/ipc/cancel/hear")}),
    "half-sent": Scenario({_HALF: _killed("opener")}),
    "half-sent-recover": Scenario({_HALF: _killed("spooler")}),
    "two": Scenario({_BEGUN: _bring_another}, documents=2),
    "two-end": Scenario({_BEGUN: _bring_another_and_end}, documents=2),
    "mode-left": Scenario({_BEGUN: _leave_mode}),
    "no-opener": Scenario({"spooler/ipc/intent-create-job/say": _killed("opener")}),
    "never-created": Scenario({"spooler/ipc/requested/say": _killed("spooler")}),
    "created-empty": Scenario({"spooler/ipc/intent-send-document/say": _killed("spooler")}),
    "recover": Scenario({_BEGUN: _killed("spooler", "agent")}),
    "printer-restarts": Scenario({_BEGUN: _killed("printer")}),
    "void": Scenario({_BEGUN: _killed("printer")}, Habits(voids=True)),
    "nothing-comes": Scenario({_HALF: _killed("printer")}),
    "dark": Scenario({_BEGUN: _darken(_BLIND_S)}),
    "half-sent-dark": Scenario({_HALF: _darken(LIMITS["cancel_confirm_s"] + 1.5)}),
    "blind": Scenario({_BEGUN: _killed("spooler", dark_s=_BLIND_S)}),
}

PLAIN: Final = ("normal", "called", "spoiled", "canceled", "refused-by-clerk", "refused-on-bus")
"""Those in which nothing goes wrong by themselves."""
