"""The books of controlled paper and of fees: lines that are only ever added, and what follows from them. No I/O.

The bus is the one writer. A line is a `BookEntry` that its agent wrote in the transaction of the fact it follows from; city
hall's book is the replay of the same lines in the same order. So both sides fold them with this `Book`, and agree where their
digests do. A wrong line is taken back by a line (`corrects`, its values reversed), never changed.

Differences are open until lines make the sum right: a loss with its reason, a correction, a new count that agrees.
"""

from cityhall_wire.books.book import DIGEST_BYTES, Account, Book
from cityhall_wire.books.entry import (
    MOST_SHEETS,
    MOST_YEN,
    USED,
    BookEntry,
    Column,
    EntryId,
    Row,
    fiscal_year,
    line_of,
    reversed_values,
)
from cityhall_wire.books.paper import Difference, Fault, PaperBook

__all__ = [
    "DIGEST_BYTES",
    "MOST_SHEETS",
    "MOST_YEN",
    "USED",
    "Account",
    "Book",
    "BookEntry",
    "Column",
    "Difference",
    "EntryId",
    "Fault",
    "PaperBook",
    "Row",
    "fiscal_year",
    "line_of",
    "reversed_values",
]
