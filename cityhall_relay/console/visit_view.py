"""What the page of a visit shows: its steps, and the one thing that is to be done now. Read from the desks, written nowhere."""

import functools
import hashlib
import hmac
import secrets
from enum import StrEnum
from typing import Final, NamedTuple

from cityhall_base.reasons import sentence
from cityhall_base.words import Language, say
from cityhall_relay.clerk_desk import checks_missing
from cityhall_relay.console.board_view import name_of, section_name
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.steps import StepShown, steps
from cityhall_relay.console.visit_words import VisitWord
from cityhall_relay.store.rows import Job, Session
from cityhall_relay.views import JobView, job_view
from cityhall_relay.visits import WITHOUT_DOCUMENT
from cityhall_wire.lifecycle import BEFORE_RELEASE, JobState
from cityhall_wire.modes import JobClass

OTHERS: Final = 5
"""Documents listed beside the one that the page is about; a visit has one to three."""

_KEY: Final = secrets.token_bytes(32)
_WITHOUT: Final = dict(zip(WITHOUT_DOCUMENT, (VisitWord.KNOWN, VisitWord.NONE_NEEDED), strict=True))


class Stage(StrEnum):
    """What the right side of the page is about."""

    CHECK = "check"
    SEND = "send"
    ALLOW = "allow"
    SECOND = "second"  # allowed by this clerk; another one must as well
    LIVE = "live"
    TROUBLE = "trouble"
    DONE = "done"
    OVER = "over"


class Wanted(NamedTuple):
    """What the page's address asks for beside the visit: one of its documents, a reissue, another document."""

    job: str = ""
    reissue: str = ""
    send: bool = False

    @property
    def query(self) -> str:
        """As it stands in the address of the event stream."""
        named = (("job", self.job), ("reissue", self.reissue), ("send", "1" if self.send else ""))
        return "&".join(f"{name}={value}" for name, value in named if value)


class Choice(NamedTuple):
    """One thing to choose. `flatten`: of a service, whether pictures may be sent."""

    value: str
    text: str
    flatten: bool = False


class JobShown(NamedTuple):
    """One document for its clerk."""

    view: JobView
    service: str
    paper: str
    fee_yen: int
    joint_seal: bool
    state: str
    do: str
    why: str
    first_page: bool
    drawing: bool  # of the first page
    check_first: bool
    carried: int  # per cent of the ciphertext that is on the bus


class Limit(NamedTuple):
    """Time that runs. Seconds."""

    label: VisitWord
    left_s: int
    of_s: int


class VisitView:
    """Everything as it is at this moment. `session` is this clerk's own."""

    def __init__(self, desks: Desks, session: Session, language: Language, wanted: Wanted) -> None:
        self._desks, self.session, self._language, self._wanted = desks, session, language, wanted
        self._jobs = desks.store.jobs_of_session(session.session)
        self.checks = desks.visits.checks(session.session)
        self.row = self._row()
        self.live = desks.sessions.live(session.session) is not None
        self.reissue = self._reissue()
        self.stage = self._stage()

    # --- the frame of the page ---

    @property
    def query(self) -> str:
        """Of the page's address."""
        return self._wanted.query

    @property
    def place(self) -> tuple[str, ...]:
        """Section, bus and stop, as people call them."""
        city, session = self._desks.city, self.session
        stop = city.stops.get(session.stop)
        bus = city.vehicles[session.bus].name
        return (section_name(city, session.section, self._language), bus, stop.name if stop else session.stop)

    @property
    def video(self) -> str:
        """The host's address of the section's video link; empty where it has none."""
        one = self._desks.city.sections.get(self.session.section)
        return one.video_host if one and self.live else ""

    @property
    def phone(self) -> str:
        """Of the section."""
        one = self._desks.city.sections.get(self.session.section)
        return one.phone if one and self.live else ""

    @property
    def asked_min(self) -> int:
        """So much later the concierge asks to end the day."""
        asked = self._desks.duty.pending(self.session.bus) if self.live else None
        return asked.minutes if asked else 0

    @property
    def steps(self) -> tuple[StepShown, ...]:
        """The vertical line."""
        return steps(self._desks, self.session, self.checks, self.row, self._language)

    @property
    def limits(self) -> list[Limit]:
        """What runs out, at most one of them."""
        limits, now, job = self._desks.city.limits, self._desks.clock.utc_ms(), self.row
        if job is not None and job.state in BEFORE_RELEASE:
            if job.approved_at is None:
                return [_limit(VisitWord.LEFT_TO_ALLOW, job.created_at, limits.unapproved_s, now)]
            return [_limit(VisitWord.LEFT_TO_PRINT, job.approved_at, limits.approved_s, now)]
        if self.live and (job is None or job.ended):
            return [_limit(VisitWord.LEFT_OF_VISIT, self.session.active_at, limits.session_idle_s, now)]
        return []

    # --- what is to be done ---

    @functools.cached_property
    def job(self) -> JobShown | None:
        """The document that the page is about."""
        return self._shown(self.row) if self.row else None

    @property
    def others(self) -> list[JobShown]:
        """The visit's last further documents, newest first."""
        others = [job for job in self._jobs if job is not self.row]
        return [self._shown(job) for job in reversed(others[-OTHERS:])]

    @property
    def identities(self) -> list[Choice]:
        """Kinds of documents."""
        kinds = self._desks.visits.identities(self.session.section)
        return [Choice(kind, _WITHOUT[kind].say(self._language) if kind in _WITHOUT else kind) for kind in kinds]

    @property
    def services(self) -> list[Choice]:
        """What this section issues; for a reissue the one of the spoiled document. Test pages have a command of their own."""
        found = [
            Choice(name, name_of(one, self._language), one.flatten)
            for name, one in self._desks.city.services.items()
            if one.section == self.session.section and one.job_class is not JobClass.TEST
        ]
        return [one for one in found if one.value == self.reissue.service] if self.reissue else found

    @property
    def may_skip(self) -> bool:
        """Whether this section issues something for which nobody has to be checked."""
        services = self._desks.city.services
        return any(not services[one.value].checks for one in self.services)

    @property
    def asks_sheet(self) -> bool:
        """Whether the reissue needs the number of the spoiled sheet."""
        job = self.reissue
        if job is None:
            return False
        named = any(entry.named for entry in self._desks.store.sheets(job.job))
        return named or self._desks.city.papers[job.header.paper].controlled

    @property
    def number(self) -> str:
        """Of the next submission: the same until it has made a document, so that a form that is sent twice makes one."""
        about = f"{self.session.session} {len(self._jobs)} {self.reissue.job if self.reissue else ''}"
        return hmac.digest(_KEY, about.encode(), hashlib.sha256).hex()[:32]

    @property
    def reported(self) -> list[str]:
        """What the concierge said of the trouble, as she pressed it."""
        job = self.row
        if job is None or job.state is not JobState.SPOILED:
            return []  # until then only machines have spoken
        found = [sentence(job.why, self._language)] if job.why else []
        numbers = [number for entry in self._desks.store.sheets(job.job) for number in entry.named]
        return [*found, *([VisitWord.SPOILED_SHEETS.say(self._language, ", ".join(numbers))] if numbers else [])]

    @property
    def may_reissue(self) -> bool:
        """Now; it needs her report, and a live visit."""
        return self.live and self.row is not None and self.row.state is JobState.SPOILED

    # --- inside ---

    def _row(self) -> Job | None:
        named = [job for job in self._jobs if job.job == self._wanted.job]
        going_on = [job for job in self._jobs if not job.ended]
        open_ = [job for job in self._jobs if self._open_spoil(job)]
        return max(named or going_on or open_ or self._jobs, key=_last_touched, default=None)

    def _open_spoil(self, job: Job) -> bool:
        waits = job.state is JobState.SPOILED and job.voided_at is None
        return waits and self._desks.store.reissue_of(job.job) is None

    def _reissue(self) -> Job | None:
        """Whichever spoiled document of this bus the address names, also one of an earlier visit."""
        job = self._desks.store.job(self._wanted.reissue) if self._wanted.reissue else None
        fits = job is not None and job.bus == self.session.bus and self._mine(job) and self._open_spoil(job)
        return job if fits and self.live else None

    def _mine(self, job: Job) -> bool:
        session = self._desks.store.session(job.session)
        return session is not None and session.clerk == self.session.clerk

    def _stage(self) -> Stage:
        job = self.row
        if self.reissue or (self._wanted.send and self.live):
            return Stage.SEND
        if job is not None and (job.state is JobState.UNCERTAIN or self._open_spoil(job)):
            return Stage.TROUBLE
        if job is not None and not job.ended:
            return self._going_on(job)
        if not self.live:
            return Stage.OVER
        if job is not None and job.state is JobState.HANDED_OVER:
            return Stage.DONE
        return Stage.SEND if self.checks and self.checks.complete else Stage.CHECK

    def _going_on(self, job: Job) -> Stage:
        if job.state not in BEFORE_RELEASE or job.approved_at is not None:
            return Stage.LIVE
        allowed = {one.clerk for one in self._desks.store.approvals(job.job)}
        return Stage.SECOND if self.session.clerk in allowed else Stage.ALLOW

    def _shown(self, job: Job) -> JobShown:
        return job_shown(self._desks, job, self._language, self.session.clerk)


def _last_touched(job: Job) -> tuple[int, int, bool]:
    return job.changed_at, job.created_at, bool(job.reissue_of)


def job_shown(desks: Desks, job: Job, language: Language, clerk: str) -> JobShown:
    """For `clerk`, who may see it."""
    city, view, header = desks.city, job_view(desks.store, desks.city, job), job.header
    service = city.services[job.service]
    return JobShown(
        view=view,
        service=name_of(service, language),
        paper=city.papers[header.paper].name,
        fee_yen=service.fee_yen,
        joint_seal=header.joint_seal,
        state=say(view.key, view.sentence, language),
        do=say(view.do.key, view.do.sentence, language, view.do.detail) if view.do else "",
        why=say(view.why.key, view.why.sentence, language) if view.why else "",
        first_page=desks.first_pages.of(clerk, job.job) is not None,
        drawing=desks.first_pages.drawing(job.job),
        check_first=checks_missing(desks.store, city, job),
        carried=view.received * 100 // max(1, view.size),
    )


def _limit(label: VisitWord, since: int, seconds: int, now: int) -> Limit:
    return Limit(label, max(0, seconds - (now - since) // 1000), seconds)
