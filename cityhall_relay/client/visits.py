"""`day BUS` (the auditor's page), `day import FILE` (slots of days to come), `session check`: command line and what they do."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from cityhall_base.words import Language, Word
from cityhall_relay.client import commands, people_text
from cityhall_relay.client.show import Json, Screen

Actions = argparse._SubParsersAction  # noqa: SLF001 - argparse gives its public methods' result no public name
Make = Callable[[Any, str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]

IMPORT: Final = "import"
"""In the place of a bus, with a file after it."""


class VisitWord(Word):
    """What the commands answer."""

    SLOTS = ("visit_fact.slots", "{detail} slot(s)")
    REPLACED = ("visit_fact.replaced", "in place of {detail}")
    CHECKED = ("visit_fact.checked", "Identity ({detail}) and protection (支援措置) are checked.")
    HALF_CHECKED = ("visit_fact.half_checked", "Identity ({detail}) is checked; protection (支援措置) is not yet.")


def register_day(actions: "Actions[argparse.ArgumentParser]", clerk_command: Make) -> None:
    """Add `day`; `clerk_command` makes a command that asks city hall as a clerk."""
    text = (
        "everything of one bus's day, as an auditor reads it; or `import`: take in the slots (予約枠) of days to come"
    )
    one = clerk_command(actions, "day", day, text)
    one.add_argument("bus", metavar="BUS|import")
    one.add_argument("file", metavar="FILE", nargs="?", type=Path, help="with import: a CSV, see docs/wire.md")
    one.add_argument("--day", metavar="DAY", help="as 2026-11-22; today if left out")
    one.set_defaults(misused=one.error)


def register_check(actions: "Actions[argparse.ArgumentParser]", clerk_command: Make) -> None:
    """Add `session check`."""
    one = clerk_command(actions, "check", check, "say what you checked in your session: identity (本人確認), 支援措置")
    one.add_argument("session")
    one.add_argument("--identity", required=True, metavar="KIND", help="the kind of document, as in city.toml")
    one.add_argument("--support", action="store_true", help="whether this person is under protection was looked up")


def day(args: argparse.Namespace) -> int:
    """`day BUS`, `day import FILE`."""
    if (args.bus == IMPORT) != (args.file is not None):
        args.misused("either BUS alone, or import FILE")
    if args.file is not None:
        return _import(args)
    params = {"day": args.day} if args.day else {}
    answer = commands.city_hall(args).ask("GET", f"/1/buses/{args.bus}/day", params=params)
    return _say(args, answer, people_text.day(answer, Language(args.lang)))


def check(args: argparse.Namespace) -> int:
    """`session check`."""
    said = {"identity": args.identity, "support": args.support}
    answer = commands.city_hall(args).ask("POST", f"/1/sessions/{args.session}/checks", json=said)
    word = VisitWord.CHECKED if answer["support"] else VisitWord.HALF_CHECKED
    return _say(args, answer, word.say(Language(args.lang), answer["identity"]))


def _import(args: argparse.Namespace) -> int:
    headers = {"Content-Type": "text/csv"}
    raw = commands.read_file(args.file)
    answer = commands.city_hall(args).ask("POST", "/1/day-plan", content=raw, headers=headers)
    return _say(args, answer, "\n".join(_line(one, Language(args.lang)) for one in answer["days"]))


def _line(one: Json, language: Language) -> str:
    now = VisitWord.SLOTS.say(language, str(one["slots"]))
    before = f" ({VisitWord.REPLACED.say(language, str(one['before']))})" if one["before"] else ""
    return f"{one['day']}  {one['bus']}  {now}{before}"


def _say(args: argparse.Namespace, answer: Json, text: str) -> int:
    Screen(args.json).result(answer, text)
    return commands.DONE
