"""`ledger`, `fees`, `ledger-receive` and `ledger-correct`: what an auditor reads, and what city hall wants in the books."""

import argparse
import sys
from collections.abc import Callable, Sequence

from cityhall_base.words import Language, Word
from cityhall_relay.client.commands import DONE, city_hall
from cityhall_relay.client.show import Json, Screen, table
from cityhall_relay.ledger_text import ENTRIES, FEES, LEDGER, as_csv, cell, column
from cityhall_relay.ledger_text import LedgerWord as _W

Register = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def add(register: Register) -> None:
    """Put them on the command line."""
    one = register("ledger", ledger, "改ざん防止用紙受払簿: a month of a bus's sheets")
    _month(one)
    one.add_argument("--entries", action="store_true", help="each line as it was written, with its id")
    _month(register("fees", fees, "手数料: a month of a bus's money, and what is open"))
    one = register("ledger-receive", receive, "paper was handed out to a bus; it stands there when the bus has heard")
    one.add_argument("bus", metavar="BUS")
    one.add_argument("--paper", required=True, help="as in city.toml")
    one.add_argument("--from", dest="first", required=True, metavar="NUMBER", help="on the first sheet")
    one.add_argument("--to", dest="last", required=True, metavar="NUMBER", help="on the last sheet")
    one = register("ledger-correct", correct, "take a wrong line back by another line")
    one.add_argument("bus", metavar="BUS")
    one.add_argument("--entry", required=True, metavar="ID", help="as `ledger --entries` shows it")
    one.add_argument("--why", required=True, metavar="NAME", help="for example wrong_number")
    one.add_argument(
        "--sheets", default="", metavar="NUMBER[,NUMBER]", help="and write it again with these numbers instead"
    )


def ledger(args: argparse.Namespace) -> int:
    """`ledger`."""
    what, rows, columns = ("entries", "entries", ENTRIES) if args.entries else ("ledger", "lines", LEDGER)
    answer = city_hall(args).books(args.bus, what, args.month)
    extra = [_pending(answer, Language(args.lang))]
    return _show(args, answer, answer[rows], columns, extra)


def fees(args: argparse.Namespace) -> int:
    """`fees`."""
    answer, language = city_hall(args).books(args.bus, "fees", args.month), Language(args.lang)
    open_ = [f"  {one['check_word']}  {one['yen']:+}  {one['job']}" for one in answer["open"]]
    extra = [_W.CASH.say(language, str(answer["cash"]["expected"]))]
    if answer["cash"]["off"]:
        extra.append(f"{_W.DIFFERENCES.say(language)}: {answer['cash']['off']:+}")
    if open_:
        extra.append("\n".join([_W.OPEN.say(language), *open_]))
    return _show(args, answer, answer["entries"], FEES, extra)


def receive(args: argparse.Namespace) -> int:
    """`ledger-receive`."""
    return _wish(args, "receive", {"paper": args.paper, "first": args.first, "last": args.last})


def correct(args: argparse.Namespace) -> int:
    """`ledger-correct`."""
    numbers = [number.strip() for number in args.sheets.split(",") if number.strip()]
    return _wish(args, "correct", {"entry": args.entry, "why": args.why, "instead": numbers})


def _month(one: argparse.ArgumentParser) -> None:
    one.add_argument("bus", metavar="BUS")
    one.add_argument("--month", default="", metavar="YYYY-MM", help="without it: this month")
    one.add_argument("--csv", action="store_true", help="for a spreadsheet: UTF-8 with a byte order mark")


def _show(args: argparse.Namespace, answer: Json, rows: list[Json], columns: Sequence[Word], extra: list[str]) -> int:
    language = Language(args.lang)
    if args.csv:
        sys.stdout.buffer.write(as_csv(rows, columns, language).encode("utf-8-sig"))
        sys.stdout.buffer.flush()
        return DONE
    headings = [column.say(language) for column in columns]
    cells = [{h: str(cell(row, c, language)) for h, c in zip(headings, columns, strict=True)} for row in rows]
    Screen(args.json).result(answer, "\n".join(filter(None, [table(headings, cells), *extra])))
    return DONE


def _wish(args: argparse.Namespace, what: str, body: Json) -> int:
    answer = city_hall(args).wish(args.bus, what, body)
    Screen(args.json).result(answer, _pending(answer, Language(args.lang)))
    return DONE


def _pending(answer: Json, language: Language) -> str:
    wishes = answer["pending"]
    if not wishes:
        return ""
    said = [
        f"  {wish['id']}  {column(wish, language)}  {wish['sheets']}  {' '.join(wish['numbers'])}" for wish in wishes
    ]
    return "\n".join([_W.PENDING.say(language), *said])
