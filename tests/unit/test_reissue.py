"""What follows a spoiled sheet: one reissue that names it, or none. And what a clerk does where nobody on the bus can say."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cityhall_relay.errors import (
    NotFoundError,
    ReissueError,
    ReissueSheetError,
    ReissueUsedError,
    ResendError,
    SubmissionReusedError,
    TooLateError,
)
from cityhall_relay.reissue import Reissue
from cityhall_relay.store.rows import Job, Session
from cityhall_relay.submission import Submission
from cityhall_relay.views import job_view
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import link
from cityhall_wire.messages.printing import Finding
from tests.relay_city import OnBus, Town, carried, desk_bus

S = JobState


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


@pytest.fixture
def doubtful(town: Town) -> OnBus:
    """Two sheets, of which nobody knows what came out."""
    on_bus = carried(town, document=b"2 pages")
    request, _ = on_bus.release()
    on_bus.bus.evidence(request, Finding.DOUBT, 1, why="printer_restarted")
    assert on_bus.state is S.UNCERTAIN
    return on_bus


def spoil(on_bus: OnBus, *sheets: str, **fields: Any) -> Any:
    said = {"job": on_bus.name, "attempt": on_bus.job.attempt, "why": "jam", "sheets": sheets}
    return on_bus.bus.fact(link.Spoiled, **said | fields)


def reissue(
    on_bus: OnBus, sheet: str, session: Session | None = None, service: str = "resident-record", number: str = "1" * 32
) -> Job:
    session = session or on_bus.session
    ask = Submission(
        clerk=session.clerk,
        session=session.session,
        service=service,
        number=number,
        copies=1,
        reissue=Reissue(of=on_bus.name, sheet=sheet),
    )
    return asyncio.run(on_bus.town.take(ask, b"2 pages")).job


def view(on_bus: OnBus) -> Any:
    return job_view(on_bus.town.relay.store, on_bus.town.relay.city.city, on_bus.job)


def test_a_spoiled_sheet_is_entered_with_its_number_and_allows_one_new_job(doubtful: OnBus) -> None:
    spoil(doubtful, "A-0017", came_out=1)
    (entry,) = doubtful.town.relay.store.sheets(doubtful.name)
    assert (entry.kind, entry.sheets, entry.named, entry.why) == ("spoiled", 1, ("A-0017",), "jam")
    new = reissue(doubtful, "A-0017")
    assert (new.state, new.approved_at, new.header.reissue_of) == (S.SEALED, None, doubtful.name)
    assert (view(doubtful).reissue, view(doubtful).do.detail) == (new.job, new.job)


def test_there_is_no_second_reissue_whoever_asks(doubtful: OnBus) -> None:
    spoil(doubtful, "A-0017", "A-0018")
    first = reissue(doubtful, "A-0018")
    assert reissue(doubtful, "A-0018") == first, "the same submission again is the same job"
    with pytest.raises(ReissueUsedError):
        reissue(doubtful, "A-0017", number="2" * 32)
    doubtful.town.relay.sessions.close("clerk-1", doubtful.session.session)
    with pytest.raises(SubmissionReusedError):
        reissue(doubtful, "A-0018", doubtful.town.session("clerk-2"))


def test_a_reissue_of_which_no_sheet_came_out_may_be_sent_again(doubtful: OnBus) -> None:
    spoil(doubtful, "A-0017", "A-0018")
    first = reissue(doubtful, "A-0018")
    doubtful.town.relay.clerk_desk.cancel("clerk-1", first.job)
    second = reissue(doubtful, "A-0018", number="2" * 32)
    assert view(doubtful).reissue == second.job


def test_another_clerk_may_send_it_in_another_session_of_the_same_bus(doubtful: OnBus) -> None:
    spoil(doubtful, "A-0017", "A-0018")
    town = doubtful.town
    town.relay.sessions.close("clerk-1", doubtful.session.session)
    assert reissue(doubtful, "A-0017", town.session("clerk-2")).reissue_of == doubtful.name


def test_neither_another_bus_nor_another_service_gets_it(doubtful: OnBus) -> None:
    spoil(doubtful, "A-0017", "A-0018")
    elsewhere = doubtful.town.session("clerk-2", "bus-2")
    with pytest.raises(NotFoundError):
        reissue(doubtful, "A-0017", elsewhere)
    with pytest.raises(NotFoundError):
        reissue(doubtful, "A-0017", service="claim-form")


@pytest.mark.parametrize("sheet", ["", "A-0019", "a-0017"])
def test_the_sheet_must_be_the_one_that_the_concierge_reported(doubtful: OnBus, sheet: str) -> None:
    spoil(doubtful, "A-0017", "A-0018")
    with pytest.raises(ReissueSheetError):
        reissue(doubtful, sheet)


def test_nothing_is_reissued_before_somebody_has_said_what_came_out(doubtful: OnBus) -> None:
    with pytest.raises(ReissueError):
        reissue(doubtful, "A-0017")
    doubtful.bus.fact(link.NothingCameOut, job=doubtful.name, attempt=1)
    with pytest.raises(ReissueError):
        reissue(doubtful, "A-0017")


def test_numbers_that_an_inventory_overtook_are_entered_when_they_arrive(doubtful: OnBus) -> None:
    doubtful.bus.now(doubtful.name, state=S.SPOILED)
    doubtful.bus.sync()
    with pytest.raises(ReissueSheetError):
        reissue(doubtful, "A-0017")
    assert spoil(doubtful, "A-0017", "A-0018").state is S.SPOILED
    assert view(doubtful).spoiled_sheets == ("A-0017", "A-0018")
    spoil(doubtful, "B-1", "B-2")
    assert view(doubtful).spoiled_sheets == ("A-0017", "A-0018"), "what was entered once stays"
    assert reissue(doubtful, "A-0017").reissue_of == doubtful.name


def test_a_clerk_ends_what_nobody_on_the_bus_can_resolve(doubtful: OnBus) -> None:
    town = doubtful.town
    assert view(doubtful).why.key == "reason.printer_restarted"
    job = town.relay.clerk_desk.void("clerk-1", doubtful.name, ("A-0017",))
    assert (job.state, job.why) == (S.SPOILED, "voided")
    (entry,) = town.relay.store.sheets(doubtful.name)
    assert (entry.kind, entry.named) == ("spoiled", ("A-0017",))
    assert not town.relay.vault.holds(doubtful.name)
    assert [order.state for order in doubtful.bus.sync().orders] == [S.SPOILED]
    assert view(doubtful).void
    with pytest.raises(ReissueUsedError):
        reissue(doubtful, "A-0017")


def test_a_hand_over_that_came_after_the_void_is_refused_and_stays_on_record(doubtful: OnBus) -> None:
    town = doubtful.town
    town.relay.clerk_desk.void("clerk-1", doubtful.name, ())
    assert doubtful.bus.fact(link.HandOver, job=doubtful.name, attempt=1).reason == "wrong_state"
    rows = town.relay.store.db.execute("select body from journal where kind = 'fact_refused'").fetchall()  # type: ignore[attr-defined]
    assert ['"said":"hand-over"' in body for (body,) in rows] == [True]


def test_a_spoiled_document_is_declared_void_once_and_not_after_its_reissue(doubtful: OnBus) -> None:
    spoil(doubtful, "A-0017", "A-0018")
    desk = doubtful.town.relay.clerk_desk
    first = desk.void("clerk-1", doubtful.name, ())
    assert desk.void("clerk-1", doubtful.name, ()) == first
    with pytest.raises(ReissueUsedError):
        reissue(doubtful, "A-0017")


def test_nothing_else_can_be_declared_void_and_by_nobody_else(doubtful: OnBus) -> None:
    desk = doubtful.town.relay.clerk_desk
    with pytest.raises(NotFoundError):
        desk.void("clerk-2", doubtful.name, ())
    doubtful.bus.fact(link.HandOver, job=doubtful.name, attempt=1)
    with pytest.raises(TooLateError):
        desk.void("clerk-1", doubtful.name, ())


def test_a_reissue_leaves_no_way_to_declare_the_first_one_void(doubtful: OnBus) -> None:
    spoil(doubtful, "A-0017", "A-0018")
    reissue(doubtful, "A-0017")
    with pytest.raises(ReissueUsedError):
        doubtful.town.relay.clerk_desk.void("clerk-1", doubtful.name, ())


def test_a_clerk_refuses_for_want_of_identity_before_the_release_only(town: Town) -> None:
    on_bus, desk = carried(town), town.relay.clerk_desk
    job = desk.refuse("clerk-1", on_bus.name, "identity")
    assert (job.state, job.why) == (S.REFUSED, "identity")
    assert desk.refuse("clerk-1", on_bus.name, "identity") == town.job(on_bus.name)
    town.relay.sessions.close("clerk-1", on_bus.session.session)
    released = carried(town, "bus-2")
    released.release()
    with pytest.raises(TooLateError):
        desk.refuse("clerk-1", released.name, "identity")


def test_the_concierge_refuses_for_want_of_paper(town: Town) -> None:
    on_bus = carried(town)
    assert on_bus.bus.fact(link.Refused, job=on_bus.name, attempt=1, why="paper").state is S.REFUSED
    assert on_bus.job.why == "paper"


def test_two_clerks_must_allow_what_the_service_demands_of_two(town: Town) -> None:
    session, desk = town.session(), town.relay.clerk_desk
    job = town.send(session, service="two-approvers").job
    with pytest.raises(NotFoundError):
        desk.job("clerk-2", job.job)
    for _ in range(2):
        desk.approve("clerk-1", job.job)
    bus = desk_bus(town)
    assert not bus.sync().offers[0].approved
    shown = job_view(town.relay.store, town.relay.city.city, desk.job("clerk-2", job.job))
    assert (shown.approved, shown.approvals, shown.approvals_needed) == (False, ("clerk-1",), 2)
    assert shown.do is not None
    assert shown.do.key == "clerk.do.second"
    for forbidden in (desk.cancel, lambda clerk, name: desk.refuse(clerk, name, "identity")):
        with pytest.raises(NotFoundError):
            forbidden("clerk-2", job.job)
    assert desk.approve("clerk-2", job.job).approved_at is not None
    with pytest.raises(NotFoundError):
        desk.job("clerk-2", job.job)


def test_the_same_document_again_waits_for_a_click(town: Town) -> None:
    session, desk = town.session(), town.relay.clerk_desk
    first, other, second = (town.send(session, document).job for document in (b"one", b"other", b"one"))
    assert (first.resend_of, other.resend_of, second.resend_of) == ("", "", first.job)
    with pytest.raises(ResendError):
        desk.approve("clerk-1", second.job)
    assert desk.approve("clerk-1", second.job, again=True).approved_at is not None
    for job in (first, second):
        desk.cancel("clerk-1", job.job)
    assert town.send(session, b"one").job.resend_of == "", "nothing of the ones before came out"


def test_the_times_are_those_of_arriving_not_of_what_was_said_later(town: Town) -> None:
    on_bus = carried(town)
    request, _ = on_bus.release()
    on_bus.bus.evidence(request, Finding.SENDING, 1)
    arrived = town.clock.now
    town.clock.forward(5)
    on_bus.bus.evidence(request, Finding.SENT, 2)
    assert view(on_bus).times["printing"] == arrived
