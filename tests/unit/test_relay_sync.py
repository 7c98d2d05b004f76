"""The plan: what a bus should have, whatever was lost, doubled or late on the way."""

import json
from pathlib import Path

import msgspec
import pytest

from cityhall_relay import planner
from cityhall_relay.errors import NotAllowedError
from cityhall_wire.errors import SignatureError
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import envelope, relay
from cityhall_wire.messages.link import HandOver, Holding
from cityhall_wire.seal import OpenerKey
from tests.relay_city import CITY, HandMadeBus, Town, carried, desk_bus


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


def test_a_job_is_offered_until_the_bus_holds_it(town: Town) -> None:
    job = town.send(town.session()).job
    bus = desk_bus(town)
    for _ in range(2):
        (offer,) = bus.sync().offers
        assert town.state(job.job) is JobState.OFFERED
    bus.hold(offer, JobState.OFFERED, received=10)
    plan = bus.sync()
    assert not plan.offers
    assert [(order.state, order.approved) for order in plan.orders] == [(JobState.OFFERED, False)]
    bus.hold(offer)
    assert bus.sync().orders[0].state is JobState.ON_BUS


def test_a_bus_that_lost_its_disk_is_offered_everything_again(town: Town) -> None:
    on_bus = carried(town)
    on_bus.bus.held.clear()
    assert len(on_bus.bus.sync().offers) == 1
    assert on_bus.state is JobState.ON_BUS


def test_the_inventory_travels_only_when_it_is_news(town: Town) -> None:
    bus = desk_bus(town)
    town.send(town.session())
    unknown = bus.sync(inventory=None)
    assert unknown.inventory_wanted
    assert not unknown.offers
    assert unknown.lease is not None
    assert not bus.sync().inventory_wanted
    quiet = bus.sync(inventory=None)
    assert not quiet.inventory_wanted
    assert len(quiet.offers) == 1


def test_the_lease_answers_the_nonce_and_the_session_is_the_buss_own(town: Town) -> None:
    session = town.session()
    bus = desk_bus(town)
    sync = bus.sync(nonce=b"n" * 32)
    assert sync.lease == relay.Lease(nonce=b"n" * 32, seconds=600)
    assert sync.session is not None
    assert (sync.session.session, sync.session.slot, sync.session.seconds_left) == (session.session, 3, 900)
    assert desk_bus(town, "bus-2").sync().session is None


def test_a_suspended_bus_gets_neither_lease_nor_session_nor_release(town: Town) -> None:
    on_bus = carried(town)
    store = town.relay.store
    store.save_bus(msgspec.structs.replace(store.bus("bus-1"), suspended=True))
    plan = on_bus.bus.sync()
    assert (plan.lease, plan.session) == (None, None)
    assert on_bus.bus.asks(on_bus.bus.request(on_bus.job, OpenerKey())).reason == "no_session"


def test_one_job_is_never_offered_to_another_bus(town: Town) -> None:
    town.send(town.session())
    assert not desk_bus(town, "bus-2").sync().offers


def test_a_repeated_message_has_the_same_effect_and_an_older_one_is_stale(town: Town) -> None:
    on_bus = carried(town)
    bus = on_bus.bus
    on_bus.release()
    message = HandOver(**bus.place(), job=on_bus.name, attempt=1)
    raw = envelope.sign(message, town.keys.link["bus-1"])
    assert bus.opened(bus.post("/1/evidence", raw)) == bus.opened(bus.post("/1/evidence", raw))
    bus.seq -= 1
    stale = bus.fact(HandOver, job=on_bus.name, attempt=7)
    assert isinstance(stale, relay.Stale)
    assert (stale.boot, stale.seq) == (bus.boot, bus.seq)
    bus.boot, bus.seq = bus.boot + 1, 0
    assert isinstance(bus.sync(), relay.Plan)


def test_a_lost_plan_is_no_second_box_and_an_old_token_is(town: Town) -> None:
    bus = desk_bus(town)
    bus.sync()
    first = bus.token
    bus.sync()
    for _ in range(3):  # three answers in a row are lost
        bus.sync(token=bus.token)
    assert "clone" not in kinds(town)
    bus.sync()
    bus.sync()
    assert bus.sync(token=first).locked == "clone"
    assert kinds(town).count("clone") == 1


def kinds(town: Town) -> list[str]:
    return [kind for (kind,) in town.relay.store.db.execute("select kind from journal").fetchall()]  # type: ignore[attr-defined]


def test_unknown_holdings_are_dead_unless_a_sheet_may_have_come_out(town: Town) -> None:
    bus = desk_bus(town)
    for number, state in enumerate((JobState.ON_BUS, JobState.UNCERTAIN)):
        name = f"j{number:024x}"
        bus.held[name] = Holding(job=name, state=state, attempt=1, received=0, approved=False)
    (order,) = bus.sync().orders
    assert (order.job, order.state, order.forget) == (f"j{0:024x}", JobState.CANCELED, True)


def test_a_plan_never_outgrows_its_envelope(town: Town) -> None:
    bus = desk_bus(town)
    town.send(town.session())
    plan = bus.sync()
    orders = tuple(
        relay.Order(job=f"j{n:024x}", state=JobState.HANDED_OVER, attempt=1000, approved=True) for n in range(200)
    )
    offer = msgspec.structs.replace(plan.offers[0], seal_header=bytes(1000))
    big = msgspec.structs.replace(plan, offers=(offer,) * 50, orders=orders)
    fitting = planner.fit(big, town.keys.relay)
    assert len(envelope.sign(fitting, town.keys.relay)) <= envelope.ENVELOPE_BYTES
    assert 0 < len(fitting.offers) < 50
    assert len(fitting.orders) == 200


def test_offers_stop_at_the_citys_limit(tmp_path: Path) -> None:
    town = Town(tmp_path, CITY + b"[limits]\noffers_per_bus = 2\n")
    session = town.session()
    jobs = [town.send(session).job for _ in range(2)]
    assert len(planner.offers([*jobs, *jobs], (), 3)) == 3
    assert len(desk_bus(town).sync().offers) == 2


def test_another_buss_envelope_is_not_taken(town: Town) -> None:
    desk = town.relay.bus_desk
    foreign = HandMadeBus(town.keys, "bus-2", lambda path, raw: desk.answer("bus-1", raw, ("sync",)), town.clock.utc_ms)
    with pytest.raises(SignatureError):
        foreign.sync()
    liar = desk_bus(town)
    with pytest.raises(NotAllowedError):
        liar.sync(bus="bus-2")
    with pytest.raises(NotAllowedError):
        liar.sync(city="another")
    with pytest.raises(NotAllowedError):
        desk.enrolled("relay")


def test_what_is_not_understood_is_answered_so(town: Town) -> None:
    bus = desk_bus(town)
    raw = envelope.sign(bus.sync_message(), town.keys.link["bus-1"])
    wrong_address = bus.opened(town.relay.bus_desk.answer("bus-1", raw, ("evidence",))).message
    assert isinstance(wrong_address, relay.Refusal)
    assert wrong_address.reason == "not_understood"
    newer = raw.replace(b'"kind":"sync"', b'"kind":"brand-new"')
    unknown = bus.opened(town.relay.bus_desk.answer("bus-1", newer, ("sync",))).message
    assert isinstance(unknown, relay.Refusal)
    assert unknown.reason == "not_understood"


def test_no_record_names_anybody_or_anything_of_a_document(town: Town) -> None:
    on_bus = carried(town, document=b"1 page about Hase Hanako")
    on_bus.release()
    rows = town.relay.store.db.execute("select body from journal").fetchall()  # type: ignore[attr-defined]
    assert all("Hanako" not in body and json.loads(body) is not None for (body,) in rows)
