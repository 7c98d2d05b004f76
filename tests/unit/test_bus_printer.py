"""The printer's words: damaged answers never harm, and only proof counts as printed."""

import asyncio
import io
import random
import struct
from typing import Any, cast

import cups
import pytest

from bus_agent.errors import PrinterAnswerError, PrinterRefusesError
from bus_agent.spooler import ipp, reading
from bus_agent.spooler.ipp import Attribute, Group, Operation, Syntax
from bus_agent.spooler.printer import PrinterPath
from bus_agent.spooler.reading import JobStatus, PrinterStatus
from bus_agent.spooler.watch import Look, UpTime, Watched, cancel, judge
from cityhall_base.clock import SystemClock
from cityhall_base.printers import Proof
from cityhall_wire.limits import Limits
from cityhall_wire.messages.printing import Finding

URI = "ipp://localhost/ipp/print"
REQUEST_ID = 7
REQUEST = ipp.encode(
    Operation.GET_PRINTER_ATTRIBUTES,
    [(Group.OPERATION, [Attribute(Syntax.URI, "printer-uri", URI)])],
    REQUEST_ID,
)


def attribute(tag: int, name: bytes, value: bytes) -> bytes:
    return struct.pack(">BH", tag, len(name)) + name + struct.pack(">H", len(value)) + value


def answer(*groups: bytes, status: int = 0, request_id: int = REQUEST_ID) -> bytes:
    head = struct.pack(">HHI", 0x0200, status, request_id) + b"\x01"
    charset = attribute(0x47, b"attributes-charset", b"utf-8")
    return head + charset + attribute(0x48, b"attributes-natural-language", b"en") + b"".join(groups) + b"\x03"


def job(number: int, *more: bytes) -> bytes:
    return b"\x02" + attribute(0x21, b"job-id", struct.pack(">i", number)) + b"".join(more)


def jobs_in(raw: bytes) -> list[ipp.Attributes]:
    return ipp.decode(raw, REQUEST_ID).all(Group.JOB)


def test_libcups_reads_what_is_sent() -> None:
    raw = ipp.encode(
        Operation.CREATE_JOB,
        [
            (Group.OPERATION, [Attribute(Syntax.URI, "printer-uri", URI), Attribute(Syntax.BOOLEAN, "fidelity", True)]),
            (
                Group.JOB,
                [Attribute(Syntax.INTEGER, "copies", -1), Attribute(Syntax.KEYWORD, "sides", ["one-sided", "x"])],
            ),
        ],
        REQUEST_ID,
    )
    peer = cups.IPPRequest()
    assert peer.readIO(io.BytesIO(raw).read) == cups.IPP_STATE_DATA
    said = {one.name: one.values for one in peer.attributes if one.group_tag and one.name}
    assert said["printer-uri"] == [URI]
    assert (said["fidelity"], said["copies"], said["sides"]) == ([True], [-1], ["one-sided", "x"])
    assert said["attributes-charset"] == ["utf-8"]


def test_what_libcups_writes_is_read() -> None:
    peer, out = cups.IPPRequest(cups.IPP_OP_GET_JOBS), bytearray()
    for syntax, name, value in (
        (cups.IPP_TAG_NAME, "job-name", "j-1"),
        (cups.IPP_TAG_ENUM, "job-state", 9),
        (cups.IPP_TAG_BOOLEAN, "last-document", True),
        (cups.IPP_TAG_KEYWORD, "job-state-reasons", ["a", "b"]),
        (cups.IPP_TAG_RANGE, "skipped", 3),
    ):
        peer.add(cups.IPPAttribute(cups.IPP_TAG_JOB, syntax, name, value))

    def write(piece: bytes) -> int:
        out.extend(piece)
        return len(piece)

    assert peer.writeIO(write) == cups.IPP_STATE_DATA
    message = ipp.parse(bytes(out))
    assert (message.code, message.first(Group.OPERATION)["attributes-charset"]) == (Operation.GET_JOBS, ("utf-8",))
    assert dict(message.first(Group.JOB)) == {
        "job-name": ("j-1",),
        "job-state": (9,),
        "last-document": (True,),
        "job-state-reasons": ("a", "b"),
        "skipped": (),
    }


def test_two_jobs_in_one_answer_stay_two() -> None:
    raw = answer(job(1, attribute(0x44, b"job-state-reasons", b"none")), job(2))
    assert [group["job-id"] for group in jobs_in(raw)] == [(1,), (2,)]


COLLECTION = (
    attribute(0x34, b"media-col", b"")
    + attribute(0x4A, b"", b"media-size")
    + attribute(0x34, b"", b"")
    + attribute(0x4A, b"", b"x-dimension")
    + attribute(0x21, b"", struct.pack(">i", 21000))
    + attribute(0x37, b"", b"")
    + attribute(0x37, b"", b"")
)
UNREAD = {
    "no-value": attribute(0x13, b"job-impressions-completed", b""),
    "unknown": attribute(0x12, b"job-impressions-completed", b""),
    "a collection": COLLECTION,
    "a date": attribute(0x31, b"date-time-at-completed", bytes(11)),
    "a range": attribute(0x33, b"copies-supported", bytes(8)),
    "a syntax of the future": attribute(0x7F, b"com.example.x", b"\0\0\0\1what"),
}


@pytest.mark.parametrize("unread", UNREAD.values(), ids=UNREAD.keys())
def test_what_is_not_read_costs_only_itself(unread: bytes) -> None:
    (found,) = jobs_in(answer(job(1, unread, attribute(0x42, b"job-name", b"j-1"))))
    assert (found["job-id"], found["job-name"]) == ((1,), ("j-1",))
    assert [value for name, value in found.items() if name not in {"job-id", "job-name"}] == [()]


def test_text_with_a_language_is_read_without_it() -> None:
    named = attribute(0x36, b"job-name", b"\0\x02en\0\x03j-1")
    assert jobs_in(answer(job(1, named)))[0]["job-name"] == ("j-1",)


UNREADABLE = {
    "empty": b"",
    "cut off": answer(job(1))[:-6],
    "without an end": answer(job(1))[:-1],
    "a collection without an end": answer(job(1, attribute(0x34, b"media-col", b""))),
    "a collection that ends twice": answer(job(1, COLLECTION, attribute(0x37, b"", b""))),
    "an integer of three bytes": answer(job(1, attribute(0x21, b"time-at-completed", b"abc"))),
    "a length beyond the end": answer(b"\x02" + struct.pack(">BH", 0x21, 0xFFFF) + b"job-id"),
    "a value before any group": struct.pack(">HHI", 0x0200, 0, REQUEST_ID) + attribute(0x21, b"a", bytes(4)) + b"\x03",
    "a value of no attribute": answer(b"\x02" + attribute(0x21, b"", bytes(4))),
    "another request's": answer(job(1), request_id=8),
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_an_unreadable_answer_is_said_to_be_one(raw: bytes) -> None:
    with pytest.raises(PrinterAnswerError):
        ipp.decode(raw, REQUEST_ID)


def test_damaged_answers_end_in_an_answer_or_an_error() -> None:
    state = attribute(0x23, b"job-state", struct.pack(">i", 5))
    dice, whole = random.Random(7), answer(job(1, state, COLLECTION), job(2, *UNREAD.values()))
    for _ in range(6_000):
        raw = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            raw[dice.randrange(8, len(raw))] = dice.choice([0, 1, 2, 3, 0x12, 0x13, 0x34, 0x37, 0x4A, 0x7F, 0xFF])
        try:
            for found in jobs_in(bytes(raw)[: dice.randint(8, len(raw) * 2)]):
                reading.job_status(found)
                reading.supplies(found)
        except PrinterAnswerError:
            continue


def integer(name: bytes, value: int) -> bytes:
    return attribute(0x21, name, struct.pack(">i", value))


NO_EVIDENCE = {
    "missing": b"",
    "said twice": integer(b"job-impressions-completed", 2) * 2,
    "a boolean": attribute(0x22, b"job-impressions-completed", b"\1"),
    "a word": attribute(0x44, b"job-impressions-completed", b"2"),
    "negative": integer(b"job-impressions-completed", -2),
}


@pytest.mark.parametrize("said", NO_EVIDENCE.values(), ids=NO_EVIDENCE.keys())
def test_a_count_that_is_none_is_not_counted(said: bytes) -> None:
    (found,) = jobs_in(answer(job(1, said)))
    assert reading.job_status(found).impressions is None


def test_a_job_with_two_numbers_is_no_answer() -> None:
    (found,) = jobs_in(answer(job(1, integer(b"job-id", 2))))
    with pytest.raises(PrinterAnswerError):
        reading.job_status(found)


def printer(*said: bytes) -> ipp.Attributes:
    raw = answer(b"\x05" + attribute(0x44, b"requested-attributes", b"marker-types"), b"\x04" + b"".join(said))
    return ipp.decode(raw, REQUEST_ID).first(Group.PRINTER)


def test_attributes_that_the_printer_does_not_know_hide_nothing() -> None:
    status = reading.printer_status(
        printer(integer(b"printer-up-time", 9), attribute(0x23, b"printer-state", b"\0\0\0\3"))
    )
    assert status == PrinterStatus("idle", (), "", 9)


def test_errors_come_first_and_what_would_spoil_a_screen_is_replaced() -> None:
    many = [attribute(0x44, b"printer-state-reasons" if n == 0 else b"", b"x%d-report" % n) for n in range(20)]
    jam = attribute(0x44, b"", b"media-jam-error\n\x1b[31m" + b"x" * 900)
    status = reading.printer_status(printer(integer(b"printer-up-time", 9), *many, jam))
    assert len(status.reasons) == 16
    assert status.reasons[0].startswith("media-jam-error??[31mxxx")
    assert len(status.reasons[0]) == 64


def supply(text: bytes) -> bytes:
    return attribute(0x30, b"printer-supply", text)


SUPPLIES = {
    "per cent": (b"type=toner;unit=percent;maxcapacity=100;level=60;colorantname=black;", ("toner", "black", 60)),
    "of its own unit": (b"type=ink;unit=impressions;maxcapacity=4000;level=1000;", ("ink", "", 25)),
    "without a full level": (b"type=ink;unit=impressions;maxcapacity=-2;level=1000;", ("ink", "", -1)),
    "some is left": (b"type=toner;unit=percent;maxcapacity=100;level=-3;colorantname=cyan", ("toner", "cyan", -1)),
    "unknown": (b"type=wasteToner;unit=percent;level=-2;colorantname=unknown;", ("wasteToner", "", -1)),
    "more than full": (b"type=toner;unit=percent;level=700;", ("toner", "", 100)),
    "garbage": (b"\xff\0\n;;=;level=9" + b"9" * 5000 + b";type=" + b"t" * 99, ("t" * 32, "", -1)),
    "no words at all": (b"", ("unknown", "", -1)),
}


@pytest.mark.parametrize(("text", "expected"), SUPPLIES.values(), ids=SUPPLIES.keys())
def test_a_supply_is_read_as_far_as_it_says_something(text: bytes, expected: tuple[str, str, int]) -> None:
    (found,) = reading.supplies(printer(supply(text)))
    assert (found.type, found.color, found.level) == expected


def test_markers_stand_in_for_supplies() -> None:
    said = [attribute(0x44, b"marker-types", b"toner"), attribute(0x44, b"", b"waste-toner")]
    said += [integer(b"marker-levels", 40), integer(b"", -3), attribute(0x42, b"marker-colors", b"#000000")]
    assert [(one.type, one.color, one.level) for one in reading.supplies(printer(*said))] == [
        ("toner", "#000000", 40),
        ("waste-toner", "", -1),
    ]


NAME = "j" + "1" * 24 + "-1"
UUID = "urn:uuid:1"
WATCHED = Watched(7, NAME, 2, Proof.IMPRESSIONS, UpTime(100, 0.0), UUID, 100)
SEEN = JobStatus(7, NAME, "completed", (), 2, 110)
IDLE = PrinterStatus("idle", (), UUID, 110)
AT = 10.0


def seen(**changed: Any) -> Look:
    return Look(SEEN._replace(**changed), IDLE)


JUDGED = {
    "every impression counted": (seen(), Finding.COMPLETED, "printed"),
    "one impression missing": (seen(impressions=1), Finding.DOUBT, "impressions_differ"),
    "one impression too many": (seen(impressions=3), Finding.DOUBT, "impressions_differ"),
    "completed and nothing counted": (seen(impressions=None), Finding.DOUBT, "printer_does_not_count"),
    "the name of another job": (seen(name="j-other-1"), Finding.DOUBT, "another_job"),
    "printer-up-time went back": (seen(up_time=3), Finding.DOUBT, "printer_restarted"),
    "printer-up-time lags": (seen(up_time=106), Finding.DOUBT, "printer_restarted"),
    "the printer's own up-time lags": (Look(SEEN, IDLE._replace(up_time=50)), Finding.DOUBT, "printer_restarted"),
    "the job tells no up-time": (seen(up_time=None), Finding.COMPLETED, "printed"),
    "another printer-uuid": (Look(SEEN, IDLE._replace(uuid="urn:uuid:2")), Finding.DOUBT, "another_printer"),
    "canceled before a sheet": (seen(state="canceled", impressions=0), Finding.CANCELED_AT_PRINTER, "canceled"),
    "canceled after a sheet": (seen(state="canceled", impressions=1), Finding.DOUBT, "canceled"),
    "aborted": (seen(state="aborted", impressions=0), Finding.DOUBT, "aborted"),
}


@pytest.mark.parametrize(("look", "finding", "why"), JUDGED.values(), ids=JUDGED.keys())
def test_only_proof_counts(look: Look, finding: Finding, why: str) -> None:
    verdict = judge(look, WATCHED, AT)
    assert verdict is not None
    assert (verdict.finding, verdict.why) == (finding, why)


COUNTING = WATCHED._replace(proof=Proof.COUNTER, counter=5000)


def counted(counter: int | None, *, alone: bool = True, printer: str = "idle", **changed: Any) -> Look:
    return Look(SEEN._replace(impressions=None, **changed), IDLE._replace(counter=counter, state=printer), alone)


BY_COUNTER = {
    "grown by every impression": (counted(5002), Finding.COMPLETED, "printed"),
    "not grown yet": (counted(5000), None, ""),
    "grown by one of two yet": (counted(5001), None, ""),
    "grown by one too many": (counted(5003), Finding.DOUBT, "counter_differs"),
    "gone back": (counted(2), Finding.DOUBT, "counter_differs"),
    "not told any more": (counted(None), Finding.DOUBT, "printer_does_not_count"),
    "another job in between": (counted(5002, alone=False), Finding.DOUBT, "not_alone"),
    "canceled before a sheet": (counted(5000, state="canceled"), Finding.CANCELED_AT_PRINTER, "canceled"),
    "canceled, a sheet on its way": (counted(5000, state="canceled", printer="processing"), None, ""),
    "canceled after a sheet": (counted(5001, state="canceled"), Finding.DOUBT, "canceled"),
}


@pytest.mark.parametrize(("look", "finding", "why"), BY_COUNTER.values(), ids=BY_COUNTER.keys())
def test_a_counter_proves_only_by_growing_exactly(look: Look, finding: Finding | None, why: str) -> None:
    verdict = judge(look, COUNTING, AT)
    assert ((verdict.finding, verdict.why) if verdict else (None, "")) == (finding, why)


def test_a_counter_that_was_not_read_before_proves_nothing() -> None:
    verdict = judge(counted(2), COUNTING._replace(counter=None), AT)
    assert verdict is not None
    assert verdict.finding is Finding.DOUBT


@pytest.mark.parametrize("state", ["pending", "pending-held", "processing", "processing-stopped", "unknown"])
def test_a_job_at_work_or_waiting_for_paper_is_watched_on(state: str) -> None:
    assert judge(seen(state=state, impressions=1), WATCHED, AT) is None


class Forgetful:
    """A printer that knows none of our jobs any more: ippeveprinter after it was switched off and on."""

    asked = 0

    def job(self, job: int) -> JobStatus:
        self.asked += 1
        raise PrinterRefusesError(0x0406)


def test_a_cancel_of_a_job_that_the_printer_does_not_know_is_decided_at_once() -> None:
    printer, limits = Forgetful(), Limits(cancel_confirm_s=30)
    verdict = asyncio.run(cancel(cast(PrinterPath, printer), WATCHED, limits, SystemClock(), "session_ended"))
    assert (verdict.finding, verdict.why) == (Finding.DOUBT, "job_not_found")
    assert printer.asked == 2  # to cancel it, and to look


@pytest.mark.parametrize(("state", "impressions"), [("aborted", 0), ("canceled", 0), ("aborted", 1), ("canceled", 1)])
def test_what_ended_early_made_no_sheet_only_where_none_was_counted(state: str, impressions: int) -> None:
    verdict = judge(seen(state=state, impressions=impressions), WATCHED, AT)
    assert verdict is not None
    assert verdict.empty is (impressions == 0)
    assert (verdict.finding is Finding.CANCELED_AT_PRINTER) is (state == "canceled" and impressions == 0)


def test_a_printer_that_counts_nothing_leaves_it_to_a_person() -> None:
    verdict = judge(seen(), WATCHED._replace(proof=Proof.STATE), AT)
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
