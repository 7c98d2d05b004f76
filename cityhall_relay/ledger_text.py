"""The words and columns of sheet ledger and fees, for terminal, page and spreadsheet alike. No I/O."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from cityhall_base.words import Language, Word

Cells = Mapping[str, Any]
"""One line: the field's name → its value. A list is shown with semicolons between."""

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins so is worked out by a spreadsheet instead of being shown; a Japanese one takes the wide signs too."""


class LedgerWord(Word):
    """Headings: those of the city's own form."""

    DAY = ("ledger.day", "day")
    PAPER = ("ledger.paper", "paper")
    CARRIED_OVER = ("ledger.carried_over", "carried over")
    RECEIVED = ("ledger.received", "received")
    ISSUED = ("ledger.issued", "issued")
    SPOILED = ("ledger.spoiled", "spoiled")
    LOST = ("ledger.lost", "lost")
    TEST = ("ledger.test", "test")
    LEFT = ("ledger.left", "left")
    PRINTER_COUNTER = ("ledger.printer_counter", "printer's counter")
    DIFFERENCES = ("ledger.differences", "differences")
    COLUMN = ("ledger.column", "entry")
    RECEIPT = ("ledger.receipt", "receipt")
    YEN = ("ledger.yen", "yen")
    CHECK_WORD = ("ledger.check_word", "check word")
    WHY = ("ledger.why", "why")
    SHEETS = ("ledger.sheets", "sheets")
    NUMBERS = ("ledger.numbers", "numbers")
    BY = ("ledger.by", "by")
    ID = ("ledger.id", "id")
    JOB = ("ledger.job", "job")
    PENDING = ("ledger.pending", "The bus has not written these yet:")
    OPEN = ("ledger.open", "Open:")
    CASH = ("ledger.cash", "The cash box must hold {detail} yen.")
    COUNTED = ("ledger.counted", "counted")
    DUE = ("ledger.due", "due")
    PAID = ("ledger.paid", "received")
    WAIVED = ("ledger.waived", "waived")
    REFUNDED = ("ledger.refunded", "refunded")
    CASH_COUNTED = ("ledger.cash_counted", "cash counted")
    CASH_DIFFERENCE = ("ledger.cash_difference", "cash difference")


_W = LedgerWord
SHEETS: Final = (_W.CARRIED_OVER, _W.RECEIVED, _W.ISSUED, _W.SPOILED, _W.LOST, _W.TEST, _W.LEFT)
LEDGER: Final = (_W.DAY, _W.PAPER, *SHEETS, _W.PRINTER_COUNTER, _W.DIFFERENCES)
ENTRIES: Final = (_W.ID, _W.DAY, _W.COLUMN, _W.PAPER, _W.SHEETS, _W.NUMBERS, _W.YEN, _W.JOB, _W.BY, _W.WHY)
_BY_NAME: Final = {word.removeprefix("ledger."): word for word in LedgerWord}
FEES: Final = (_W.DAY, _W.RECEIPT, _W.COLUMN, _W.YEN, _W.CHECK_WORD, _W.JOB, _W.WHY)


def as_csv(rows: Iterable[Cells], columns: Sequence[Word], language: Language) -> str:
    """RFC 4180 lines with their headings. Cells that a spreadsheet would work out are made plain text."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([one.say(language) for one in columns])
    writer.writerows([_plain(cell(row, one, language)) for one in columns] for row in rows)
    return out.getvalue()


def cell(row: Cells, of: Word, language: Language) -> Any:
    """What stands in a line under this heading."""
    name = of.removeprefix("ledger.")
    if name == "column":
        return column(row, language)
    value = row[name]
    if isinstance(value, list | tuple):
        return "; ".join(map(str, value))
    return "" if value is None else value


def column(row: Cells, language: Language) -> str:
    """What a line is about (cityhall_wire.books.Column), in words."""
    word = _BY_NAME.get(row["column"])
    return word.say(language) if word else str(row["column"])


def _plain(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
