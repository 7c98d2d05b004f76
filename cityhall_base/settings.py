"""The one settings loader: TOML into a struct, with a sentence that names file, key and what is allowed there."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec
from msgspec import Meta, inspect

from cityhall_base.errors import ConfigError
from cityhall_base.files import UnfitFileError, read_small

T = TypeVar("T")

FILE_BYTES: Final = 1024 * 1024
"""Largest configuration file; a city with fifty stops takes about 20 kB."""


Host = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9.:-]{1,253}\Z")]
Port = Annotated[int, Meta(ge=1, le=65535)]


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of a configuration file: a key that nobody knows is a mistake, and is said."""


class Broker(Table, frozen=True, kw_only=True):
    """The city's MQTT broker, mutual TLS. Without this table there are no hints, and sync's rhythm serves."""

    host: Host
    port: Port
    ca: Path
    cert: Path
    key: Path


def load(path: Path, into: type[T]) -> T:
    """Read `path` as `into`, a relative path in it meant from the file's own folder; raises ConfigError."""
    return cast(T, _from_folder(parse(read(path), into, path.name), path.absolute().parent))


def _from_folder(value: Any, folder: Path) -> Any:
    if isinstance(value, Path):
        return folder / value
    if isinstance(value, msgspec.Struct):
        fields = {name: _from_folder(getattr(value, name), folder) for name in value.__struct_fields__}
        return msgspec.structs.replace(value, **fields)
    if isinstance(value, Mapping):
        return {key: _from_folder(item, folder) for key, item in value.items()}
    return value


def read(path: Path) -> bytes:
    """The bytes of a configuration file of at most FILE_BYTES; raises ConfigError."""
    try:
        return read_small(path, FILE_BYTES)
    except UnfitFileError as error:
        raise ConfigError(str(error)) from None


def parse(raw: bytes, into: type[T], name: str) -> T:
    """Read TOML bytes as `into`; `name` is the file's name in the error. Raises ConfigError."""
    data = _toml(raw, name)
    try:
        return msgspec.convert(data, into, dec_hook=_paths)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_explain(str(error), into, data)}") from None


def _toml(raw: bytes, name: str) -> dict[str, Any]:
    # utf-8-sig: some editors put a byte order mark before the first key, which means nothing.
    try:
        return tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is not UTF-8; save it as UTF-8") from None
    except (ValueError, RecursionError) as error:  # TOMLDecodeError, or a number of thousands of digits
        raise ConfigError(f"{name} is not TOML: {error}") from None


def _paths(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        if "\0" in value:
            raise ValueError("a path holds no NUL")
        return Path(value)
    raise NotImplementedError(kind)


def _explain(text: str, into: Any, data: Any) -> str:
    what, _, where = text.partition(" - at ")
    path = where.strip("`").removeprefix("$").lstrip(".")
    allowed = _allowed(inspect.type_info(into), path)
    if what.startswith(("Invalid enum value", "Object contains unknown field")) and allowed:
        what += f"; allowed: {', '.join(allowed)}"
    path = _with_entry(path, text, data, into)
    return f"{path}: {what}" if path else what


def _with_entry(path: str, text: str, data: Any, into: Any) -> str:
    """msgspec writes `services[...].fee_yen` for any entry of a table: name the first whose lone presence is complained of."""
    before, unnamed, after = path.partition("[...]")
    if not unnamed:
        return path
    table = data
    for part in before.split("."):
        table = table[part]
    for name, entry in dict(table).items():
        table.clear()
        table[name] = entry
        if _complaint(data, into) == text:
            return f"{before}.{name}{after}"
    return path


def _complaint(data: Any, into: Any) -> str:
    try:
        msgspec.convert(data, into, dec_hook=_paths)
    except msgspec.ValidationError as error:
        return str(error)
    return ""


def _allowed(info: inspect.Type, path: str) -> list[str]:
    for part in re.findall(r"[^.\[\]]+|\[[^\]]*\]", path):
        info = _below(info, part)
    if isinstance(info, inspect.UnionType):  # of something and None: what may be left out
        info = next(one for one in info.types if not isinstance(one, inspect.NoneType))
    if isinstance(info, inspect.StructType):
        return [field.encode_name for field in info.fields]
    if isinstance(info, inspect.EnumType):
        return [str(member.value) for member in info.cls]
    return []


def _below(info: inspect.Type, part: str) -> inspect.Type:
    below = _part(info, part)
    if isinstance(below, inspect.UnionType):  # a table that may be left out
        return next((one for one in below.types if not isinstance(one, inspect.NoneType)), below)
    return below


def _part(info: inspect.Type, part: str) -> inspect.Type:
    if isinstance(info, inspect.StructType):
        return next((field.type for field in info.fields if field.encode_name == part), inspect.AnyType())
    if isinstance(info, inspect.DictType):
        return info.value_type
    if isinstance(info, inspect.VarTupleType | inspect.ListType):
        return info.item_type
    return inspect.AnyType()
