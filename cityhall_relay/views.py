"""What a clerk's screen gets to see, and the sentence that says it. No digest of a document, no name, no key."""

from types import MappingProxyType
from typing import Final

import msgspec

from cityhall_base.city import City
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Bus, Job, Session
from cityhall_relay.sync import holdings_of
from cityhall_wire.lifecycle import JobState

_S = JobState

SENTENCES: Final = MappingProxyType(
    {
        _S.SEALED: "Sealed at city hall; the bus fetches it as soon as it has a line.",
        _S.OFFERED: "On its way to the bus.",
        _S.ON_BUS: "On the bus, still shut.",
        _S.RELEASING: "The concierge pressed print; the key is on its way to the printer's opener.",
        _S.PRINTING: "At the printer.",
        _S.PRINTED: "Printed; the concierge checks the sheets and hands them over.",
        _S.UNCERTAIN: "Needs confirmation (要確認): the concierge looks what came out of the printer.",
        _S.HANDED_OVER: "Handed over (お渡し済). Key and ciphertext are destroyed.",
        _S.SPOILED: "Spoiled (書損). Send the document again for the one reissue (刷り直し).",
        _S.CANCELED: "Canceled (取消). Nothing can be printed any more.",
        _S.EXPIRED: "Expired (期限切れ): it waited too long. Send it again if it is still wanted.",
        _S.REFUSED: "Refused (受付不可) on the bus. Nothing was printed.",
        _S.NOT_PRINTED: "Not printed (未印刷): the concierge looked, and nothing came out.",
    }
)
_WAITS_FOR_APPROVAL: Final = frozenset({_S.SEALED, _S.OFFERED, _S.ON_BUS})


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
    sentence: str


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
    session: str | None
    suspended: bool


def job_view(store: RelayStore, job: Job) -> JobView:
    """Where the job stands."""
    header, word = job.header, job.check_word
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
        times={str(step.state): step.at for step in store.steps(job.job)},
        sentence=_sentence(job),
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
        session=session.session if session else None,
        suspended=bus.suspended,
    )


def _received(store: RelayStore, job: Job) -> int:
    if job.state not in (JobState.SEALED, JobState.OFFERED):
        return job.body_size if any(s.state is JobState.ON_BUS for s in store.steps(job.job)) else 0
    held = (holding.received for holding in holdings_of(store.bus(job.bus)) if holding.job == job.job)
    return next(held, 0)


def _sentence(job: Job) -> str:
    text = SENTENCES[job.state]
    if job.state in _WAITS_FOR_APPROVAL and job.approved_at is None:
        text += " It waits for your approval (印刷を許可)."
    elif job.state is JobState.ON_BUS:
        text += " The concierge may print it (許可済)."
    return text
