"""The way in: what is taken, what is refused with which sentence, and what a power cut leaves."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cityhall_base.printers import PDF, PWG_RASTER, Raster
from cityhall_relay import errors
from cityhall_relay.intake.errors import IntakeRefused, RefusedUnlessFlattened
from cityhall_relay.intake.report import Drawing, Finding, IntakeLimits, Refusal, Report
from cityhall_relay.store.rows import Session
from cityhall_relay.submission import Submission
from cityhall_relay.views import job_view
from cityhall_wire.lifecycle import JobState
from cityhall_wire.sheets import Sides
from tests.relay_city import CITY, Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


REFUSALS: list[tuple[type[errors.RelayError], Callable[[Town, Session], Any]]] = [
    (errors.NoSessionError, lambda town, session: town.send(ended(town, session))),
    (errors.WrongSectionError, lambda town, session: town.send(session, service="tax-certificate")),
    (errors.UnknownPlaceError, lambda town, session: town.send(session, service="passport")),
    (errors.CopiesError, lambda town, session: town.send(session, copies=2)),
    (errors.TooManySheetsError, lambda town, session: town.send(session, b"4 pages")),
    (errors.FlattenError, lambda town, session: town.send(session, flatten=True)),
    (errors.ClerkBusyError, lambda town, session: town.session(bus="bus-2")),
    (errors.BusBusyError, lambda town, session: town.session("clerk-2")),
    (errors.UnknownPlaceError, lambda town, session: town.session("clerk-2", "bus-9")),
]


def ended(town: Town, session: Session) -> Session:
    return town.relay.sessions.close(session.clerk, session.session)


@pytest.mark.parametrize(("error", "act"), REFUSALS)
def test_what_is_refused_leaves_nothing_behind(town: Town, error: type[errors.RelayError], act: Any) -> None:
    session = town.session()
    with pytest.raises(error) as refused:
        act(town, session)
    assert refused.value.sentence.startswith(str(error.__doc__))
    assert not town.relay.store.live_jobs()
    assert not list((town.top / "state" / "bodies").iterdir())


def test_a_session_that_ends_during_the_check_takes_the_document_along(town: Town) -> None:
    session = town.session()

    async def clerk_leaves(document: bytes, limits: Any, drawing: Any) -> Any:
        town.relay.sessions.close(session.clerk, session.session)
        return await check(document, limits, drawing)

    check, town.relay.submissions._check = town.relay.submissions._check, clerk_leaves
    ask = Submission(clerk="clerk-1", session=session.session, service="resident-record", number="a" * 32, copies=1)
    with pytest.raises(errors.NoSessionError):
        asyncio.run(town.take(ask, b"a document"))
    assert not town.relay.store.live_jobs()
    assert not list((town.top / "state" / "bodies").iterdir())
    assert town.relay.keys.db.execute("select count(*) from wrapped").fetchone() == (0,)


def test_the_same_submission_is_the_same_job(town: Town) -> None:
    session = town.session()
    first = town.send(session, number="b" * 32)
    again = town.send(session, number="b" * 32)
    assert (first.new, again.new) == (True, False)
    assert first.job == again.job
    with pytest.raises(errors.SubmissionReusedError):
        town.send(session, b"another document", number="b" * 32)
    ended(town, session)
    assert town.send(session, number="b" * 32).job.state is JobState.CANCELED


def test_a_double_click_makes_one_job(town: Town) -> None:
    session = town.session()
    ask = Submission(clerk="clerk-1", session=session.session, service="resident-record", number="c" * 32, copies=1)

    async def twice() -> Any:
        return await asyncio.gather(town.take(ask, b"a document"), town.take(ask, b"a document"))

    first, second = asyncio.run(twice())
    assert {first.new, second.new} == {True, False}
    assert first.job.job == second.job.job


def test_a_bus_takes_no_more_than_it_may_hold(tmp_path: Path) -> None:
    town = Town(tmp_path, CITY + b"[limits]\noffers_per_bus = 1\n")
    session = town.session()
    town.send(session)
    with pytest.raises(errors.BusFullError):
        town.send(session)


def test_check_words_of_live_jobs_differ(town: Town) -> None:
    session = town.session()
    words = {town.send(session).job.check_word for _ in range(10)}
    assert len(words) == 10


def test_the_seal_header_says_what_the_city_configured(town: Town) -> None:
    header = town.send(town.session(), b"3 pages").job.header
    assert (header.impressions, header.sheets, header.joint_seal, header.size) == (3, 3, True, 7)
    assert (header.paper, header.media, header.service) == ("controlled", "iso_a4_210x297mm", "resident-record")


def ordered(town: Town) -> list[Drawing | None]:
    """What the disposable process is asked to draw, from now on."""
    orders, check = [], town.relay.submissions._check

    async def noting(document: bytes, limits: IntakeLimits, drawing: Drawing | None) -> Report:
        orders.append(drawing)
        return await check(document, limits, drawing)

    town.relay.submissions._check = noting
    return orders


def test_a_printer_without_pdf_gets_its_pages_drawn_before_they_are_sealed(town: Town) -> None:
    orders = ordered(town)
    job = town.send(town.session(bus="bus-3"), b"3 pages").job
    (order,) = orders
    assert order == Drawing(
        document_format=PWG_RASTER,
        raster=Raster(),
        media="iso_a4_210x297mm",
        sides=Sides.ONE_SIDED,
        most_pages=3,
    )
    header = job.header
    assert (header.document_format, header.impressions, header.sheets, header.size) == (PWG_RASTER, 3, 3, 14)
    view = job_view(town.relay.store, town.relay.city.city, job)
    assert (view.prepared, view.document_size) == ("pwg-raster 300 dpi", 7)


def test_a_printer_with_pdf_gets_the_document_as_it_came(town: Town) -> None:
    orders = ordered(town)
    job = town.send(town.session()).job
    assert (orders, job.prepared, job.header.size) == ([None], "pdf as sent", job.size)


@pytest.mark.parametrize(
    ("bus", "kind", "prepared"),
    [("bus-1", PDF, "flattened 300 dpi"), ("bus-3", PWG_RASTER, "flattened pwg-raster 300 dpi")],
)
def test_a_clerk_may_have_pictures_printed_where_the_service_allows_it(
    town: Town, bus: str, kind: str, prepared: str
) -> None:
    orders = ordered(town)
    job = town.send(town.session(bus=bus), b"4 pages", service="claim-form", flatten=True).job
    assert [(order.document_format, order.flatten, order.most_pages) for order in orders if order] == [(kind, True, 4)]
    assert (job.prepared, job.header.document_format) == (prepared, kind)
    assert (job.header.impressions, job.header.sheets) == (4, 2)


def test_a_resent_document_is_the_same_job_although_another_size_was_sealed(town: Town) -> None:
    session = town.session(bus="bus-3")
    first = town.send(session, service="claim-form", number="d" * 32, flatten=True)
    assert town.send(session, service="claim-form", number="d" * 32, flatten=True).job == first.job
    with pytest.raises(errors.SubmissionReusedError):
        town.send(session, service="claim-form", number="d" * 32)


@pytest.mark.parametrize(
    ("service", "flatten", "refusals", "told"),
    [
        ("claim-form", False, (Refusal.SCRIPT, Refusal.ATTACHMENT), True),
        ("claim-form", False, (Refusal.SCRIPT, Refusal.ENCRYPTED), False),
        ("claim-form", True, (Refusal.DAMAGED,), False),
        ("resident-record", False, (Refusal.SCRIPT,), False),
    ],
)
def test_a_refusal_says_that_a_picture_would_do_only_where_it_would(
    town: Town, service: str, flatten: bool, refusals: tuple[Refusal, ...], told: bool
) -> None:
    async def refuse(document: bytes, limits: IntakeLimits, drawing: Drawing | None) -> Report:
        raise IntakeRefused(*(Finding(refusal=refusal) for refusal in refusals))

    town.relay.submissions._check = refuse
    with pytest.raises(IntakeRefused) as refused:
        town.send(town.session(), service=service, flatten=flatten)
    assert isinstance(refused.value, RefusedUnlessFlattened) is told
    assert ("--flatten" in str(refused.value)) is told
    assert len(refused.value.findings) == len(refusals)


def test_what_a_power_cut_left_of_an_intake_is_swept(town: Town) -> None:
    job = town.send(town.session()).job
    (town.top / "state" / "bodies" / ("j" + "1" * 24)).write_bytes(b"an orphan")
    (town.top / "state" / "bodies" / ".jhalf.0011223344556677").write_bytes(b"half")
    town.relay.vault.put("j" + "2" * 24, bytes(32), bytes(32))
    town.restart()
    assert [path.name for path in (town.top / "state" / "bodies").iterdir()] == [job.job]
    assert not town.relay.vault.holds("j" + "2" * 24)
    assert town.relay.vault.holds(job.job)
