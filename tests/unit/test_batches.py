"""Several envelopes in one request: each counts for itself, in order, and nothing that is wrong with one takes another along."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cityhall_relay.bus_desk import EVIDENCE
from cityhall_wire import strict_json
from cityhall_wire.errors import MalformedError, SignatureError, TooLargeError
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import envelope, link, printing, relay
from cityhall_wire.messages.envelope import BATCH_ENVELOPES, ENVELOPE_BYTES, KINDS, Envelope, Opened
from cityhall_wire.messages.printing import Finding
from tests.hostile import samples
from tests.relay_city import PRINTER, OnBus, Town, carried, desk_bus

KEY = Ed25519PrivateKey.generate()
ONE = envelope.sign(samples.sample(link.HandOver), KEY)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def ask(on_bus: OnBus, raws: Sequence[bytes], bus: str = "bus-1") -> list[Opened]:
    answers = asyncio.run(on_bus.town.relay.bus_desk.answer_each(bus, raws, EVIDENCE))
    return [on_bus.bus.opened(answer) for answer in answers]


def kinds(answers: Sequence[Opened]) -> list[str]:
    return [answer.kind for answer in answers]


def statement(on_bus: OnBus, request: printing.ReleaseRequest, n: int, finding: Finding, **changed: Any) -> bytes:
    fields: dict[str, Any] = {"printer_uuid": PRINTER, "printer_up_time": 105, "at": 1, "why": "seen"} | changed
    own = {name: getattr(request, name) for name in printing.PrintMessage.__struct_fields__}
    said = printing.Evidence(**own, n=n, finding=finding, **fields)
    return envelope.sign(said, on_bus.town.keys.print["bus-1"])


def fact(on_bus: OnBus, kind: type[link.LinkMessage], **fields: Any) -> bytes:
    message = kind(**on_bus.bus.place() | {"job": on_bus.name} | fields)
    return envelope.sign(message, on_bus.town.keys.link["bus-1"])


def whole_print(on_bus: OnBus) -> list[bytes]:
    request, _ = on_bus.release()
    return [
        statement(on_bus, request, 1, Finding.SENDING),
        statement(on_bus, request, 2, Finding.SENT),
        statement(on_bus, request, 3, Finding.COMPLETED, impressions=2),
        fact(on_bus, link.Spoiled, attempt=1, sheets=("A-1",), why="jam"),
    ]


# --- the bytes ---


def test_what_is_joined_comes_apart_as_it_was() -> None:
    raws = [ONE, ONE.replace(b"hand-over", b"nothing-x")]
    assert envelope.is_batch(envelope.join(raws))
    assert not envelope.is_batch(ONE)
    assert envelope.split(envelope.join(raws)) == raws


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"[]", MalformedError),
        (b"[", MalformedError),
        (b"[1]", MalformedError),
        (b"[[" + ONE + b"]]", MalformedError),
        (b"[" + ONE + b",{}]", MalformedError),
        (b"[" + ONE + b"]]", MalformedError),
        (envelope.join([ONE] * (BATCH_ENVELOPES + 1)), MalformedError),
        (b"[" + b" " * ENVELOPE_BYTES + ONE + b"]", TooLargeError),
    ],
)
def test_what_is_no_batch_is_none_at_all(raw: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        envelope.split(raw)


def test_the_limit_itself_is_allowed_and_one_envelope_always_goes() -> None:
    assert len(envelope.split(envelope.join([ONE] * BATCH_ENVELOPES))) == BATCH_ENVELOPES
    assert envelope.fitting([ONE] * 1000) == BATCH_ENVELOPES
    assert envelope.fitting([bytes(ENVELOPE_BYTES)] * 3) == 1
    sizes = [bytes(20_000)] * 10
    assert len(envelope.join(sizes[: envelope.fitting(sizes)])) <= ENVELOPE_BYTES
    assert envelope.fitting(sizes) == 3


@pytest.mark.parametrize("kind", ["receipt", "refusal", "deletion-receipt", "stale"])
def test_the_answers_to_a_full_batch_keep_the_limit_too(kind: str) -> None:
    most: dict[str, Any] = dict.fromkeys(("boot", "seq", "at"), 2**53 - 1)
    most |= {"reason": "r" * 63, "attempt": 1000, "state": max(JobState, key=len), "city": "c" * 31, "bus": "b" * 31}
    message = samples.sample(KINDS[kind].payload)
    fields = {name: value for name, value in most.items() if name in message.__struct_fields__}
    raw = envelope.sign(msgspec.structs.replace(message, **fields), KEY)
    assert len(envelope.join([raw] * BATCH_ENVELOPES)) <= ENVELOPE_BYTES


# --- city hall ---


def test_a_batch_does_what_its_envelopes_do_one_by_one(town: Town) -> None:
    on_bus = carried(town, document=b"2 pages")
    raws = whole_print(on_bus)
    answers = ask(on_bus, raws)
    states = [answer.expect(relay.Receipt).state for answer in answers]
    assert states == [JobState.PRINTING, JobState.PRINTING, JobState.PRINTED, JobState.SPOILED]
    for raw, answer in zip(raws, answers, strict=True):
        assert answer.expect(relay.Receipt).re == envelope.digest(strict_json.decode(raw, Envelope).payload)
    (entry,) = town.relay.store.sheets()
    assert (entry.kind, entry.sheets, entry.numbers) == ("spoiled", 1, '["A-1"]')


def test_after_a_bad_one_in_the_middle_nothing_is_judged_and_alone_it_says_what_is_wrong(town: Town) -> None:
    on_bus = carried(town, document=b"2 pages")
    raws = whole_print(on_bus)
    forged = msgspec.structs.replace(strict_json.decode(raws[2], Envelope), sig=bytes(64))
    raws[2] = strict_json.encode(forged)
    assert kinds(ask(on_bus, raws)) == ["receipt", "receipt"]
    assert on_bus.state is JobState.PRINTING
    with pytest.raises(SignatureError):
        ask(on_bus, raws[2:])
    assert on_bus.state is JobState.PRINTING


def test_a_message_of_another_kind_is_refused_in_its_place(town: Town) -> None:
    on_bus = carried(town, document=b"2 pages")
    first, *rest = whole_print(on_bus)
    sync = envelope.sign(on_bus.bus.sync_message(), town.keys.link["bus-1"])
    newer = first.replace(b'"kind":"evidence"', b'"kind":"brand-new"')
    answers = ask(on_bus, [first, sync, newer, *rest])
    assert kinds(answers) == ["receipt", "refusal", "refusal", "receipt", "receipt", "receipt"]
    assert on_bus.state is JobState.SPOILED


def test_behind_a_stale_one_everything_waits_for_its_new_number(town: Town) -> None:
    on_bus = carried(town, document=b"2 pages")
    sending, sent, completed, _ = whole_print(on_bus)
    on_bus.bus.seq -= 3
    stale = fact(on_bus, link.HandOver, attempt=1)
    on_bus.bus.seq += 10
    later = fact(on_bus, link.NothingCameOut, attempt=1)
    assert kinds(ask(on_bus, [sending, stale, sent, completed, later])) == ["receipt", "stale"]
    assert on_bus.state is JobState.PRINTING


def test_a_batch_whose_answer_was_lost_makes_nothing_happen_twice(town: Town) -> None:
    on_bus = carried(town, document=b"2 pages")
    raws = [*whole_print(on_bus), fact(on_bus, link.Spoiled, attempt=1, sheets=("A-1",), why="jam")]
    first = ask(on_bus, raws)
    again = ask(on_bus, raws)
    assert kinds(again) == ["receipt", "receipt", "receipt", "stale"]
    assert again[:3] == first[:3]
    assert len(town.relay.store.sheets()) == 1


def test_another_bus_does_not_wait_for_a_whole_batch(town: Town) -> None:
    on_bus, other, desk = carried(town, document=b"2 pages"), desk_bus(town, "bus-2"), town.relay.bus_desk
    raws = whole_print(on_bus)

    async def scene() -> None:
        batch = asyncio.create_task(desk.answer_each("bus-1", raws, EVIDENCE))
        await asyncio.sleep(0)
        assert on_bus.state is JobState.PRINTING
        assert other.sync().session is None
        assert not batch.done()
        assert len(await batch) == len(raws)

    asyncio.run(scene())
