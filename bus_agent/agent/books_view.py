"""What the screen shows of the books."""

from bus_agent.agent.books import Books, said
from bus_agent.shown import BooksShown, DifferenceShown, FeeShown, PaperShown
from cityhall_base.words import Language


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
        today=book.on(books.today),
    )
