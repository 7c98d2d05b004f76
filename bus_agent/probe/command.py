"""The command: look, try what was asked for, say it, and write the profile's table last."""

import argparse
import json
import sys
from typing import Final

import msgspec

from bus_agent.errors import NobodyThereError
from bus_agent.ipc.messages import Supply
from bus_agent.probe import trial
from bus_agent.probe.look import Seen, connect, look
from bus_agent.probe.profile import Tried, profile_of, table_of, unknowns
from bus_agent.probe.trial import PageTicket
from bus_agent.spooler.printer import Printer
from cityhall_base.printers import PDF, Memory

UNKNOWN: Final = 5
"""Exit code: something that was asked for stays unknown."""

_A4: Final = "iso_a4_210x297mm"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` writes."""

    seen: Seen
    tried: Tried
    unknown: list[str]
    profile: str  # the table for city.toml


def run(arguments: argparse.Namespace) -> int:
    """0, or UNKNOWN; raises BusError."""
    path, certificate = connect(arguments.uri)
    seen = look(path, arguments.uri, certificate)
    if not arguments.json:
        sys.stdout.write(_shown(seen))
    tried = _try(path, seen, arguments)
    notes = unknowns(seen, tried, arguments.paper)
    table = table_of(arguments.name, profile_of(seen, tried, arguments.paper), notes)
    report = Report(seen=seen, tried=tried, unknown=notes, profile=table)
    sys.stdout.write(f"{msgspec.json.encode(report).decode()}\n" if arguments.json else f"\n{table}")
    return UNKNOWN if _left_open(tried, arguments) else 0


def _try(path: Printer, seen: Seen, arguments: argparse.Namespace) -> Tried:
    ticket, tried = PageTicket(seen.media_ready[0] if seen.media_ready else _A4), Tried()
    if PDF not in seen.formats:
        return tried  # the test page is a PDF
    if arguments.print:
        counted = trial.print_pages(path, ticket)
        history = trial.known_for(path, counted.job, arguments.history_seconds)
        tried = msgspec.structs.replace(tried, proof=counted.proof, history_s=history)
    if arguments.power_cycle:
        tried = msgspec.structs.replace(tried, memory=trial.survives_power_off(path, ticket, _ask))
    return tried


def _left_open(tried: Tried, arguments: argparse.Namespace) -> bool:
    printed = arguments.print and tried.proof is None
    return printed or (arguments.power_cycle and tried.memory is Memory.UNTESTED)


def _ask(text: str) -> str:
    # Standard output is for what was found out; a script may answer on standard input.
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise NobodyThereError
    return line


def _shown(seen: Seen) -> str:
    said = {
        "make and model": seen.make_and_model,
        "firmware": seen.firmware,
        "printer-uuid": seen.uuid,
        "certificate sha256": seen.certificate_sha256,
        "state": " ".join((seen.state, *seen.reasons)),
        "formats": ", ".join(seen.formats),
        "media ready": ", ".join(seen.media_ready),
        "sides": ", ".join(seen.sides),
        "raster resolutions": ", ".join(f"{dpi} dpi" for dpi in seen.raster_dpi),
        "raster types": ", ".join(seen.raster_types),
        "sheet back": seen.sheet_back,
        "supplies": ", ".join(map(_supply, seen.supplies)),
        "counter": "" if seen.counter is None else json.dumps(seen.counter),
    }
    if not seen.uri.startswith("ipps:"):
        del said["certificate sha256"]
    return "".join(f"{name:<20}{value or 'unknown'}\n" for name, value in said.items())


def _supply(one: Supply) -> str:
    level = "unknown" if one.level < 0 else f"{one.level} %"
    return f"{' '.join(filter(None, (one.type, one.color)))} {level}"
