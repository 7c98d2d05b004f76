"""What a real spooler believes of a printer that miscounts, forgets, restarts or is swapped: never more than its profile proves.

The printer is `tests/fake_printer.py`, because no real one does these things on demand.
"""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from bus_agent.ipc.messages import Cancel, Declined, Requested
from bus_agent.spooler import ipp
from cityhall_wire.messages.printing import Evidence, Finding
from provisioning.demo.wait import wait_until
from tests.fake_printer import ABORTED, CANCELED, COMPLETED, PROCESSING, FakeJob, FakePrinter, serving
from tests.integration.bus_lab import (
    AtPrinter,
    BusLab,
    HandAgent,
    Sealed,
    bus_lab,
    certificate,
    recover,
    seal_document,
)

PAGES = 2
BUSY = 0x0507
"""server-error-busy (RFC 8011 appendix B.1.5.8)."""


class Bench(NamedTuple):
    """A spooler whose printer is the fake of this test."""

    lab: BusLab
    at: "AtHand"

    @property
    def printer(self) -> FakePrinter:
        return self.at.printer


class AtHand:
    """Passes every request on to the printer that stands there now."""

    def __init__(self) -> None:
        self.printer = FakePrinter()
        self.busy = False  # it says so to whatever it is asked, as some do while they warm up

    def answer(self, raw: bytes) -> bytes:
        if self.busy:
            return ipp.encode(BUSY, [], ipp.parse(raw).request_id)
        return self.printer.answer(raw)


@contextmanager
def bench(profile: str) -> Iterator[Bench]:
    with ExitStack() as stack:
        top = stack.enter_context(tempfile.TemporaryDirectory(prefix="bus-"))
        at = AtHand()
        port = stack.enter_context(serving(at))
        lab = bus_lab(Path(top), uri=f"ipp://127.0.0.1:{port}/ipp/print", profile=profile)
        yield Bench(stack.enter_context(lab), at)


@pytest.fixture(scope="module")
def by_impressions() -> Iterator[Bench]:
    with bench('lies = ["marker-waste-full"]') as running:
        yield running


@pytest.fixture(scope="module")
def by_counter() -> Iterator[Bench]:
    with bench('proof = "counter"') as running:
        yield running


@pytest.fixture(scope="module")
def by_state() -> Iterator[Bench]:
    with bench('proof = "state"') as running:
        yield running


@pytest.fixture(autouse=True)
def a_new_printer(request: pytest.FixtureRequest) -> None:
    for name in {"by_impressions", "by_counter", "by_state"} & set(request.fixturenames):
        request.getfixturevalue(name).at.printer = FakePrinter(pages=PAGES)


class Print(NamedTuple):
    """A document that the printer has got and holds."""

    agent: HandAgent
    job: Sealed
    sent: AtPrinter

    @property
    def name(self) -> str:
        return f"{self.job.job}-1"


@contextmanager
def held(on: Bench) -> Iterator[tuple[Print, FakeJob]]:
    on.printer.hold = True
    agent, job = HandAgent(on.lab), seal_document(certificate(PAGES), PAGES)
    try:
        sent = agent.until_sent(job)
        yield Print(agent, job, sent), on.printer.jobs[sent.printer_job]
    finally:
        agent.close()


def said(now: Print) -> tuple[Finding, str]:
    evidence = now.agent.evidence()
    return evidence.finding, evidence.why


def test_a_printer_that_counts_its_whole_life_proves_a_print(by_counter: Bench) -> None:
    by_counter.printer.says_counts = False
    with held(by_counter) as (now, job):
        by_counter.printer.finish(job)
        evidence = now.agent.evidence()
        assert (evidence.finding, evidence.counter_before, evidence.counter_after) == (Finding.COMPLETED, 5000, 5002)


def test_a_counter_that_lags_is_waited_for(by_counter: Bench) -> None:
    with held(by_counter) as (now, job):
        by_counter.printer.finish(job)
        by_counter.printer.counter = 5001
        looks = len(by_counter.printer.asked)
        wait_until(lambda: len(by_counter.printer.asked) > looks + 8, 10, "the counter was read in between")
        by_counter.printer.counter = 5002
        assert said(now) == (Finding.COMPLETED, "printed")


def test_a_counter_that_was_reset_proves_nothing(by_counter: Bench) -> None:
    with held(by_counter) as (now, job):
        by_counter.printer.counter = 0
        by_counter.printer.finish(job)
        assert said(now) == (Finding.DOUBT, "counter_differs")


def test_a_counter_that_another_job_may_have_moved_proves_nothing(by_counter: Bench) -> None:
    with held(by_counter) as (now, job):
        by_counter.printer.jobs[99] = FakeJob(99, "somebody's", 9, (), 1, by_counter.printer.up_time)
        by_counter.printer.finish(job)
        assert said(now) == (Finding.DOUBT, "not_alone")


def test_a_job_of_long_ago_moves_no_counter(by_counter: Bench) -> None:
    by_counter.printer.jobs[1] = FakeJob(1, "of yesterday", 9, (), 1, 10)
    by_counter.printer.next_id = 2
    with held(by_counter) as (now, job):
        by_counter.printer.finish(job)
        assert said(now) == (Finding.COMPLETED, "printed")


def test_a_canceled_job_that_moved_no_counter_is_canceled(by_counter: Bench) -> None:
    with held(by_counter) as (now, _job):
        now.agent.send(Cancel(job=now.job.job, attempt=1, why="session_ended"))
        assert said(now) == (Finding.CANCELED_AT_PRINTER, "session_ended")


def test_a_printer_that_proves_nothing_always_asks_a_person(by_state: Bench) -> None:
    with held(by_state) as (now, job):
        by_state.printer.finish(job)
        assert said(now) == (Finding.DOUBT, "printer_does_not_count")


def swap(on: Bench) -> None:
    old = on.printer
    on.at.printer = FakePrinter(uuid="urn:uuid:another", jobs=old.jobs, on_since=old.on_since, pages=PAGES)


def forget(on: Bench) -> None:
    on.printer.jobs.clear()


def restart_with_its_jobs(on: Bench) -> None:
    on.printer.power_cycle(keeps_jobs=True)


def give_the_id_to_another(on: Bench) -> None:
    (number,) = on.printer.jobs
    on.printer.jobs[number] = FakeJob(number, "somebody's", 9, (), PAGES, on.printer.up_time)


def count_one_less(on: Bench) -> None:
    on.printer.counted = PAGES - 1


def count_one_more(on: Bench) -> None:
    on.printer.counted = PAGES + 1


FAULTS = {
    "swapped for another": (swap, "another_printer"),
    "history lost": (forget, "job_not_found"),
    "restarted, its jobs kept": (restart_with_its_jobs, "printer_restarted"),
    "the job's number given to another": (give_the_id_to_another, "another_job"),
    "completed with a page less": (count_one_less, "impressions_differ"),
    "completed with a page more": (count_one_more, "impressions_differ"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_printer_that_is_not_what_it_was_never_proves_a_print(by_impressions: Bench, fault: str) -> None:
    cause, why = FAULTS[fault]
    with held(by_impressions) as (now, job):
        cause(by_impressions)
        by_impressions.printer.finish(job)
        assert said(now) == (Finding.DOUBT, why)


def restarted(on: Bench, now: Print) -> HandAgent:
    on.lab.spooler.kill()
    now.agent.close()
    on.lab.spooler.start()
    return HandAgent(on.lab)


def recovered(on: Bench, now: Print) -> Evidence:
    agent = restarted(on, now)
    try:
        agent.send(recover(now.job, *now.sent))
        return agent.evidence()
    finally:
        agent.close()


@pytest.mark.parametrize(
    ("profile", "finding"),
    [("by_impressions", Finding.COMPLETED), ("by_counter", Finding.COMPLETED), ("by_state", Finding.DOUBT)],
)
def test_after_a_restart_of_the_spooler_the_same_proof_counts(
    request: pytest.FixtureRequest, profile: str, finding: Finding
) -> None:
    on: Bench = request.getfixturevalue(profile)
    on.at.printer = FakePrinter(pages=PAGES)
    with held(on) as (now, job):
        on.printer.finish(job)
        evidence = recovered(on, now)
        assert evidence.finding is finding
        if profile == "by_counter":
            assert (evidence.counter_before, evidence.counter_after) == (5000, 5002)


RECOVERED = {
    "swapped for another": (swap, "another_printer"),
    "history lost": (forget, "job_not_found"),
    "restarted, its jobs kept": (restart_with_its_jobs, "printer_restarted"),
    "completed with a page less": (count_one_less, "impressions_differ"),
}


@pytest.mark.parametrize("fault", RECOVERED)
def test_after_a_restart_of_the_spooler_the_same_doubts_hold(by_impressions: Bench, fault: str) -> None:
    cause, why = RECOVERED[fault]
    with held(by_impressions) as (now, job):
        cause(by_impressions)
        by_impressions.printer.finish(job)
        evidence = recovered(by_impressions, now)
        assert (evidence.finding, evidence.why) == (Finding.DOUBT, why)


def crowd(on: Bench) -> None:
    on.printer.jobs = {n: FakeJob(n, f"of others {n}", 9, (), 1, 10) for n in range(1, 10_001)}


def crowd_to_the_limit(on: Bench) -> None:
    on.printer.jobs = {n: FakeJob(n, f"of others {n}", 9, (), 1, 10) for n in range(1, 201)}


NOT_PROVEN_EMPTY = {
    "another printer": (swap, "another_printer"),
    "no printer-uuid": (lambda on: setattr(on.printer, "uuid", ""), "another_printer"),
    "restarted": (lambda on: on.printer.power_cycle(), "printer_restarted"),
    "as many jobs as were asked for": (crowd_to_the_limit, "history_too_old"),
    "ten thousand jobs": (crowd, "printer_silent"),
}


@pytest.mark.parametrize("fault", NOT_PROVEN_EMPTY)
def test_a_history_that_may_have_holes_is_no_proof_of_no_sheet(by_impressions: Bench, fault: str) -> None:
    cause, why = NOT_PROVEN_EMPTY[fault]
    agent, job = HandAgent(by_impressions.lab), seal_document(certificate(PAGES), PAGES)
    agent.press_print(job)
    request = agent.expect(Requested).envelope
    now = Print(agent, job, AtPrinter(request, 0, b""))
    cause(by_impressions)
    evidence = recovered(by_impressions, now)
    assert (evidence.finding, evidence.why) == (Finding.DOUBT, why)


def test_a_job_that_lost_its_document_in_a_restart_is_no_proof_of_no_sheet(by_impressions: Bench) -> None:
    with held(by_impressions) as (now, job):
        by_impressions.printer.power_cycle(keeps_jobs=True)
        job.state, job.reasons = 4, ("job-data-insufficient",)
        evidence = recovered(by_impressions, now._replace(sent=now.sent._replace(sent=b"")))
        assert (evidence.finding, evidence.why) == (Finding.DOUBT, "printer_restarted")


def abort(job: FakeJob) -> None:
    job.state, job.reasons = ABORTED, ("aborted-by-system",)


def abort_after_a_sheet(job: FakeJob) -> None:
    abort(job)
    job.impressions = 1


def cancel(job: FakeJob) -> None:
    job.state, job.reasons = CANCELED, ("job-canceled-by-user",)


CUT = {
    "aborted": (abort, Finding.NO_SHEET, "document_cut"),
    "canceled": (cancel, Finding.NO_SHEET, "document_cut"),
    "aborted after a sheet": (abort_after_a_sheet, Finding.DOUBT, "aborted"),
}


@pytest.mark.parametrize("end", CUT)
def test_a_document_that_was_cut_made_no_sheet_where_the_printer_counted_none(by_impressions: Bench, end: str) -> None:
    cause, finding, why = CUT[end]
    with held(by_impressions) as (now, job):
        cause(job)
        evidence = recovered(by_impressions, now._replace(sent=now.sent._replace(sent=b"")))
        assert (evidence.finding, evidence.why) == (finding, why)


def test_a_document_that_was_taken_whole_and_aborted_is_left_to_a_person(by_impressions: Bench) -> None:
    with held(by_impressions) as (now, job):
        abort(job)
        assert said(now) == (Finding.DOUBT, "aborted")


def test_a_document_that_was_cut_is_left_to_a_person_where_the_printer_counts_nothing(by_state: Bench) -> None:
    with held(by_state) as (now, job):
        abort(job)
        evidence = recovered(by_state, now._replace(sent=now.sent._replace(sent=b"")))
        assert (evidence.finding, evidence.why) == (Finding.DOUBT, "printer_does_not_count")


def test_a_document_that_was_cut_is_left_to_a_person_where_the_printer_was_restarted(by_impressions: Bench) -> None:
    with held(by_impressions) as (now, job):
        by_impressions.printer.power_cycle(keeps_jobs=True)
        abort(job)
        evidence = recovered(by_impressions, now._replace(sent=now.sent._replace(sent=b"")))
        assert (evidence.finding, evidence.why) == (Finding.DOUBT, "printer_restarted")


def test_a_session_that_ends_while_a_new_spooler_looks_for_the_print_cancels_it(by_impressions: Bench) -> None:
    with held(by_impressions) as (now, job):
        agent = restarted(by_impressions, now)
        agent.send(recover(now.job, *now.sent))
        agent.send(Cancel(job=now.job.job, attempt=1, why="session_ended"))
        evidence = agent.evidence()
        agent.close()
        assert (evidence.finding, evidence.why) == (Finding.CANCELED_AT_PRINTER, "session_ended")
        assert job.state == CANCELED


def test_a_canceled_print_that_came_out_whole_is_printed_only_if_it_was_sent_whole(by_impressions: Bench) -> None:
    with held(by_impressions) as (now, job):
        by_impressions.printer.finish(job)
        agent = restarted(by_impressions, now)
        agent.send(recover(now.job, now.sent.request, now.sent.printer_job))
        agent.send(Cancel(job=now.job.job, attempt=1, why="session_ended"))
        evidence = agent.evidence()
        agent.close()
        assert (evidence.finding, evidence.why) == (Finding.DOUBT, "send_unconfirmed")


@pytest.mark.parametrize("finished", [False, True])
def test_a_printer_that_did_not_confirm_a_cancel_is_pursued_until_it_answers(
    by_impressions: Bench, finished: bool
) -> None:
    with held(by_impressions) as (now, job):
        by_impressions.at.busy = True
        now.agent.send(Cancel(job=now.job.job, attempt=1, why="session_ended"))
        assert said(now) == (Finding.DOUBT, "cancel_unconfirmed")
        if finished:
            by_impressions.printer.finish(job)
        by_impressions.at.busy = False
        assert now.agent.evidence().finding is (Finding.COMPLETED if finished else Finding.CANCELED_AT_PRINTER)
        assert job.state == (COMPLETED if finished else CANCELED)


def test_a_new_spooler_pursues_what_the_printer_may_still_hold(by_impressions: Bench) -> None:
    with held(by_impressions) as (now, job):
        by_impressions.at.busy = True
        agent = restarted(by_impressions, now)
        agent.send(recover(now.job, *now.sent._replace(sent=b"")))
        said = agent.evidence()
        assert (said.finding, said.why) == (Finding.DOUBT, "printer_silent")
        by_impressions.at.busy = False
        said = agent.evidence()
        agent.close()
        assert (said.finding, said.why) == (Finding.NO_SHEET, "canceled_later")
        assert job.state == CANCELED


def test_another_job_under_the_same_number_is_not_canceled(by_impressions: Bench) -> None:
    with held(by_impressions) as (now, job):
        strangers = FakeJob(job.id, "somebody's", PROCESSING)
        by_impressions.printer.jobs[job.id] = strangers
        assert said(now) == (Finding.DOUBT, "another_job")
        assert strangers.state == PROCESSING


def test_other_paper_in_the_tray_is_refused_before_anything_begins(by_impressions: Bench) -> None:
    by_impressions.printer.media_ready = ["na_letter_8.5x11in", "iso_a5_148x210mm"]
    assert declined(by_impressions) == "refused.wrong_paper"
    by_impressions.printer.media_ready.append("iso_a4_210x297mm")
    assert declined(by_impressions) is None


@pytest.mark.parametrize("ready", [[], ["stationery"], ["iso_a4_210.0x297mm", "auto"]])
def test_a_printer_that_cannot_tell_its_paper_leaves_it_to_the_concierge(
    by_impressions: Bench, ready: list[str]
) -> None:
    by_impressions.printer.media_ready = ready
    assert declined(by_impressions) is None


def test_a_known_lie_of_the_firmware_stops_no_print(by_impressions: Bench) -> None:
    by_impressions.printer.reasons = ["marker-waste-full-error"]
    assert declined(by_impressions) is None
    by_impressions.printer.reasons.append("media-jam-error")
    assert declined(by_impressions) == "refused.printer_not_ready"
    by_impressions.printer.reasons.pop()
    by_impressions.printer.state = 5
    assert declined(by_impressions) == "refused.printer_not_ready"


def test_a_printer_at_work_is_waited_for(by_impressions: Bench) -> None:
    by_impressions.printer.state = 4
    assert declined(by_impressions) == "refused.busy"


def declined(on: Bench) -> str | None:
    """The key with which a print is declined; None where it begins, and is then taken back."""
    agent, job = HandAgent(on.lab), seal_document(certificate(PAGES), PAGES)
    try:
        agent.press_print(job)
        message = agent.next()
        if isinstance(message, Declined):
            return message.key
        agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
        assert agent.evidence().finding is Finding.NO_SHEET
        return None
    finally:
        agent.close()


def test_what_the_printer_tells_reaches_the_agent(by_impressions: Bench) -> None:
    agent = HandAgent(by_impressions.lab)
    status = agent.status()
    assert (status.impressions, status.media_ready) == (5000, ("iso_a4_210x297mm",))
    assert status.printer.state == "idle"
    agent.close()
