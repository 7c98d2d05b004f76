"""A refusal in the page where it was asked for, so that what was typed is not lost. Any other is the door's (trouble.py)."""

from typing import Final

from cityhall_base.words import say
from cityhall_relay.console.visitor import Visitor
from cityhall_relay.errors import RelayError
from cityhall_wire.errors import WireError

REFUSALS: Final = (RelayError, WireError)
"""What may be said to a person; anything else is the server's fault."""

_BAD_REQUEST: Final = 400


def sentence(error: Exception, visitor: Visitor) -> str:
    """One of REFUSALS, to be read. The English has the detail of this very case."""
    return say(str(getattr(error, "key", "")), str(error), visitor.language)


def status(error: Exception) -> int:
    """RFC 9110 section 15."""
    return int(getattr(error, "status", _BAD_REQUEST))
