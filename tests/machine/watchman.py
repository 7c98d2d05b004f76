"""What must hold, whatever happened: invariants I1 to I10 (docs/design.md), judged by what the models saw and by both journals.

Hooks judge at once (`released`, `opened`, `sending`, `begun`, `heard`); `look` judges the stores after each step. The program under
test is never asked whether it was right: the lifecycle table is a copy made at import, and every proof is verified again here.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import msgspec

from bus_agent.ipc.messages import Statement
from cityhall_base.city import CityFile
from cityhall_base.software import software_digest
from cityhall_relay.store.rows import Job, Session
from cityhall_wire import strict_json
from cityhall_wire.headers import SealHeader, decode_release_header
from cityhall_wire.lifecycle import ENDS, TABLE, JobState
from cityhall_wire.messages import envelope
from cityhall_wire.messages.chain import GENESIS, JournalRow, row_hash
from cityhall_wire.messages.envelope import Envelope, Role
from cityhall_wire.messages.printing import Evidence, Finding, ReleaseRequest
from cityhall_wire.messages.relay import Release
from cityhall_wire.modes import may_print
from tests.machine.truth import Truth, split
from tests.relay_city import Keys

_ROWS: Final = {(str(row.state), str(row.event)): row for row in TABLE}
_ENDS: Final = frozenset(map(str, ENDS))
_BEFORE: Final = frozenset({"sealed", "offered", "on_bus"})


class Given(NamedTuple):
    """A release as it left city hall."""

    answer: bytes
    nonce: bytes
    at: float


class Before(NamedTuple):
    """City hall's own rows at the moment of a release request."""

    job: Job | None
    session: Session | None
    approvals: int
    spoken_of: bool  # a statement about this very attempt has come already


class Violation(AssertionError):
    """An invariant does not hold."""


def must(holds: object, invariant: str, what: str) -> None:
    """Raises Violation."""
    if not holds:
        raise Violation(f"{invariant}: {what}")


class Journal:
    """Reads what is new in a store's journal, and checks that it goes on where it was left."""

    def __init__(self) -> None:
        self._n, self._hash = 0, GENESIS

    def new(self, store: Any, whose: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Kind, job and body of each new row. What was committed once must still be there."""
        if self._n:
            kept = store.db.execute("select hash from journal where n = ?", [self._n]).fetchone()
            must(kept and kept[0] == self._hash, "I7", f"{whose} lost what it had written down")
        rows = store.db.execute("select n, at, kind, job, body, hash from journal where n > ? order by n", [self._n])
        for n, at, kind, job, body, stored in rows.fetchall():
            expected = row_hash(self._hash, JournalRow(n=n, at=at, kind=kind, job=job, body=body))
            must(n == self._n + 1 and stored == expected, "I7", f"row {n} of {whose} does not follow")
            self._n, self._hash = n, stored
            yield kind, job, msgspec.json.decode(body)


class Watchman:
    """One for a world. `now` is the world's time in seconds."""

    def __init__(self, file: CityFile, keys: Keys, truth: Truth) -> None:
        self._file, self._keys, self._truth = file, keys, truth
        self.given: dict[tuple[str, int], Given] = {}
        self.without_sheet: set[bytes] = set()
        """Nonces of attempts of which the print key said NO_SHEET."""

        self.sends: dict[str, list[int]] = {}
        self._opened: set[tuple[str, int]] = set()
        self.at_city_hall: dict[str, str] = {}
        self.on_bus: dict[str, dict[str, str]] = {}
        self.ever_on_a_bus: set[str] = set()
        self._journals: dict[str, Journal] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self.seen: Counter[str] = Counter()
        """How often what was met: a machine that never printed has shown nothing."""

    # --- at once ---

    def before_release(self, raw: bytes, relay: Any) -> Before:
        """City hall's rows before it answers."""
        request = strict_json.decode(strict_json.decode(raw, Envelope).payload, ReleaseRequest)
        job = relay.store.job(request.job)
        session = relay.store.session(job.session) if job else None
        said = "select count(*) from evidence where job = ? and nonce = ?"
        spoken_of = relay.store.db.execute(said, [request.job, request.nonce]).fetchone()[0]
        return Before(job, session, len(relay.store.approvals(request.job)), bool(spoken_of))

    def released(self, bus: str, before: Before, answer: bytes, now: float, utc_ms: int) -> None:
        """I2: a content key left city hall. And I1: for this attempt never another one."""
        opened = envelope.verify(answer, {Role.RELAY: (self._keys.relay.public_key(),)})
        if not isinstance(opened.message, Release):
            return
        header, job, session = decode_release_header(opened.message.release_header), before.job, before.session
        must(job and session, "I2", "a release of nothing")
        if job is None or session is None:
            return
        limits, sealed = self._file.city.limits, job.header
        must(
            header.job == job.job and header.bus == job.bus == bus == self._truth.sent[job.job].bus,
            "I2",
            "another bus's job",
        )
        live = session.ended_at is None and session.active_at + limits.session_idle_s * 1000 > utc_ms
        must(live and header.session == job.session and session.bus == bus, "I2", "released outside its live session")
        service = self._file.city.services[job.service]
        must(before.approvals >= (2 if service.second_approver else 1), "I2", "released without approval")
        must(job.approved_at and job.approved_at + limits.approved_s * 1000 > utc_ms, "I2", "approved too long ago")
        must(may_print(header.mode, sealed.job_class), "I2", f"{sealed.job_class} released in {header.mode}")
        must(
            header.software == software_digest() and header.config == self._file.digest,
            "I2",
            "another program's release",
        )
        must(header.attempt == job.attempt and header.seal_digest == job.seal_digest, "I2", "another attempt's release")
        key = (job.job, header.attempt)
        if key in self.given:
            must(self.given[key].answer == answer, "I1", f"two releases for {key}")
            return
        must(job.state is JobState.ON_BUS, "I2", f"released while {job.state}")
        must(not before.spoken_of, "I1", "released after its own end")
        self.given[key] = Given(answer, header.nonce, now)
        self.seen["released"] += 1

    def opened(self, request: ReleaseRequest, header: SealHeader, answer: bytes, document: bytes, now: float) -> None:
        """I1 and I2: an opener has the document in memory."""
        key = (request.job, request.attempt)
        given, sent = self.given.get(key), self._truth.sent[request.job]
        must(given and given.answer == answer, "I2", "opened by a release that city hall did not give")
        must(key not in self._opened, "I1", f"{key} was opened twice")
        self._opened.add(key)
        self.seen["opened"] += 1
        if given is not None:
            must(now - given.at <= self._file.city.limits.release_s, "I2", "opened too late")
            must(given.nonce == request.nonce, "I2", "opened for another nonce")
        must(sent.bus == request.bus and sent.session == request.session, "I2", "opened for another bus or session")
        must(document == sent.document, "I2", "another document was opened")

    def sending(self, bus: str, name: str) -> None:
        """I1: the first byte of a document is at the printer."""
        job, attempt = split(name)
        for earlier in self.sends.get(job, []):
            must(earlier != attempt, "I1", f"{name} was sent twice")
            must(
                self._nonce(job, earlier) in self.without_sheet,
                "I1",
                f"{name} was sent, and {earlier} may have come out",
            )
        must(
            (job, attempt) in self._opened and self._truth.sent[job].bus == bus,
            "I2",
            f"{name} was sent without release",
        )
        self.sends.setdefault(job, []).append(attempt)
        self.seen["sent to the printer"] += 1

    def begun(self, bus: str, name: str, document: bytes) -> None:
        """I1 and I10: the first sheet of an attempt."""
        job, attempt = split(name)
        must(not self._truth.begun.get(job), "I1", f"{name} comes out, and so did {self._truth.begun.get(job)}")
        self._truth.begun.setdefault(job, []).append(attempt)
        must(self._nonce(job, attempt) not in self.without_sheet, "I1", f"{name} comes out after NO_SHEET")
        must(self._truth.sent[job].bus == bus, "I2", f"{name} comes out on {bus}")
        must(document == self._truth.sent[job].document, "I2", f"{name} is another document")
        state = self.at_city_hall.get(job, "")
        must(state not in _ENDS, "I10", f"{name} comes out although it is {state}")

    def heard(self, bus: str, said: msgspec.Struct) -> None:
        """The print key's word on what came out must be the truth."""
        if not isinstance(said, Statement):
            return
        evidence = self._evidence(bus, said.evidence)
        self.seen[f"{evidence.finding}: {evidence.why}"] += 1
        self._truth_of(evidence)

    # --- after each step ---

    def look(self, relay: Any, agents: dict[str, Any]) -> None:
        """`relay` and `agents` are those that live."""
        if relay is not None:
            self._look_at_city_hall(relay)
        for bus, agent in agents.items():
            self._look_at_bus(bus, agent)

    def _look_at_city_hall(self, relay: Any) -> None:
        store = relay.parts.store
        for kind, job, body in self._journal("city hall").new(store, "city hall"):
            if kind == "step":
                self._city_hall_stepped(store, job, body)
        for _ in self._journal("keys").new(relay.parts.keys, "the key store"):
            pass
        for bus, boot, seq in store.db.execute("select bus, boot, seq from buses").fetchall():
            must((boot, seq) >= self._places.get(bus, (0, 0)), "I7", f"{bus} was taken back to {boot}, {seq}")
            self._places[bus] = (boot, seq)
        rows = store.db.execute("select job, state, session from jobs").fetchall()
        must({job: state for job, state, _ in rows} == self.at_city_hall, "I8", "jobs and steps at city hall differ")
        live = {job for job, state, _ in rows if state not in _ENDS}
        kept = {job for (job,) in relay.parts.keys.db.execute("select job from wrapped").fetchall()}
        kept |= {job for (job,) in store.db.execute("select job from releases").fetchall()}
        kept |= {path.name for path in relay.bodies.iterdir()}
        must(kept <= live, "I4", f"something is kept of {sorted(kept - live)}")
        ended = {
            name for (name,) in store.db.execute("select session from sessions where ended_at is not null").fetchall()
        }
        left = [job for job, state, session in rows if session in ended and state in _BEFORE]
        must(not left, "I10", f"alive after their session: {left}")

    def _city_hall_stepped(self, store: Any, job: str, body: dict[str, Any]) -> None:
        if body["event"] == "seal":
            self.at_city_hall[job] = body["state"]
            return
        before = self.at_city_hall[job]
        self.at_city_hall[job] = self._followed("city hall", job, before, body)
        self.seen[f"{before} → {body['state']} by {body['by']}"] += 1
        if body["event"] == "no_sheet":
            self._must_be_proven(store, job, body["attempt"] - 1)
        if body["state"] == "printed":
            self._must_be_whole("city hall", job)

    def _must_be_proven(self, store: Any, job: str, attempt: int) -> None:
        nonce = self._nonce(job, attempt)
        for said in store.db.execute(
            "select envelope from evidence where job = ? and attempt = ?", [job, attempt]
        ).fetchall():
            evidence = self._evidence(self._truth.sent[job].bus, said[0])
            if evidence.finding is Finding.NO_SHEET and evidence.nonce == nonce:
                return
        must(False, "I1", f"{job} may be tried again, and the print key never said so of attempt {attempt}")

    def _look_at_bus(self, bus: str, agent: Any) -> None:
        states = self.on_bus.setdefault(bus, {})
        store = agent.store._store
        for kind, job, body in self._journal(bus).new(store, bus):
            if kind == "offered":
                must(self._truth.sent[job].bus == bus, "I2", f"{job} is on {bus}")
                states[job] = "offered"
                self.ever_on_a_bus.add(job)
            elif kind == "step":
                states[job] = self._followed(bus, job, states[job], body)
            elif kind == "forgotten":
                states.pop(job, None)
        rows = store.db.execute("select job, state, body_kept from jobs").fetchall()
        must({job: state for job, state, _ in rows} == states, "I8", f"jobs and steps on {bus} differ")
        for job, state in states.items():
            if state == "printed":
                self._must_be_whole(bus, job)
        bodies = {path.name for path in (agent.box.top / "bodies").iterdir()}
        must(bodies <= {job for job, _, kept in rows if kept}, "I4", f"ciphertext of what is no more on {bus}")

    # --- parts ---

    def _followed(self, where: str, job: str, before: str, body: dict[str, Any]) -> str:
        row = _ROWS.get((before, body["event"]))
        must(row and str(row.to) == body["state"], "I5", f"{where}: {job} went from {before} by {body}")
        must(row and body["by"] in set(map(str, row.by)), "I5", f"{where}: {body['by']} may not say {body['event']}")
        return str(body["state"])

    def _must_be_whole(self, where: str, job: str) -> None:
        must(self._truth.whole.get(job), "I5", f"{where} says printed of {job}, and its paper is not whole")

    def _evidence(self, bus: str, raw: bytes) -> Evidence:
        return envelope.verify(raw, {Role.PRINT: (self._keys.print[bus].public_key(),)}).expect(Evidence)

    def _truth_of(self, evidence: Evidence) -> None:
        key, out = (evidence.job, evidence.attempt), self._truth.begun.get(evidence.job, [])
        mine = self._nonce(*key) == evidence.nonce
        came_out = mine and evidence.attempt in out
        if evidence.finding in (Finding.NO_SHEET, Finding.CANCELED_AT_PRINTER):
            must(not came_out, "I1", f"{evidence.finding} of {key}, and a sheet came out ({evidence.why})")
        if evidence.finding is Finding.NO_SHEET:
            self.without_sheet.add(evidence.nonce)
        if evidence.finding is Finding.COMPLETED:
            whole = evidence.attempt in self._truth.whole.get(evidence.job, set())
            must(mine and whole, "I5", f"completed is said of {key}, and its paper is not whole")

    def _nonce(self, job: str, attempt: int) -> bytes:
        given = self.given.get((job, attempt))
        return given.nonce if given else b""

    def _journal(self, whose: str) -> Journal:
        return self._journals.setdefault(whose, Journal())
