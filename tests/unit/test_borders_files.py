"""The border where a person's files are read: settings, keys, certificates, tokens. Each fault has its sentence, none hangs."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.ipc import address
from bus_agent.settings import load_agent_settings
from cityhall_base import keys, settings, tls
from cityhall_base.city import load_city, load_signed_city, sign_city
from cityhall_base.errors import ConfigError, KeyFileError, SetupError, StoreError
from cityhall_base.files import KEY_BYTES
from cityhall_base.settings import FILE_BYTES
from cityhall_base.store import Store
from cityhall_relay.client.api import CityHall
from cityhall_relay.client.errors import FileError
from cityhall_relay.settings import load_clerk, load_relay
from cityhall_relay.vault import Vault, key_migrations
from tests.relay_city import CITY, TestClock, private_pem, public_pem, write_city
from tests.relay_tls import write_tls
from tests.unit.test_bus_settings import AGENT

Put = Callable[[Path], None]


def directory(path: Path) -> None:
    path.mkdir()


def loop(path: Path) -> None:
    path.symlink_to(path)


def nothing(path: Path) -> None:
    pass


def endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(4 * 1024**3)


IN_PLACE: dict[str, tuple[Put, str]] = {
    "nothing": (nothing, "No such file"),
    "a folder": (directory, "is no file"),
    "a FIFO that nobody writes to": (os.mkfifo, "is no file"),
    "a device without an end": (endless, "is no file"),
    "a link to itself": (loop, "symbolic links"),
    "a sparse file of 4 GiB": (huge, "larger than"),
}
READERS: dict[str, Callable[[Path], object]] = {
    "settings of a bus": load_agent_settings,
    "settings of the relay": load_relay,
    "settings of a clerk": load_clerk,
    "city.toml": load_city,
    "a public key": keys.load_public_key,
    "a signing key": keys.load_signing_key,
    "a CA": tls.client_context,
    "a certificate": lambda path: tls.server_context(path, path, None),
}


@pytest.mark.parametrize(("put", "said"), IN_PLACE.values(), ids=IN_PLACE.keys())
@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_what_stands_in_a_files_place_is_named_and_never_waited_for(
    tmp_path: Path, read: Callable[[Path], object], put: Put, said: str
) -> None:
    path = tmp_path / "file"
    put(path)
    if path.is_file() and not path.is_symlink():
        path.chmod(0o600)
    with pytest.raises(SetupError, match=said) as caught:
        read(path)
    assert str(path) in str(caught.value)


BROKEN_TOML = {
    "no UTF-8": (b'bus = "\xff"', "save it as UTF-8"),
    "UTF-16": (AGENT.encode("utf-16"), "save it as UTF-8"),
    "a number of 5000 digits": (b"bus = " + b"9" * 5000, "is not TOML"),
    "10,000 brackets": (b"bus = " + b"[" * 10_000, "is not TOML"),
    "a key twice": (b'bus = "a1"\nbus = "a2"', "is not TOML"),
    "a number for text": (AGENT.replace('"bus-1"', "1").encode(), "bus: Expected"),
    "a date for text": (AGENT.replace('"bus-1"', "2026-11-21").encode(), "bus: Expected"),
    "a NUL in a path": (AGENT.replace('"state"', '"a\\u0000b"').encode(), "state_dir: a path holds no NUL"),
    "a table for text": (AGENT.replace('bus = "bus-1"', "").encode() + b"[bus]\n", "bus: Expected"),
    "an empty file": (b"", "missing required field"),
}


@pytest.mark.parametrize(("raw", "said"), BROKEN_TOML.values(), ids=BROKEN_TOML.keys())
def test_settings_that_cannot_be_used_name_the_place(tmp_path: Path, raw: bytes, said: str) -> None:
    (tmp_path / "bus.toml").write_bytes(raw)
    with pytest.raises(ConfigError, match=said):
        load_agent_settings(tmp_path / "bus.toml")


def test_line_ends_and_a_byte_order_mark_of_another_system_mean_nothing(tmp_path: Path) -> None:
    (tmp_path / "bus.toml").write_bytes(b"\xef\xbb\xbf" + AGENT.replace("\n", "\r\n").encode())
    assert load_agent_settings(tmp_path / "bus.toml").bus == "bus-1"


def test_settings_of_just_the_largest_size_are_read(tmp_path: Path) -> None:
    raw = AGENT.encode()
    (tmp_path / "bus.toml").write_bytes(b"#" * (FILE_BYTES - len(raw)) + raw)
    assert settings.read(tmp_path / "bus.toml")
    load_agent_settings(tmp_path / "bus.toml")


MUTATIONS = (
    "1",
    '"x"',
    "[]",
    "{}",
    "true",
    "nan",
    "inf",
    "1979-05-27",
    "-1",
    '"' + "x" * 500 + '"',
    "[[1]]",
    '{"..." = 1}',
)


@pytest.mark.parametrize("line", [n for n, line in enumerate(CITY.decode().splitlines()) if " = " in line])
def test_no_wrong_value_in_the_citys_file_ends_in_anything_but_a_sentence(line: int) -> None:
    from cityhall_base.city import parse_city

    lines = CITY.decode().splitlines()
    key = lines[line].split(" = ")[0]
    for value in MUTATIONS:
        try:
            parse_city("\n".join([*lines[:line], f"{key} = {value}", *lines[line + 1 :]]).encode(), "city.toml")
        except ConfigError as error:
            assert "city.toml" in str(error)  # noqa: PT017 - some of the values are right for some of the keys


def test_a_published_city_file_needs_city_halls_whole_signature(tmp_path: Path) -> None:
    key, path = Ed25519PrivateKey.generate(), tmp_path / "city.toml"
    path.write_bytes(CITY)
    good = sign_city(CITY, key)
    for signature in (b"", good[:-1], good + b"\0", bytes(64), good[:-1] + bytes([good[-1] ^ 1]), bytes(70_000)):
        (tmp_path / "city.toml.sig").write_bytes(signature)
        with pytest.raises(ConfigError, match="city hall's signature"):
            load_signed_city(path, key.public_key())
    (tmp_path / "city.toml.sig").write_bytes(good)
    load_signed_city(path, key.public_key())


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o620])
def test_a_private_file_that_others_may_touch_is_refused_with_the_command_that_mends_it(
    tmp_path: Path, mode: int
) -> None:
    write_city(tmp_path)
    write_tls(tmp_path)
    folder = tmp_path / "tls"
    for path in (tmp_path / "relay.pem", folder / "relay.key", folder / "bus-1.key"):
        path.chmod(mode)
    for read in (
        lambda: keys.load_signing_key(tmp_path / "relay.pem"),
        lambda: tls.server_context(folder / "relay.crt", folder / "relay.key", None),
        lambda: tls.client_context(folder / "ca.crt", folder / "bus-1.crt", folder / "bus-1.key"),
    ):
        with pytest.raises(KeyFileError, match="chmod 600"):
            read()


def clerk(top: Path, token: bytes, mode: int = 0o600) -> CityHall:
    write_tls(top)
    (top / "token").write_bytes(token)
    (top / "token").chmod(mode)
    (top / "clerk.toml").write_text('url = "https://localhost:1"\nca = "tls/ca.crt"\ntoken_file = "token"\n')
    return CityHall(load_clerk(top / "clerk.toml"))


@pytest.mark.parametrize("token", [b"", b"\n\n", b"two\nlines", b"a blank", b"\xff", b"nul\0", b"x" * 5000])
def test_a_token_file_that_holds_no_token_is_said_before_anything_is_asked(tmp_path: Path, token: bytes) -> None:
    with pytest.raises(FileError):
        clerk(tmp_path, token)


def test_a_clerks_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="chmod 600"):
        clerk(tmp_path, b"token", 0o644)


NO_KEY = {
    "garbage": b"\x00\xff" * 100,
    "no PEM": b"hello",
    "a PEM of nothing": b"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
    "a PEM of garbage": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "a cut PEM": b"-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw",
    "too much": b"x" * (KEY_BYTES + 1),
}


@pytest.mark.parametrize("raw", NO_KEY.values(), ids=NO_KEY.keys())
def test_what_is_no_key_and_no_certificate_is_said_without_a_byte_of_it(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "file.pem"
    path.write_bytes(raw)
    path.chmod(0o600)
    for read in (keys.load_signing_key, keys.load_public_key, tls.client_context):
        with pytest.raises(KeyFileError, match=r"holds no (private key|public key|certificate) in PEM|larger than"):
            read(path)


def test_a_key_behind_a_password_or_of_another_sort_is_refused(tmp_path: Path) -> None:
    path, key = tmp_path / "file.pem", Ed25519PrivateKey.generate()
    secret = serialization.BestAvailableEncryption(b"secret")
    locked = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secret)
    path.write_bytes(locked)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="locked with a password"):
        keys.load_signing_key(path)
    write_tls(tmp_path)
    with pytest.raises(KeyFileError, match="is not an Ed25519 key"):
        keys.load_signing_key(tmp_path / "tls" / "relay.key")
    path.write_bytes(public_pem(key))
    with pytest.raises(KeyFileError, match="holds no private key"):
        keys.load_signing_key(path)


def test_a_certificate_with_somebody_elses_key_is_said_to_be_one(tmp_path: Path) -> None:
    write_tls(tmp_path)
    folder = tmp_path / "tls"
    with pytest.raises(KeyFileError, match="is not the key of"):
        tls.server_context(folder / "relay.crt", folder / "bus-1.key", None)
    (folder / "other.key").write_bytes(private_pem(Ed25519PrivateKey.generate()))
    (folder / "other.key").chmod(0o600)
    with pytest.raises(KeyFileError, match="is not the key of"):
        tls.client_context(folder / "ca.crt", folder / "bus-1.crt", folder / "other.key")


def vault(top: Path) -> Vault:
    return Vault(Store(top / "keys.db", key_migrations(), TestClock()), top / "wrapping", TestClock())


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_wrapping_key_that_is_not_whole_is_named_at_the_start(tmp_path: Path, size: int) -> None:
    today = datetime.fromtimestamp(TestClock().utc_ms() / 1000, UTC).strftime("%Y-%m-%d")
    (tmp_path / "wrapping").mkdir(mode=0o700)
    path = tmp_path / "wrapping" / f"{today}.key"
    path.write_bytes(bytes(size))
    path.chmod(0o600)
    with pytest.raises(StoreError, match="move it away"):
        vault(tmp_path)


def test_a_wrapping_key_of_no_day_of_the_calendar_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "wrapping").mkdir(mode=0o700)
    (tmp_path / "wrapping" / "2026-02-30.key").write_bytes(bytes(32))
    with pytest.raises(StoreError, match="move it away"):
        vault(tmp_path)


@pytest.mark.parametrize("put", [directory, loop, lambda path: path.write_text("x")], ids=["folder", "loop", "file"])
def test_what_stands_in_a_sockets_place_is_left_there_and_named(tmp_path: Path, put: Put) -> None:
    import socket

    path = tmp_path / "sock"
    put(path)
    with pytest.raises(ConfigError, match=str(path)):
        address.listen(path, socket.SOCK_SEQPACKET, 0o600)
    assert os.path.lexists(path)


def test_a_sockets_path_that_is_too_long_says_so(tmp_path: Path) -> None:
    import socket

    with pytest.raises(ConfigError, match="too long"):
        address.listen(tmp_path / ("x" * 120), socket.SOCK_SEQPACKET, 0o600)
