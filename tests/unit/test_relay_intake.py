"""The way in: what is taken, what is refused with which sentence, and what a power cut leaves."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cityhall_relay import errors
from cityhall_relay.store.rows import Session
from cityhall_relay.submission import Submission
from cityhall_wire.lifecycle import JobState
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


def test_what_a_power_cut_left_of_an_intake_is_swept(town: Town) -> None:
    job = town.send(town.session()).job
    (town.top / "state" / "bodies" / ("j" + "1" * 24)).write_bytes(b"an orphan")
    (town.top / "state" / "bodies" / ".jhalf.0011223344556677").write_bytes(b"half")
    town.relay.vault.put("j" + "2" * 24, bytes(32), bytes(32))
    town.restart()
    assert [path.name for path in (town.top / "state" / "bodies").iterdir()] == [job.job]
    assert not town.relay.vault.holds("j" + "2" * 24)
    assert town.relay.vault.holds(job.job)
