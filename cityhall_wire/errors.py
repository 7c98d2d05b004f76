"""Why something from the wire was not taken. The docstring is the sentence that a person reads; `key` finds it in Japanese.

None of these texts ever carries a secret or a byte of a document.
"""

from typing import ClassVar


class WireError(Exception):
    """Something from the other side could not be used."""

    key: ClassVar[str] = "wire.unusable"

    def __str__(self) -> str:
        sentence = type(self).__doc__ or ""
        detail = super().__str__()
        return f"{sentence} ({detail})" if detail else sentence


class MalformedError(WireError):
    """A message was not in the agreed form; both sides should run the same release."""

    key = "wire.malformed"


class TooLargeError(MalformedError):
    """A message was larger than the agreed limit."""

    key = "wire.too_large"


class UnknownVersionError(WireError):
    """The other side speaks another protocol version; update the older side."""

    key = "wire.unknown_version"


class UnknownKindError(WireError):
    """A message of this kind is not understood here; update the older side."""

    key = "wire.unknown_kind"


class SignatureError(WireError):
    """A signature does not belong to this message and key; the message was not used."""

    key = "wire.signature"


class HeaderError(WireError):
    """A seal header or release header does not fit this bus, session, job or attempt; nothing was opened."""

    key = "wire.header"


class OpenError(WireError):
    """The sealed document could not be opened whole; nothing was printed."""

    key = "wire.open"


class LifecycleError(WireError):
    """This step does not follow from the state the job is in."""

    key = "wire.lifecycle"


class SerialError(WireError):
    """This is no row of sheet numbers: type them as they stand on the sheets, the first and then the last."""

    key = "wire.serial"
