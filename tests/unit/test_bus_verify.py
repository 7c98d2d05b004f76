"""Invariant I2 as a table: each thing that must hold, broken alone, and nothing is opened."""

from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.errors import LateReleaseError, RefusalError, ReleaseError
from bus_agent.spooler import verify
from cityhall_wire import PROTOCOL_VERSION, headers, seal
from cityhall_wire.errors import WireError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.printing import ReleaseRequest
from cityhall_wire.messages.relay import Refusal, Release
from cityhall_wire.modes import DutyMode
from tests.seals import seal_header

RELAY = Ed25519PrivateKey.generate()
JOB, SESSION = "j" + "1" * 24, "s" + "1" * 24
OPENER = seal.OpenerKey().public
APPROVAL = headers.Approval(by="clerk-1", at=1)

SEAL = seal_header(b"x" * 1000, bytes(32), job=JOB)
SEAL_RAW = headers.encode_header(SEAL)
REQUEST = ReleaseRequest(
    v=PROTOCOL_VERSION,
    city="hase",
    bus="bus-1",
    incarnation="0" * 32,
    nonce=b"n" * 32,
    job=JOB,
    attempt=1,
    at=1,
    session=SESSION,
    seal_digest=headers.seal_digest(SEAL_RAW),
    opener_key=OPENER,
    mode=DutyMode.CITY_HALL,
    software=b"s" * 32,
    config=b"c" * 32,
    printer_uuid="urn:uuid:1",
    printer_up_time=100,
)
RELEASE = headers.ReleaseHeader(
    v=PROTOCOL_VERSION,
    city="hase",
    bus="bus-1",
    session=SESSION,
    job=JOB,
    seal_digest=REQUEST.seal_digest,
    attempt=1,
    nonce=REQUEST.nonce,
    opener_key_digest=headers.opener_key_digest(OPENER),
    mode=DutyMode.CITY_HALL,
    approvals=(APPROVAL,),
    software=REQUEST.software,
    config=REQUEST.config,
)
DIGEST = b"r" * 32


def expected(**changed: Any) -> verify.Expected:
    base = verify.Expected(REQUEST, DIGEST, SEAL_RAW, OPENER, 1)
    return base._replace(**changed)


def released(key: Ed25519PrivateKey = RELAY, answer: dict[str, Any] | None = None, **changed: Any) -> bytes:
    header = headers.encode_header(msgspec.structs.replace(RELEASE, **changed))
    fields = {"v": 1, "city": "hase", "bus": "bus-1", "re": DIGEST, "at": 1, **(answer or {})}
    return envelope.sign(Release(release_header=header, wrapped_key=b"w", **fields), key)


def check(raw: bytes, what: verify.Expected | None = None) -> None:
    verify.check_release(raw, RELAY.public_key(), what or expected())


def test_a_release_that_fits_is_taken() -> None:
    check(released())


BROKEN: dict[str, dict[str, Any]] = {
    "city": {"city": "other"},
    "bus": {"bus": "bus-2"},
    "session": {"session": "s" + "2" * 24},
    "job": {"job": "j" + "2" * 24},
    "seal digest": {"seal_digest": bytes(32)},
    "attempt": {"attempt": 2},
    "nonce": {"nonce": bytes(32)},
    "opener key digest": {"opener_key_digest": bytes(32)},
    "mode": {"mode": DutyMode.EVENT},
    "software": {"software": bytes(32)},
    "config": {"config": bytes(32)},
    "version": {"v": 2},
}


@pytest.mark.parametrize("changed", BROKEN.values(), ids=BROKEN.keys())
def test_a_header_with_one_thing_wrong_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        check(released(**changed))


def test_every_field_of_the_release_header_is_in_this_table() -> None:
    tested = {field for changed in BROKEN.values() for field in changed}
    assert tested | {"approvals"} == set(headers.ReleaseHeader.__struct_fields__)


ANSWERS: dict[str, dict[str, Any]] = {
    "another city's answer": {"city": "other"},
    "another bus's answer": {"bus": "bus-2"},
    "another request's answer": {"re": bytes(32)},
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_to_somebody_else_is_refused(answer: dict[str, Any]) -> None:
    with pytest.raises((WireError, ReleaseError)):
        check(released(answer=answer))


def test_another_key_than_city_halls_is_refused() -> None:
    with pytest.raises(WireError):
        check(released(Ed25519PrivateKey.generate()))


def test_one_flipped_bit_anywhere_is_refused() -> None:
    raw = released()
    for place in range(0, len(raw), 37):
        with pytest.raises((WireError, ReleaseError)):
            check(raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :])


def test_approvals_are_counted_by_person() -> None:
    twice, two = (APPROVAL, APPROVAL), (APPROVAL, headers.Approval(by="clerk-2", at=2))
    check(released(approvals=two), expected(approvals=2))
    for approvals in ((APPROVAL,), twice):
        with pytest.raises(WireError):
            check(released(approvals=approvals), expected(approvals=2))


REQUESTS: dict[str, dict[str, Any]] = {
    "the opener's own key": {"opener_key": seal.OpenerKey().public},
    "the seal header's job": {"seal_header": headers.encode_header(msgspec.structs.replace(SEAL, job="j" + "3" * 24))},
    "the seal header's city": {"seal_header": headers.encode_header(msgspec.structs.replace(SEAL, city="other"))},
    "the seal header's bytes": {"seal_header": headers.encode_header(msgspec.structs.replace(SEAL, sheets=2))},
    "mode and class": {"request": msgspec.structs.replace(REQUEST, mode=DutyMode.DISASTER)},
}


@pytest.mark.parametrize("changed", REQUESTS.values(), ids=REQUESTS.keys())
def test_a_request_that_does_not_fit_itself_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(WireError):
        verify.check_request(expected(**changed))


@pytest.mark.parametrize("mode", [mode for mode in DutyMode if mode not in (DutyMode.CITY_HALL, DutyMode.EVENT)])
def test_no_certificate_in_another_mode_even_when_city_hall_gives_one(mode: DutyMode) -> None:
    request = msgspec.structs.replace(REQUEST, mode=mode)
    with pytest.raises(WireError):
        check(released(mode=mode), expected(request=request))


def test_a_refusal_is_told_from_a_bad_release() -> None:
    refusal = Refusal(v=1, city="hase", bus="bus-1", re=DIGEST, at=1, reason="no_session")
    with pytest.raises(RefusalError):
        check(envelope.sign(refusal, RELAY))
    with pytest.raises(WireError):
        check(envelope.sign(msgspec.structs.replace(refusal, re=bytes(32)), RELAY))


def test_a_late_release_is_refused() -> None:
    verify.check_in_time(15.0, 15.0)
    with pytest.raises(LateReleaseError):
        verify.check_in_time(15.0, 15.01)
