"""One valid message of every type there is, made from its own description, so that a new type is never forgotten."""

from typing import Any, Final

import msgspec
from msgspec import inspect

from bus_agent.ipc import messages as ipc
from cityhall_wire import PROTOCOL_VERSION, headers
from cityhall_wire.messages.envelope import KINDS
from cityhall_wire.messages.topics import BusState, Hint

CITY: Final = "hase"
BUS: Final = "bus-1"
JOB: Final = "j" + "0" * 24

_BY_PATTERN: Final = {
    r"\A[a-z][a-z0-9-]{1,30}\Z": BUS,
    r"\Aj[0-9a-f]{24}\Z": JOB,
    r"\As[0-9a-f]{24}\Z": "s" + "0" * 24,
    r"\Ae[0-9a-f]{24}\Z": "e" + "0" * 24,
    r"\A[a-z][a-z0-9_.-]{0,62}\Z": "name",
    r"\A[a-z0-9][a-z0-9-]{0,62}\Z": "clerk-1",
    r"\A[a-z]+/[a-zA-Z0-9.+-]{1,64}\Z": "application/pdf",
    r"\A[a-z0-9_.-]{1,127}\Z": "iso_a4_210x297mm",
    r"\A[0-9a-f]{32}\Z": "0" * 32,
    r"\A[a-z][a-z_.]{0,62}\Z": "refused.busy",
    r"\A[^\x00-\x1f\x7f]*\Z": "A-0017",
    r"\A[0-9]{4}-[01][0-9]-[0-3][0-9]\Z": "2026-11-22",
    r"\A[0-9]{8}\Z": "31415926",
}

WIRE: Final = tuple(kind.payload for kind in KINDS.values())
IPC: Final = tuple(
    kind for union in (ipc.ToSpooler, ipc.FromSpooler, ipc.ToOpener, ipc.FromOpener) for kind in union.__args__
)
OTHERS: Final = (headers.SealHeader, headers.ReleaseHeader, Hint, BusState)


def sample(kind: type[msgspec.Struct], **changed: Any) -> msgspec.Struct:
    """A valid instance; every optional field is filled."""
    info = inspect.type_info(kind)
    assert isinstance(info, inspect.StructType)
    fields = {field.name: _value(field.type) for field in info.fields}
    own = {"v": PROTOCOL_VERSION, "city": CITY} | changed
    made = kind(**fields | {name: value for name, value in own.items() if name in fields})
    return msgspec.convert(msgspec.json.decode(msgspec.json.encode(made)), kind)


def _value(info: inspect.Type) -> Any:
    match info:
        case inspect.UnionType():
            return _value(next(one for one in info.types if not isinstance(one, inspect.NoneType)))
        case inspect.IntType():
            return max(info.ge or 0, 1)
        case inspect.FloatType():
            return 1.0
        case inspect.BoolType():
            return True
        case inspect.StrType():
            return _BY_PATTERN[info.pattern] if info.pattern else "text"
        case inspect.BytesType():
            return bytes(range(256))[: info.min_length or min(info.max_length or 32, 32)].ljust(
                info.min_length or 0, b"k"
            )
        case inspect.EnumType():
            return next(iter(info.cls))
        case inspect.VarTupleType():
            return (_value(info.item_type),)
        case inspect.StructType():
            return sample(info.cls)
    raise TypeError(info)
