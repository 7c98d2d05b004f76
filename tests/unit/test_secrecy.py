"""What somebody can do who holds city hall's databases, the bus's state and every byte that crossed: nothing.

Each claim has its counter-proof: the same attack succeeds as soon as the one thing that must be missing is added.
"""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from cityhall_relay.vault import _aad
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages import link
from cityhall_wire.messages.printing import Finding
from tests.relay_city import HandMadeBus, OnBus, Town, carried
from tests.unit.attacker import attack, material

pytestmark = pytest.mark.timeout(300)


class Loot(NamedTuple):
    """Copies of what was captured."""

    folder: Path
    traffic: list[bytes]
    seal_header: bytes
    body: bytes
    wrapped: list[tuple[bytes, bytes]]

    def try_it(self, *more: bytes) -> bool:
        """Whether the document can be opened with the loot and `more`."""
        everything = material([self.folder], self.traffic) + list(more)
        return attack(everything, self.seal_header, self.body, self.wrapped) is not None


class Wire:
    """A line that somebody listens to, TLS already broken."""

    def __init__(self) -> None:
        self.traffic: list[bytes] = []

    def tap(self, box: HandMadeBus) -> None:
        post: Callable[[str, bytes], bytes] = box.post

        def tapped(path: str, raw: bytes) -> bytes:
            answer = post(path, raw)
            self.traffic += [raw, answer]
            return answer

        box.post = tapped


@pytest.fixture
def on_bus(tmp_path: Path) -> OnBus:
    return carried(Town(tmp_path), document=b"%PDF a certificate of somebody, line %d" * 20)


def day_keys(case: OnBus) -> list[bytes]:
    return [path.read_bytes() for path in (case.town.top / "state" / "wrapping").glob("*.key")]


def steal(case: OnBus, wire: Wire, where: Path, *, without_day_keys: bool = True) -> Loot:
    """Copy the relay's whole state, and what the bus holds: its private keys, the ciphertext, the seal header."""
    state = case.town.top / "state"
    ignored = shutil.ignore_patterns("wrapping" if without_day_keys else "")
    shutil.copytree(state, where / "relay", ignore=ignored)
    bus = where / "bus"
    bus.mkdir()
    for name, key in (("link", case.town.keys.link["bus-1"]), ("print", case.town.keys.print["bus-1"])):
        (bus / f"{name}.key").write_bytes(key.private_bytes_raw())
    (bus / "seal-header").write_bytes(case.job.seal_header)
    body = (state / "bodies" / case.name).read_bytes() if (state / "bodies" / case.name).exists() else b""
    rows = sqlite3.connect(where / "relay" / "keys.db").execute("select job, wrapped from wrapped").fetchall()
    aad = _aad(case.name, case.job.seal_digest)
    return Loot(where, wire.traffic, case.job.seal_header, body, [(row[1], aad) for row in rows])


def test_databases_bus_state_and_traffic_open_nothing_until_the_days_key_is_added(
    on_bus: OnBus, tmp_path: Path
) -> None:
    wire = Wire()
    wire.tap(on_bus.bus)
    on_bus.bus.sync()
    on_bus.release()  # the release, too, crossed the line
    loot = steal(on_bus, wire, tmp_path / "loot")
    assert len(loot.traffic) == 4
    assert loot.wrapped
    assert not loot.try_it()
    assert loot.try_it(*day_keys(on_bus))


def test_a_content_key_that_lay_about_in_any_form_would_be_found(on_bus: OnBus, tmp_path: Path) -> None:
    key = on_bus.town.relay.vault.take(on_bus.name, on_bus.job.seal_digest)
    loot = steal(on_bus, Wire(), tmp_path / "loot")
    (loot.folder / "bus" / "leak").write_text(f"oops {key.hex()}")
    assert loot.try_it()


def test_after_hand_over_the_live_relay_cannot_open_it_but_a_backup_of_that_day_can(
    on_bus: OnBus, tmp_path: Path
) -> None:
    wire = Wire()
    wire.tap(on_bus.bus)
    backup = steal(on_bus, wire, tmp_path / "backup")
    hand_over(on_bus)
    live = steal(on_bus, wire, tmp_path / "live", without_day_keys=False)
    assert (live.body, live.wrapped) == (b"", [])
    left = b"".join(path.read_bytes() for path in live.folder.rglob("*") if path.is_file())
    assert backup.wrapped[0][0] not in left  # not in a freed page or a log either
    assert not live._replace(body=backup.body).try_it()
    assert backup.try_it(*day_keys(on_bus))


def test_after_the_night_no_backup_opens_it(on_bus: OnBus, tmp_path: Path) -> None:
    backup = steal(on_bus, Wire(), tmp_path / "backup")
    keys = day_keys(on_bus)
    on_bus.town.clock.forward(24 * 3600)
    on_bus.town.relay.housekeeping.tick()
    assert day_keys(on_bus) == []
    left = material([on_bus.town.top / "state"], [])
    assert not backup.try_it(*left)
    assert backup.try_it(*keys)


def hand_over(case: OnBus) -> None:
    """The rest of the job's life."""
    request, _ = case.release()
    case.bus.evidence(request, Finding.SENDING, 1)
    case.bus.evidence(request, Finding.COMPLETED, 2, impressions=1)
    case.bus.fact(link.HandOver, job=case.name, attempt=1)
    assert case.state is JobState.HANDED_OVER
