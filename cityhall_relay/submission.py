"""The way in: a clerk's document becomes a sealed job, or nothing of it stays.

The order is the promise: check, seal, ciphertext on the disk, wrapped key on the disk, then the state; only then is it
acknowledged. Whatever a power cut leaves of the first two belongs to no job and is swept at the next start.
"""

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from cityhall_base.city import City, Service
from cityhall_base.clock import Clock
from cityhall_base.printers import PDF, Printer
from cityhall_relay import errors, reissue
from cityhall_relay.bodies import Bodies
from cityhall_relay.changes import Changes
from cityhall_relay.intake.errors import IntakeRefused, RefusedUnlessFlattened
from cityhall_relay.intake.report import FLATTENING_CURES, Drawing, IntakeLimits, Report
from cityhall_relay.jobs import Jobs
from cityhall_relay.reissue import Came, Reissue
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Job, Session
from cityhall_relay.vault import Vault
from cityhall_wire import PROTOCOL_VERSION, headers, seal
from cityhall_wire.check_word import CheckWord, check_word
from cityhall_wire.headers import SealHeader
from cityhall_wire.lifecycle import BEFORE_RELEASE, JobState
from cityhall_wire.sheets import Sides, sheets_for

Check = Callable[[bytes, IntakeLimits, Drawing | None], Awaitable[Report]]
SubmissionId = Annotated[str, Meta(pattern=r"\A[0-9a-f]{32}\Z")]

_DRAWS: Final = 1000
"""5760 check words and at most a few hundred live jobs: a second draw is rare, a thousandth is a fault."""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What the clerk asks for. The document's name never gets this far: it may hold a resident's name."""

    clerk: str
    session: str
    service: str
    number: SubmissionId
    copies: int
    flatten: bool = False  # as pictures of its pages
    reissue: Reissue | None = None


class Accepted(NamedTuple):
    """The job, and whether this very request made it."""

    job: Job
    new: bool


class _Sealed(NamedTuple):
    raw_header: bytes
    header: SealHeader
    body: bytearray


class _Prepared(NamedTuple):
    document: bytes
    report: Report
    resend_of: str


class Submissions:
    """Takes documents. One at a time for each clerk, so a double-click waits and then finds its job."""

    def __init__(
        self,
        store: RelayStore,
        jobs: Jobs,
        sessions: Sessions,
        vault: Vault,
        bodies: Bodies,
        check: Check,
        city: City,
        clock: Clock,
        changes: Changes,
    ) -> None:
        self._store, self._jobs, self._sessions, self._vault, self._bodies = store, jobs, sessions, vault, bodies
        self._check, self._city, self._clock, self._changes = check, city, clock, changes
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._drawn: set[CheckWord] = set()
        self._came = Came(store, sessions)

    async def take(self, ask: Submission, read: Callable[[], Awaitable[bytes]]) -> Accepted:
        """Read, check, seal and keep the document. Raises RelayError or IntakeError with the sentence for the clerk."""
        async with self._turns[ask.clerk]:
            document = await read()
            if known := self._known(ask, len(document)):
                return Accepted(known, new=False)
            session, service = self._allowed(ask)
            report = await self._checked(document, self._drawing(ask, session, service), service)
            mark = await self._came.mark(session, document)
            prepared = _Prepared(document, report, "" if ask.reissue else self._came.before(mark))
            job = await self._seal_and_keep(ask, session, service, prepared)
            self._came.remember(mark, job.job)
            return Accepted(job, new=True)

    def _known(self, ask: Submission, size: int) -> Job | None:
        job = self._store.job_of_submission(ask.number)
        if job is None:
            return None
        # No digest of the document is kept that could tell more than this.
        now = (ask.session, ask.service, size, ask.flatten, ask.reissue.of if ask.reissue else "")
        if (job.session, job.service, job.size, job.flattened, job.reissue_of) != now:
            raise errors.SubmissionReusedError
        return job

    async def _checked(self, document: bytes, drawing: Drawing | None, service: Service) -> Report:
        try:
            return await self._check(document, self._intake_limits(), drawing)
        except IntakeRefused as refused:
            curable = all(finding.refusal in FLATTENING_CURES for finding in refused.findings)
            if service.flatten and curable:
                raise RefusedUnlessFlattened(*refused.findings) from refused
            raise

    def _allowed(self, ask: Submission) -> tuple[Session, Service]:
        session = self._sessions.live(ask.session)
        if session is None or session.clerk != ask.clerk:
            raise errors.NoSessionError
        service = self._city.services.get(ask.service)
        if service is None:
            raise errors.UnknownPlaceError(f"allowed: {', '.join(self._city.services)}")
        if service.section != session.section:
            raise errors.WrongSectionError
        if ask.copies != 1:
            raise errors.CopiesError
        if ask.flatten and not service.flatten:
            raise errors.FlattenError
        waiting = [job for job in self._store.live_jobs() if job.bus == session.bus and job.state in BEFORE_RELEASE]
        if len(waiting) >= self._city.limits.offers_per_bus:
            raise errors.BusFullError
        if ask.reissue is not None:
            reissue.check(ask.reissue, session, ask.service, self._store, self._city)
        return session, service

    def _printer(self, bus: str) -> Printer:
        return self._city.printers[self._city.vehicles[bus].printer]

    def _drawing(self, ask: Submission, session: Session, service: Service) -> Drawing | None:
        """What the pages are to be drawn to, if at all."""
        printer = self._printer(session.bus)
        if printer.sealed_format == PDF and not ask.flatten:
            return None
        return Drawing(
            document_format=printer.sealed_format,
            raster=printer.raster,
            media=self._city.papers[service.paper].media,
            sides=service.sides,
            most_pages=service.max_sheets * (1 if service.sides is Sides.ONE_SIDED else 2),
            flatten=ask.flatten,
        )

    def _intake_limits(self) -> IntakeLimits:
        limits = self._city.limits
        return IntakeLimits(document_bytes=limits.document_bytes, pages=limits.document_pages)

    async def _seal_and_keep(self, ask: Submission, session: Session, service: Service, prepared: _Prepared) -> Job:
        report = prepared.report
        key, printed = seal.new_content_key(), report.drawn or prepared.document
        commitment = await asyncio.to_thread(seal.commitment, key, printed)
        plain = self._header(ask, service, len(printed), commitment, report)
        header, word = self._draw(plain, session)
        try:
            sealed = await asyncio.to_thread(_seal, key, header, printed)
            await asyncio.to_thread(self._bodies.write, header.job, sealed.body)
            return self._keep(ask, session, sealed, key, prepared)
        except BaseException:
            self._bodies.delete(header.job)
            self._vault.destroy(header.job)
            raise
        finally:
            self._drawn.discard(word)

    def _draw(self, plain: SealHeader, session: Session) -> tuple[SealHeader, CheckWord]:
        """A header whose check word nobody else in the fleet is reading aloud at this moment."""
        taken = {job.check_word for job in self._store.live_jobs()} | self._drawn
        for _ in range(_DRAWS):
            header = msgspec.structs.replace(plain, job="j" + secrets.token_hex(12))
            word = check_word(headers.seal_digest(headers.encode_header(header)), session.session, session.bus)
            if word not in taken:
                self._drawn.add(word)
                return header, word
        raise errors.BusFullError("no check word is free")

    def _header(self, ask: Submission, service: Service, size: int, commitment: bytes, report: Report) -> SealHeader:
        """Everything but the job id, which is still to be drawn. Raises TooManySheetsError."""
        sheets = sheets_for(report.pages, service.sides)
        if sheets > service.max_sheets:
            raise errors.TooManySheetsError(f"{sheets} needed, {service.max_sheets} allowed")
        return SealHeader(
            v=PROTOCOL_VERSION,
            city=self._city.city,
            job="j" + "0" * 24,
            commitment=commitment,
            size=size,
            document_format=report.document_format,
            impressions=report.pages,
            sheets=sheets,
            sides=service.sides,
            media=self._city.papers[service.paper].media,
            job_class=service.job_class,
            service=ask.service,
            paper=service.paper,
            joint_seal=sheets >= service.joint_seal_from_sheets,
            reissue_of=ask.reissue.of if ask.reissue else None,
        )

    def _keep(self, ask: Submission, session: Session, sealed: _Sealed, key: bytes, prepared: _Prepared) -> Job:
        report = prepared.report
        digest, now = headers.seal_digest(sealed.raw_header), self._clock.utc_ms()
        job = Job(
            job=sealed.header.job,
            session=session.session,
            bus=session.bus,
            service=ask.service,
            submission=ask.number,
            state=JobState.SEALED,
            attempt=1,
            seal_header=sealed.raw_header,
            seal_digest=digest,
            size=len(prepared.document),
            body_size=len(sealed.body),
            created_at=now,
            changed_at=now,
            isolation=msgspec.json.encode(report.isolation).decode(),
            drawn_dpi=self._printer(session.bus).raster.dpi if report.drawn else 0,
            flattened=ask.flatten,
            resend_of=prepared.resend_of,
            reissue_of=ask.reissue.of if ask.reissue else "",
        )
        self._vault.put(job.job, digest, key)
        with self._store.event():
            self._allowed(ask)  # the session may have ended while the document was checked
            self._jobs.begin(job)
            self._store.record("prepared", job.job, how=job.prepared)
            if ask.reissue:
                self._store.record("reissue", job.job, of=ask.reissue.of, sheet=ask.reissue.sheet)
            self._sessions.touch(session.session)
            self._changes.concerns(job.bus)
        return job


def _seal(key: bytes, header: SealHeader, document: bytes) -> _Sealed:
    raw = headers.encode_header(header)
    return _Sealed(raw, header, seal.seal(key, raw, document))
