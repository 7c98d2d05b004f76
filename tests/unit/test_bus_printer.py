"""The printer's words: damaged answers never harm, and only proof counts as printed."""

import random
import struct
from typing import Any

import pytest

from bus_agent.errors import PrinterAnswerError
from bus_agent.spooler import ipp
from bus_agent.spooler.printer import JobStatus
from bus_agent.spooler.watch import UpTime, Watched, judge
from cityhall_wire.messages.printing import Finding

REQUEST = ipp.encode(0x000B, [ipp.Attribute(ipp.OPERATION, 0x45, "printer-uri", "ipp://localhost/ipp/print")])


def attribute(tag: int, name: bytes, value: bytes) -> bytes:
    return struct.pack(">BH", tag, len(name)) + name + struct.pack(">H", len(value)) + value


def answer(*groups: bytes, status: int = 0, request: bytes = REQUEST) -> bytes:
    head = b"\x02\x00" + struct.pack(">H", status) + request[4:8] + b"\x01"
    charset = attribute(0x47, b"attributes-charset", b"utf-8")
    return head + charset + attribute(0x48, b"attributes-natural-language", b"en") + b"".join(groups) + b"\x03"


def job(number: int, *more: bytes) -> bytes:
    return b"\x02" + attribute(0x21, b"job-id", struct.pack(">i", number)) + b"".join(more)


def test_a_request_says_version_operation_and_target() -> None:
    assert REQUEST[:4] == b"\x02\x00\x00\x0b"
    assert b"printer-uri" in REQUEST


def test_two_jobs_in_one_answer_stay_two() -> None:
    raw = answer(job(1, attribute(0x44, b"job-state-reasons", b"none")), job(2))
    assert [group["job-id"] for group in ipp.decode(raw, REQUEST).groups] == [(1,), (2,)]


def test_an_attribute_without_a_value_is_left_out() -> None:
    raw = answer(job(1, attribute(0x13, b"job-impressions-completed", b"")))
    assert list(ipp.decode(raw, REQUEST).groups[0]) == ["job-id"]


UNREADABLE = {
    "empty": b"",
    "cut off": answer(job(1))[:-6],
    "a collection": answer(job(1, attribute(0x34, b"media-col", b""), attribute(0x37, b"", b""))),
    "an unknown value": answer(job(1, attribute(0x12, b"job-impressions-completed", b""))),
    "no UTF-8": answer(job(1, attribute(0x44, b"job-state-reasons", b"\xff\xfe"))),
    "another request's": answer(job(1), request=bytes(8)),
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_answer_is_said_to_be_one(raw: bytes) -> None:
    with pytest.raises(PrinterAnswerError):
        ipp.decode(raw, REQUEST)


def test_damaged_answers_end_in_an_answer_or_an_error() -> None:
    dice, whole = random.Random(7), answer(job(1, attribute(0x23, b"job-state", struct.pack(">i", 5))), job(2))
    for _ in range(3000):
        raw = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            raw[dice.randrange(8, len(raw))] = dice.choice([0, 1, 2, 3, 0x12, 0x13, 0x34, 0x37, 0x7F, 0xFF])
        try:
            ipp.decode(bytes(raw), REQUEST)
        except PrinterAnswerError:
            continue


NAME = "j" + "1" * 24 + "-1"
WATCHED = Watched(7, NAME, 2, True, UpTime(100, 0.0))
SEEN = JobStatus(7, NAME, "completed", (), 2, 110)
AT = 10.0


def seen(**changed: Any) -> JobStatus:
    return SEEN._replace(**changed)


JUDGED = {
    "every impression counted": (seen(), Finding.COMPLETED, "printed"),
    "one impression missing": (seen(impressions=1), Finding.DOUBT, "impressions_differ"),
    "one impression too many": (seen(impressions=3), Finding.DOUBT, "impressions_differ"),
    "completed and nothing counted": (seen(impressions=None), Finding.DOUBT, "printer_does_not_count"),
    "the name of another job": (seen(name="j-other-1"), Finding.DOUBT, "another_job"),
    "printer-up-time went back": (seen(up_time=3), Finding.DOUBT, "printer_restarted"),
    "printer-up-time lags": (seen(up_time=106), Finding.DOUBT, "printer_restarted"),
    "canceled before a sheet": (seen(state="canceled", impressions=0), Finding.CANCELED_AT_PRINTER, "canceled"),
    "canceled after a sheet": (seen(state="canceled", impressions=1), Finding.DOUBT, "canceled"),
    "aborted": (seen(state="aborted", impressions=0), Finding.DOUBT, "aborted"),
}


@pytest.mark.parametrize(("status", "finding", "why"), JUDGED.values(), ids=JUDGED.keys())
def test_only_proof_counts(status: JobStatus, finding: Finding, why: str) -> None:
    verdict = judge(status, WATCHED, AT)
    assert verdict is not None
    assert (verdict.finding, verdict.why) == (finding, why)


@pytest.mark.parametrize("state", ["pending", "pending-held", "processing", "processing-stopped", "unknown"])
def test_a_job_at_work_or_waiting_for_paper_is_watched_on(state: str) -> None:
    assert judge(seen(state=state, impressions=1), WATCHED, AT) is None


def test_a_printer_that_counts_nothing_leaves_it_to_a_person() -> None:
    verdict = judge(seen(), WATCHED._replace(counts_impressions=False), AT)
    assert verdict is not None
    assert verdict.finding is Finding.DOUBT


@pytest.mark.parametrize(
    ("seconds", "elapsed", "fits"),
    [
        (110, 10, True),
        (108, 10, True),
        (112, 10, True),
        (100, 30, False),
        (200, 10, False),
        (103, -5, False),
        (5, 60, False),
    ],
)
def test_up_time_fits_only_the_time_that_went_by(seconds: int, elapsed: float, fits: bool) -> None:
    assert UpTime(100, 0).fits(seconds, elapsed) is fits
