"""Where content keys rest between sealing and release: wrapped under a key of their day, in a database of their own.

The day's *wrapping key* is one file for each JST date of sealing, outside every database and backup. At 03:00 JST of the
next day it is deleted, and whatever was wrapped under it is lost to everybody, also to whoever holds a backup.
Wrapping is AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce; job and seal digest are its additional data.
"""

import re
import secrets
from collections.abc import Container
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from cityhall_base.clock import JST, Clock, jst
from cityhall_base.errors import StoreError
from cityhall_base.files import UnfitFileError, read_small
from cityhall_base.store import Store, new_migrations
from cityhall_relay import files
from cityhall_relay.errors import KeyGoneError

DELETED_AT: Final = time(3, 0, tzinfo=JST)
"""Three hours after midnight: nobody prints, and the night's backup has not begun."""

_TAG: Final = b"cityhall/1 wrapped-key\0"
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_MOVE: Final = "move it away; documents of that day then end, and their clerks send them again"
_NAME: Final = re.compile(r"\d{4}-\d{2}-\d{2}\.key")


def key_migrations() -> Migrations:
    """The steps of `keys.db`."""
    migrations = new_migrations("keys")

    @migrations(name="0001_wrapped")
    def wrapped(db: Database) -> None:
        columns = {"job": str, "day": str, "wrapped": bytes}
        db.table("wrapped").create(columns, pk="job", not_null=set(columns), strict=True)

    return migrations


class Vault:
    """Holds the days' keys in memory and no content key longer than a call."""

    def __init__(self, store: Store, folder: Path, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._folder = files.private_folder(folder)
        names = [path for path in self._folder.iterdir() if _NAME.fullmatch(path.name)]
        self._days = dict(map(_day_in, names))

    def put(self, job: str, seal_digest: bytes, content_key: bytes) -> None:
        """Keep the content key of `job`, wrapped; durable when this returns."""
        day = self._today()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(self._day_key(day)).encrypt(nonce, content_key, _aad(job, seal_digest))
        with self._store.event() as db:
            db.table("wrapped").insert({"job": job, "day": day.isoformat(), "wrapped": nonce + sealed})
            self._store.record("key_wrapped", job, day=day.isoformat())

    def take(self, job: str, seal_digest: bytes) -> bytes:
        """The content key of `job`, for one use; raises KeyGoneError where it or its day is gone."""
        row = self._store.db.execute("select day, wrapped from wrapped where job = ?", [job]).fetchone()
        key = self._days.get(date.fromisoformat(row[0])) if row else None
        if row is None or key is None:
            raise KeyGoneError
        try:
            return AESGCM(key).decrypt(row[1][:_NONCE_BYTES], row[1][_NONCE_BYTES:], _aad(job, seal_digest))
        except InvalidTag:
            raise KeyGoneError("what is kept for it does not fit") from None

    def holds(self, job: str) -> bool:
        """Whether the key of `job` can still be had."""
        row = self._store.db.execute("select day from wrapped where job = ?", [job]).fetchone()
        return row is not None and date.fromisoformat(row[0]) in self._days

    def opens_until(self, sealed_at: int) -> int | None:
        """UTC milliseconds at which the key of that day is deleted, and no backup opens what was sealed then; None: it is."""
        day = jst(sealed_at).date()
        return int(_over(day).timestamp() * 1000) if day in self._days else None

    def destroy(self, job: str) -> None:
        """The wrapped key is out of database and log when this returns. Raises StoreError."""
        with self._store.event() as db:
            if db.table("wrapped").delete_where("job = ?", [job]):
                self._store.record("key_destroyed", job)
        self._store.checkpoint()

    def sweep(self) -> bool:
        """Delete the days that are over, file first; True where there was one. Raises OSError or StoreError."""
        now = datetime.fromtimestamp(self._clock.utc_ms() / 1000, UTC)
        over = [day for day in self._days if now >= _over(day)]
        for day in over:
            files.delete_durably(self._path(day))
            del self._days[day]
            with self._store.event() as db:
                db.table("wrapped").delete_where("day = ?", [day.isoformat()])
                self._store.record("day_key_deleted", day=day.isoformat())
            self._store.checkpoint()
        return bool(over)

    def drop_orphans(self, live: Container[str]) -> None:
        """Destroy what belongs to no live job (left by a power cut in the middle of an intake)."""
        for (job,) in self._store.db.execute("select job from wrapped").fetchall():
            if job not in live:
                self.destroy(job)

    def _today(self) -> date:
        return jst(self._clock.utc_ms()).date()

    def _day_key(self, day: date) -> bytes:
        if day not in self._days:
            key = secrets.token_bytes(_KEY_BYTES)
            files.write_durably(self._path(day), key)
            self._days[day] = key
        return self._days[day]

    def _path(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}.key"


def _day_in(path: Path) -> tuple[date, bytes]:
    try:
        day, key = date.fromisoformat(path.stem), read_small(path, _KEY_BYTES, private=True)
    except (ValueError, UnfitFileError) as error:
        raise StoreError(f"{path}: {error}; {_MOVE}") from None
    if len(key) != _KEY_BYTES:
        raise StoreError(f"{path} has {len(key)} bytes, not {_KEY_BYTES}; {_MOVE}")
    return day, key


def _over(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), DELETED_AT)


def _aad(job: str, seal_digest: bytes) -> bytes:
    # A job id holds no NUL, so the parts cannot be shifted against each other.
    return _TAG + job.encode() + b"\0" + seal_digest
