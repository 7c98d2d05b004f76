"""The floor: stores, settings, city file, keys, notify, MQTT-free parts."""

import os
import socket
import sqlite3
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlite_utils import Database

from cityhall_base import city, notify
from cityhall_base.clock import SystemClock
from cityhall_base.errors import ConfigError, KeyFileError, StoreError, StoreInUseError
from cityhall_base.keys import load_public_key, load_signing_key
from cityhall_base.software import software_digest
from cityhall_base.store import Store, new_migrations

MIGRATIONS = new_migrations("test")


@MIGRATIONS(name="0001_things")
def _things(db: Database) -> None:
    db.table("things").create({"id": int}, pk="id", strict=True)


def open_store(path: Path) -> Store:
    return Store(path, MIGRATIONS, SystemClock())


def test_an_event_and_its_journal_row_become_true_together_or_not_at_all(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db")
    with pytest.raises(ZeroDivisionError), store.event() as db:  # noqa: PT012  the failure must come after both writes
        db.table("things").insert({"id": 1})
        store.record("thing", number=1)
        _ = 1 / 0
    assert (store.db.table("things").count, store.verify_journal()) == (0, 0)
    with store.event() as db:
        db.table("things").insert({"id": 1})
        store.record("thing", number=1)
    store.close()
    store = open_store(tmp_path / "a.db")
    assert (store.db.table("things").count, store.verify_journal()) == (1, 1)
    store.close()


def test_a_journal_row_outside_an_event_is_a_fault_of_the_program(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db")
    with pytest.raises(RuntimeError):
        store.record("thing")
    store.close()


@pytest.mark.parametrize(
    "tampering",
    ["update journal set body='{}' where n=2", "delete from journal where n=2", "update journal set n=9 where n=3"],
)
def test_the_journal_notices_what_somebody_changed(tmp_path: Path, tampering: str) -> None:
    store = open_store(tmp_path / "a.db")
    for number in range(3):
        with store.event():
            store.record("thing", number=number)
    assert store.verify_journal() == 3
    store.db.execute(tampering)
    with pytest.raises(StoreError, match="does not follow"):
        store.verify_journal()
    store.close()


def test_a_second_process_cannot_open_the_store(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db")
    with pytest.raises(StoreInUseError, match="stop it first"):
        open_store(tmp_path / "a.db")
    store.close()
    open_store(tmp_path / "a.db").close()


def test_a_store_of_a_newer_release_is_refused_and_untouched(tmp_path: Path) -> None:
    newer = new_migrations("test")
    newer(name="0001_things")(_things)
    newer(name="0002_future")(lambda db: db.execute("create table future (id)"))
    Store(tmp_path / "a.db", newer, SystemClock()).close()
    with pytest.raises(StoreError, match="newer release"):
        open_store(tmp_path / "a.db")


def test_a_corrupt_store_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"not a database, really" * 100)
    with pytest.raises(StoreError, match=r"a\.db"):
        open_store(tmp_path / "a.db")


def test_a_checkpoint_leaves_no_deleted_byte_in_the_log(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db")
    store.db.execute("create table secrets (value blob)")
    secret = os.urandom(32)
    with store.event() as db:
        db.execute("insert into secrets values (?)", [secret])
    with store.event() as db:
        db.execute("delete from secrets")
    store.checkpoint()
    assert not any(secret in path.read_bytes() for path in tmp_path.iterdir())
    store.close()


def test_stores_are_not_readable_by_others(tmp_path: Path) -> None:
    store = open_store(tmp_path / "a.db")
    with store.event():
        store.record("thing")
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    store.close()


CITY = """
city = "hase"
name = "長谷市"
[sections.citizens]
name = "市民課"
name_en = "Citizens"
phone = "0265-00-0001"
[papers.controlled]
name = "改ざん防止用紙"
controlled = true
[services.juminhyo]
name = "住民票の写し"
name_en = "Copy of the resident record"
section = "citizens"
class = "certificate"
paper = "controlled"
fee_yen = 300
[stops.hase]
name = "長谷公民館"
district = "長谷"
latitude = 35.8
longitude = 138.1
[timetable]
duty_from = "08:30"
duty_until = "15:30"
[printers.front]
uri = "ipp://127.0.0.1:631/ipp/print"
paper = "controlled"
[vehicles.moba-1]
name = "もーば1号車"
printer = "front"
"""


def test_a_city_file_is_read_whole() -> None:
    read = city.parse_city(CITY.encode(), "city.toml").city
    assert read.services["juminhyo"].fee_yen == 300
    assert read.limits.release_s == 15


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("fee_yen = 300", "fee_yen = -1", r"services\.juminhyo\.fee_yen: .*>= 0"),
        ("latitude = 35.8", "latitude = 95.8", r"stops\.hase\.latitude: .*<= 90"),
        ('class = "certificate"', 'class = "secret"', r"services\.juminhyo\.class: .*allowed: certificate, form, test"),
        ("fee_yen = 300", "fee = 300", "unknown field `fee`.*allowed:.*fee_yen"),
        (
            'section = "citizens"',
            'section = "tax"',
            r"services.juminhyo.section: there is no sections.tax; allowed: citizens",
        ),
        ('printer = "front"', 'printer = "rear"', "vehicles.moba-1.printer.*allowed: front"),
        ('duty_until = "15:30"', 'duty_until = "07:30"', "duty_until: must be later"),
        ('duty_until = "15:30"', 'duty_until = "25:30"', "timetable.duty_until"),
        ("[timetable]", "[limits]\nrelease_s = 600\n[timetable]", "limits.release_s.*<= 30"),
        ('city = "hase"', 'city = "', "not TOML"),
    ],
)
def test_a_wrong_value_is_named_with_file_key_and_what_is_allowed(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError, match=rf"(?s)city\.toml.*{said}"):
        city.parse_city(CITY.replace(old, new).encode(), "city.toml")


def test_a_published_city_file_needs_city_halls_signature(tmp_path: Path) -> None:
    key, path = Ed25519PrivateKey.generate(), tmp_path / "city.toml"
    path.write_text(CITY)
    signature = path.with_name("city.toml.sig")
    signature.write_bytes(city.sign_city(CITY.encode(), key))
    assert city.load_signed_city(path, key.public_key()).digest == city.load_city(path).digest
    path.write_text(CITY.replace("300", "0"))
    with pytest.raises(ConfigError, match="signature"):
        city.load_signed_city(path, key.public_key())


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.key"
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(pem)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_signing_key(path)
    path.chmod(0o600)
    load_signing_key(path)
    with pytest.raises(KeyFileError) as caught:
        load_public_key(path)
    assert "PRIVATE" not in str(caught.value)


def test_systemd_hears_that_we_are_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert notify.notify(notify.READY) is False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert notify.notify(notify.READY) is True
        assert manager.recv(100) == b"READY=1"
    monkeypatch.setenv("WATCHDOG_USEC", "10000000")
    assert notify.watchdog_interval_s() == 5


def test_a_service_manager_that_does_not_read_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        told = [notify.notify(notify.WATCHDOG) for _ in range(2000)]
        assert told[0] is True
        assert told[-1] is False
        assert manager.recv(100) == b"WATCHDOG=1"
        assert notify.notify(notify.WATCHDOG) is True


def test_two_reads_of_one_release_give_one_digest() -> None:
    assert len(software_digest()) == 32
    assert software_digest() == software_digest.__wrapped__()


def test_sqlite_here_is_new_enough_for_strict_tables() -> None:
    assert sqlite3.sqlite_version_info >= (3, 37)
