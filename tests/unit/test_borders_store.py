"""The border to the disk: full, read-only, damaged, of a newer release, of somebody else. Nothing is lost, and it goes on."""

import errno
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from sqlite_utils import Database

from bus_agent.agent.bodies import Bodies
from cityhall_base.clock import SystemClock
from cityhall_base.errors import (
    DiskFullError,
    ReadOnlyError,
    StoreDamagedError,
    StoreError,
    StoreInUseError,
    StoreNewerError,
    StoreOfAnotherError,
)
from cityhall_base.store import TROUBLE, Store, new_migrations, trouble
from cityhall_relay import boss
from cityhall_wire.lifecycle import JobState
from tests.relay_city import Town, carried, desk_bus
from tests.small_disk import NEEDS_ROOT, SmallDisk, small_disk

ROOT_ONLY = pytest.mark.skipif(os.getuid() != 0, reason=NEEDS_ROOT)
MIGRATIONS = new_migrations("test")


@MIGRATIONS(name="0001_things")
def _things(db: Database) -> None:
    db.table("things").create({"id": int, "text": str}, pk="id", strict=True)


def open_store(path: Path, owner: str = "") -> Store:
    return Store(path, MIGRATIONS, SystemClock(), owner)


def add(store: Store, number: int, text: str = "x" * 2000) -> None:
    with store.event() as db:
        db.table("things").insert({"id": number, "text": text})
        store.record("thing", number=number)


def filled(path: Path, events: int = 40) -> None:
    store = open_store(path)
    for number in range(events):
        add(store, number)
    store.close()


def for_ever(act: Callable[[], object]) -> None:
    while True:
        act()


def held(store: Store) -> int:
    return int(store.db.table("things").count)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 512) as disk:
        yield disk


@ROOT_ONLY
def test_a_full_disk_takes_nothing_loses_nothing_and_goes_on_when_there_is_room(disk: SmallDisk) -> None:
    store = open_store(disk.path / "a.db")
    add(store, 0)
    disk.fill()
    with pytest.raises(DiskFullError, match="make room on it"):
        for_ever(lambda: add(store, held(store)))
    taken = held(store)
    assert (held(store), store.verify_journal()) == (taken, taken)
    with pytest.raises(DiskFullError):
        add(store, taken)
    disk.empty()
    add(store, taken)
    assert (held(store), store.verify_journal()) == (taken + 1, taken + 1)
    store.close()
    store = open_store(disk.path / "a.db")
    assert (held(store), store.verify_journal()) == (taken + 1, taken + 1)
    store.close()


@ROOT_ONLY
def test_a_store_on_a_disk_that_is_full_from_the_start_says_so_and_opens_later(disk: SmallDisk) -> None:
    filled(disk.path / "a.db", 3)
    disk.fill()
    with pytest.raises(DiskFullError):
        open_store(disk.path / "new.db")
    disk.empty()
    store = open_store(disk.path / "a.db")
    assert held(store) == 3
    store.close()
    open_store(disk.path / "new.db").close()


@ROOT_ONLY
@pytest.mark.parametrize("running", [True, False])
def test_a_disk_that_takes_no_writing_is_said_and_what_was_accepted_stays(disk: SmallDisk, running: bool) -> None:
    filled(disk.path / "a.db", 3)
    store = open_store(disk.path / "a.db") if running else None
    if store is None:
        disk.forbid_writing()
        with pytest.raises(ReadOnlyError, match="mounted read-only"):
            open_store(disk.path / "a.db")
        disk.forbid_writing(False)
    else:
        # A kernel refuses to take the writing from files that are open for it; the database's own lock does the same.
        store.db.execute("PRAGMA query_only=ON")
        with pytest.raises(ReadOnlyError):
            add(store, 3)
        store.db.execute("PRAGMA query_only=OFF")
        add(store, 3)
        store.close()
    store = open_store(disk.path / "a.db")
    assert held(store) == 3 + running
    store.close()


@pytest.mark.parametrize("seed", range(30))
def test_flipped_bytes_are_said_to_be_damage_or_do_no_harm(tmp_path: Path, seed: int) -> None:
    path, draw = tmp_path / "a.db", Random(seed)
    filled(path)
    raw = bytearray(path.read_bytes())
    for _ in range(draw.choice((1, 8, 64))):
        raw[draw.randrange(len(raw))] ^= 1 << draw.randrange(8)
    path.write_bytes(raw)
    try:
        store = open_store(path)
    except StoreError as error:
        if not isinstance(error, StoreDamagedError | StoreNewerError):
            raise
        return
    try:
        store.verify_journal()
    except StoreError:
        pass
    except (UnicodeDecodeError, TypeError) as error:
        pytest.fail(f"no sentence: {error!r}")
    finally:
        store.close()


@pytest.mark.parametrize("size", [0, 1, 512, 1024, 4096, 5000, 8192, 40_960])
def test_a_truncated_database_is_empty_or_said_to_be_damaged(tmp_path: Path, size: int) -> None:
    path = tmp_path / "a.db"
    filled(path)
    os.truncate(path, size)
    if size < 512:  # SQLite takes such a file for a new one
        store = open_store(path)
        assert held(store) == 0
        store.close()
        return
    with pytest.raises(StoreDamagedError, match="move it and its -wal file away"):
        open_store(path)


@pytest.mark.parametrize("seed", range(10))
def test_damage_in_the_log_of_a_power_cut_costs_at_most_what_came_after_it(tmp_path: Path, seed: int) -> None:
    path, draw = tmp_path / "a.db", Random(seed)
    store = open_store(path)
    for number in range(10):
        add(store, number)
    copy = tmp_path / "copy.db"
    copy.write_bytes(path.read_bytes())
    wal = bytearray((tmp_path / "a.db-wal").read_bytes())
    store.close()
    for _ in range(20):
        wal[draw.randrange(len(wal))] ^= 0xFF
    (tmp_path / "copy.db-wal").write_bytes(wal)
    again = open_store(copy)
    assert again.verify_journal() == held(again) <= 10
    add(again, 100)
    again.close()


def test_a_file_that_is_no_database_is_said_to_be_damaged(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"hello" * 2000)
    with pytest.raises(StoreDamagedError):
        open_store(tmp_path / "a.db")


IN_ITS_PLACE: dict[str, Callable[[Path], None]] = {
    "a folder": Path.mkdir,
    "a FIFO": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/full"),
}


@pytest.mark.parametrize("put", IN_ITS_PLACE.values(), ids=IN_ITS_PLACE.keys())
def test_what_stands_in_the_databases_place_is_said(tmp_path: Path, put: Callable[[Path], None]) -> None:
    put(tmp_path / "a.db")
    with pytest.raises(StoreError, match=r"a\.db"):
        open_store(tmp_path / "a.db")


def test_a_missing_folder_and_a_forbidden_one_are_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file"):
        open_store(tmp_path / "none" / "a.db")
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="Not a directory"):
        open_store(tmp_path / "file" / "a.db")


def test_a_store_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    newer = new_migrations("test")
    newer(name="0001_things")(_things)

    @newer(name="0002_later")
    def _later(db: Database) -> None:
        db.table("later").create({"id": int}, pk="id")

    Store(tmp_path / "a.db", newer, SystemClock()).close()
    with pytest.raises(StoreNewerError, match="install that release again"):
        open_store(tmp_path / "a.db")


def test_a_store_of_another_bus_is_refused_and_stays_as_it_is(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db", "bus-1 of hase")
    add(store, 1)
    store.close()
    before = (tmp_path / "a.db").read_bytes()
    with pytest.raises(StoreOfAnotherError, match=r"bus-1 of hase.*bus-2 of hase"):
        open_store(tmp_path / "a.db", "bus-2 of hase")
    assert (tmp_path / "a.db").read_bytes() == before
    open_store(tmp_path / "a.db", "bus-1 of hase").close()


def test_a_store_of_the_first_release_gets_its_owner_at_its_next_opening(tmp_path: Path) -> None:
    filled(tmp_path / "a.db", 1)
    db = sqlite3.connect(tmp_path / "a.db")
    db.execute("drop table owner")
    db.execute("delete from _sqlite_migrations where name = '0000_owner'")
    db.commit()
    db.close()
    open_store(tmp_path / "a.db", "bus-1 of hase").close()
    with pytest.raises(StoreOfAnotherError):
        open_store(tmp_path / "a.db", "bus-2 of hase")


def test_a_database_that_somebody_else_writes_to_is_said_to_be_in_use(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db")
    store.db.execute("PRAGMA busy_timeout=1")
    other = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreInUseError):
        add(store, 1)
    other.execute("ROLLBACK")
    other.close()
    add(store, 1)
    store.close()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFullError),
        (errno.EDQUOT, DiskFullError),
        (errno.EROFS, ReadOnlyError),
        (errno.EIO, StoreError),
    ],
)
def test_the_same_trouble_in_a_file_beside_the_database_has_the_same_sentence(
    number: int, kind: type[StoreError]
) -> None:
    said = trouble(OSError(number, os.strerror(number), "/state/bodies/j1"))
    assert type(said) is kind
    assert "/state/bodies/j1" in str(said)


# --- the relay ---


@pytest.fixture
def town(tmp_path: Path) -> Iterator[tuple[Town, SmallDisk]]:
    with small_disk(tmp_path / "state", 2048) as disk:
        town = Town(tmp_path)
        yield town, disk
        town.relay.close()


@ROOT_ONLY
def test_a_document_that_finds_the_relays_disk_full_leaves_nothing_and_is_taken_later(
    town: tuple[Town, SmallDisk],
) -> None:
    relay, disk = town
    session, number, document = relay.session(), secrets.token_hex(16), b"x" * 200_000
    for leave in (0, 4096, 100_000, 208_896, 220_000):
        disk.fill(leave)
        with pytest.raises(TROUBLE) as caught:
            for_ever(lambda: relay.send(session, document, number=secrets.token_hex(16)))
        assert isinstance(trouble(caught.value), DiskFullError)
        disk.empty()
    live = {job.job for job in relay.relay.store.live_jobs()}
    assert {path.name for path in (disk.path / "bodies").iterdir()} == live
    assert relay.send(session, document, number=number).new
    assert not relay.send(session, document, number=number).new


@ROOT_ONLY
def test_a_job_that_ends_on_a_full_disk_is_destroyed_when_there_is_room(town: tuple[Town, SmallDisk]) -> None:
    relay, disk = town
    on_bus = carried(relay, document=b"x" * 100_000)
    disk.fill()
    relay.clock.forward(3600)

    def an_hour() -> None:  # as often as it takes to use up what room the log still had
        relay.relay.housekeeping.tick()
        relay.session("clerk-2", "bus-2")
        relay.clock.forward(3600)

    with pytest.raises(TROUBLE):
        for_ever(an_hour)
    disk.empty()
    relay.relay.housekeeping.tick()
    relay.relay.housekeeping.tick()
    assert relay.job(on_bus.name).destroyed_at is not None
    assert relay.job(on_bus.name).state in (JobState.EXPIRED, JobState.CANCELED)
    assert not list((disk.path / "bodies").iterdir())
    assert relay.relay.store.verify_journal()


@ROOT_ONLY
def test_what_a_bus_says_to_a_relay_with_a_full_disk_is_said_again_and_counts_once(
    town: tuple[Town, SmallDisk],
) -> None:
    relay, disk = town
    bus = desk_bus(relay)
    bus.sync()
    disk.fill()
    with pytest.raises(DiskFullError):
        for_ever(bus.sync)
    before = relay.relay.store.bus("bus-1")
    disk.empty()
    bus.seq = before.seq
    bus.sync()
    assert relay.relay.store.bus("bus-1").seq == before.seq + 1


def test_a_relay_over_the_state_of_another_city_is_refused(tmp_path: Path) -> None:
    town = Town(tmp_path)
    town.relay.close()
    raw = (tmp_path / "city.toml").read_bytes()
    (tmp_path / "city.toml").write_bytes(raw.replace(b'city = "hase"', b'city = "other"'))
    with pytest.raises(StoreOfAnotherError, match=r"the relay of hase.*the relay of other"):
        town._build()
    (tmp_path / "city.toml").write_bytes(raw)
    town.relay = town._build()
    town.relay.close()


@pytest.mark.parametrize("name", [boss.RELAY_DB, boss.KEYS_DB])
def test_a_relay_whose_database_is_damaged_does_not_start_and_says_what_to_do(tmp_path: Path, name: str) -> None:
    town = Town(tmp_path)
    town.session()
    town.relay.close()
    path = tmp_path / "state" / name
    raw = path.read_bytes()
    path.write_bytes(raw[:4096] + bytes(len(raw) - 4096))
    with pytest.raises(StoreDamagedError, match="last backup"):
        town._build()
    path.write_bytes(raw)
    town.relay = town._build()
    town.relay.close()


# --- the bus's bodies ---


@ROOT_ONLY
def test_room_for_a_document_is_there_before_its_first_byte_or_the_offer_is_not_taken(disk: SmallDisk) -> None:
    bodies = Bodies(disk.path)
    with pytest.raises(OSError, match="No space"):
        bodies.prepare("j1", 600 * 1024)
    assert not list((disk.path / "bodies").iterdir())
    bodies.prepare("j2", 300 * 1024)
    disk.fill()
    bodies.write("j2", 299 * 1024, bytes(1024))
    with open(bodies.open("j2"), "rb") as file:
        assert len(file.read()) == 300 * 1024
