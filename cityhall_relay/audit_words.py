"""The words of audit and digests, for terminal and page alike."""

from typing import Final

from cityhall_base.terms import STATES
from cityhall_base.words import Language, Word
from cityhall_relay.ledger_text import LedgerWord
from cityhall_wire.messages.digest import DailyDigest, Ends, Moved


class AuditWord(Word):
    """Labels; `{detail}` is a number or a day."""

    TITLE = ("audit.title", "Audit")
    LEAD = (
        "audit.lead",
        "Everything that happened at city hall, newest first. Who reads here is written down here too.",
    )
    ROW = ("audit.row", "row")
    AT = ("audit.at", "time")
    WHO = ("audit.who", "by")
    KIND = ("audit.kind", "kind")
    JOB = ("audit.job", "document")
    BODY = ("audit.body", "contents")
    DAY = ("audit.day", "day")
    FILTER = ("audit.filter", "Show these")
    ALL = ("audit.all", "Show all")
    OLDER = ("audit.older", "Older rows")
    NEWEST = ("audit.newest", "Back to the newest")
    NOTHING = ("audit.nothing", "There is no such row.")
    LAST = ("audit.last", "last row")
    HEAD = ("audit.head", "fingerprint")
    CHECK = ("audit.check", "Check the chain")
    CHECK_LEAD = ("audit.check_lead", "Works out every row's fingerprint anew and compares the daily digests.")
    GOOD = ("audit.good", "Nothing was changed: all {detail} rows follow from each other.")
    BAD = (
        "audit.bad",
        "Something is not as it was signed. Keep everything, and tell the person in charge of the audit.",
    )
    CHECKED = ("audit.checked", "digests compared")
    DIGESTS = ("audit.digests", "Daily digests")
    DIGEST = ("audit.digest", "Daily digest of the audit journal")
    DIGESTS_LEAD = ("audit.digests_lead", "Print one each day and keep the paper outside city hall.")
    NO_DIGESTS = ("audit.no_digests", "There is none yet; the first is made after midnight.")
    ROWS = ("audit.rows", "rows")
    FROM = ("audit.from", "first day")
    UNTIL = ("audit.until", "last day")
    PREVIOUS = ("audit.previous", "digest of the day before")
    NONE_BEFORE = ("audit.none_before", "none: this is the first")
    SIGNED = ("audit.signed", "signed")
    DOCUMENTS = ("audit.documents", "documents that ended")
    SHEETS = ("audit.sheets", "sheets")
    PRINT = ("audit.print", "Print this page")
    FILE = ("audit.file", "The digest as a file")
    HOW = (
        "audit.how",
        "The code holds the whole signed digest. To check it, see the auditor's handbook.",
    )
    EXPORT_LEAD = (
        "audit.export_lead",
        "The journal's rows and the digests of these days, one a line. Each copy is written down.",
    )
    TAKE = ("audit.take", "Take the copy")
    VALID = ("audit.valid", "City hall's signature on this digest is good.")
    SEAL = ("audit.seal", "auditor")
    AS_KEPT = ("audit.as_kept", "The journal is still the one that was signed on {detail}.")


_A = AuditWord
_BY_COLUMN: Final = {word.removeprefix("ledger."): word for word in LedgerWord}


def counts(of: Ends | Moved, language: Language) -> list[tuple[str, int]]:
    """Each count with its word, those of nothing left out."""
    found = ((name, getattr(of, name)) for name in of.__struct_fields__)
    words = {str(state): word for state, word in STATES.items()} if isinstance(of, Ends) else _BY_COLUMN
    return [(words[name].say(language), count) for name, count in found if count]


def digest_text(one: DailyDigest, language: Language) -> str:
    """All of it, one thing a line."""
    lines = [
        (_A.DAY, one.day),
        (_A.ROWS, f"{one.rows} ({one.first} - {one.last})"),
        (_A.HEAD, one.head.hex()),
        (_A.PREVIOUS, one.previous.hex() if one.previous else _A.NONE_BEFORE.say(language)),
        (_A.DOCUMENTS, _sums(one.jobs, language)),
        (_A.SHEETS, _sums(one.sheets, language)),
    ]
    return "\n".join(f"{word.say(language)}: {value}" for word, value in lines)


def _sums(of: Ends | Moved, language: Language) -> str:
    return "  ".join(f"{word} {count}" for word, count in counts(of, language)) or "0"
