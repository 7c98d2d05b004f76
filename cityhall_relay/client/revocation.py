"""`revoke`, `reinstate`, `statement`, and `verify-statement`, which needs the relay's public key and nothing else."""

import argparse
import base64
import binascii
import sys
import time
from typing import Final

import msgspec

from cityhall_base.files import UnfitFileError, read_small
from cityhall_base.keys import load_public_key
from cityhall_base.words import Language
from cityhall_relay.client.api import CityHall, Json
from cityhall_relay.client.commands import DONE, city_hall
from cityhall_relay.client.errors import AnswerError, FileError, StatementError
from cityhall_relay.client.show import Screen
from cityhall_relay.client.statement_text import text
from cityhall_wire.errors import WireError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Role
from cityhall_wire.messages.statement import Statement

FILE_BYTES: Final = 4 * 1024 * 1024
"""Of a statement: a bus holds at most 200 documents, which take 0.2 MB."""

SIGNED_S: Final = 30.0
"""How long `revoke` looks whether the statement is signed: city hall waits 10 s for its broker's word."""

_LOOK_S: Final = 0.2


def revoke(args: argparse.Namespace) -> int:
    """`revoke`: done as soon as city hall has taken it; then it waits for the statement, so that nobody forgets it."""
    hall = city_hall(args)
    view = hall.revoke(args.bus, args.reason)
    until = time.monotonic() + SIGNED_S
    while not view["statement"] and time.monotonic() < until:
        time.sleep(_LOOK_S)
        view = hall.revocation(args.bus)
    return _shown(args, view)


def reinstate(args: argparse.Namespace) -> int:
    """`reinstate`: the wish of one person, and then of another one."""
    return _shown(args, city_hall(args).reinstate(args.bus, args.why))


def statement(args: argparse.Namespace) -> int:
    """`statement`: the last one, one signed envelope a line."""
    lines = b"".join(part + b"\n" for part in _fetched(city_hall(args), args.bus))
    if args.out is None:
        sys.stdout.write(lines.decode())
        return DONE
    try:
        args.out.write_bytes(lines)
    except OSError as error:
        raise FileError(f"{args.out}: {error.strerror}") from None
    Screen(args.json).result({"file": str(args.out), "bytes": len(lines)}, f"{args.out}: {len(lines)} bytes")
    return DONE


def verify(args: argparse.Namespace) -> int:
    """`verify-statement`: raises StatementError where it is not whole, or not city hall's."""
    try:
        raw = read_small(args.file, FILE_BYTES, private=False)
    except UnfitFileError as error:
        raise FileError(str(error)) from None
    key = load_public_key(args.key)
    parts = whole(raw, {Role.RELAY: (key,)})
    value = {"verified": True, "key": envelope.key_id(key), "parts": msgspec.to_builtins(parts)}
    Screen(args.json).result(value, text(parts, Language(args.lang)))
    return DONE


def whole(raw: bytes, keyring: envelope.Keyring) -> tuple[Statement, ...]:
    """The parts of the statement in these lines, in order; raises StatementError."""
    try:
        parts = [envelope.verify(line, keyring).expect(Statement) for line in raw.splitlines() if line.strip()]
    except WireError as error:
        raise StatementError(str(error)) from None
    parts.sort(key=lambda one: one.part)
    about = {(one.city, one.bus, one.at, one.revoked_at, one.parts) for one in parts}
    if len(about) != 1 or [one.part for one in parts] != list(range(1, parts[0].parts + 1)):
        raise StatementError("a part is missing, or there are parts of several")
    return tuple(parts)


def _fetched(city_hall: CityHall, bus: str) -> list[bytes]:
    try:
        return [base64.b64decode(part, validate=True) for part in city_hall.statement(bus)["parts"]]
    except (TypeError, binascii.Error) as error:
        raise AnswerError(str(error)) from None


def _shown(args: argparse.Namespace, view: Json) -> int:
    said = [f"{view['bus']}: {view['kind']} ({view['reason']}) by {view['by']}"]
    if view["suspended"]:
        said += [f"through: {', '.join(view['steps']) or 'nothing yet'}"] if view["kind"] == "revoked" else []
        said += [f"wanted back by {view['wish_by']}; a second person must say so too"] if view["wish_by"] else []
    else:
        said.append(f"back in service: {view['wish_by']} and {view['lifted_by']}")
    Screen(args.json).result(view, "\n".join(said))
    return DONE
