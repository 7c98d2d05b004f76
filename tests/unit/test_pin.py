"""The PIN's hash: what is taken for one, what it may cost the box, and which PINs nobody may choose."""

import argparse
import io

import pytest

from cityhall_base import pin
from cityhall_base.city import parse_city
from cityhall_base.errors import ConfigError
from cityhall_relay.client import people as commands
from tests.relay_city import CITY

SALT, HASH = "c3Nzc3Nzc3Nzc3Nzc3Nzcw", "+qkF6rzpiZ7wjWVC9mHy7ox0QytzWTFrNauQ5TgHhCM"
REAL = f"$argon2id$v=19$m=65536,t=3,p=1${SALT}${HASH}"  # of 123456


def test_a_pin_is_known_by_its_hash_alone() -> None:
    made = pin.make("482913")
    assert pin.is_phc(made)
    assert "482913" not in made
    assert pin.make("482913") != made, "each has a salt of its own"
    assert (pin.holds("482913", made), pin.holds("482914", made)) == (True, False)
    assert pin.holds("123456", REAL)


@pytest.mark.parametrize(
    "phc",
    [
        "",
        "482913",
        REAL + "\n",
        REAL.replace("argon2id", "argon2i"),
        REAL.replace("v=19", "v=16"),
        REAL.replace("m=65536", "m=4194304"),
        REAL.replace("m=65536", "m=99999999999999999999"),
        REAL.replace("m=65536", "m=7"),
        REAL.replace("m=65536", "m=-1"),
        REAL.replace("t=3", "t=4000000000"),
        REAL.replace("t=3", "t=0"),
        REAL.replace("p=1", "p=255"),
        REAL.replace("m=65536,t=3", "t=3,m=65536"),
        REAL.replace(SALT, "c3M"),
        REAL.replace(HASH, "qkF6"),
        REAL.replace(HASH, "!" * 43),
        REAL + "$" + HASH,
        "$argon2id$v=19$m=65536,t=3,p=1$" + "A" * 10_000_000,
    ],
)
def test_a_hash_that_is_none_or_costs_too_much_is_refused_before_it_costs_anything(phc: str) -> None:
    assert not pin.is_phc(phc)
    assert not pin.holds("123456", phc)


@pytest.mark.parametrize("text", ["", "12345", "1234567890123", "12345a", "１２３４５６", "123456\n", "1" * 10_000_000])
def test_what_is_no_pin_is_never_hashed(text: str) -> None:
    assert not pin.holds(text, REAL)
    with pytest.raises(ValueError, match="6 to 12 digits"):
        pin.make(text)


@pytest.mark.parametrize(
    "text",
    [
        "000000",
        "123456",
        "012345",
        "890123",
        "654321",
        "987654321098",
        "121212",
        "123123",
        "19700401",
        "700401",
        "31121970",
    ],
)
def test_what_anybody_would_try_first_is_trivial(text: str) -> None:
    assert pin.is_trivial(text)


@pytest.mark.parametrize("text", ["482913", "135790", "5820417", "99318842"])
def test_other_pins_are_not(text: str) -> None:
    assert not pin.is_trivial(text)


def test_a_city_file_with_another_hash_is_refused_by_name() -> None:
    for phc in ("482913", REAL.replace("m=65536", "m=4194304")):
        with pytest.raises(ConfigError, match=r"concierges\.c-1\.pin"):
            parse_city(CITY + f'[concierges.c-1]\npin = "{phc}"\n'.encode(), "city.toml")
    assert (
        parse_city(CITY + f'[concierges.c-1]\npin = "{REAL}"\n'.encode(), "city.toml").city.concierges["c-1"].pin
        == REAL
    )


def test_the_command_prints_a_line_for_the_city_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("482913\n"))
    assert commands.pin(argparse.Namespace(json=False, lang="ja")) == 0
    line = capsys.readouterr().out.strip()
    assert pin.holds("482913", line.removeprefix('pin = "').removesuffix('"'))


@pytest.mark.parametrize(
    ("typed", "refused"),
    [("12345\n", commands.BadPinError), ("", commands.BadPinError), ("123456\n", commands.TrivialPinError)],
)
def test_the_command_takes_no_pin_that_is_none_or_trivial(
    typed: str, refused: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(refused):
        commands.pin(argparse.Namespace(json=False, lang="ja"))
