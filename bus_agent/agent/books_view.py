"""What the screen shows of the books."""

import msgspec

from bus_agent.agent.books import Books, said
from cityhall_base.words import Language


class DifferenceShown(msgspec.Struct, frozen=True, kw_only=True):
    """One thing in which book and drawer differ. `detail` is the numbers, or how many sheets."""

    key: str
    sentence: str
    detail: str
    sheets: int
    numbers: tuple[str, ...]


class PaperShown(msgspec.Struct, frozen=True, kw_only=True):
    """One numbered paper: what must lie in the drawer, and what does not agree."""

    paper: str
    left: int
    next: str  # the number on top; empty where there is none
    rows: tuple[str, ...]  # all numbers that must lie there
    counted_on: str  # JST date of the last count, where no sheet has moved since
    differences: tuple[DifferenceShown, ...]


class FeeShown(msgspec.Struct, frozen=True, kw_only=True):
    """A fee that is open: above 0 yen to be paid or waived, below to be refunded."""

    job: str
    check_word: str
    yen: int


class BooksShown(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/books`, and `books` of the snapshot."""

    papers: tuple[PaperShown, ...]
    cash_expected: int
    cash_off: int  # so much more in the box than the books say, at the last count
    cash_counted_on: str
    open_fees: tuple[FeeShown, ...]


def shown(books: Books) -> BooksShown:
    """As they stand."""
    cash = books.book.cash
    return BooksShown(
        papers=tuple(_paper(books, name) for name in books.papers()),
        cash_expected=cash.expected,
        cash_off=cash.off,
        cash_counted_on=cash.counted_on,
        open_fees=tuple(FeeShown(**one._asdict()) for one in books.open_fees()),
    )


def _paper(books: Books, name: str) -> PaperShown:
    book = books.book.paper(name)
    top = book.next(1)
    differences = []
    for one in book.differences():
        word, detail = said(one)
        sentence = word.say(Language.ENGLISH, detail)
        about = DifferenceShown(key=word, sentence=sentence, detail=detail, sheets=one.sheets, numbers=one.numbers)
        differences.append(about)
    return PaperShown(
        paper=name,
        left=book.left,
        next=str(top[0]) if top else "",
        rows=tuple(map(str, book.numbers.held)),
        counted_on=book.counted_on(),
        differences=tuple(differences),
    )
