"""Write TOML 1.0 from plain values; Python's own library only reads it. What is written is read back before it is used."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path

Value = str | int | float | bool | Path | list["Value"] | Mapping[str, "Value"]


class Octal(int):
    """A file mode, written as people read it."""


def dumps(table: Mapping[str, Value], comment: str = "") -> bytes:
    """A document of `table`: plain values first, then one `[table]` for each mapping, in the given order."""
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    lines += _table(table, ())
    text = "\n".join(lines) + "\n"
    tomllib.loads(text)
    return text.encode()


def _table(table: Mapping[str, Value], path: tuple[str, ...]) -> list[str]:
    lines = [f"{_key(key)} = {_value(value)}" for key, value in table.items() if not isinstance(value, Mapping)]
    for key, value in table.items():
        if isinstance(value, Mapping):
            below = (*path, key)
            lines += ["", f"[{'.'.join(map(_key, below))}]", *_table(value, below)]
    return lines


def _value(value: Value) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(key)} = {_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, Octal):
        return f"0o{value:03o}"
    # JSON's strings, numbers and booleans are TOML's; DEL alone must be escaped there and is not by JSON.
    plain = str(value) if isinstance(value, Path) else value
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else _value(key)
