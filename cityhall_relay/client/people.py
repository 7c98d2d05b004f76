"""`checklist`, `incidents`, `incident-close`, `substitute`, `test-page` and `pin`: their command line and what they do."""

import argparse
import getpass
import secrets
import sys
from collections.abc import Callable
from typing import Any, Final

from cityhall_base import pin as pins
from cityhall_base.words import Language
from cityhall_relay.client import commands, people_text
from cityhall_relay.client.errors import ClientError
from cityhall_relay.client.show import Screen

Actions = argparse._SubParsersAction  # noqa: SLF001 - argparse gives its public methods' result no public name
Make = Callable[[Any, str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]

SECRET_LENGTH: Final = 64
"""Characters that are read of a PIN."""


class BadPinError(ClientError):
    """A PIN has 6 to 12 digits; enter another."""

    key = "client.bad_pin"


class TrivialPinError(ClientError):
    """Anybody would try this PIN first: no runs, no repetitions, no dates. Choose another."""

    key = "client.trivial_pin"


class PinsDifferError(ClientError):
    """The two entries differ; enter the PIN again."""

    key = "client.pins_differ"


def register(actions: "Actions[argparse.ArgumentParser]", clerk_command: Make, command: Make) -> None:
    """Add the commands; `clerk_command` makes one that asks city hall as a clerk, `command` any other."""
    one = clerk_command(actions, "checklist", checklist, "a bus's checklists of a day (始業点検 / 終業点検)")
    one.add_argument("bus", metavar="BUS")
    one.add_argument("--day", metavar="DAY", help="as 2026-11-22; today if left out")
    one = clerk_command(actions, "incidents", incidents, "what waits for a person to look into it")
    one.add_argument("bus", metavar="BUS", nargs="?", default="")
    one.add_argument("--all", action="store_true", help="those that are closed, too")
    one = clerk_command(actions, "incident-close", incident_close, "you looked into it")
    one.add_argument("number", type=int, metavar="N")
    one.add_argument("--why", required=True, metavar="NAME", help="one word, for example explained")
    one = clerk_command(actions, "substitute", substitute, "a one-time code for a substitute concierge on this bus")
    one.add_argument("bus", metavar="BUS")
    one = clerk_command(actions, "test-page", test_page, "send the test page (試し刷り) into your session")
    one.add_argument("--session", required=True)
    one.add_argument("--approve", action="store_true", help="allow the print at once (印刷を許可)")
    one = command(actions, "pin", pin, "ask for a concierge's PIN and print its line for city.toml")
    one.set_defaults(lang=str(next(iter(Language))))


def checklist(args: argparse.Namespace) -> int:
    """`checklist`."""
    params = {"day": args.day} if args.day else {}
    answer = commands.city_hall(args).ask("GET", f"/1/buses/{args.bus}/checklists", params=params)
    return _say(args, answer, people_text.lists(answer["checklists"], Language(args.lang)))


def incidents(args: argparse.Namespace) -> int:
    """`incidents`."""
    params = {"bus": args.bus} | ({"all": "true"} if args.all else {})
    answer = commands.city_hall(args).ask("GET", "/1/incidents", params=params)
    return _say(args, answer, people_text.incidents(answer["incidents"], Language(args.lang)))


def incident_close(args: argparse.Namespace) -> int:
    """`incident-close`."""
    answer = commands.city_hall(args).ask("POST", f"/1/incidents/{args.number}/close", json={"why": args.why})
    return _say(args, answer, people_text.incidents([answer], Language(args.lang)))


def substitute(args: argparse.Namespace) -> int:
    """`substitute`: the code is shown this once."""
    answer = commands.city_hall(args).ask("POST", f"/1/buses/{args.bus}/substitute")
    return _say(args, answer, people_text.substitute(answer, Language(args.lang)))


def test_page(args: argparse.Namespace) -> int:
    """`test-page`: where it stands; `show JOB` follows it."""
    path, number = f"/1/sessions/{args.session}/test-page", secrets.token_hex(16)
    params = {"approve": "true"} if args.approve else {}
    job = commands.city_hall(args).ask("POST", path, params=params, headers={"Submission": number})
    Screen(args.json, Language(args.lang)).step(job)
    return commands.DONE


def pin(args: argparse.Namespace) -> int:
    """`pin`: twice at a terminal, or one line of standard input; the PIN is in no argument list. Raises ClientError."""
    if sys.stdin.isatty():
        first, second = getpass.getpass("PIN: "), getpass.getpass("PIN: ")
    else:
        first = second = sys.stdin.readline(SECRET_LENGTH + 2).rstrip("\r\n")
    if first != second:
        raise PinsDifferError
    if not pins.PIN.fullmatch(first):
        raise BadPinError
    if pins.is_trivial(first):
        raise TrivialPinError
    made = pins.make(first)
    return _say(args, {"pin": made}, f'pin = "{made}"')


def _say(args: argparse.Namespace, answer: dict[str, Any], text: str) -> int:
    Screen(args.json).result(answer, text)
    return commands.DONE
