"""What a clerk's screen gets to see, and the sentences that say it. No digest of a document, no name, no key."""

import itertools
from typing import Final

import msgspec

from cityhall_base.city import City
from cityhall_base.reasons import REASONS, sentence
from cityhall_base.words import Language, Word
from cityhall_relay.clerk_desk import checks_missing
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Bus, Job, Session, Side, Step
from cityhall_relay.sync import holdings_of
from cityhall_wire.lifecycle import BEFORE_RELEASE, JobState


class ClerkWord(Word):
    """Where a document stands (`clerk.` and the JobState), and what the clerk does now (`clerk.do.`)."""

    SEALED = ("clerk.sealed", "Sealed at city hall; the bus fetches it as soon as it has a line.")
    OFFERED = ("clerk.offered", "On its way to the bus.")
    ON_BUS = ("clerk.on_bus", "On the bus, still shut.")
    RELEASING = ("clerk.releasing", "The concierge pressed print; the key is on its way to the printer's opener.")
    PRINTING = ("clerk.printing", "At the printer.")
    PRINTED = ("clerk.printed", "Printed; the concierge checks the sheets and hands them over.")
    UNCERTAIN = ("clerk.uncertain", "Needs confirmation (要確認): the concierge looks what came out of the printer.")
    HANDED_OVER = ("clerk.handed_over", "Handed over (お渡し済). Key and ciphertext are destroyed.")
    SPOILED = ("clerk.spoiled", "Spoiled (書損). Its sheets are worth nothing.")
    CANCELED = ("clerk.canceled", "Canceled (取消). Nothing can be printed any more.")
    EXPIRED = ("clerk.expired", "Expired (期限切れ): it waited too long. Send it again if it is still wanted.")
    REFUSED = ("clerk.refused", "Refused (受付不可). Nothing was printed.")
    NOT_PRINTED = ("clerk.not_printed", "Not printed (未印刷): the concierge looked, and nothing came out.")

    CHECK = ("clerk.do.check", "Check identity and protection (支援措置) first, then allow the print.")
    ALLOW = ("clerk.do.allow", "Compare the check word with the concierge, then allow the print (印刷を許可).")
    RESEND = (
        "clerk.do.resend",
        "It is the same document as {detail}: cancel it, or allow it as a second one (--again).",
    )
    SECOND = ("clerk.do.second", "Tell a second clerk its number, who must allow it too.")
    WAIT = ("clerk.do.wait", "Allowed (許可済): the concierge may print it.")
    ASK_OR_VOID = (
        "clerk.do.ask_or_void",
        "Ask the concierge what came out; if nobody on the bus can say, declare it void.",
    )
    REISSUE_OR_VOID = (
        "clerk.do.reissue_or_void",
        "Send the one reissue (刷り直し) with the spoiled sheet's number, or declare it void.",
    )
    REISSUED = ("clerk.do.reissued", "Its one reissue is {detail}.")
    VOIDED = ("clerk.do.voided", "Void (無効): it has no reissue.")


SENTENCES: Final = {JobState(word.removeprefix("clerk.")): word for word in ClerkWord if "clerk.do." not in word}


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A sentence in English, and its key in the catalogue; `detail` is what stands for `{detail}` there."""

    key: str
    sentence: str
    detail: str = ""


class JobView(msgspec.Struct, frozen=True, kw_only=True):
    """One job as JSON."""

    job: str
    session: str
    bus: str
    service: str
    state: JobState
    ended: bool
    approved: bool
    check_word: str
    check_word_reading: str
    sheets: int
    impressions: int
    attempt: int
    received: int  # bytes of ciphertext on the bus
    size: int  # bytes of ciphertext in all
    document_size: int  # bytes of the document as it was sent
    prepared: str  # pdf as sent · pwg-raster 300 dpi · flattened 300 dpi · flattened pwg-raster 300 dpi
    intake_isolation: tuple[str, ...]  # the layers that held the process which looked into the document
    times: dict[str, int]  # state → UTC milliseconds, in the order in which it was reached last
    approvals: tuple[str, ...]  # who has allowed it so far, by opaque id
    approvals_needed: int
    resend_of: str  # the same document, sent before in this session; empty
    reissue_of: str  # the spoiled document that it takes the place of; empty
    reissue: str  # the document that takes its place; empty
    void: bool
    spoiled_sheets: tuple[str, ...]  # numbers, as the concierge reported them
    deleted: dict[str, int]  # bus and relay → UTC milliseconds at which each signed that key and ciphertext are gone
    key: str
    sentence: str  # where it stands
    do: Said | None  # what the clerk does now
    why: Said | None  # the last reason that was given


class ReceiptsView(msgspec.Struct, frozen=True, kw_only=True):
    """The signed deletion receipts of one job, as envelopes (docs/wire.md); null where that side has not signed yet."""

    job: str
    seal_digest: bytes
    bus: bytes | None
    relay: bytes | None


class PrinterView(msgspec.Struct, frozen=True, kw_only=True):
    """The printer in IPP's words."""

    state: str
    reasons: tuple[str, ...]


class BusView(msgspec.Struct, frozen=True, kw_only=True):
    """One vehicle as JSON."""

    bus: str
    name: str
    online: bool | None  # by the broker's word; None where it gave none
    last_sync_at: int | None  # UTC milliseconds
    mode: str
    printer: PrinterView
    spooler: bool
    stop: str  # where it stands, as it said last; empty: at none
    session: str | None
    suspended: bool
    locked: Said | None  # why it gets neither lease nor session


def job_view(store: RelayStore, city: City, job: Job) -> JobView:
    """Where the job stands."""
    header, word, now = job.header, job.check_word, SENTENCES[job.state]
    approvals, reissue = tuple(one.clerk for one in store.approvals(job.job)), store.reissue_of(job.job)
    receipts = ((str(side), store.receipt(job.job, side)) for side in Side)
    spoiled = (entry.named for entry in store.sheets(job.job) if entry.kind == JobState.SPOILED)
    return JobView(
        job=job.job,
        session=job.session,
        bus=job.bus,
        service=job.service,
        state=job.state,
        ended=job.ended,
        approved=job.approved_at is not None,
        check_word=str(word),
        check_word_reading=f"{word.number} {word.reading}",
        sheets=header.sheets,
        impressions=header.impressions,
        attempt=job.attempt,
        received=_received(store, job),
        size=job.body_size,
        document_size=job.size,
        prepared=job.prepared,
        intake_isolation=msgspec.json.decode(job.isolation, type=tuple[str, ...]),
        times=_times(store.steps(job.job)),
        approvals=approvals,
        approvals_needed=city.services[job.service].approvers,
        resend_of=job.resend_of,
        reissue_of=job.reissue_of,
        reissue=reissue.job if reissue else "",
        void=job.voided_at is not None,
        spoiled_sheets=tuple(itertools.chain.from_iterable(spoiled)),
        deleted={side: receipt.at for side, receipt in receipts if receipt is not None},
        key=str(now),
        sentence=now.english,
        do=_do(job, len(approvals), reissue, unchecked=checks_missing(store, city, job)),
        why=_reason(job.why),
    )


def receipts_view(store: RelayStore, job: Job) -> ReceiptsView:
    """For the auditor."""
    bus, relay = store.receipt(job.job, Side.BUS), store.receipt(job.job, Side.RELAY)
    return ReceiptsView(
        job=job.job,
        seal_digest=job.seal_digest,
        bus=bus.envelope if bus else None,
        relay=relay.envelope if relay else None,
    )


def bus_view(city: City, bus: Bus, online: bool | None, session: Session | None) -> BusView:
    """What is known of the bus."""
    reasons = msgspec.json.decode(bus.printer_reasons, type=tuple[str, ...])
    return BusView(
        bus=bus.bus,
        name=city.vehicles[bus.bus].name,
        online=online,
        last_sync_at=bus.synced_at,
        mode=bus.mode,
        printer=PrinterView(state=bus.printer_state, reasons=reasons),
        spooler=bus.spooler,
        stop=bus.stop,
        session=session.session if session else None,
        suspended=bus.suspended,
        locked=_reason(bus.locked),
    )


def _received(store: RelayStore, job: Job) -> int:
    if job.state not in (JobState.SEALED, JobState.OFFERED):
        return job.body_size if any(s.state is JobState.ON_BUS for s in store.steps(job.job)) else 0
    held = (holding.received for holding in holdings_of(store.bus(job.bus)) if holding.job == job.job)
    return next(held, 0)


def _times(steps: list[Step]) -> dict[str, int]:
    # A statement that leaves the job where it is (the document is sent: still printing) is no arrival.
    before = [None, *(step.state for step in steps)]
    return {str(step.state): step.at for step, last in zip(steps, before, strict=False) if step.state is not last}


def _do(job: Job, approvals: int, reissue: Job | None, *, unchecked: bool) -> Said | None:
    if job.state in BEFORE_RELEASE:
        if job.approved_at is None:
            if unchecked:
                return _said(ClerkWord.CHECK)
            if job.resend_of:
                return _said(ClerkWord.RESEND, job.resend_of)
            return _said(ClerkWord.SECOND if approvals else ClerkWord.ALLOW)
        return _said(ClerkWord.WAIT)
    if job.state is JobState.UNCERTAIN:
        return _said(ClerkWord.ASK_OR_VOID)
    if job.state is JobState.SPOILED:
        if reissue is not None:
            return _said(ClerkWord.REISSUED, reissue.job)
        return _said(ClerkWord.REISSUE_OR_VOID if job.voided_at is None else ClerkWord.VOIDED)
    return None


def _said(word: ClerkWord, detail: str = "") -> Said:
    return Said(key=str(word), sentence=word.say(Language.ENGLISH, detail), detail=detail)


def _reason(name: str) -> Said | None:
    if not name:
        return None
    reason = REASONS.get(name)
    return Said(key=str(reason or name), sentence=sentence(name))
