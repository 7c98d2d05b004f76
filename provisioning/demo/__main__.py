"""`./run demo`: city hall and a bus on this machine, one certificate from the clerk's PDF to paper.

With --rehearse: staff practice, with a menu of what can go wrong.

exit codes:
  0  the certificate was handed over, or the rehearsal went as it must (and, without --once, somebody ended it)
  1  something did not work; the sentence says what, and where the logs are
  2  the command line was not understood
  4  city hall does not take the document; the sentence says why
"""

import argparse
import contextlib
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec

from cityhall_base.errors import SetupError
from cityhall_base.words import Language
from provisioning.demo.console import STAFF
from provisioning.demo.mishaps import LIE, MISHAPS
from provisioning.demo.parts import House
from provisioning.demo.rehearse import LIMITS, Played, Rehearsal, Said, chosen, menu
from provisioning.demo.walk import Walk, Walked
from provisioning.errors import DocumentRefusedError, ProvisionError, WalkError
from provisioning.sample import sample_certificate
from provisioning.small_city import IDENTITY

TUNNEL: Final = "none: the tunnel comes with a later release; this run uses loopback"
FAILED: Final = 1
REFUSED: Final = 4


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit code of this module's docstring."""
    arguments = _parser().parse_args(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    # A script's background job inherits SIGINT ignored; here it always means: stop everything.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return _in_folder(arguments, _job(arguments))
    except KeyboardInterrupt:
        _say("Stopped.")
        return 0 if not arguments.once else 130
    except (OSError, ProvisionError) as error:
        _say(str(error))
        return FAILED


Job = Callable[[House], None]
"""What is done in the house once it is there."""


def _job(arguments: argparse.Namespace) -> Job:
    if arguments.rehearse is not None:
        names = chosen(arguments.rehearse or ("all" if arguments.once else ""))
        return lambda house: _rehearse(house, names, Language(arguments.lang), once=arguments.once)
    document = _read(arguments.document) if arguments.document else sample_certificate(1)
    return lambda house: _walk(house, document, once=arguments.once)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise WalkError(f"{path}: {error.strerror}; name a PDF file that can be read") from None


def _parser() -> argparse.ArgumentParser:
    what, _, codes = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="run demo", description=what, epilog=codes, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--once", action="store_true", help="print one certificate and stop; last line: one JSON object"
    )
    parser.add_argument("--document", type=Path, metavar="FILE", help="print this PDF instead of the sample")
    parser.add_argument(
        "--rehearse",
        nargs="?",
        const="",
        metavar="MISHAP,...",
        help=f"staff practice: {', '.join(MISHAPS)}, or all; without names, a menu",
    )
    languages = [str(language) for language in Language]
    parser.add_argument("--lang", choices=languages, default=languages[0], help="language of the rehearsal")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="new or empty folder to work in, kept afterwards")
    parser.add_argument("--keep", action="store_true", help="keep the folder also where it is a temporary one")
    parser.add_argument("--yes", action="store_true", help="for ./run; nothing is asked here")
    return parser


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _in_folder(arguments: argparse.Namespace, job: Job) -> int:
    with _folder(arguments) as folder:
        practice = arguments.rehearse is not None
        # Who stays gets accounts for the console, too.
        staff = {} if arguments.once else STAFF
        house = House(folder, limits=LIMITS, lies=(LIE,)) if practice else House(folder, checks=True, staff=staff)
        try:
            return _run(house, job)
        except DocumentRefusedError as error:
            _say(str(error))
            return REFUSED
        except (ProvisionError, SetupError) as error:
            arguments.keep = True
            _say(f"{error}\nThe logs are in {house.log}")
            return FAILED


@contextlib.contextmanager
def _folder(arguments: argparse.Namespace) -> Iterator[Path]:
    if arguments.dir is not None:
        yield arguments.dir.absolute()
        return
    folder = Path(tempfile.mkdtemp(prefix="mobile-cityhall-"))
    try:
        yield folder
    finally:
        if not arguments.keep:
            shutil.rmtree(folder)


def _run(house: House, job: Job) -> int:
    _say("Starting message bus, printer, broker, relay, spooler and agent ...")
    with house:
        _say(f"All run in {house.dir} (isolation: {house.isolation}).")
        job(house)
    return 0


def _walk(house: House, document: bytes, *, once: bool) -> None:
    walked = Walk(house, _say).go(document)
    if once:
        _out(_result(house, walked))
    walked.check()
    if not once:
        _stay(house, walked)


def _rehearse(house: House, names: Sequence[str], language: Language, *, once: bool) -> None:
    def pause() -> None:
        if sys.stdin.isatty():
            _say(Said.ENTER.say(language))
            sys.stdin.readline()

    rehearsal = Rehearsal(house, language, _say, pause)
    with rehearsal.opened():
        for played in map(rehearsal.play, names):
            _played(played)
        if not once:
            for played in menu(rehearsal, language, _say):
                _played(played)


def _played(played: Played) -> None:
    if not sys.stdout.isatty():  # for a program; a person has read it all
        _out(msgspec.json.encode(played).decode())


def _out(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _result(house: House, walked: Walked) -> str:
    fields = {**msgspec.structs.asdict(walked), "tunnel": TUNNEL, "isolation": house.isolation}
    return msgspec.json.encode(fields).decode()


def _stay(house: House, walked: Walked) -> None:
    _say(
        f"Job {walked.job} is {walked.state}: {walked.sheets} sheet(s); readable bytes found in files: {walked.plaintext_hits}."
    )
    _say(
        f"\nNow you. City hall in a browser: {house.console}/first (its certificate is the demo's own; the browser will warn)"
    )
    for who, code in house.codes.items():
        _say(f"  {who:<10} {'+'.join(STAFF[who]):<20} first-time code {code}")
    _say("The concierge's screen, in another terminal, as the same user:")
    _say(f"  {house.concierge.line('tui')}")
    _say("Or both by commands; the clerk:")
    for words in (
        "session open --bus moba-1 --section citizen --stop hase-hall",
        f"session check SESSION --identity {IDENTITY} --support",
        f"send {shlex.quote(str(house.desk / 'document.pdf'))} --session SESSION --service resident-record",
        "approve JOB",
        "jobs",
    ):
        _say(f"  {house.clerk.line(words)}")
    _say("and the concierge:")
    for words in ("status", "print JOB", "hand-over JOB", "mode route_bus"):
        _say(f"  {house.concierge.line(words)}")
    _say(f"The sheets in the printer's tray, and their record: {house.printer.records}\nCtrl-C ends it.")
    signal.pause()


def _say(text: str) -> None:
    # Standard output is the result's alone.
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
