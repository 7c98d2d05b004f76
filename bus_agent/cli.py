"""`bus-agent`: runs the agent, the spooler or the driver, and speaks to a running agent as the concierge's screen does.

Everything is imported where it is used: the spooler must not carry the agent's libraries, nor a client those of either.
"""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from bus_agent import cli_books, cli_people, cli_tour
from bus_agent.errors import AgentGoneError, BusError
from bus_agent.places import API_SOCKET
from cityhall_base import log
from cityhall_base.errors import SetupError
from cityhall_base.words import Language, say
from cityhall_wire.modes import DutyMode

IPP_USB: Final = "ipp://localhost:60000/ipp/print"
"""Where ipp-usb shows the first printer (systemd/ipp-usb/ipp-usb.conf)."""

REFUSED: Final = 1
SETUP_WRONG: Final = 3
AGENT_GONE: Final = 4
INTERRUPTED: Final = 130
EXIT_CODES: Final = """\
exit codes:
  0    done
  1    the bus refused, and said why
  2    the command line was not understood
  3    this machine is not set up: a file is missing or wrong, or its disk is
  4    the agent does not answer
  5    printer probe: something that was asked for stays unknown
  130  stopped by Ctrl-C
"""


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code documented in EXIT_CODES, the sentence on standard error."""
    arguments = parser().parse_args(argv)
    log.setup()
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (BusError, SetupError) as error:
        _complain(error, arguments)
        if isinstance(error, SetupError):
            return SETUP_WRONG
        return AGENT_GONE if isinstance(error, AgentGoneError) else REFUSED


def _complain(error: BusError | SetupError, arguments: argparse.Namespace) -> None:
    key = getattr(error, "said_key", error.key)
    if getattr(arguments, "json", False):
        text = json.dumps({"key": key, "sentence": str(error)}, ensure_ascii=False)
    else:
        # What runs as a service writes a log, which is the technician's.
        language = Language(getattr(arguments, "lang", Language.ENGLISH))
        text = say(key, str(error), language, getattr(error, "detail", ""))
    print(text, file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="bus-agent",
        description="The appliance on the bus.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    _add_services(commands)
    _add_screen(commands)
    _add_printer(commands)
    _add_clients(commands)
    return top


def _add_services(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, run, text in (
        ("run", _run_agent, "link to city hall, journal and local API (reads bus.toml)"),
        ("spooler", _run_spooler, "the printer's side (reads spooler.toml)"),
        ("driver", _run_driver, "converts for a printer that needs a CUPS driver (reads driver.toml)"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--config", type=Path, required=True, metavar="FILE")
        command.set_defaults(run=run)


def _add_screen(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    screen = commands.add_parser("tui", help="the concierge's screen (reads screen.toml)")
    screen.add_argument("--config", type=Path, metavar="FILE")
    screen.add_argument("--socket", type=Path, metavar="PATH", help="the agent's local API")
    screen.add_argument("--lang", choices=[str(language) for language in Language], help="language of the screen")
    screen.set_defaults(run=_run_screen)


def _add_printer(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    printer = commands.add_parser("printer", help="accept a printer").add_subparsers(required=True, metavar="COMMAND")
    text = "what a printer is and can prove, and its table for city.toml (exit code 3: something stays unknown)"
    probe = printer.add_parser("probe", help=text, description=text)
    probe.add_argument(
        "--uri", type=_ipp_uri, default=IPP_USB, help=f"ipp:// or ipps://; {IPP_USB} is USB, the default"
    )
    probe.add_argument("--name", type=_name, default="printer", help="the table will be [printers.NAME]")
    probe.add_argument("--paper", type=_name, default="unknown", help="what lies in it: the NAME of [papers.NAME]")
    probe.add_argument("--print", action="store_true", help="print a test page, which shows what it proves")
    probe.add_argument(
        "--history-seconds", type=int, default=90, metavar="S", help="how long to look whether it remembers"
    )
    probe.add_argument(
        "--power-cycle", action="store_true", help="have it switched off with a job in it: asks and waits"
    )
    probe.add_argument("--json", action="store_true", help="one JSON object on standard output")
    probe.set_defaults(run=_run_probe)


def _ipp_uri(text: str) -> str:
    from cityhall_base.printers import IppUri

    return _matching(text, IppUri)


def _name(text: str) -> str:
    from cityhall_wire.headers import Name

    return _matching(text, Name)


def _matching(text: str, kind: Any) -> str:
    import msgspec

    try:
        return str(msgspec.convert(text, kind))
    except msgspec.ValidationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _run_probe(arguments: argparse.Namespace) -> int:
    from bus_agent.probe import command

    return command.run(arguments)


def _add_clients(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    client = argparse.ArgumentParser(add_help=False)
    socket = Path(os.environ.get("BUS_AGENT_SOCKET", API_SOCKET))
    client.add_argument("--socket", type=Path, default=socket, metavar="PATH", help="the agent's local API")
    client.add_argument("--json", action="store_true", help="one JSON object on standard output")
    languages = [str(language) for language in Language]
    client.add_argument("--lang", choices=languages, default=languages[0], help="language of what a person reads")
    job = argparse.ArgumentParser(add_help=False)
    job.add_argument("job", metavar="JOB")

    def add(
        name: str, text: str, *parents: argparse.ArgumentParser, commands: Any = commands
    ) -> argparse.ArgumentParser:
        command: argparse.ArgumentParser = commands.add_parser(name, help=text, parents=[*parents, client])
        command.set_defaults(run=_run_client, command=name)
        return command

    add("status", "where everything stands, and what to do now")
    call = add("call", "課を呼ぶ: call a section; a clerk of it accepts (対応中)")
    call.add_argument("section", metavar="SECTION", help="as in city.toml (課)")
    call.add_argument("--stop", required=True, help="as in city.toml (会場)")
    call.add_argument("--slot", type=int, default=0, help="booking slot of the day (予約枠); 0: none")
    panic = add("panic", "非常停止: destroy every document on board at once, and have city hall revoke this bus")
    panic.set_defaults(request=lambda _: ("POST", "/v1/panic", None))
    add("end-session", "終了: end the counter session; what is not at the printer dies with it")
    add("print", "印刷: print a document that the clerk allowed", job)
    hand_over = add("hand-over", "お渡ししました: the sheets were handed over", job)
    hand_over.add_argument(
        "--sheets", type=_numbers, default=[], metavar="NUMBER[,NUMBER]", help="where it is not the next of the drawer"
    )
    spoiled = add("spoiled", "使えない紙が出た: sheets came out that cannot be used", job)
    spoiled.add_argument("--why", required=True, metavar="NAME", help="for example unusable, jam, toner")
    spoiled.add_argument(
        "--sheets", type=_numbers, default=[], metavar="NUMBER[,NUMBER]", help="numbers of the spoiled sheets"
    )
    spoiled.add_argument(
        "--came-out", type=int, metavar="N", help="how many sheets came out, where not the whole document did"
    )
    refuse = add("refuse", "受付不可: it cannot be printed here, and nothing of it was", job)
    refuse.add_argument("--why", required=True, metavar="NAME", help="for example paper")
    add("nothing-came-out", "出てこない: no sheet came out", job)
    cli_books.add(commands, client, _run_client)
    mode = add("mode", "change the duty mode (業務モード)")
    mode.add_argument("mode", choices=[str(mode) for mode in DutyMode], metavar="MODE", help=", ".join(DutyMode))
    extend = add("extend", "ask city hall to end today's duty later; a clerk grants it (延長)")
    extend.add_argument("minutes", type=int, choices=range(1, 121), metavar="MINUTES", help="1 to 120")
    cli_people.register(commands, add)
    cli_tour.register(add)
    verify = add("verify", "check the hash chain of the journal")
    verify.add_argument("--config", type=Path, metavar="FILE", help="read bus.toml's store itself, the agent stopped")


def _numbers(text: str) -> list[str]:
    return [number.strip() for number in text.split(",") if number.strip()]


def _run_agent(arguments: argparse.Namespace) -> int:
    from bus_agent import lean

    lean.leave_out(lean.UNUSED_BY_AGENT)
    from bus_agent.agent import boss

    return boss.run(arguments.config)


def _run_spooler(arguments: argparse.Namespace) -> int:
    from bus_agent import lean

    lean.leave_out(lean.UNUSED_BY_SPOOLER)
    from bus_agent.spooler import main as spooler

    return spooler.run(arguments.config)


def _run_driver(arguments: argparse.Namespace) -> int:
    from bus_agent import lean

    lean.leave_out(lean.UNUSED_BY_SPOOLER)
    from bus_agent.driver import main as driver

    return driver.run(arguments.config)


def _run_screen(arguments: argparse.Namespace) -> int:
    from bus_agent.tui import main as screen

    return screen.run(arguments)


def _run_client(arguments: argparse.Namespace) -> int:
    from bus_agent import client

    return client.run(arguments)


if __name__ == "__main__":
    sys.exit(main())
