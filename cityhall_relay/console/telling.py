"""Why an act was not done, in the visitor's language: the catalogue's sentences, and the HTTP status that goes with them."""

from typing import Final, NamedTuple

from cityhall_base.web.errors import HttpError
from cityhall_base.words import Language, say
from cityhall_relay.console.visit_words import VisitWord
from cityhall_relay.errors import RelayError
from cityhall_relay.intake.errors import IntakeBusyError, IntakeError, IntakeRefused
from cityhall_relay.intake.report import Finding
from cityhall_wire.errors import WireError

KINDS: Final = (RelayError, IntakeError, HttpError, WireError)
"""What a page tells of; anything else is a fault of the program."""


class Told(NamedTuple):
    """Sentences, and the status of the answer."""

    sentences: tuple[str, ...]
    status: int


def told(error: Exception, language: Language) -> Told:
    """Of one of `KINDS`."""
    english = (type(error).__doc__ or "").strip()
    first = say(str(getattr(error, "key", "")), english, language)
    if isinstance(error, IntakeRefused):
        return Told((first, *(_finding(one, language) for one in error.findings)), 422)
    if isinstance(error, IntakeError):
        return Told((first,), 503 if isinstance(error, IntakeBusyError) else 500)
    return Told((first,), getattr(error, "status", 400))


def _finding(one: Finding, language: Language) -> str:
    page = VisitWord.PAGE.say(language, str(one.page)) + " " if one.page else ""
    return page + say(str(one.refusal), one.refusal.sentence.format(detail=one.detail), language, one.detail)
