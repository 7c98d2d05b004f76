"""`bus-agent sheets`, `fee` and `cash`: what each puts on the command line, and the request that it becomes."""

import argparse
from collections.abc import Callable
from typing import Any

Actions = argparse._SubParsersAction  # noqa: SLF001 - argparse gives its public methods' result no public name
Asked = tuple[str, str, dict[str, Any] | None]
Run = Callable[[argparse.Namespace], int]


def add(commands: "Actions[argparse.ArgumentParser]", client: argparse.ArgumentParser, run: Run) -> None:
    """Register them."""

    def command(under: "Actions[argparse.ArgumentParser]", name: str, text: str, request: Callable[..., Asked]) -> Any:
        one = under.add_parser(name, help=text, description=text, parents=[client])
        one.set_defaults(run=run, command=name, request=request, shown=_shown)
        return one

    def group(name: str, text: str) -> "Actions[argparse.ArgumentParser]":
        return commands.add_parser(name, help=text).add_subparsers(required=True, metavar="COMMAND")

    sheets = group("sheets", "改ざん防止用紙受払簿: the ledger of numbered paper")
    receive = command(sheets, "receive", "受入: paper that was put into the drawer", _receive)
    receive.add_argument("--paper", required=True, help="as in city.toml")
    receive.add_argument("--from", dest="first", required=True, metavar="NUMBER", help="on the first sheet")
    receive.add_argument("--to", dest="last", required=True, metavar="NUMBER", help="on the last sheet")
    lost = command(sheets, "lost", "亡失: sheets that are not there any more", _lost)
    lost.add_argument("--paper", required=True, help="as in city.toml")
    lost.add_argument("--sheets", required=True, metavar="NUMBER[,NUMBER]", help="? for a number that nobody knows")
    lost.add_argument("--why", required=True, metavar="NAME", help="for example wind, water")
    count = command(sheets, "count", "the sheets were counted: how many, or which", _count)
    count.add_argument("--paper", required=True, help="as in city.toml")
    count.add_argument("--left", type=int, metavar="N", help="so many lie there")
    count.add_argument("--from", dest="first", action="append", default=[], metavar="NUMBER", help="a row begins")
    count.add_argument("--to", dest="last", action="append", default=[], metavar="NUMBER", help="and ends")
    command(sheets, "show", "what must lie in the drawer and in the cash box, and what differs", _show)

    fee = group("fee", "手数料: the fee of a document")
    for name, text in (
        ("paid", "it was received"),
        ("waived", "it is not asked for"),
        ("refunded", "it was given back"),
    ):
        one = command(fee, name, text, _fee)
        one.add_argument("job", metavar="JOB")
        one.add_argument("--yen", type=int, metavar="N", help="without it: all that is open")
        if name != "paid":
            one.add_argument("--why", required=True, metavar="NAME", help="for example welfare, wrong_document")

    cash = group("cash", "the cash box")
    one = command(cash, "count", "so much lies in it", _cash)
    one.add_argument("yen", type=int, metavar="YEN")
    one = command(cash, "difference", "so much more (less: below 0) is in it, and why", _cash)
    one.add_argument("yen", type=int, metavar="YEN")
    one.add_argument("--why", required=True, metavar="NAME", help="for example handed_in, change, short")


def _receive(asked: argparse.Namespace) -> Asked:
    return "POST", "/v1/sheets/receive", {"paper": asked.paper, "first": asked.first, "last": asked.last}


def _lost(asked: argparse.Namespace) -> Asked:
    numbers = [number.strip() for number in asked.sheets.split(",") if number.strip()]
    return "POST", "/v1/sheets/lost", {"paper": asked.paper, "sheets": numbers, "why": asked.why}


def _count(asked: argparse.Namespace) -> Asked:
    # A row without its end is one that the bus refuses: an empty number is none.
    longest = max(len(asked.first), len(asked.last))
    ends = [[*some, *[""] * (longest - len(some))] for some in (asked.first, asked.last)]
    return "POST", "/v1/sheets/count", {"paper": asked.paper, "left": asked.left, "rows": list(zip(*ends, strict=True))}


def _show(_asked: argparse.Namespace) -> Asked:
    return "GET", "/v1/books", None


def _fee(asked: argparse.Namespace) -> Asked:
    why = {"why": asked.why} if "why" in asked else {}
    return "POST", f"/v1/fees/{asked.job}/{asked.command}", {"yen": asked.yen, **why}


def _cash(asked: argparse.Namespace) -> Asked:
    why = {"why": asked.why} if "why" in asked else {}
    return "POST", f"/v1/cash/{asked.command}", {"yen": asked.yen, **why}


def _shown(answer: dict[str, Any], arguments: argparse.Namespace) -> str:
    from bus_agent.books_text import books_text
    from cityhall_base.words import Language

    return books_text(answer, Language(arguments.lang))
