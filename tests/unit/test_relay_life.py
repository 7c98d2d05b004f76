"""What becomes of a job at city hall: evidence, a person's word, the inventory, the clock."""

from pathlib import Path
from typing import Any

import pytest

from cityhall_relay.errors import KeyGoneError, TooLateError
from cityhall_relay.store.rows import Side
from cityhall_relay.views import job_view
from cityhall_wire.lifecycle import ENDS, JobState
from cityhall_wire.messages import link, relay
from cityhall_wire.messages.printing import Finding
from cityhall_wire.seal import OpenerKey
from tests.relay_city import OnBus, Town, carried

S = JobState


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


@pytest.fixture
def on_bus(town: Town) -> OnBus:
    return carried(town, document=b"2 pages")


def state(answer: Any) -> JobState:
    assert isinstance(answer, relay.Receipt), answer
    return answer.state


def test_printed_is_not_handed_over(on_bus: OnBus) -> None:
    request, _ = on_bus.release()
    assert state(on_bus.bus.evidence(request, Finding.SENDING, 1)) is S.PRINTING
    assert state(on_bus.bus.evidence(request, Finding.SENT, 2)) is S.PRINTING
    assert state(on_bus.bus.evidence(request, Finding.COMPLETED, 3, impressions=2)) is S.PRINTED
    assert not on_bus.town.relay.store.sheets()
    assert state(on_bus.bus.fact(link.HandOver, job=on_bus.name, attempt=1)) is S.HANDED_OVER
    (entry,) = on_bus.town.relay.store.sheets()
    assert (entry.kind, entry.sheets, entry.paper) == ("handed_over", 2, "controlled")


PROOFS: list[tuple[dict[str, Any], JobState]] = [
    ({"impressions": 2}, S.PRINTED),
    ({"impressions": 1}, S.UNCERTAIN),
    ({"impressions": 3}, S.UNCERTAIN),
    ({"impressions": 2, "printer_up_time": 99}, S.UNCERTAIN),
    ({"impressions": 2, "printer_uuid": "urn:uuid:another"}, S.UNCERTAIN),
]


@pytest.mark.parametrize(("said", "expected"), PROOFS)
def test_completed_counts_only_with_the_profiles_proof(on_bus: OnBus, said: dict[str, Any], expected: JobState) -> None:
    request, _ = on_bus.release()
    assert state(on_bus.bus.evidence(request, Finding.COMPLETED, 1, **said)) is expected


@pytest.mark.parametrize("finding", [Finding.COMPLETED, Finding.CANCELED_AT_PRINTER])
def test_a_printer_that_does_not_count_leaves_it_to_a_person(town: Town, finding: Finding) -> None:
    on_bus = carried(town, "bus-2")
    request, _ = on_bus.release()
    assert state(on_bus.bus.evidence(request, finding, 1, impressions=int(finding is Finding.COMPLETED))) is S.UNCERTAIN


BY_COUNTER: list[tuple[Finding, dict[str, Any], JobState]] = [
    (Finding.COMPLETED, {"counter_before": 70, "counter_after": 71}, S.PRINTED),
    (Finding.COMPLETED, {"counter_before": 70, "counter_after": 71, "printer_uuid": "urn:uuid:another"}, S.UNCERTAIN),
    (Finding.COMPLETED, {"counter_before": 70, "counter_after": 72}, S.UNCERTAIN),
    (Finding.COMPLETED, {"counter_before": 70, "counter_after": 70}, S.UNCERTAIN),
    (Finding.COMPLETED, {"counter_before": 70}, S.UNCERTAIN),
    (Finding.COMPLETED, {"counter_after": 71}, S.UNCERTAIN),
    (Finding.COMPLETED, {"impressions": 1}, S.UNCERTAIN),
    (Finding.CANCELED_AT_PRINTER, {"counter_before": 70, "counter_after": 70}, S.CANCELED),
    (Finding.CANCELED_AT_PRINTER, {"counter_before": 70, "counter_after": 71}, S.UNCERTAIN),
    (Finding.CANCELED_AT_PRINTER, {}, S.UNCERTAIN),
]


@pytest.mark.parametrize(("finding", "said", "expected"), BY_COUNTER)
def test_a_counter_proves_by_its_difference_and_nothing_else(
    town: Town, finding: Finding, said: dict[str, Any], expected: JobState
) -> None:
    on_bus = carried(town, "bus-4")
    request, _ = on_bus.release()
    assert state(on_bus.bus.evidence(request, finding, 1, **said)) is expected


@pytest.mark.parametrize(("impressions", "expected"), [(0, S.CANCELED), (1, S.UNCERTAIN)])
def test_a_cancel_with_a_sheet_out_is_a_doubt(on_bus: OnBus, impressions: int, expected: JobState) -> None:
    request, _ = on_bus.release()
    said = on_bus.bus.evidence(request, Finding.CANCELED_AT_PRINTER, 1, impressions=impressions)
    assert state(said) is expected


def test_proof_of_no_sheet_opens_exactly_one_more_attempt(on_bus: OnBus) -> None:
    request, _ = on_bus.release()
    receipt = on_bus.bus.evidence(request, Finding.NO_SHEET, 1)
    assert (receipt.state, receipt.attempt) == (S.ON_BUS, 2)
    assert on_bus.bus.evidence(request, Finding.NO_SHEET, 1) == receipt
    assert on_bus.job.attempt == 2
    assert on_bus.bus.evidence(request, Finding.NO_SHEET, 2).reason == "wrong_attempt"
    assert on_bus.bus.asks(request).reason == "wrong_attempt"
    on_bus.release()
    assert on_bus.state is S.RELEASING


def test_proof_of_no_sheet_after_the_session_ended_ends_the_job(on_bus: OnBus) -> None:
    request, _ = on_bus.release()
    on_bus.town.relay.sessions.close("clerk-1", on_bus.session.session)
    assert on_bus.state is S.RELEASING
    assert state(on_bus.bus.evidence(request, Finding.NO_SHEET, 1)) is S.CANCELED


def test_evidence_for_another_release_is_kept_and_causes_nothing(on_bus: OnBus) -> None:
    on_bus.release()
    other = on_bus.bus.request(on_bus.job, OpenerKey())
    assert on_bus.bus.evidence(other, Finding.COMPLETED, 1, impressions=2).reason == "wrong_attempt"
    assert on_bus.state is S.RELEASING
    assert on_bus.town.relay.store.evidence_of_nonce(on_bus.name, other.nonce)


def test_a_doubt_about_a_request_that_never_came_is_shared(on_bus: OnBus) -> None:
    lost = on_bus.bus.request(on_bus.job, OpenerKey())
    assert state(on_bus.bus.evidence(lost, Finding.DOUBT, 1)) is S.UNCERTAIN
    assert on_bus.bus.asks(lost).reason == "wrong_state"
    assert state(on_bus.bus.fact(link.NothingCameOut, job=on_bus.name, attempt=1)) is S.NOT_PRINTED


def test_a_print_whose_request_never_came_is_left_to_a_person(on_bus: OnBus) -> None:
    lost = on_bus.bus.request(on_bus.job, OpenerKey())
    assert state(on_bus.bus.evidence(lost, Finding.COMPLETED, 1, impressions=2)) is S.UNCERTAIN


def test_a_second_statement_under_the_same_number_is_not_taken(on_bus: OnBus) -> None:
    request, _ = on_bus.release()
    on_bus.bus.evidence(request, Finding.SENDING, 1)
    assert on_bus.bus.evidence(request, Finding.NO_SHEET, 1).reason == "not_understood"
    assert on_bus.state is S.PRINTING


def test_the_clerk_reads_that_the_check_words_differed(on_bus: OnBus) -> None:
    city_hall = on_bus.town.relay
    assert state(on_bus.bus.fact(link.Refused, job=on_bus.name, attempt=1, why="check_word")) is S.REFUSED
    why = job_view(city_hall.store, city_hall.city.city, on_bus.job).why
    assert (why and why.key, on_bus.job.why) == ("reason.check_word", "check_word")


FACTS: list[tuple[type[link.LinkMessage], dict[str, Any], JobState]] = [
    (link.HandOver, {}, S.HANDED_OVER),
    (link.Spoiled, {"sheets": ("A-1", "A-2"), "why": "jam"}, S.SPOILED),
    (link.NothingCameOut, {}, S.NOT_PRINTED),
]


@pytest.mark.parametrize(("kind", "fields", "expected"), FACTS)
def test_a_person_ends_a_doubt_and_may_say_so_twice(
    on_bus: OnBus, kind: type[link.LinkMessage], fields: dict[str, Any], expected: JobState
) -> None:
    on_bus.release()
    assert state(on_bus.bus.fact(link.Doubt, job=on_bus.name, attempt=1, why="power")) is S.UNCERTAIN
    assert state(on_bus.bus.fact(kind, job=on_bus.name, attempt=1, **fields)) is expected
    assert state(on_bus.bus.fact(kind, job=on_bus.name, attempt=1, **fields)) is expected
    assert on_bus.bus.fact(kind, job=on_bus.name, attempt=2, **fields).reason == "wrong_attempt"
    assert len(on_bus.town.relay.store.sheets()) == (expected is not S.NOT_PRINTED)


@pytest.mark.parametrize(("kind", "fields", "_"), FACTS)
def test_nobody_says_anything_of_a_sheet_before_the_release(
    on_bus: OnBus, kind: type[link.LinkMessage], fields: dict[str, Any], _: JobState
) -> None:
    assert on_bus.bus.fact(kind, job=on_bus.name, attempt=1, **fields).reason == "wrong_state"
    assert on_bus.state is S.ON_BUS


@pytest.mark.parametrize("told", [S.HANDED_OVER, S.SPOILED, S.NOT_PRINTED])
def test_a_fact_that_only_the_inventory_still_knows_is_taken_from_it(on_bus: OnBus, told: JobState) -> None:
    on_bus.release()
    on_bus.bus.now(on_bus.name, state=told)
    plan = on_bus.bus.sync()
    assert on_bus.state is told
    assert [order.state for order in plan.orders] == [told]


@pytest.mark.parametrize("told", [S.HANDED_OVER, S.PRINTED, S.SPOILED, S.NOT_PRINTED])
def test_an_inventory_alone_prints_nothing(on_bus: OnBus, told: JobState) -> None:
    on_bus.bus.now(on_bus.name, state=told)
    on_bus.bus.sync()
    assert on_bus.state is S.ON_BUS


def test_the_agents_doubt_comes_by_inventory_too(on_bus: OnBus) -> None:
    on_bus.release()
    on_bus.bus.now(on_bus.name, state=S.UNCERTAIN)
    on_bus.bus.sync()
    assert on_bus.state is S.UNCERTAIN


def test_what_the_bus_refuses_is_refused_and_destroyed(on_bus: OnBus) -> None:
    on_bus.bus.now(on_bus.name, state=S.REFUSED)
    on_bus.bus.sync()
    assert on_bus.state is S.REFUSED
    assert not on_bus.town.relay.vault.holds(on_bus.name)


def test_a_bus_that_goes_on_without_the_print_keys_proof_leaves_it_uncertain(on_bus: OnBus) -> None:
    request, _ = on_bus.release()
    on_bus.bus.now(on_bus.name, state=S.ON_BUS, attempt=2)
    on_bus.bus.sync()
    assert (on_bus.state, on_bus.job.why) == (S.UNCERTAIN, "proof_missing")
    on_bus.bus.evidence(request, Finding.SENDING, 1)
    on_bus.bus.sync()
    assert on_bus.state is S.UNCERTAIN, "it cannot hide behind an older statement either"
    assert state(on_bus.bus.evidence(request, Finding.NO_SHEET, 2)) is S.ON_BUS


def test_a_bus_that_lost_a_job_at_its_printer_leaves_it_uncertain(on_bus: OnBus) -> None:
    on_bus.release()
    on_bus.bus.held.clear()
    on_bus.bus.sync()
    assert on_bus.state is S.UNCERTAIN


def test_a_silent_bus_leaves_it_uncertain_and_never_dead(on_bus: OnBus) -> None:
    request, _ = on_bus.release()
    on_bus.town.clock.forward(136)
    on_bus.town.relay.housekeeping.tick()
    assert on_bus.state is S.UNCERTAIN
    assert state(on_bus.bus.evidence(request, Finding.COMPLETED, 1, impressions=2)) is S.PRINTED


@pytest.mark.parametrize("approve", [True, False])
def test_what_waits_too_long_expires(town: Town, approve: bool) -> None:
    on_bus = carried(town, approve=approve)
    states = []
    for seconds in (599, 1):
        town.clock.forward(seconds)
        town.relay.housekeeping.tick()
        states.append(on_bus.state)
    assert states == [S.ON_BUS, S.EXPIRED]


def test_an_idle_session_ends_and_takes_its_documents_along(town: Town) -> None:
    session = town.session()
    town.clock.forward(400)
    job = town.send(session).job
    town.clock.forward(500)
    town.relay.clerk_desk.approve("clerk-1", job.job)
    town.clock.forward(899)
    assert town.relay.sessions.live(session.session)
    town.clock.forward(1)
    assert town.relay.sessions.live(session.session) is None
    town.relay.housekeeping.tick()
    assert town.state(job.job) in ENDS
    assert town.session().session != session.session


def test_a_clerk_cancels_only_what_is_not_released(on_bus: OnBus) -> None:
    on_bus.release()
    with pytest.raises(TooLateError):
        on_bus.town.relay.clerk_desk.cancel("clerk-1", on_bus.name)


def test_the_end_is_receipted_on_both_sides_and_then_forgotten(on_bus: OnBus) -> None:
    on_bus.release()
    deleted = {"job": on_bus.name, "seal_digest": on_bus.job.seal_digest}
    assert on_bus.bus.fact(link.CiphertextDeleted, **deleted).reason == "wrong_state"
    on_bus.bus.fact(link.HandOver, job=on_bus.name, attempt=1)
    on_bus.bus.now(on_bus.name, state=S.HANDED_OVER)
    assert [order.forget for order in on_bus.bus.sync().orders] == [False]
    assert on_bus.bus.fact(link.CiphertextDeleted, **deleted | {"seal_digest": bytes(32)}).reason == "wrong_seal"
    receipt = on_bus.bus.fact(link.CiphertextDeleted, **deleted)
    assert isinstance(receipt, relay.DeletionReceipt)
    assert (receipt.job, receipt.state) == (on_bus.name, S.HANDED_OVER)
    assert [order.forget for order in on_bus.bus.sync().orders] == [True]
    kept = on_bus.town.relay.store.receipt(on_bus.name, Side.RELAY)
    assert kept is not None
    assert on_bus.bus.opened(kept.envelope).kind == "deletion-receipt"


def test_the_night_ends_what_the_days_key_sealed(on_bus: OnBus) -> None:
    town = on_bus.town
    waiting = town.send(on_bus.session).job
    town.relay.clerk_desk.approve("clerk-1", waiting.job)
    on_bus.release()
    town.clock.forward(18 * 3600)  # 03:00 JST of the next day
    town.restart()
    assert not list((town.top / "state" / "wrapping").iterdir())
    assert town.state(waiting.job) in ENDS
    assert on_bus.state is S.UNCERTAIN
    with pytest.raises(KeyGoneError):
        town.relay.vault.take(on_bus.name, on_bus.job.seal_digest)


def test_everything_outlives_a_restart(on_bus: OnBus) -> None:
    town = on_bus.town
    town.restart()
    request, first = on_bus.release()
    town.restart()
    assert on_bus.bus.asks(request) == first
    receipt = on_bus.bus.evidence(request, Finding.COMPLETED, 1, impressions=2)
    town.restart()
    assert on_bus.bus.evidence(request, Finding.COMPLETED, 1, impressions=2) == receipt
    assert town.relay.store.verify_journal() > 0
    assert town.relay.keys.verify_journal() > 0


def test_an_end_whose_destruction_was_cut_off_is_finished_at_the_next_start(
    on_bus: OnBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = on_bus.town

    def broken(job: str) -> None:
        raise OSError("no space")

    monkeypatch.setattr(town.relay.vault, "destroy", broken)
    town.relay.clerk_desk.cancel("clerk-1", on_bus.name)
    assert on_bus.job.destroyed_at is None
    assert town.relay.vault.holds(on_bus.name)
    said = on_bus.bus.fact(link.CiphertextDeleted, job=on_bus.name, seal_digest=on_bus.job.seal_digest)
    assert said.reason == "wrong_state"
    assert not on_bus.bus.sync().orders[0].forget
    town.restart()
    assert on_bus.job.destroyed_at is not None
    assert not town.relay.vault.holds(on_bus.name)
    assert on_bus.bus.sync().orders[0].forget


def test_a_late_word_does_not_revive_a_session_that_timed_out(on_bus: OnBus) -> None:
    """Yokohama 2023: under load the wait was over, and then the answer came."""
    request, _ = on_bus.release()
    on_bus.town.clock.forward(900)
    assert state(on_bus.bus.evidence(request, Finding.NO_SHEET, 1)) is S.CANCELED
    on_bus.town.relay.housekeeping.tick()
    assert on_bus.town.relay.sessions.on_bus("bus-1") is None
    assert on_bus.town.relay.store.live_sessions() == []
