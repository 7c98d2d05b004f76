"""What is written as TOML is read back as the same values."""

import tomllib
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from provisioning import toml

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
PLAIN = TEXT | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
TABLES = st.recursive(
    st.dictionaries(TEXT, PLAIN | st.lists(PLAIN, max_size=3), max_size=4),
    lambda inner: st.dictionaries(TEXT, inner | PLAIN, max_size=3),
    max_leaves=8,
)


@given(TABLES)
def test_every_table_comes_back(table: dict[str, toml.Value]) -> None:
    assert tomllib.loads(toml.dumps(table, "一つの\ncomment").decode()) == table


def test_modes_are_written_as_people_read_them() -> None:
    assert toml.dumps({"mode": toml.Octal(0o660), "at": Path("/run/a b")}) == b'mode = 0o660\nat = "/run/a b"\n'
