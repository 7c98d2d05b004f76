"""What the book's commands ask for, and what people read of the answer."""

from typing import Any

import pytest

from bus_agent import cli, client
from bus_agent.books_text import books_text
from cityhall_base.words import Language

JOB = "j" + "0" * 24
PAPER: dict[str, Any] = {"paper": "controlled", "left": 9, "next": "A-002", "rows": ["A-002..A-010"], "differences": []}


@pytest.mark.parametrize(
    ("line", "url", "body"),
    [
        (
            "sheets receive --paper p --from A-1 --to A-9",
            "sheets/receive",
            {"paper": "p", "first": "A-1", "last": "A-9"},
        ),
        (
            "sheets lost --paper p --sheets A-1,? --why wind",
            "sheets/lost",
            {"paper": "p", "sheets": ["A-1", "?"], "why": "wind"},
        ),
        ("sheets count --paper p --left 9", "sheets/count", {"paper": "p", "left": 9, "rows": []}),
        (
            "sheets count --paper p --from A-1 --to A-3 --from A-5 --to A-9",
            "sheets/count",
            {"paper": "p", "left": None, "rows": [("A-1", "A-3"), ("A-5", "A-9")]},
        ),
        (
            "sheets count --paper p --from A-1",
            "sheets/count",
            {"paper": "p", "left": None, "rows": [("A-1", "")]},
        ),
        (f"fee paid {JOB}", f"fees/{JOB}/paid", {"yen": None}),
        (f"fee waived {JOB} --why welfare", f"fees/{JOB}/waived", {"yen": None, "why": "welfare"}),
        (f"fee refunded {JOB} --why toner --yen 100", f"fees/{JOB}/refunded", {"yen": 100, "why": "toner"}),
        ("cash count 10300", "cash/count", {"yen": 10300}),
        ("cash difference -300 --why handed_in", "cash/difference", {"yen": -300, "why": "handed_in"}),
        (f"hand-over {JOB} --sheets A-7", f"jobs/{JOB}/hand-over", {"sheets": ["A-7"]}),
    ],
)
def test_each_command_is_one_request(line: str, url: str, body: dict[str, Any]) -> None:
    assert client.request(cli.parser().parse_args(line.split())) == ("POST", f"/v1/{url}", body)


def test_the_ledger_is_read_and_not_written() -> None:
    assert client.request(cli.parser().parse_args(["sheets", "show"])) == ("GET", "/v1/books", None)


def test_she_reads_what_must_lie_there_what_differs_and_what_is_open() -> None:
    differs = {"key": "books.missing", "sentence": "Missing in the drawer: A-005", "detail": "A-005"}
    fee = {"job": JOB, "check_word": "47・さくら", "yen": 300}
    books = {
        "papers": [PAPER | {"differences": [differs]}],
        "cash_expected": 10300,
        "cash_off": -100,
        "open_fees": [fee],
    }
    assert books_text({"books": books}, Language.JAPANESE).splitlines() == [
        "引き出しにあるはずの紙: controlled 9  A-002..A-010",
        "つぎの番号: A-002",
        "ちがい: 引き出しにない紙：A-005",
        "あるはずの現金: 10300円",
        "ちがい: -100円",
        f"残っている手数料: 47・さくら  +300円  {JOB}",
    ]
    assert "Missing in the drawer: A-005" in books_text(books, Language.ENGLISH)
