"""`bus-agent checklist`, `sign-in`, `sign-out`: their command line, what they ask of the local API, and what a person reads."""

import argparse
import getpass
import sys
from collections.abc import Callable
from typing import Any, Final

from bus_agent.status_text import sentence
from cityhall_base.words import Language, Word
from cityhall_wire.messages.people import Which

Json = dict[str, Any]
Asked = tuple[str, str, Json | None]
Add = Callable[..., argparse.ArgumentParser]

SECRET_LENGTH: Final = 64
"""Characters that are read of a PIN or a code; what is longer is none."""


class ListText(Word):
    """The labels."""

    OPENING = ("list.opening", "opening checklist")
    CLOSING = ("list.closing", "closing checklist")
    COMPLETE = ("list.complete", "complete, by {detail}")
    OPEN = ("list.open", "not complete")
    NO_LISTS = ("list.none", "This city has no checklists.")
    WELL = ("list.well", "well")
    NOT_WELL = ("list.not_well", "not well")
    TO_DO = ("list.to_do", "open")
    SIGNED_IN = ("list.signed_in", "Signed in: {detail}.")
    SIGNED_OUT = ("list.signed_out", "Nobody is signed in.")


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", add: Add) -> None:
    """`add(name, text, commands=…)` makes a command with the options of every client."""
    lists = commands.add_parser("checklist", help="始業点検 / 終業点検: the day's checklists")
    inner = lists.add_subparsers(required=True, metavar="COMMAND")
    of = [str(which) for which in Which]

    def one(name: str, text: str, request: Callable[[argparse.Namespace], Asked]) -> argparse.ArgumentParser:
        command = add(name, text, commands=inner)
        command.set_defaults(request=request, shown=_lists)
        return command

    show = one("show", "how they stand, and what to do", lambda _: ("GET", "/v1/checklists", None))
    show.add_argument("which", nargs="?", choices=of)
    tick = one("tick", "you looked at an item", _tick)
    tick.add_argument("which", choices=of)
    tick.add_argument("item", metavar="ITEM", help="its name, as `checklist show` has it")
    tick.add_argument("--not-ok", action="store_true", help="it is not well; say why with --note")
    tick.add_argument("--note", metavar="NAME", help="one word, for example broken")
    complete = one("complete", "all of it is looked at", _complete)
    complete.add_argument("which", choices=of)

    sign_in = add(
        "sign-in", "sign in: your PIN, or a substitute's code, is read from standard input", commands=commands
    )
    how = sign_in.add_mutually_exclusive_group(required=True)
    how.add_argument("--as", dest="who", metavar="ID", help="your opaque id, as in city.toml")
    how.add_argument("--code", action="store_true", help="with the code that city hall gave you")
    sign_in.set_defaults(request=_sign_in, shown=_signed_in)
    sign_out = add("sign-out", "sign out", commands=commands)
    sign_out.set_defaults(request=lambda _: ("POST", "/v1/sign-out", None), shown=_signed_in)


def _tick(arguments: argparse.Namespace) -> Asked:
    body = {"ok": not arguments.not_ok, "note": arguments.note}
    return "POST", f"/v1/checklists/{arguments.which}/{arguments.item}", body


def _complete(arguments: argparse.Namespace) -> Asked:
    return "POST", f"/v1/checklists/{arguments.which}/complete", None


def _sign_in(arguments: argparse.Namespace) -> Asked:
    if arguments.code:
        return "POST", "/v1/sign-in/code", {"code": _secret("code: ")}
    return "POST", "/v1/sign-in", {"who": arguments.who, "pin": _secret("PIN: ")}


def _secret(prompt: str) -> str:
    """One line of standard input; at a terminal nobody sees it. It is in no argument list and in no environment."""
    line = getpass.getpass(prompt) if sys.stdin.isatty() else sys.stdin.readline(SECRET_LENGTH + 2)
    return line.rstrip("\r\n")


def _lists(answer: Json, arguments: argparse.Namespace) -> str:
    language, only = Language(arguments.lang), getattr(arguments, "which", None)
    lists = [one for one in answer["checklists"] if only in (None, one["which"])]
    return "\n".join(_list(one, language) for one in lists) or ListText.NO_LISTS.say(language)


def _list(one: Json, language: Language) -> str:
    title = {Which.OPENING: ListText.OPENING, Which.CLOSING: ListText.CLOSING}[Which(one["which"])]
    state = ListText.COMPLETE.say(language, one["by"]) if one["complete"] else ListText.OPEN.say(language)
    lines = [f"{title.say(language)} {one['day']}: {state}"]
    return "\n".join(lines + [f"  {_item(item, language)}" for item in one["items"]])


def _item(item: Json, language: Language) -> str:
    words = {True: ListText.WELL, False: ListText.NOT_WELL, None: ListText.TO_DO}
    text = item["text"] if language is Language.JAPANESE else item["text_en"]
    return f"[{words[item['ok']].say(language)}] {text} ({item['item']}): {sentence(item, language)}"


def _signed_in(answer: Json, arguments: argparse.Namespace) -> str:
    language, who = Language(arguments.lang), answer["signed_in"]["who"]
    return ListText.SIGNED_IN.say(language, who) if who else ListText.SIGNED_OUT.say(language)
