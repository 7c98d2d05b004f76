"""Where content keys rest, and how they end."""

from pathlib import Path

import pytest

from cityhall_base.store import Store
from cityhall_relay.errors import KeyGoneError
from cityhall_relay.vault import Vault, key_migrations
from tests.relay_city import TestClock

JOB, DIGEST, KEY = "j" + "a" * 24, b"d" * 32, bytes(range(32))


class Room:
    """A vault that can be left and entered again."""

    def __init__(self, top: Path) -> None:
        self.top, self.clock = top, TestClock()
        self.enter()

    def enter(self) -> None:
        self.store = Store(self.top / "keys.db", key_migrations(), self.clock)
        self.vault = Vault(self.store, self.top / "wrapping", self.clock)

    def again(self) -> None:
        self.store.close()
        self.enter()

    def on_disk(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.top.glob("keys.db*"))


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_a_key_comes_back_after_a_restart_and_is_never_on_the_disk(room: Room) -> None:
    room.vault.put(JOB, DIGEST, KEY)
    room.again()
    assert room.vault.take(JOB, DIGEST) == KEY
    assert KEY not in room.on_disk()
    (day,) = (room.top / "wrapping").iterdir()
    assert (day.name, day.stat().st_mode & 0o777, day.stat().st_size) == ("2026-11-21.key", 0o600, 32)


def test_a_key_fits_its_own_job_and_seal_alone(room: Room) -> None:
    room.vault.put(JOB, DIGEST, KEY)
    with pytest.raises(KeyGoneError):
        room.vault.take(JOB, b"e" * 32)
    with pytest.raises(KeyGoneError):
        room.vault.take("j" + "b" * 24, DIGEST)
    room.store.db.execute("update wrapped set job = ?", ["j" + "b" * 24])
    with pytest.raises(KeyGoneError):
        room.vault.take("j" + "b" * 24, DIGEST)


def test_destroyed_means_out_of_database_and_log(room: Room) -> None:
    room.vault.put(JOB, DIGEST, KEY)
    (wrapped,) = room.store.db.execute("select wrapped from wrapped").fetchone()
    assert wrapped in room.on_disk()
    room.vault.destroy(JOB)
    room.vault.destroy(JOB)
    assert wrapped not in room.on_disk()
    assert not room.vault.holds(JOB)
    with pytest.raises(KeyGoneError):
        room.vault.take(JOB, DIGEST)


def test_the_days_key_goes_at_three_in_the_morning(room: Room) -> None:
    room.vault.put(JOB, DIGEST, KEY)
    room.clock.forward(18 * 3600 - 1)  # 02:59:59 JST
    assert not room.vault.sweep()
    assert room.vault.take(JOB, DIGEST) == KEY
    room.vault.put("j" + "b" * 24, DIGEST, KEY)  # sealed after midnight: the next day's key
    room.clock.forward(1)
    assert room.vault.sweep()
    assert [path.name for path in (room.top / "wrapping").iterdir()] == ["2026-11-22.key"]
    assert not room.vault.holds(JOB)
    assert room.vault.holds("j" + "b" * 24)


def test_no_backup_opens_a_job_after_its_day(room: Room) -> None:
    room.vault.put(JOB, DIGEST, KEY)
    backup = (room.top / "keys.db").read_bytes(), (room.top / "keys.db-wal").read_bytes()
    room.clock.forward(24 * 3600)
    room.vault.sweep()
    room.store.close()
    (room.top / "keys.db").write_bytes(backup[0])
    (room.top / "keys.db-wal").write_bytes(backup[1])
    room.enter()
    assert room.store.db.execute("select count(*) from wrapped").fetchone() == (1,)
    with pytest.raises(KeyGoneError):
        room.vault.take(JOB, DIGEST)
