"""The same certificate once more, on purpose or by mistake: the one reissue of a spoiled document (刷り直し), and a resend."""

import asyncio
import hmac
import secrets
from typing import Annotated

import msgspec
from msgspec import Meta

from cityhall_base.city import City
from cityhall_relay.errors import NotFoundError, ReissueError, ReissueSheetError, ReissueUsedError
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Session
from cityhall_wire.headers import JobId
from cityhall_wire.lifecycle import WITHOUT_SHEET, JobState

Mark = tuple[str, bytes]
"""Session, and a digest of the document."""


class Reissue(msgspec.Struct, frozen=True, kw_only=True):
    """The spoiled job that the new one takes the place of, and the number on its sheet where that paper has one."""

    of: JobId
    sheet: Annotated[str, Meta(max_length=32)] = ""


def check(reissue: Reissue, session: Session, service: str, store: RelayStore, city: City) -> None:
    """Whoever is the clerk now: bus, service and sheet must be those. Raises NotFoundError or ReissueError."""
    spoiled = store.job(reissue.of)
    if spoiled is None or (spoiled.bus, spoiled.service) != (session.bus, service):
        raise NotFoundError
    if spoiled.state is not JobState.SPOILED:
        raise ReissueError
    if spoiled.voided_at is not None or store.reissue_of(spoiled.job) is not None:
        raise ReissueUsedError
    numbers = {number for entry in store.sheets(spoiled.job) for number in entry.named}
    if (numbers or city.papers[spoiled.header.paper].controlled) and reissue.sheet not in numbers:
        raise ReissueSheetError


class Came:
    """What came already in a live session, by a digest that means nothing outside this process and dies with it."""

    def __init__(self, store: RelayStore, sessions: Sessions) -> None:
        self._store, self._sessions = store, sessions
        self._key, self._jobs = secrets.token_bytes(32), dict[Mark, str]()

    async def mark(self, session: Session, document: bytes) -> Mark:
        """Of this document in this session."""
        return session.session, await asyncio.to_thread(hmac.digest, self._key, document, "sha256")

    def before(self, mark: Mark) -> str:
        """The job that holds the very same document, where that one has used paper or still may; else empty."""
        self._jobs = {mark: job for mark, job in self._jobs.items() if self._sessions.live(mark[0])}
        job = self._store.job(self._jobs.get(mark, ""))
        return job.job if job and job.state not in WITHOUT_SHEET else ""

    def remember(self, mark: Mark, job: str) -> None:
        """This job holds it now."""
        self._jobs[mark] = job
