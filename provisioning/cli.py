"""`cityhall-provision`: the technician's command."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cityhall_base.clock import SystemClock
from cityhall_base.errors import SetupError
from provisioning import small_city
from provisioning.city_folder import Addresses
from provisioning.errors import ProvisionError
from provisioning.files import Owner, own_empty_folder

_LAST_PORT: Final = 65535
_PARTS: Final = ("relay", "broker", "clerk", "agent", "spooler", "concierge", "driver")


EXIT_CODES: Final = """\
exit codes:
  0    done
  1    not done; the sentence says why
  2    the command line was not understood
  130  stopped by Ctrl-C; what was made stays
"""
INTERRUPTED: Final = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code documented in EXIT_CODES, the sentence on standard error."""
    arguments = parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except OSError as error:
        _complain(ProvisionError(f"{error.filename}: {error.strerror}; choose another folder"), arguments.json)
        return 1
    except (ProvisionError, SetupError) as error:
        _complain(error, arguments.json)
        return 1


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(
        prog="cityhall-provision",
        description=__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    demo = commands.add_parser("demo", help="make a complete small city: CA, relay, broker, clerk, bus and its keys")
    demo.add_argument("--dir", type=Path, required=True, metavar="DIR", help="an empty or new folder")
    demo.add_argument("--host", default="127.0.0.1", help="where city hall is reached (default: %(default)s)")
    demo.add_argument("--ports", type=_port, nargs=3, default=(8443, 8444, 8883), metavar=("BUS", "CLERK", "BROKER"))
    demo.add_argument("--printer", default="ipp://127.0.0.1:8631/ipp/print", metavar="URI")
    demo.add_argument(
        "--owner", type=_owner, action="append", default=[], metavar="PART=UID:GID", help=f"parts: {', '.join(_PARTS)}"
    )
    demo.add_argument("--on-board", type=int, metavar="GID", help="group of the socket between agent and spooler")
    demo.add_argument("--json", action="store_true", help="one JSON object on standard output")
    demo.set_defaults(run=_demo)
    return top


def _demo(arguments: argparse.Namespace) -> int:
    plan = small_city.Plan(Addresses(arguments.host, *arguments.ports), small_city.PrinterPlan(arguments.printer))
    users = small_city.one_owner()._replace(**dict(arguments.owner))
    if arguments.on_board is not None:
        users = users._replace(on_board=arguments.on_board)
    where = own_empty_folder(arguments.dir.absolute(), 0o711)
    made = small_city.make(where, plan, users, SystemClock())
    files = {
        "relay_toml": made.city.relay_toml,
        "mosquitto_conf": made.city.broker / "mosquitto.conf",
        "clerk_toml": made.clerk_toml,
        "bus_toml": made.bus.bus_toml,
        "spooler_toml": made.bus.spooler_toml,
    }
    _say({name: str(path) for name, path in files.items()}, arguments.json)
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text}: expected a port of 1 to {_LAST_PORT}")
    return int(text)


def _owner(text: str) -> tuple[str, Owner]:
    part, _, ids = text.partition("=")
    uid, _, gid = ids.partition(":")
    if part not in _PARTS or not uid.isdecimal() or not gid.isdecimal():
        raise argparse.ArgumentTypeError(f"{text}: expected PART=UID:GID with a part of {', '.join(_PARTS)}")
    return part, Owner(int(uid), int(gid))


def _say(result: dict[str, str], as_json: bool) -> None:
    lines = [json.dumps(result)] if as_json else [f"{name:<16}{value}" for name, value in result.items()]
    sys.stdout.write("\n".join(lines) + "\n")


def _complain(error: ProvisionError | SetupError, as_json: bool) -> None:
    text = json.dumps({"key": error.key, "sentence": str(error)}, ensure_ascii=False) if as_json else str(error)
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
