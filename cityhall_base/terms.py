"""The domain's own words for what the wire's tables name: duty modes and where a job stands."""

from typing import Final

from cityhall_base.words import Language, Word
from cityhall_wire.lifecycle import JobState
from cityhall_wire.modes import DutyMode


class ModeWord(Word):
    """業務モード. Keys are `mode.` and the DutyMode."""

    ROUTE_BUS = ("mode.route_bus", "route bus")
    ON_THE_WAY = ("mode.on_the_way", "on the way")
    CITY_HALL = ("mode.city_hall", "city hall")
    EVENT = ("mode.event", "event")
    EARLY_VOTING = ("mode.early_voting", "early voting")
    COURSE = ("mode.course", "course relay")
    DISASTER = ("mode.disaster", "disaster")
    MAINTENANCE = ("mode.maintenance", "maintenance")


class StateWord(Word):
    """Where a job stands, in two or three words. Keys are `state.` and the JobState."""

    SEALED = ("state.sealed", "sealed")
    OFFERED = ("state.offered", "on its way")
    ON_BUS = ("state.on_bus", "on the bus")
    RELEASING = ("state.releasing", "key on its way")
    PRINTING = ("state.printing", "printing")
    PRINTED = ("state.printed", "printed")
    UNCERTAIN = ("state.uncertain", "needs confirmation")
    HANDED_OVER = ("state.handed_over", "handed over")
    SPOILED = ("state.spoiled", "spoiled")
    CANCELED = ("state.canceled", "canceled")
    EXPIRED = ("state.expired", "expired")
    REFUSED = ("state.refused", "refused")
    NOT_PRINTED = ("state.not_printed", "not printed")


MODES: Final = {DutyMode(word.removeprefix("mode.")): word for word in ModeWord}
STATES: Final = {JobState(word.removeprefix("state.")): word for word in StateWord}


def mode(name: str, language: Language) -> str:
    """A DutyMode in words; raises ValueError where there is none of this name."""
    return MODES[DutyMode(name)].say(language)


def state(name: str, language: Language) -> str:
    """A JobState in words; raises ValueError where there is none of this name."""
    return STATES[JobState(name)].say(language)
