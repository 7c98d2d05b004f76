"""A copy of the journal, or of a month's books, for whoever keeps it elsewhere: the same for programs and for the console."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from starlette.responses import Response, StreamingResponse

from cityhall_base.words import Language
from cityhall_relay.audit import Audit
from cityhall_relay.books import Books
from cityhall_relay.errors import RequestError
from cityhall_relay.ledger import money, shown
from cityhall_relay.ledger_text import FEES, LEDGER, as_csv
from cityhall_relay.ledger_text import LedgerWord as W

_FEES: Final = (*FEES, W.BY)
_MONTH: Final = re.compile(r"2[0-9]{3}-(0[1-9]|1[0-2])", re.ASCII)


class Exports:
    """`of` is the answer to `…/audit/export?what=…`; who asks has the right."""

    def __init__(self, audit: Audit, books: Books) -> None:
        self._audit, self._books = audit, books

    def of(self, who: str, asked: Mapping[str, str], language: Language) -> Response:
        """`journal` (the default) with `from` and `until`; `ledger` or `fees` with `bus` and `month`. Noted before its first
        byte. Raises RequestError, NotFoundError or AuditBusyError.
        """
        match asked.get("what", "journal"):
            case "journal":
                return self._journal(who, asked)
            case "ledger" | "fees" as what:
                return self._month(who, what, asked.get("bus", ""), asked.get("month", ""), language)
            case _:
                raise RequestError("what is journal, ledger or fees")

    def _journal(self, who: str, asked: Mapping[str, str]) -> Response:
        today = self._audit.today()
        since, until = asked.get("from") or today, asked.get("until") or today
        lines = self._audit.export(who, since, until)
        return StreamingResponse(
            lines, media_type="application/x-ndjson", headers=_as_file(f"journal-{since}-{until}.jsonl")
        )

    def _month(self, who: str, what: str, bus: str, month: str, language: Language) -> Response:
        month = month_of(month, self._audit.today)
        lines = self._books.month(bus, month)
        self._audit.note_export(who, what=what, bus=bus, month=month)
        if what == "ledger":
            text = as_csv(map(msgspec.structs.asdict, self._books.ledger(bus, month)), LEDGER, language)
        else:
            rows = (shown(one, self._word(one.job)) for one in money(lines, month))
            text = as_csv(map(msgspec.structs.asdict, rows), _FEES, language)
        # With a byte order mark a spreadsheet reads it as UTF-8.
        return Response(text.encode("utf-8-sig"), 200, _as_file(f"{what}-{bus}-{month}.csv"), "text/csv")

    def _word(self, name: str | None) -> str:
        job = self._books.job(name) if name else None
        return str(job.check_word) if job else ""


def month_of(asked: str, today: Callable[[], str]) -> str:
    """As 2026-11; this month where nothing was asked. Raises RequestError."""
    month = asked or today()[:7]
    if not _MONTH.fullmatch(month):
        raise RequestError("month is a year and a month, as 2026-11")
    return month


def _as_file(name: str) -> dict[str, str]:
    # Dates and names of city.toml alone are in it: everything else was refused before.
    return {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Content-Type-Options": "nosniff",
    }
