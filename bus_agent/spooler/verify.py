"""Invariant I2: nothing is opened unless all of this holds. Spooler and opener both check, each for itself.

The release header is compared as a whole with the one that follows from the request, so that a field added to it later is
either checked or refused, never overlooked.
"""

from typing import Final, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bus_agent.errors import LateReleaseError, RefusalError, ReleaseError
from cityhall_wire import PROTOCOL_VERSION
from cityhall_wire.errors import HeaderError
from cityhall_wire.headers import (
    ReleaseHeader,
    SealHeader,
    decode_release_header,
    decode_seal_header,
    opener_key_digest,
    seal_digest,
)
from cityhall_wire.messages import envelope
from cityhall_wire.messages.printing import ReleaseRequest
from cityhall_wire.messages.relay import Refusal, Release
from cityhall_wire.modes import may_print

_GIVEN_BY_CITY_HALL: Final = "approvals"


class Expected(NamedTuple):
    """What a release must fit: the request as it was signed, and what the service demands."""

    request: ReleaseRequest
    request_digest: bytes
    seal_header: bytes
    opener_key: bytes
    approvals: int  # distinct approvers


def check_release(raw: bytes, relay_key: Ed25519PublicKey, expected: Expected) -> Release:
    """The release in envelope `raw`; raises WireError or ReleaseError (RefusalError where city hall said no)."""
    opened = envelope.verify(raw, {envelope.Role.RELAY: (relay_key,)})
    if isinstance(opened.message, Refusal) and opened.message.re == expected.request_digest:
        raise RefusalError(opened.message.reason)
    release = opened.expect(Release)
    if release.re != expected.request_digest:
        raise ReleaseError("it answers another request")
    check_request(expected)
    _check_header(decode_release_header(release.release_header), expected)
    if (release.city, release.bus) != (expected.request.city, expected.request.bus):
        raise HeaderError("city and bus of the answer")
    return release


def check_in_time(deadline: float, now: float) -> None:
    """Both in seconds of CLOCK_BOOTTIME; raises LateReleaseError."""
    if now > deadline:
        raise LateReleaseError


def check_request(expected: Expected) -> SealHeader:
    """The seal header that fits the request; raises WireError or ReleaseError."""
    request, header = expected.request, decode_seal_header(expected.seal_header)
    if (header.city, header.job) != (request.city, request.job):
        raise HeaderError("city and job of the seal header")
    if request.seal_digest != seal_digest(expected.seal_header):
        raise HeaderError("seal_digest")
    if request.opener_key != expected.opener_key:
        raise HeaderError("opener_key")
    if not may_print(request.mode, header.job_class):
        raise HeaderError(f"mode {request.mode} and class {header.job_class}")
    return header


def _check_header(header: ReleaseHeader, expected: Expected) -> None:
    wanted = _wanted(expected, header)
    for field in header.__struct_fields__:
        if getattr(header, field) != getattr(wanted, field):
            raise HeaderError(field)
    approvers = {approval.by for approval in header.approvals}
    if len(approvers) < expected.approvals:
        raise HeaderError(f"{len(approvers)} of {expected.approvals} {_GIVEN_BY_CITY_HALL}")


def _wanted(expected: Expected, header: ReleaseHeader) -> ReleaseHeader:
    request = expected.request
    same = {name: getattr(request, name) for name in _SAME_AS_REQUESTED}
    return msgspec.structs.replace(
        header,
        v=PROTOCOL_VERSION,
        opener_key_digest=opener_key_digest(expected.opener_key),
        **same,
    )


_SAME_AS_REQUESTED: Final = tuple(
    field for field in ReleaseHeader.__struct_fields__ if field not in {"v", "opener_key_digest", _GIVEN_BY_CITY_HALL}
)
"""A field that the request does not have breaks this at the first release: somebody must decide what it is checked against."""
