"""Theft at every state of a job's life: after `revoke` nothing opens, and the signed statement says what was there, truly.

The thief has the bus's disk: database, ciphertext, link and print keys. He speaks with them, as the hand-made bus does.
"""

import asyncio
import json
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
import pytest

from cityhall_base.keys import load_public_key
from cityhall_base.store import Store
from cityhall_base.words import Language
from cityhall_relay.boss import KEYS_DB, RELAY_DB
from cityhall_relay.broker_gate import CONTROL, Gate
from cityhall_relay.cli import main
from cityhall_relay.client.errors import StatementError
from cityhall_relay.client.revocation import whole
from cityhall_relay.client.statement_text import text
from cityhall_relay.errors import BusSuspendedError, KeyGoneError
from cityhall_relay.hints import Hints
from cityhall_relay.incidents import What
from cityhall_relay.revocation import Step
from cityhall_relay.revocation_steps import BROKER_S
from cityhall_relay.store.rows import Side
from cityhall_relay.vault import Vault, key_migrations
from cityhall_wire.lifecycle import BEFORE_RELEASE, ENDS, JobState
from cityhall_wire.messages import link, relay
from cityhall_wire.messages.envelope import Role
from cityhall_wire.messages.printing import Finding, ReleaseRequest
from cityhall_wire.messages.statement import Connection, Ended, Statement
from cityhall_wire.seal import OpenerKey
from tests.relay_city import BUSES, HandMadeBus, OnBus, Town, carried, desk_bus, in_memory, public_pem, token

S = JobState
BUS: Final = "bus-1"
REVOKED: Final = "revoked"


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    with in_memory("theft-") as path:
        yield path


class Scene(NamedTuple):
    """What the thief finds, and what a true statement must say of it."""

    on_bus: OnBus
    request: ReleaseRequest | None = None
    given: tuple[Ended, ...] = ()


def _sealed(town: Town) -> Scene:
    session = town.session()
    return Scene(OnBus(town, desk_bus(town), session, town.send(session, b"a document").job.job))


def _offered(town: Town) -> Scene:
    scene = _sealed(town)
    scene.on_bus.bus.hold(scene.on_bus.bus.sync().offers[0], S.OFFERED, received=7)
    scene.on_bus.bus.sync()
    return scene


def _unapproved(town: Town) -> Scene:
    return Scene(carried(town, approve=False))


def _approved(town: Town) -> Scene:
    return Scene(carried(town))


def _releasing(town: Town) -> Scene:
    on_bus = carried(town)
    return Scene(on_bus, on_bus.release()[0], (Ended.UNKNOWN,))


def _after(town: Town, *findings: Finding, ended: Ended = Ended.UNKNOWN) -> Scene:
    scene = _releasing(town)
    assert scene.request is not None
    for n, finding in enumerate(findings, 1):
        scene.on_bus.bus.evidence(scene.request, finding, n, impressions=int(finding is Finding.COMPLETED))
    return scene._replace(given=(ended,))


def _printing(town: Town) -> Scene:
    return _after(town, Finding.SENDING)


def _printed(town: Town) -> Scene:
    return _after(town, Finding.SENDING, Finding.SENT, Finding.COMPLETED, ended=Ended.COMPLETED)


def _uncertain(town: Town) -> Scene:
    return _after(town, Finding.SENDING, Finding.DOUBT)


def _second_attempt(town: Town) -> Scene:
    scene = _after(town, Finding.NO_SHEET, ended=Ended.NO_SHEET)
    return scene._replace(request=scene.on_bus.release()[0], given=(Ended.NO_SHEET, Ended.UNKNOWN))


def _fact(scene: Scene, kind: type[link.LinkMessage], **fields: object) -> Scene:
    scene.on_bus.bus.fact(kind, job=scene.on_bus.name, attempt=1, **fields)
    return scene


def _by_clerk(town: Town, does: Callable[[Town, str], object]) -> Scene:
    scene = _approved(town)
    does(town, scene.on_bus.name)
    return scene


def _expired(town: Town) -> Scene:
    scene = _unapproved(town)
    town.clock.forward(601)
    town.relay.housekeeping.tick()
    return scene


SCENES: Final[dict[str, tuple[Callable[[Town], Scene], JobState]]] = {
    "sealed": (_sealed, S.SEALED),
    "offered": (_offered, S.OFFERED),
    "on_bus before approval": (_unapproved, S.ON_BUS),
    "on_bus after approval": (_approved, S.ON_BUS),
    "release given and unused": (_releasing, S.RELEASING),
    "released and sending": (_printing, S.PRINTING),
    "released a second time": (_second_attempt, S.RELEASING),
    "printed": (_printed, S.PRINTED),
    "uncertain": (_uncertain, S.UNCERTAIN),
    "handed_over": (lambda town: _fact(_printed(town), link.HandOver), S.HANDED_OVER),
    "spoiled": (lambda town: _fact(_uncertain(town), link.Spoiled, sheets=("?",), why="jam"), S.SPOILED),
    "not_printed": (lambda town: _fact(_uncertain(town), link.NothingCameOut), S.NOT_PRINTED),
    "canceled": (lambda town: _by_clerk(town, lambda t, job: t.relay.clerk_desk.cancel("clerk-1", job)), S.CANCELED),
    "refused": (
        lambda town: _by_clerk(town, lambda t, job: t.relay.clerk_desk.refuse("clerk-1", job, "identity")),
        S.REFUSED,
    ),
    "expired": (_expired, S.EXPIRED),
}


def test_the_scenes_are_all_states_that_there_are() -> None:
    assert {state for _, state in SCENES.values()} == set(JobState)


def body_of(town: Town, job: str) -> int:
    """The status of the thief's question for ciphertext."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await town.relay.bus_app({**scope, "state": {"peer": BUS}}, receive, send)

    async def ask() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://relay") as client:
            return (await client.get(f"/1/body/{job}", headers={"Range": "bytes=0-9"})).status_code

    return asyncio.run(ask())


def statement_of(town: Town) -> tuple[Statement, ...]:
    """Verified as a stranger does: from lines of a file, with the public key alone."""
    last = town.relay.store.statements(BUS)[-1].suspension
    parts = [one.envelope for one in town.relay.store.statements(BUS) if one.suspension == last]
    return whole(b"\n".join(parts), {Role.RELAY: (town.keys.relay.public_key(),)})


@pytest.mark.parametrize("scene", SCENES)
def test_after_revoke_nothing_opens_and_the_statement_is_true(tmp_path: Path, scene: str) -> None:
    (tmp_path / "town").mkdir()
    town = Town(tmp_path / "town")
    made, state = SCENES[scene][0](town), SCENES[scene][1]
    on_bus, thief, name = made.on_bus, made.on_bus.bus, made.on_bus.name
    assert on_bus.state is state
    backup = backup_of(town, tmp_path / "backup")
    before_step = len(town.relay.store.steps(name))

    town.relay.revocation.revoke(BUS, "stolen", "clerk-1")
    nothing_opens(town, made)
    town.restart()
    nothing_opens(town, made)
    backup_opens_nothing(backup, town, name)
    the_statement_is_true(town, made, state)
    assert len(town.relay.store.steps(name)) - before_step == (0 if state in ENDS | {S.PRINTED, S.UNCERTAIN} else 1)
    what_is_said_afterwards_moves_only_what_the_table_allows(town, made)
    nothing_opens(town, made)
    assert thief.sync().locked == REVOKED


def nothing_opens(town: Town, made: Scene) -> None:
    on_bus, thief = made.on_bus, made.on_bus.bus
    plan = thief.sync()
    assert (plan.locked, plan.lease, plan.session, plan.offers) == (REVOKED, None, None, ())
    assert isinstance(thief.asks(thief.request(on_bus.job, OpenerKey())), relay.Refusal)
    if made.request is not None:
        assert isinstance(thief.asks(made.request), relay.Refusal), "the identical request that was answered before"
    assert body_of(town, on_bus.name) == 404
    called = thief.fact(link.Call, session="s" + secrets.token_hex(12), section="citizen", stop="hall", slot=0)
    assert (type(called), called.reason) == (relay.Refusal, "suspended")
    with pytest.raises(BusSuspendedError):
        town.relay.sessions.open("clerk-2", BUS, "citizen", "hall", 0)
    assert town.relay.sessions.on_bus(BUS) is None
    with pytest.raises(KeyGoneError):
        town.relay.vault.take(on_bus.name, on_bus.job.seal_digest)
    assert [town.relay.store.release(on_bus.name, attempt) for attempt in range(1, 4)] == [None] * 3
    assert not (town.top / "state" / "bodies" / on_bus.name).exists()


def backup_of(town: Town, to: Path) -> Path:
    """Both databases of this moment, as a backup has them: the days' keys are no part of one."""
    to.mkdir()
    for name in (RELAY_DB, KEYS_DB):
        for file in (town.top / "state").glob(f"{name}*"):
            if not file.name.endswith(("-shm", ".lock")):
                shutil.copy(file, to / file.name)
    return to


def backup_opens_nothing(backup: Path, town: Town, job: str) -> None:
    keys = Store(backup / KEYS_DB, key_migrations(), town.clock)
    with pytest.raises(KeyGoneError):
        Vault(keys, backup / "wrapping", town.clock).take(job, town.job(job).seal_digest)
    keys.close()


def the_statement_is_true(town: Town, made: Scene, state: JobState) -> None:
    (said,), store, job = statement_of(town), town.relay.store, made.on_bus.job
    assert (said.bus, said.reason, said.by, said.revoked_at) == (BUS, "stolen", "clerk-1", town.clock.now)
    assert said.last_sync_at is None if state is S.SEALED else said.last_sync_at is not None
    assert said.lease_until == (None if state is S.SEALED else (said.last_sync_at or 0) + 600_000)
    assert said.connection is Connection.NONE
    (held,) = said.jobs
    assert (held.job, held.before, held.state, held.size) == (job.job, state, job.state, job.body_size)
    assert held.received == {S.SEALED: 0, S.OFFERED: 7}.get(state, job.body_size)
    assert tuple(one.ended for one in held.given) == made.given
    assert held.key_destroyed is (not town.relay.vault.holds(job.job)) is True
    assert held.day_key_until is not None, "the day is not over yet, and the statement says so"
    assert (held.relay_receipt is not None) == job.ended == (store.receipt(job.job, Side.RELAY) is not None)
    assert held.bus_receipt is None
    digests = {one.payload_digest for one in store.evidence_of_job(job.job)}
    assert {one for given in held.given for one in given.evidence} == digests
    for language in Language:
        assert job.job in text((said,), language)


def what_is_said_afterwards_moves_only_what_the_table_allows(town: Town, made: Scene) -> None:
    on_bus, before = made.on_bus, made.on_bus.state
    if made.request is not None and before is S.UNCERTAIN:
        on_bus.bus.evidence(made.request, Finding.NO_SHEET, 7)
        assert on_bus.state is S.CANCELED, "proof that no sheet came out, without a session to go on in"
        return
    if before in ENDS:
        assert isinstance(
            on_bus.bus.fact(link.Doubt, job=on_bus.name, attempt=on_bus.job.attempt, why="x"), relay.Refusal
        )
        assert on_bus.state is before


def test_a_job_that_is_printed_or_uncertain_still_gets_its_word_from_a_person(tmp_path: Path) -> None:
    town = Town(tmp_path)
    scene = _printed(town)
    town.relay.revocation.revoke(BUS, "lost", "clerk-1")
    _fact(scene, link.HandOver)
    assert scene.on_bus.state is S.HANDED_OVER
    assert scene.on_bus.job.destroyed_at is not None


def test_a_bus_that_held_nothing_gets_a_statement_that_says_so(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.relay.revocation.revoke(BUS, "lost", "clerk-1")
    (said,) = statement_of(town)
    assert (said.jobs, said.last_sync_at, said.lease_until, said.signed_away) == ((), None, None, 0)
    assert "held no document" in text((said,), Language.ENGLISH)


def test_what_the_bus_had_signed_away_is_counted_and_not_held(tmp_path: Path) -> None:
    town = Town(tmp_path)
    on_bus = _fact(_printed(town), link.HandOver).on_bus
    on_bus.bus.fact(link.CiphertextDeleted, job=on_bus.name, seal_digest=on_bus.job.seal_digest)
    town.relay.revocation.revoke(BUS, "lost", "clerk-1")
    (said,) = statement_of(town)
    assert (said.jobs, said.signed_away) == ((), 1)


def test_revoking_twice_is_revoking_once_and_other_buses_go_on(tmp_path: Path) -> None:
    town = Town(tmp_path)
    other = carried(town, bus="bus-2")
    first = town.relay.revocation.revoke(BUS, "stolen", "clerk-1")
    again = town.relay.revocation.revoke(BUS, "lost", "clerk-2")
    assert (again.n, again.reason, len(town.relay.store.statements(BUS))) == (first.n, "stolen", 1)
    other.release()
    assert [(one.what, one.detail) for one in town.relay.store.incidents(BUS)] == [(What.LOST, "stolen")]


@pytest.mark.parametrize("step", ["jobs", "keys", "broker", "statement"])
def test_a_revocation_that_was_cut_off_goes_on_where_it_stood_and_the_notice_stands_meanwhile(
    tmp_path: Path, step: str, caplog: pytest.LogCaptureFixture
) -> None:
    town = Town(tmp_path)
    on_bus = carried(town)
    revocation = town.relay.revocation

    def full(_: object) -> bool:
        raise OSError(28, "No space left on device")

    revocation.steps = tuple(Step(one.name, full if one.name == step else one.do) for one in revocation.steps)
    revocation.revoke(BUS, "stolen", "clerk-1")
    revocation.go_on()
    assert on_bus.bus.sync().locked == REVOKED
    assert isinstance(on_bus.bus.asks(on_bus.bus.request(on_bus.job, OpenerKey())), relay.Refusal)
    assert not town.relay.store.statements(BUS)
    assert caplog.text.count("not through yet") == 1
    town.restart()
    town.relay.revocation.go_on()
    town.relay.revocation.go_on()
    (said,) = statement_of(town)
    assert said.jobs[0].key_destroyed
    assert said.jobs[0].before is S.ON_BUS


def with_broker(top: Path) -> tuple[Town, Gate, list[tuple[str, Any]]]:
    """A city hall with a broker, of which a test is the other end."""
    town, said = Town(top), []
    town.relay.close()
    broker = ["[broker]", 'host = "localhost"', "port = 1", 'ca = "a"', 'cert = "b"', 'key = "c"', ""]
    path = top / "relay.toml"
    path.write_text("\n".join([path.read_text(), *broker]))
    town.relay = town._build()

    def publish(topic: str, payload: bytes, **_: object) -> None:
        said.append((topic, json.loads(payload)["commands"] if topic == CONTROL else payload))

    gate = Gate("hase", BUSES, publish, town.relay.revocation.revoked)
    town.relay.attach(gate)
    return town, gate, said


def answered(command: str, bus: str, error: str = "") -> bytes:
    done = {"command": command, "correlationData": bus} | ({"error": error} if error else {})
    return json.dumps({"responses": [done]}).encode()


def test_the_statement_waits_for_the_brokers_word_that_the_connection_is_cut(tmp_path: Path) -> None:
    town, gate, said = with_broker(tmp_path)
    town.relay.revocation.revoke(BUS, "stolen", "clerk-1")
    assert (CONTROL, [{"command": "deleteClient", "username": BUS, "correlationData": BUS}]) in said
    assert (f"cityhall/1/hase/{BUS}/state", b"") in said, "what it left there is cleared"
    assert not town.relay.store.statements(BUS)
    town.clock.forward(2)
    gate.heard(answered("deleteClient", BUS))
    (statement,) = statement_of(town)
    assert (statement.connection, statement.connection_cut_at) == (Connection.CUT, town.clock.now)


def test_a_broker_that_is_away_is_said_to_be_and_is_asked_again_when_it_is_back(tmp_path: Path) -> None:
    town, gate, said = with_broker(tmp_path)
    town.relay.revocation.revoke(BUS, "stolen", "clerk-1")
    town.clock.forward(BROKER_S)
    town.relay.revocation.go_on()
    assert statement_of(town)[0].connection is Connection.UNCONFIRMED
    said.clear()
    gate.connected()
    cut = [one for topic, value in said if topic == CONTROL for one in value if one["command"] == "deleteClient"]
    assert [one["username"] for one in cut] == [BUS]
    gate.heard(answered("deleteClient", BUS, "Client not found"))
    assert town.relay.store.suspensions(BUS)[0].gone_at == town.clock.now


def test_a_bus_that_is_let_back_in_gets_its_rights_again_and_then_a_connection_that_has_them(tmp_path: Path) -> None:
    town, gate, said = with_broker(tmp_path)
    town.relay.revocation.revoke(BUS, "stolen", "clerk-1")
    gate.heard(answered("deleteClient", BUS))
    said.clear()
    assert not town.relay.revocation.reinstate(BUS, "clerk-1", "found")
    assert said == []
    assert town.relay.revocation.reinstate(BUS, "clerk-2", "found")
    assert [one["command"] for one in said[0][1]] == ["createRole", "createClient"]
    gate.heard(answered("createRole", BUS, "Role already exists"))
    gate.heard(answered("createClient", BUS))
    assert [one["command"] for one in said[-1][1]] == ["addClientRole"]


@pytest.mark.parametrize(
    "payload", [b"", b"[]", b"\xff", b'{"responses":1}', b'{"responses":[{"command":"deleteClient"}]}', b"{" * 5000]
)
def test_what_a_broker_answers_that_is_no_answer_changes_nothing(tmp_path: Path, payload: bytes) -> None:
    town, gate, _ = with_broker(tmp_path)
    town.relay.revocation.revoke(BUS, "stolen", "clerk-1")
    gate.heard(payload)
    gate.heard(answered("deleteClient", "bus-9"))
    assert town.relay.store.suspensions(BUS)[0].gone_at is None


class DeafMqtt:
    """Stands in for the connection: keeps what is published."""

    connected = True

    def __init__(self) -> None:
        self.said: list[str] = []

    def publish(self, topic: str, payload: bytes, **_: object) -> None:
        self.said.append(topic)


def test_a_revoked_bus_gets_no_hint_and_its_presence_is_not_believed() -> None:
    mqtt: Any = DeafMqtt()
    hints = Hints(mqtt, "hase", BUSES, lambda bus: bus == BUS)
    for bus in (BUS, "bus-2"):
        hints.hint(bus)
        hints._heard(f"cityhall/1/hase/{bus}/state", b'{"v":1,"online":true,"boot":1}')
    assert mqtt.said == ["cityhall/1/hase/bus-2/down/hint"]
    assert (hints.online(BUS), hints.online("bus-2")) == (None, True)


def test_a_statement_verifies_with_the_public_key_alone_and_no_other_thing_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    town = Town(tmp_path)
    scene = _releasing(town)
    town.relay.revocation.revoke(BUS, "stolen", "clerk-1")
    raw = town.relay.store.statements(BUS)[0].envelope
    town.relay.close()
    key, other, file = tmp_path / "relay.pub.pem", tmp_path / "other.pem", tmp_path / "statement"
    key.write_bytes(public_pem(town.keys.relay))
    other.write_bytes(public_pem(town.keys.link[BUS]))
    file.write_bytes(raw + b"\n")
    shutil.rmtree(tmp_path / "state")
    assert load_public_key(key)
    assert main(["verify-statement", str(file), "--key", str(key), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["verified"], said["parts"][0]["jobs"][0]["job"]) == (True, scene.on_bus.name)
    assert main(["verify-statement", str(file), "--key", str(key), "--lang", "ja"]) == 0
    assert "失効" in capsys.readouterr().out
    assert main(["verify-statement", str(file), "--key", str(other)]) == 1
    for broken in (
        raw[:-9] + raw[-8:],
        raw.replace(b'"kind":"statement"', b'"kind":"receipt"'),
        b"",
        raw + b"\n" + raw,
    ):
        file.write_bytes(broken)
        assert main(["verify-statement", str(file), "--key", str(key)]) == 1


def test_the_sheets_that_are_out_stand_in_it_in_as_many_parts_as_it_takes_and_it_is_nothing_without_one(
    tmp_path: Path,
) -> None:
    town = Town(tmp_path)
    ranges = tuple(f"A-{n:05}-{'x' * 60}" for n in range(1500))
    cutting: Any = town.relay.revocation.steps[-1].do
    cutting.__self__._statements._sheets_out = lambda bus: {"controlled": ranges} if bus == BUS else {}
    town.relay.revocation.revoke(BUS, "stolen", "clerk-1")
    said = statement_of(town)
    assert len(said) > 2
    assert tuple(one.numbers for part in said for one in part.sheets_out) == ranges
    assert ranges[-1] in text(said, Language.JAPANESE)
    parts = [one.envelope for one in town.relay.store.statements(BUS)]
    keyring = {Role.RELAY: (town.keys.relay.public_key(),)}
    assert whole(b"\n".join(reversed(parts)), keyring) == said
    with pytest.raises(StatementError):
        whole(b"\n".join(parts[1:]), keyring)


def asked(town: Town, clerk: str, method: str, path: str, body: bytes = b"") -> tuple[int, Any]:
    """A clerk's request, without a socket."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=town.relay.clerk_app(lambda bus: None))
        async with httpx.AsyncClient(transport=transport, base_url="http://relay") as client:
            headers = {"Authorization": f"Bearer {token(clerk)}", "Content-Type": "application/json"}
            return await client.request(method, path, content=body, headers=headers)

    answer = asyncio.run(ask())
    return answer.status_code, answer.json()


def test_revoke_and_reinstate_over_the_clerks_door(tmp_path: Path) -> None:
    town = Town(tmp_path)
    top = f"/1/buses/{BUS}"
    assert asked(town, "clerk-1", "GET", f"{top}/statement")[0] == 404
    for body in (b"", b"{", b'{"reason":"Yamada Taro"}', b'{"reason":"' + b"x" * 5000 + b'"}'):
        assert asked(town, "clerk-1", "POST", f"{top}/revoke", body)[0] in (400, 413)
    assert asked(town, "clerk-1", "POST", "/1/buses/bus-9/revoke", b'{"reason":"stolen"}')[0] == 400
    assert not town.relay.store.bus(BUS).suspended
    status, view = asked(town, "clerk-1", "POST", f"{top}/revoke", b'{"reason":"stolen"}')
    assert (status, view["suspended"], list(view["steps"])) == (200, True, ["jobs", "keys", "broker", "statement"])
    status, statement = asked(town, "clerk-2", "GET", f"{top}/statement")
    assert (status, len(statement["parts"])) == (200, 1)
    ((_, seen),) = [
        (one["bus"], one) for one in asked(town, "clerk-2", "GET", "/1/buses")[1]["buses"] if one["bus"] == BUS
    ]
    assert (seen["suspended"], seen["locked"]["key"]) == (True, "reason.revoked")
    assert asked(town, "clerk-1", "POST", f"{top}/reinstate", b'{"why":"found"}')[0] == 202
    assert asked(town, "clerk-2", "POST", f"{top}/reinstate", b'{"why":"found"}')[0] == 200
    assert asked(town, "clerk-2", "POST", f"{top}/reinstate", b'{"why":"found"}')[0] == 409


def test_a_clerk_without_the_right_takes_no_bus_out_of_service(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.relay.close()
    path = tmp_path / "relay.toml"
    path.write_text(path.read_text().replace('may = ["books", "duty", "revoke"]', 'may = ["books", "duty"]'))
    town.relay = town._build()
    for method, verb, body in (
        ("POST", "revoke", b'{"reason":"stolen"}'),
        ("POST", "reinstate", b'{"why":"found"}'),
        ("GET", "revoke", b""),
        ("GET", "statement", b""),
    ):
        assert asked(town, "clerk-1", method, f"/1/buses/{BUS}/{verb}", body)[0] == 403
    assert not town.relay.store.suspensions()


def test_the_alarm_on_board_revokes_and_is_noted(tmp_path: Path) -> None:
    town = Town(tmp_path)
    on_bus = carried(town)
    for _ in range(2):
        assert isinstance(on_bus.bus.fact(link.Panic), relay.Noted)
    (suspension,) = town.relay.store.suspensions(BUS)
    assert (suspension.reason, suspension.by, suspension.open) == ("panic", "bus", True)
    assert on_bus.state is S.CANCELED
    assert statement_of(town)[0].reason == "panic"


LOCKS: Final[dict[str, dict[str, Any]]] = {
    "software_not_approved": {"software": b"o" * 32},
    "config_differs": {"config": b"o" * 32},
    "clock_wrong": {"at": 1},
}


@pytest.mark.parametrize("reason", LOCKS)
def test_a_bus_that_is_not_as_it_must_be_is_locked_until_it_is(tmp_path: Path, reason: str) -> None:
    town = Town(tmp_path)
    on_bus = carried(town)
    bus = on_bus.bus
    for _ in range(2):
        plan = bus.sync(**LOCKS[reason])
        assert (plan.locked, plan.lease, plan.session) == (reason, None, None)
    refused = bus.asks(bus.request(on_bus.job, OpenerKey()))
    assert (type(refused), refused.reason) == (relay.Refusal, reason), "its spooler signs what is right"
    assert [(one.what, one.detail, one.open) for one in town.relay.store.incidents(BUS)] == [
        (What.LOCKED, reason, True)
    ]
    plan = bus.sync()
    assert (plan.locked, plan.lease is not None, plan.session is not None) == (None, True, True)
    assert [(one.open, one.closed_by) for one in town.relay.store.incidents(BUS)] == [(False, "")]
    on_bus.release()


def test_a_clock_that_is_a_little_off_locks_nobody(tmp_path: Path) -> None:
    town = Town(tmp_path)
    bus = desk_bus(town)
    for off in (-300, 0, 300):
        assert bus.sync(at=town.clock.now + off * 1000).locked is None
    assert bus.sync(at=town.clock.now + 300_001).locked == "clock_wrong"


def test_being_out_of_service_is_said_before_every_lesser_lock(tmp_path: Path) -> None:
    town = Town(tmp_path)
    bus: HandMadeBus = desk_bus(town)
    bus.sync()
    town.relay.revocation.revoke(BUS, "stolen", "clerk-1")
    assert bus.sync(**LOCKS["config_differs"]).locked == REVOKED


def test_a_job_before_its_release_never_outlives_a_revocation() -> None:
    assert {state for name, (_, state) in SCENES.items() if state in BEFORE_RELEASE} == BEFORE_RELEASE
