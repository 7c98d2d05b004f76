"""`digest`, `verify-digest` and `export`: what an auditor keeps outside, and how it is held against the journal."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from cityhall_base.files import UnfitFileError, read_small
from cityhall_base.keys import load_public_key
from cityhall_base.words import Language, say
from cityhall_relay.audit_check import Checked, Found, Walk
from cityhall_relay.audit_words import AuditWord, digest_text
from cityhall_relay.client.commands import DONE, city_hall
from cityhall_relay.client.errors import AnswerError, ClientError, CutShortError, DigestFileError, FileError
from cityhall_relay.client.show import Json, Screen
from cityhall_relay.digest_text import TEXT_BYTES, as_envelope, opened
from cityhall_relay.errors import DigestError
from cityhall_relay.store.audit import Seen
from cityhall_wire import strict_json
from cityhall_wire.errors import MalformedError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.chain import JournalRow
from cityhall_wire.messages.digest import DailyDigest
from cityhall_wire.messages.envelope import Role

FAULTY: Final = 1
"""Exit code: something is not as it was signed."""

LINE_BYTES: Final = 64 * 1024

Make = Callable[[Any, str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def register(actions: Any, clerk_command: Make, command: Make) -> None:
    """Add the commands; `clerk_command` makes one that asks city hall as a clerk, `command` any other."""
    one = clerk_command(actions, "digest", digest, "the signed digest of a day's journal, to be kept outside city hall")
    one.add_argument("day", metavar="DAY", help="as 2026-11-22; a day that is over")
    one.add_argument("--out", type=Path, metavar="FILE", help="write the signed digest there")
    one.add_argument("--check", action="store_true", help="have city hall hold the live journal against it")
    one.add_argument("--kept", metavar="FILE", help="with --check: the digest that was kept outside; - reads a scan")
    text = "check a kept digest with the relay's public key alone; with a copy of the journal, that too"
    one = command(actions, "verify-digest", verify, text)
    one.add_argument("file", metavar="FILE", help="the file, or - to read what was scanned from the printed code")
    one.add_argument("--key", type=Path, required=True, metavar="PEM", help="relay.pub.pem")
    one.add_argument("--journal", type=Path, metavar="FILE", help="what `export` wrote")
    one.add_argument("--lang", choices=[str(language) for language in Language], default=str(Language.JAPANESE))
    one = clerk_command(
        actions, "export", export, "a copy of the journal, or of a month's books; city hall writes it down"
    )
    one.add_argument("--what", choices=["journal", "ledger", "fees"], default="journal")
    one.add_argument(
        "--from", dest="since", default="", metavar="DAY", help="journal: the first day; today if left out"
    )
    one.add_argument("--until", default="", metavar="DAY", help="journal: the last day; today if left out")
    one.add_argument("--bus", default="", help="ledger, fees")
    one.add_argument("--month", default="", metavar="YYYY-MM", help="ledger, fees; this month if left out")
    one.add_argument("--out", type=Path, metavar="FILE", help="else on standard output")


def digest(args: argparse.Namespace) -> int:
    """`digest`: raises DigestFileError where what was kept is none."""
    hall, language = city_hall(args), Language(args.lang)
    if args.check:
        kept = as_envelope_of(args.kept) if args.kept else _fetched(hall.ask("GET", f"/1/audit/digests/{args.day}"))
        if _day_of(kept) != args.day:
            raise DigestFileError(args.day)
        return _checked(args, hall.ask("POST", "/1/audit/check", content=kept, headers=_JSON))
    answer = hall.ask("GET", f"/1/audit/digests/{args.day}")
    raw = _fetched(answer)
    if args.out:
        _write(args.out, raw + b"\n")
    one = strict_json.decode(strict_json.decode(raw, envelope.Envelope).payload, DailyDigest)
    Screen(args.json).result(answer, digest_text(one, language))
    return DONE


def verify(args: argparse.Namespace) -> int:
    """`verify-digest`: raises DigestFileError."""
    key, language = load_public_key(args.key), Language(args.lang)
    try:
        one = opened(_read(args.file), {Role.RELAY: (key,)})
    except DigestError as error:
        raise DigestFileError(str(error)) from None
    value = {"verified": True, "key": envelope.key_id(key), "digest": msgspec.to_builtins(one)}
    lines = [AuditWord.VALID.say(language), digest_text(one, language)]
    good = True
    if args.journal:
        checked = against(one, args.journal)
        good = checked.good
        value["journal"] = msgspec.to_builtins(checked)
        lines.append(_verdict(one.day, checked.faults, language))
    Screen(args.json).result(value, "\n".join(lines))
    return DONE if good else FAULTY


def against(one: DailyDigest, path: Path) -> Checked:
    """The rows of an exported journal held against a digest. Raises FileError or CutShortError."""
    walk = Walk(one.before, one.first)
    walk.expect([one])
    for row in _rows(path):
        if one.first <= row.row.n <= one.last:
            walk.take([row])
    return walk.result(1)


def export(args: argparse.Namespace) -> int:
    """`export`: raises CutShortError where the copy is not whole."""
    known = {"from": args.since, "until": args.until, "bus": args.bus, "month": args.month, "lang": args.lang}
    params = {"what": args.what} | {name: value for name, value in known.items() if value}
    last = b""
    with _target(args.out) as out:
        for piece in city_hall(args).download("/1/audit/export", params):
            out.write(piece)
            last = (last + piece)[-LINE_BYTES:]
    if args.what == "journal" and not last.rstrip(b"\n").rsplit(b"\n", 1)[-1].startswith(b'{"end":'):
        raise CutShortError
    if args.out:
        size = args.out.stat().st_size
        Screen(args.json).result({"file": str(args.out), "bytes": size}, f"{args.out}: {size} bytes")
    return DONE


def as_envelope_of(name: str) -> bytes:
    """What was kept, as an envelope. Raises FileError or DigestFileError."""
    try:
        return as_envelope(_read(name))
    except DigestError as error:
        raise DigestFileError(str(error)) from None


def _day_of(raw: bytes) -> str:
    try:
        return strict_json.decode(strict_json.decode(raw, envelope.Envelope).payload, DailyDigest).day
    except MalformedError as error:
        raise DigestFileError(str(error)) from None


def _checked(args: argparse.Namespace, answer: Json) -> int:
    faults = [Found(key=one["key"], sentence=one["sentence"], detail=one["detail"]) for one in answer["faults"]]
    Screen(args.json).result(answer, _verdict(args.day, faults, Language(args.lang)))
    return DONE if answer["good"] else FAULTY


def _verdict(day: str, faults: tuple[Found, ...] | list[Found], language: Language) -> str:
    if not faults:
        return AuditWord.AS_KEPT.say(language, day)
    said = [say(one.key, one.sentence, language, one.detail) for one in faults]
    return "\n".join([AuditWord.BAD.say(language), *said])


def _rows(path: Path) -> Iterator[Seen]:
    ended = False
    try:
        with path.open("rb") as file:
            while line := file.readline(LINE_BYTES + 1):
                said = strict_json.decode(line, dict[str, Any], LINE_BYTES)
                ended = "end" in said
                if "hash" in said:
                    stored = bytes.fromhex(said.pop("hash"))
                    yield Seen(row=msgspec.convert(said, JournalRow), hash=stored)
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None
    except (ValueError, TypeError, MalformedError):
        raise CutShortError(str(path)) from None
    if not ended:
        raise CutShortError(str(path))


def _read(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(TEXT_BYTES + 1)
    try:
        return read_small(Path(name), TEXT_BYTES, private=False)
    except UnfitFileError as error:
        raise FileError(str(error)) from None


def _fetched(answer: Json) -> bytes:
    if not isinstance(answer["envelope"], str):
        raise AnswerError("its envelope is no text")
    return answer["envelope"].encode()


def _write(path: Path, raw: bytes) -> None:
    with _target(path) as out:
        out.write(raw)


@contextlib.contextmanager
def _target(path: Path | None) -> Iterator[BinaryIO]:
    try:
        if path is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        else:
            with path.open("wb") as file:
                yield file
    except ClientError:
        raise
    except OSError as error:
        raise FileError(f"{path}: {error.strerror}") from None


_JSON: Final = {"Content-Type": "application/json"}
