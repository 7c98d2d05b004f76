"""Real spooler, real openers, a real virtual printer: what comes out on paper, and what the print key says about it."""

import hashlib
import os
import re
import select
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bus_agent.errors import PeerGoneError, PeerSilentError
from bus_agent.ipc.messages import Cancel, Declined, Intent, Requested, Statement, Step
from cityhall_wire import seal
from cityhall_wire.headers import Approval
from cityhall_wire.messages.printing import Finding
from cityhall_wire.modes import DutyMode
from provisioning.demo.stage import Scene
from provisioning.demo.wait import wait_until
from tests.integration.bus_lab import (
    BusLab,
    CityHall,
    HandAgent,
    Sealed,
    bus_lab,
    certificate,
    opened_request,
    recover,
    seal_document,
)

pytestmark = pytest.mark.skipif(
    not (shutil.which("ippeveprinter") and shutil.which("dbus-daemon")), reason="no ippeveprinter or dbus-daemon"
)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusLab]:
    with bus_lab(tmp_path_factory.mktemp("bus")) as running:
        yield running


@pytest.fixture(scope="module")
def slow_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BusLab]:
    with bus_lab(tmp_path_factory.mktemp("slow"), print_seconds=1.6) as running:
        yield running


@pytest.fixture
def agent(lab: BusLab) -> Iterator[HandAgent]:
    agent = HandAgent(lab)
    yield agent
    agent.close()


def sealed(pages: int = 1, filler: int = 0, **changed: Any) -> Sealed:
    return seal_document(certificate(pages, filler), pages, **changed)


def paper_of(job: Sealed) -> str:
    return hashlib.sha256(job.document).hexdigest()


def test_what_comes_out_is_byte_for_byte_what_was_sealed(lab: BusLab, agent: HandAgent) -> None:
    job = sealed(pages=2, filler=1_500_000)
    agent.until_sent(job)
    said = agent.evidence()
    assert (said.finding, said.impressions, said.n) == (Finding.COMPLETED, 2, 3)
    assert lab.papers()[-1] == paper_of(job)
    assert lab.openers() == []


def test_one_after_the_other_is_printed_each_once(lab: BusLab, agent: HandAgent) -> None:
    jobs, before = [sealed(), sealed()], len(lab.papers())
    for job in jobs:
        agent.until_sent(job)
        assert agent.evidence().finding is Finding.COMPLETED
    assert lab.papers()[before:] == [paper_of(job) for job in jobs]


WRONG = {
    "another session": {"session": "s" + "0" * 24},
    "another attempt": {"attempt": 2},
    "another nonce": {"nonce": bytes(32)},
    "another bus": {"bus": "bus-2"},
    "another city": {"city": "other"},
    "another job": {"job": "j" + "0" * 24},
    "another seal": {"seal_digest": bytes(32)},
    "another mode": {"mode": DutyMode.EVENT},
    "other software": {"software": bytes(32)},
    "another configuration": {"config": bytes(32)},
}


@pytest.mark.parametrize("changed", WRONG.values(), ids=WRONG.keys())
def test_a_release_for_something_else_prints_nothing(lab: BusLab, agent: HandAgent, changed: dict[str, Any]) -> None:
    job, before = sealed(), len(lab.papers())
    agent.press_print(job)
    requested = agent.expect(Requested)
    agent.answer(requested, lab.city_hall.release(job, requested.envelope, **changed))
    said = agent.evidence()
    assert (said.finding, said.why, said.printer_job) == (Finding.NO_SHEET, "wire.header", 0)
    assert len(lab.papers()) == before


def test_a_release_for_another_opener_prints_nothing(lab: BusLab, agent: HandAgent) -> None:
    job = sealed()
    agent.press_print(job)
    requested = agent.expect(Requested)
    agent.answer(requested, lab.city_hall.release(job, requested.envelope, opener_key=seal.OpenerKey().public))
    assert agent.evidence().finding is Finding.NO_SHEET


def test_a_key_wrapped_for_another_opener_prints_nothing(lab: BusLab, agent: HandAgent) -> None:
    # The header names this opener; the key inside is wrapped for another: only the opener itself can notice.
    job, other = sealed(), seal.OpenerKey().public
    agent.press_print(job)
    requested = agent.expect(Requested)
    wrap = seal.wrap_for_opener
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(seal, "wrap_for_opener", lambda key, _opener, header: wrap(key, other, header))
        raw = lab.city_hall.release(job, requested.envelope)
    agent.answer(requested, raw)
    assert (said := agent.evidence()).finding is Finding.NO_SHEET
    assert said.why == "wire.open"


def test_a_release_of_another_city_hall_prints_nothing(lab: BusLab, agent: HandAgent) -> None:
    job = sealed()
    agent.press_print(job)
    requested = agent.expect(Requested)
    agent.answer(requested, CityHall().release(job, requested.envelope))
    assert agent.evidence().why == "wire.signature"


def test_a_second_approver_is_demanded_where_the_service_does(lab: BusLab, agent: HandAgent) -> None:
    job = sealed(service="two-approvers")
    twice_the_same = (Approval(by="clerk-1", at=1), Approval(by="clerk-1", at=2))
    agent.press_print(job)
    requested = agent.expect(Requested)
    agent.answer(requested, lab.city_hall.release(job, requested.envelope, approvals=twice_the_same))
    assert agent.evidence().finding is Finding.NO_SHEET


def test_a_refusal_ends_the_attempt_without_a_sheet(lab: BusLab, agent: HandAgent) -> None:
    agent.press_print(sealed())
    requested = agent.expect(Requested)
    agent.answer(requested, lab.city_hall.refuse(requested.envelope, "not_approved"))
    assert (said := agent.evidence()).finding is Finding.NO_SHEET
    assert said.why == "print.refused"


def test_a_damaged_body_is_never_sent(lab: BusLab, agent: HandAgent) -> None:
    job, before = sealed(filler=200_000), len(lab.papers())
    agent.press_print(job, body=job.body[:-1] + bytes([job.body[-1] ^ 1]))
    requested = agent.expect(Requested)
    agent.answer(requested, lab.city_hall.release(job, requested.envelope))
    assert agent.evidence().finding is Finding.NO_SHEET
    assert len(lab.papers()) == before


def test_a_truncated_body_is_declined_before_anything_begins(agent: HandAgent) -> None:
    job = sealed()
    agent.press_print(job, body=job.body[:-1])
    assert agent.expect(Declined).key == "refused.body"


def test_a_format_that_the_printer_does_not_take_is_declined(agent: HandAgent) -> None:
    job = sealed(document_format="image/urf")
    agent.press_print(job)
    assert agent.expect(Declined).key == "refused.body"


def test_an_opener_killed_before_it_sends_leaves_no_sheet(lab: BusLab, agent: HandAgent) -> None:
    job, before = sealed(), len(lab.papers())
    agent.until_released(job)
    agent.expect(Intent)
    for pid in lab.openers():
        os.kill(pid, signal.SIGKILL)
    agent.send_commit(job, Step.CREATE_JOB)
    assert agent.evidence().finding is Finding.NO_SHEET
    assert len(lab.papers()) == before


def test_an_opener_killed_after_create_job_leaves_an_empty_printer(lab: BusLab, agent: HandAgent) -> None:
    job, before = sealed(), len(lab.papers())
    agent.until_released(job)
    agent.commit(Step.CREATE_JOB)
    agent.expect(Intent)
    for pid in lab.openers():
        os.kill(pid, signal.SIGKILL)
    agent.send_commit(job, Step.SEND_DOCUMENT)
    said = agent.evidence()
    assert (said.finding, said.printer_job > 0) == (Finding.NO_SHEET, True)
    after = sealed()
    agent.until_sent(after)
    assert agent.evidence().finding is Finding.COMPLETED
    assert lab.papers()[before:] == [paper_of(after)]


def test_the_opener_dies_with_the_spooler(lab: BusLab, agent: HandAgent) -> None:
    agent.until_released(sealed())
    agent.expect(Intent)
    (opener,) = lab.openers()
    lab.spooler.kill()
    wait_until(lambda: not Path(f"/proc/{opener}").exists(), 5, "the opener is gone")
    lab.spooler.start()


def test_spooler_and_opener_can_write_no_file_leave_no_core_and_gain_nothing(lab: BusLab, agent: HandAgent) -> None:
    job = sealed()
    agent.press_print(job)
    agent.expect(Requested)
    (opener,) = lab.openers()
    for pid in (lab.spooler.pid, opener):
        limits, status = (Path(f"/proc/{pid}/{name}").read_text() for name in ("limits", "status"))
        assert re.search(r"Max file size +0 +0 ", limits)
        assert re.search(r"Max core file size +0 +0 ", limits)
        assert "NoNewPrivs:\t1" in status
    # Standard streams, the spooler, the ciphertext: the print key, the listening socket and the agent are not among them.
    assert len(os.listdir(f"/proc/{opener}/fd")) == 5
    agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
    assert agent.evidence().finding is Finding.NO_SHEET


def test_a_stopped_spooler_says_first_what_became_of_the_print(lab: BusLab, agent: HandAgent) -> None:
    agent.until_released(sealed())
    agent.expect(Intent)
    lab.spooler.terminate()
    assert agent.evidence().finding is Finding.NO_SHEET
    wait_until(lambda: not lab.spooler.running, 5, "the spooler has ended")
    lab.spooler.start()


def test_without_an_agent_no_printer_step_is_taken(lab: BusLab) -> None:
    job, before = sealed(), len(lab.papers())
    gone = HandAgent(lab)
    request = gone.until_released(job)
    gone.expect(Intent)
    gone.close()
    back = HandAgent(lab)
    back.send(recover(job, request))
    assert back.evidence().finding is Finding.NO_SHEET
    assert len(lab.papers()) == before
    back.close()


def test_a_print_goes_on_while_the_agent_restarts_and_is_told_again(slow_lab: BusLab) -> None:
    job = sealed()
    gone = HandAgent(slow_lab)
    before = gone.until_sent(job)
    gone.close()
    back = HandAgent(slow_lab)
    back.send(recover(job, *before))
    assert [back.evidence().finding for _ in range(3)] == [Finding.SENDING, Finding.SENT, Finding.COMPLETED]
    back.close()


def test_session_end_while_it_prints_cancels_at_the_printer_or_asks_a_person(slow_lab: BusLab) -> None:
    agent, job = HandAgent(slow_lab), sealed()
    slow_lab.director.stage.play(Scene(page_seconds=5))
    agent.until_sent(job)
    wait_until_begun(slow_lab, job)
    agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
    said = agent.evidence()
    # ippeveprinter lets its command end first, which takes longer than cancel_confirm_s: unconfirmed is a doubt.
    assert (said.finding, said.why) == (Finding.DOUBT, "cancel_unconfirmed")
    wait_until(lambda: "idle" in printer_states(slow_lab), 20, "the printer is empty")
    agent.close()


def test_session_end_before_the_document_leaves_is_no_sheet(slow_lab: BusLab) -> None:
    agent, job = HandAgent(slow_lab), sealed()
    agent.until_released(job)
    agent.commit(Step.CREATE_JOB)
    agent.expect(Intent)
    agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
    assert agent.evidence().finding is Finding.NO_SHEET
    assert paper_of(job) not in slow_lab.papers()
    agent.close()


def test_a_session_end_does_not_take_the_last_word_of_a_print_that_is_being_cleared_away(slow_lab: BusLab) -> None:
    agent, job = HandAgent(slow_lab), sealed()
    agent.until_released(job)
    agent.commit(Step.CREATE_JOB)
    agent.expect(Intent)
    # A printer that says nothing for a moment, so that clearing away takes its time.
    os.kill(slow_lab.printer.pid, signal.SIGSTOP)
    try:
        agent.send_commit(job, Step.SEND_DOCUMENT)
        for pid in slow_lab.openers():
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not slow_lab.openers(), 5, "the spooler has seen its opener end")
        agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
    finally:
        os.kill(slow_lab.printer.pid, signal.SIGCONT)
    assert agent.evidence().finding in (Finding.NO_SHEET, Finding.CANCELED_AT_PRINTER, Finding.DOUBT)
    wait_until(lambda: "idle" in printer_states(slow_lab), 10, "the printer is empty")
    agent.close()


def wait_until_begun(lab: BusLab, job: Sealed) -> None:
    wait_until(lambda: paper_of(job) in lab.papers(), 10, "the printer has begun")


def printer_states(lab: BusLab) -> set[str]:
    from bus_agent.spooler.printer import Printer

    return {Printer(f"ipp://127.0.0.1:{lab.port}/ipp/print").describe().state}


def test_a_spooler_that_was_killed_while_printing_watches_on(slow_lab: BusLab) -> None:
    agent, job = HandAgent(slow_lab), sealed()
    before = agent.until_sent(job)
    wait_until_begun(slow_lab, job)
    slow_lab.spooler.kill()
    agent.close()
    slow_lab.spooler.start()
    agent = HandAgent(slow_lab)
    agent.send(recover(job, *before))
    assert (said := agent.evidence()).finding is Finding.COMPLETED
    assert said.incarnation != opened_request(before.request)[1].incarnation
    assert slow_lab.papers()[-1] == paper_of(job)
    agent.close()


def test_what_a_printer_calls_completed_is_not_believed_without_proof_that_all_was_sent(slow_lab: BusLab) -> None:
    agent, job, other = HandAgent(slow_lab), sealed(), sealed()
    foreign = agent.until_sent(other).sent
    assert agent.evidence().finding is Finding.COMPLETED
    before = agent.until_sent(job)
    for sent in (b"", foreign):  # cut off while it sent; and a statement about another job
        slow_lab.spooler.kill()
        agent.close()
        slow_lab.spooler.start()
        agent = HandAgent(slow_lab)
        agent.send(recover(job, before.request, before.printer_job, sent))
        assert (said := agent.evidence()).finding is Finding.DOUBT
        assert said.why == "send_unconfirmed"
    agent.close()


def test_a_printer_killed_while_printing_leaves_a_doubt(slow_lab: BusLab) -> None:
    agent, job = HandAgent(slow_lab), sealed()
    agent.until_sent(job)
    wait_until_begun(slow_lab, job)
    slow_lab.printer.kill()
    slow_lab.printer.start()
    assert agent.evidence().finding is Finding.DOUBT
    agent.close()


def test_a_new_incarnation_proves_that_nothing_was_sent(lab: BusLab) -> None:
    agent, job = HandAgent(lab), sealed()
    agent.press_print(job)
    request = agent.expect(Requested).envelope
    lab.spooler.kill()
    agent.close()
    lab.spooler.start()
    agent = HandAgent(lab)
    agent.send(recover(job, request))
    assert (said := agent.evidence()).finding is Finding.NO_SHEET
    assert said.why == "never_at_printer"
    agent.close()


def test_a_new_incarnation_cancels_a_job_without_its_document(lab: BusLab) -> None:
    agent, job = HandAgent(lab), sealed()
    request = agent.until_released(job)
    agent.commit(Step.CREATE_JOB)
    agent.expect(Intent)
    lab.spooler.kill()
    agent.close()
    lab.spooler.start()
    agent = HandAgent(lab)
    agent.send(recover(job, request))
    assert (said := agent.evidence()).finding is Finding.NO_SHEET
    assert said.why == "canceled_without_document"
    agent.close()


def test_a_printer_restarted_with_the_spooler_proves_nothing(lab: BusLab) -> None:
    agent, job = HandAgent(lab), sealed()
    # Older than any restart takes, so that up-time alone shows it.
    wait_until(lambda: up_time(lab) > 5, 10, "the printer has been on for a while")
    agent.press_print(job)
    request = agent.expect(Requested).envelope
    lab.spooler.kill()
    lab.printer.kill()
    agent.close()
    lab.printer.start()
    lab.spooler.start()
    agent = HandAgent(lab)
    agent.send(recover(job, request))
    assert (said := agent.evidence()).finding is Finding.DOUBT
    assert said.why == "printer_restarted"
    agent.close()


def up_time(lab: BusLab) -> int:
    from bus_agent.spooler.printer import Printer

    return Printer(f"ipp://127.0.0.1:{lab.port}/ipp/print").describe().up_time


def test_a_request_of_another_print_key_is_not_recovered(lab: BusLab, tmp_path: Path) -> None:
    agent, job = HandAgent(lab), sealed()
    agent.press_print(job)
    request = agent.expect(Requested).envelope
    forged = request[:-20] + b"A" * 8 + request[-12:]
    agent.send(recover(job, forged))
    with pytest.raises(PeerSilentError):
        agent.expect(Statement, 0.5)
    agent.close()


def test_a_second_print_waits_for_the_first(agent: HandAgent) -> None:
    job = sealed()
    agent.press_print(job)
    agent.expect(Requested)
    agent.press_print(sealed())
    assert agent.expect(Declined).key == "refused.busy"
    agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
    assert agent.evidence().why == "print.canceled"


def test_a_release_that_does_not_come_in_time_is_not_waited_for(lab: BusLab, agent: HandAgent) -> None:
    job = sealed()
    agent.press_print(job)
    requested = agent.expect(Requested)
    assert (said := agent.evidence()).finding is Finding.NO_SHEET
    agent.answer(requested, lab.city_hall.release(job, requested.envelope))
    assert (said.why, lab.openers()) == ("print.late", [])


def standing_by(lab: BusLab) -> int:
    """Process id of the one opener that has said so."""
    wait_until(lambda: len(lab.openers()) == 1, 5, "an opener stands by")
    return lab.openers()[0]


def test_the_opener_that_stands_by_prints_and_is_gone(lab: BusLab, agent: HandAgent) -> None:
    job = sealed()
    agent.stand_by()
    waiting = standing_by(lab)
    agent.press_print(job)
    requested = agent.expect(Requested)
    assert lab.openers() == [waiting]
    agent.answer(requested, lab.city_hall.release(job, requested.envelope))
    agent.commit(Step.CREATE_JOB)
    agent.commit(Step.SEND_DOCUMENT)
    assert [agent.evidence().finding, agent.evidence().finding] == [Finding.SENT, Finding.COMPLETED]
    assert lab.openers() == []


def test_each_print_has_an_opener_and_a_key_of_its_own(lab: BusLab, agent: HandAgent) -> None:
    keys = set()
    for _ in range(2):
        job = sealed()
        agent.stand_by()
        standing_by(lab)
        agent.press_print(job)
        keys.add(opened_request(agent.expect(Requested).envelope)[1].opener_key)
        agent.send(Cancel(job=job.job, attempt=1, why="session_ended"))
        assert agent.evidence().finding is Finding.NO_SHEET
    assert len(keys) == 2


@pytest.mark.parametrize("ends", ["not wanted", "agent gone"])
def test_no_opener_stands_by_that_nobody_wants(lab: BusLab, ends: str) -> None:
    agent = HandAgent(lab)
    agent.stand_by()
    standing_by(lab)
    if ends == "not wanted":
        agent.stand_by(wanted=False)
    else:
        agent.close()
    wait_until(lambda: lab.openers() == [], 5, "nobody stands by")
    agent.close()


def test_an_opener_killed_while_it_stands_by_is_replaced(lab: BusLab, agent: HandAgent) -> None:
    agent.stand_by()
    pid = standing_by(lab)
    watched = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    assert select.select([watched], [], [], 10)[0]  # it has ended, and not only been told to
    os.close(watched)
    agent.until_sent(sealed())
    assert agent.evidence().finding is Finding.COMPLETED


def test_garbage_ends_the_connection(lab: BusLab) -> None:
    agent = HandAgent(lab)
    agent.send_raw(b"not a message")
    with pytest.raises(PeerGoneError):
        agent.expect(Requested)
