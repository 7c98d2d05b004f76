"""A verified statement in words: for whoever must tell the city what a thief has in hand."""

from collections.abc import Iterator, Sequence

from cityhall_base import reasons, terms
from cityhall_base.clock import jst
from cityhall_base.words import Language, Word
from cityhall_wire.messages.statement import Connection, Ended, HeldJob, Statement


class StatementWord(Word):
    """What is said; `{detail}` is a time, a count or a number."""

    BUS = ("statement.bus", "Bus {detail} was revoked; city hall's signature on this is good.")
    REASON = ("statement.reason", "Reason: {detail}")
    HEARD = ("statement.heard", "It was last heard at {detail}.")
    NEVER_HEARD = ("statement.never_heard", "It was never heard.")
    LAG = (
        "statement.lag",
        "Its last lease ended {detail} s after it was revoked at the latest; until then it opened nothing new.",
    )
    NO_LAG = ("statement.no_lag", "It had no lease any more when it was revoked.")
    CUT = ("statement.cut", "Its connection to the broker was cut at {detail}.")
    NO_BROKER = ("statement.no_broker", "There is no broker, and so no connection to cut.")
    UNCONFIRMED = ("statement.unconfirmed", "The broker has not confirmed yet that its connection is cut.")
    NOTHING = ("statement.nothing", "It held no document.")
    HELD = ("statement.held", "{detail} of ciphertext on it.")
    SEALED = ("statement.sealed", "Its key never left city hall: nothing of it was readable outside.")
    ENDED = (
        "statement.ended",
        "Its key went to one opener in memory, which the printer's evidence shows to have ended.",
    )
    OPEN = (
        "statement.open",
        "Its key went to one opener in memory; its end is unknown: at most this one print was readable.",
    )
    GONE = ("statement.gone", "City hall's key is destroyed: nobody can open it from now on.")
    KEPT = ("statement.kept", "City hall still holds its key: it is not destroyed yet.")
    BACKUP = ("statement.backup", "A backup together with that day's key file could open it until {detail}.")
    SHEETS = ("statement.sheets", "Sheets that are out: {detail}")


S = StatementWord


def text(parts: Sequence[Statement], language: Language) -> str:
    """All of it, one thing a line."""
    return "\n".join([*_head(parts[0], language), *_body(parts, language)])


def _head(one: Statement, language: Language) -> Iterator[str]:
    yield S.BUS.say(language, f"{one.bus} ({one.city}) {_at(one.revoked_at)}")
    yield S.REASON.say(language, f"{reasons.sentence(one.reason, language)} ({one.by})")
    heard = one.last_sync_at
    yield S.NEVER_HEARD.say(language) if heard is None else S.HEARD.say(language, _at(heard))
    lag = ((one.lease_until or 0) - one.revoked_at) // 1000
    yield S.LAG.say(language, str(lag)) if lag > 0 else S.NO_LAG.say(language)
    match one.connection:
        case Connection.CUT:
            yield S.CUT.say(language, _at(one.connection_cut_at or one.at))
        case Connection.NONE:
            yield S.NO_BROKER.say(language)
        case Connection.UNCONFIRMED:
            yield S.UNCONFIRMED.say(language)


def _body(parts: Sequence[Statement], language: Language) -> Iterator[str]:
    if not any(one.jobs for one in parts):
        yield S.NOTHING.say(language)
    for one in parts:
        for job in one.jobs:
            yield f"{job.job} {job.service} [{terms.state(job.before, language)}]: " + " ".join(_job(job, language))
        for sheets in one.sheets_out:
            yield S.SHEETS.say(language, f"{sheets.paper} {sheets.numbers}")


def _job(job: HeldJob, language: Language) -> Iterator[str]:
    yield S.HELD.say(language, f"{job.received}/{job.size} B")
    if not job.given:
        yield S.SEALED.say(language)
    for given in job.given:
        yield (S.OPEN if given.ended is Ended.UNKNOWN else S.ENDED).say(language)
    yield (S.GONE if job.key_destroyed else S.KEPT).say(language)
    if job.day_key_until is not None:
        yield S.BACKUP.say(language, _at(job.day_key_until))


def _at(utc_ms: int) -> str:
    return jst(utc_ms).strftime("%Y-%m-%d %H:%M:%S")
