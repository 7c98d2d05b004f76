"""`cityhall-relay`: the relay itself, and the clerk's commands against it."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from cityhall_base.errors import SetupError
from cityhall_base.words import Language, say
from cityhall_relay.client import audit, books, commands, duty, people, revocation, visits
from cityhall_relay.client.errors import ClientError
from cityhall_relay.errors import RelayError
from cityhall_wire.errors import WireError
from cityhall_wire.headers import Name

EXIT_CODES: Final = """\
exit codes:
  0    done; for send: the document was handed over
  1    city hall refused, and said why
  2    the command line was not understood
  3    this machine is not set up: a file is missing or wrong
  4    city hall's relay does not answer
  5    send: the document ended, but was not handed over
  130  stopped by Ctrl-C; what was sent stays with city hall
"""
SETUP_WRONG: Final = 3
INTERRUPTED: Final = 130

Command = Callable[[argparse.Namespace], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code documented in EXIT_CODES."""
    args = parser().parse_args(argv)
    command: Command = args.command
    try:
        return command(args)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ClientError, RelayError, SetupError, WireError) as error:
        _complain(error, args)
        return error.exit_code if isinstance(error, ClientError) else SETUP_WRONG


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="cityhall-relay", description=__doc__, epilog=EXIT_CODES, formatter_class=argparse.RawTextHelpFormatter
    )
    actions = top.add_subparsers(required=True, metavar="COMMAND")
    _relay_commands(actions)
    _account_commands(actions)
    _session_commands(actions)
    _job_commands(actions)
    books.add(lambda name, command, text: _clerk_command(actions, name, command, text))
    people.register(actions, _clerk_command, _command)
    visits.register_day(actions, _clerk_command)
    audit.register(actions, _clerk_command, _command)
    _revocation_commands(actions)
    return top


def serve(args: argparse.Namespace) -> int:
    """`serve`: run until SIGTERM."""
    from cityhall_relay import serve as server  # a clerk's command need not load a web server

    return server.run(args.config)


def verify(args: argparse.Namespace) -> int:
    """`verify`: check the hash chains of a stopped relay."""
    from cityhall_relay import verify as checker

    return checker.run(args.config, args.json)


def account(args: argparse.Namespace) -> int:
    """`account`: accounts of the console, on a stopped relay."""
    from cityhall_relay.console import commands as accounts  # as above

    return accounts.run(args)


Actions = argparse._SubParsersAction  # noqa: SLF001 - argparse gives its public methods' result no public name


def _relay_commands(actions: "Actions[argparse.ArgumentParser]") -> None:
    for name, command, text in (
        ("serve", serve, "run city hall's relay until SIGTERM"),
        ("verify", verify, "check the journals of a stopped relay, row by row"),
    ):
        one = _command(actions, name, command, text)
        one.add_argument("--config", type=Path, required=True, metavar="FILE", help="relay.toml")


def _account_commands(actions: "Actions[argparse.ArgumentParser]") -> None:
    outer = actions.add_parser("account", help="accounts of the console; as the user of a relay that is stopped")
    inner = outer.add_subparsers(required=True, metavar="COMMAND")
    for name, text in (("add", "a new account"), ("reset", "password and app are void; a new first-time code")):
        one = _command(inner, name, account, text)
        one.add_argument("id", metavar="ID", help="opaque: small letters, digits and hyphens, no name")
        one.add_argument("--config", type=Path, required=True, metavar="FILE", help="relay.toml")
        one.set_defaults(reset=name == "reset")
        if name == "add":
            roles = ("clerk", "section_lead", "custodian", "auditor", "administrator")
            one.add_argument("--role", action="append", required=True, choices=roles, help="may stand more than once")
            one.add_argument(
                "--section", action="append", default=[], metavar="NAME", help="as in city.toml; none: all"
            )


def _session_commands(actions: "Actions[argparse.ArgumentParser]") -> None:
    session = actions.add_parser("session", help="open, check or close a counter session (窓口対応)")
    inner = session.add_subparsers(required=True, metavar="COMMAND")
    one = _clerk_command(inner, "open", commands.open_session, "open the session on a bus; prints its id")
    one.add_argument("--bus", required=True)
    one.add_argument("--section", required=True, help="as in city.toml (課)")
    one.add_argument("--stop", required=True, help="as in city.toml (会場)")
    one.add_argument("--slot", type=int, default=0, help="booking slot of the day (予約枠); 0: none")
    _clerk_command(inner, "calls", commands.calls, "the buses that call your sections now (呼出中)")
    one = _clerk_command(inner, "accept", commands.accept, "take a call (対応中); without SESSION the oldest")
    one.add_argument("session", nargs="?", metavar="SESSION")
    visits.register_check(inner, _clerk_command)
    one = _clerk_command(inner, "close", commands.close_session, "end it; what is not at the printer dies with it")
    one.add_argument("session")


def _job_commands(actions: "Actions[argparse.ArgumentParser]") -> None:
    one = _clerk_command(actions, "send", commands.send, "hand in a document and watch it to its end")
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--session", required=True)
    one.add_argument("--service", required=True, help="as in city.toml")
    one.add_argument("--approve", action="store_true", help="allow the print at once (印刷を許可)")
    one.add_argument(
        "--again", action="store_true", help="with --approve: also where the same document was sent before"
    )
    one.add_argument("--flatten", action="store_true", help="print pictures of its pages, where the service allows it")
    one.add_argument(
        "--submission", metavar="HEX", help="32 hex digits of an earlier try, to ask for the same document"
    )
    one.add_argument("--reissue-of", metavar="JOB", help="the spoiled document that it takes the place of (刷り直し)")
    one.add_argument("--sheet", metavar="NUMBER", default="", help="with --reissue-of: the number of a spoiled sheet")
    for name, command, text in (
        ("approve", commands.approve, "allow the print (印刷を許可)"),
        ("cancel", commands.cancel, "take it back, before it is at the printer (取消)"),
        ("refuse", commands.refuse, "it is not issued, before it is at the printer (受付不可)"),
        ("void", commands.void, "what came out is worth nothing, and there is no reissue (無効)"),
        ("show", commands.show, "everything about one document"),
        ("receipts", commands.receipts, "both sides' signed deletion receipts, as JSON"),
    ):
        one = _clerk_command(actions, name, command, text)
        one.add_argument("job", metavar="JOB")
        if name == "approve":
            one.add_argument(
                "--again", action="store_true", help="it is a second copy of a document that was sent before"
            )
        if name == "refuse":
            one.add_argument(
                "--why", default="identity", metavar="NAME", help="for example identity (the default), paper"
            )
        if name == "void":
            one.add_argument(
                "--sheets", type=_numbers, default=[], metavar="NUMBER[,NUMBER]", help="where they are known"
            )
    _clerk_command(actions, "jobs", commands.jobs, "your documents, newest first")
    _clerk_command(actions, "buses", commands.buses, "the fleet")
    duty.register(actions, _clerk_command)


def _revocation_commands(actions: "Actions[argparse.ArgumentParser]") -> None:
    one = _clerk_command(
        actions, "revoke", revocation.revoke, "take a bus out of service: stolen, lost, a second box (失効)"
    )
    one.add_argument("bus", metavar="BUS")
    one.add_argument("--reason", required=True, type=_name, metavar="NAME", help="for example stolen, lost, clone")
    one = _clerk_command(actions, "reinstate", revocation.reinstate, "let it back in; a second person must say so too")
    one.add_argument("bus", metavar="BUS")
    one.add_argument("--why", required=True, type=_name, metavar="NAME", help="for example found, replaced")
    one = _clerk_command(actions, "statement", revocation.statement, "the last signed statement about a revoked bus")
    one.add_argument("bus", metavar="BUS")
    one.add_argument("--out", type=Path, metavar="FILE", help="else on standard output")
    text = "check a statement with the relay's public key alone, and say what it says"
    one = _command(actions, "verify-statement", revocation.verify, text)
    one.add_argument("--lang", choices=[str(language) for language in Language], default=str(Language.JAPANESE))
    one.add_argument("file", type=Path, metavar="FILE")
    one.add_argument("--key", type=Path, required=True, metavar="PEM", help="relay.pub.pem")


def _name(text: str) -> str:
    try:
        return msgspec.convert(text, Name)
    except msgspec.ValidationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _numbers(text: str) -> list[str]:
    return [number.strip() for number in text.split(",") if number.strip()]


def _clerk_command(
    actions: "Actions[argparse.ArgumentParser]", name: str, command: Command, text: str
) -> argparse.ArgumentParser:
    one = _command(actions, name, command, text)
    languages = [str(language) for language in Language]
    one.add_argument("--lang", choices=languages, default=languages[0], help="language of what a person reads")
    one.add_argument(
        "--clerk", type=Path, metavar="FILE", help=f"clerk.toml; else the variable {commands.SETTINGS_VARIABLE}"
    )
    return one


def _command(
    actions: "Actions[argparse.ArgumentParser]", name: str, command: Command, text: str
) -> argparse.ArgumentParser:
    one = actions.add_parser(name, help=text, description=text)
    one.add_argument("--json", action="store_true", help="for a program: one JSON object a line")
    one.set_defaults(command=command)
    return one


def _complain(error: RelayError | SetupError | WireError, args: argparse.Namespace) -> None:
    key = getattr(error, "reason", error.key)
    text = json.dumps({"key": key, "sentence": str(error)}, ensure_ascii=False)
    # What runs as a service writes a log, which is the technician's. The English has the detail of this very case.
    spoken = dict.fromkeys([say(key, str(error), Language(getattr(args, "lang", Language.ENGLISH))), str(error)])
    sys.stderr.write((text if args.json else "\n".join(spoken)) + "\n")


if __name__ == "__main__":
    sys.exit(main())
