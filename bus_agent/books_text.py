"""The books for a person at a terminal, in Japanese unless English is asked for."""

from collections.abc import Iterator
from typing import Any

from cityhall_base.words import Language, Word, say

Json = dict[str, Any]


class BooksLabel(Word):
    """The labels."""

    LEFT = ("books.label.left", "must lie in the drawer")
    NEXT = ("books.label.next", "next number")
    CASH = ("books.label.cash", "must lie in the cash box")
    DIFFERS = ("books.label.differs", "differs")
    FEE = ("books.label.fee", "open fee")
    YEN = ("books.label.yen", "{detail} yen")


def books_text(answer: Json, language: Language) -> str:
    """Of the books, or of a snapshot that has them."""
    return "\n".join(
        f"{label.say(language)}: {value}" for label, value in _lines(answer.get("books", answer), language)
    )


def _lines(books: Json, language: Language) -> Iterator[tuple[Word, str]]:
    for paper in books["papers"]:
        yield BooksLabel.LEFT, f"{paper['paper']} {paper['left']}  {' '.join(paper['rows'])}".rstrip()
        if paper["next"]:
            yield BooksLabel.NEXT, paper["next"]
        for one in paper["differences"]:
            yield BooksLabel.DIFFERS, say(one["key"], one["sentence"], language, one["detail"])
    yield BooksLabel.CASH, BooksLabel.YEN.say(language, str(books["cash_expected"]))
    if books["cash_off"]:
        yield BooksLabel.DIFFERS, BooksLabel.YEN.say(language, f"{books['cash_off']:+}")
    for fee in books["open_fees"]:
        yield (
            BooksLabel.FEE,
            f"{fee['check_word']}  {BooksLabel.YEN.say(language, format(fee['yen'], '+'))}  {fee['job']}",
        )
