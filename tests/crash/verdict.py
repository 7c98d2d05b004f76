"""The judgement of a cycle, from outside: what came out on paper, what both sides say, and what could have been known.

`UNJUSTIFIED` is the definition of an unjustified doubt as a table: a person was asked, although after settling a print-key
statement of the end or the printer's own proof was to be had.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from bus_agent.spooler.reading import JobStatus
from provisioning.demo.paper import Paper

FAULTS: Final = (
    "copies_over_one",
    "lost",
    "wrong_document",
    "false_printed",
    "stuck",
    "uncertain_unjustified",
    "unaccounted",
    "after_end",
)
"""Each must be zero. `unaccounted`: a sheet was begun, and the job ended without paper and without anybody asked. `after_end`: it
was released after its session had ended, or a sheet was begun after its own end (I10)."""

_NS_IN_MS: Final = 1_000_000

_NO_PAPER_ENDS: Final = frozenset({"canceled", "expired", "refused"})


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """What the harness knew of the last attempt in the moment in which a person was asked."""

    jobs: tuple[JobStatus, ...] | None  # the printer's whole list, asked by the harness; None: it does not answer
    name: str  # the attempt's job-name at the printer
    impressions: int  # of the document
    printer_restarted: bool  # since the cycle began
    spooler_restarted: bool  # since the release was asked for
    requested: bool  # a signed release request was made
    create_asked: bool  # an opener was about to say Create-Job
    create_known: bool  # the agent has committed the printer's job id
    sending: bool  # the opener said that the first byte may leave
    sent_known: bool  # SENT is in the agent's journal, or the spooler that said it still runs
    ended_by_spooler: bool  # the spooler that still runs has signed COMPLETED, NO_SHEET or CANCELED_AT_PRINTER

    @property
    def listed(self) -> JobStatus | None:
        """This attempt's job at the printer."""
        return next((job for job in self.jobs or () if job.name == self.name), None)


def _printed(doubt: Doubt) -> bool:
    job = doubt.listed
    counted = job is not None and job.state == "completed" and job.impressions == doubt.impressions
    return counted and doubt.sent_known and not doubt.printer_restarted


def _ended_empty(doubt: Doubt) -> bool:
    job = doubt.listed
    # What a printer that had the whole document says of giving it up by itself is no proof (docs/design.md, "Evidence").
    given_up = job is not None and (job.state == "canceled" or (job.state == "aborted" and not doubt.sent_known))
    return job is not None and given_up and job.impressions == 0 and not doubt.printer_restarted


def _empty(doubt: Doubt) -> bool:
    job = doubt.listed
    return job is not None and "job-data-insufficient" in job.reasons and not doubt.printer_restarted


def _never_there(doubt: Doubt) -> bool:
    full_history = doubt.jobs is not None and not doubt.printer_restarted
    return full_history and doubt.requested and doubt.listed is None and not doubt.create_known


def _opener_ended(doubt: Doubt) -> bool:
    return doubt.requested and not doubt.spooler_restarted and not doubt.sending


UNJUSTIFIED: Final[tuple[tuple[str, Callable[[Doubt], bool]], ...]] = (
    ("the running spooler has signed the end", lambda doubt: doubt.ended_by_spooler),
    ("the printer lists it completed with every impression, and SENT is known", _printed),
    ("the printer lists it canceled, or cut and aborted, with no impression", _ended_empty),
    ("the printer lists it without its document", _empty),
    ("the printer's whole history does not know it", _never_there),
    ("the spooler that asked for the release saw its opener end before Send-Document", _opener_ended),
)


def unjustified(doubt: Doubt) -> str:
    """Which proof was to be had; empty where a person had to be asked."""
    return next((reason for reason, holds in UNJUSTIFIED if holds(doubt)), "")


class End(msgspec.Struct, frozen=True, kw_only=True):
    """How a document ended, for `judge`."""

    sha256: str
    papers: Sequence[Paper]  # of this document, and whatever nobody sent
    acknowledged: bool  # city hall took the document
    settled: bool
    state: str  # at city hall, empty where it does not know the job
    machine_printed: bool  # a side stood in `printed`, by the machine's word
    asked: bool  # a person had to say what came out
    ended_ms: int = 0  # when city hall saw its end, since 1970
    released_late: bool = False  # a release was given after the end of its session


def judge(end: End) -> dict[str, str]:
    """Fault → what it was."""
    ours = [one for one in end.papers if one.sha256 == end.sha256]
    whole = [one for one in ours if one.completed_ns]
    faults = {}
    if len(ours) > 1:
        faults["copies_over_one"] = f"{len(ours)} times on paper"
    if strangers := [one.sha256[:16] for one in end.papers if one.sha256 != end.sha256]:
        faults["wrong_document"] = f"came out: {', '.join(strangers)}"
    if end.acknowledged and not end.state:
        faults["lost"] = "city hall does not know the job that it took"
    elif not end.settled:
        faults["stuck"] = f"not settled; city hall: {end.state or 'no job'}"
    if end.machine_printed and not whole:
        faults["false_printed"] = "called printed by the machine, and no whole paper"
    if ours and end.state in _NO_PAPER_ENDS and not end.asked:
        faults["unaccounted"] = f"a sheet was begun, and {end.state}"
    if end.released_late:
        faults["after_end"] = "released after the end of its session"
    elif end.ended_ms and any(one.started_ns > end.ended_ms * _NS_IN_MS for one in ours):
        faults["after_end"] = f"begun after it was {end.state}"
    return faults


def outcome(ends: Sequence[End]) -> str:
    """printed, not_printed or uncertain: what the machines alone could say, of several documents the least certain."""
    if any(end.asked for end in ends):
        return "uncertain"
    return "printed" if all(end.machine_printed for end in ends) else "not_printed"
