"""The two files of a bus, and the command line that reads them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bus_agent import cli
from bus_agent.settings import load_agent_settings, load_spooler_settings, uid_of
from cityhall_base.errors import ConfigError

AGENT = """
bus = "bus-1"
city_file = "city.toml"
state_dir = "state"
link_key = "link.pem"
relay_public_key = "relay.pub"
print_public_key = "/etc/print.pub"
[relay]
url = "https://relay.example:8443"
ca = "ca.crt"
cert = "tls.crt"
key = "tls.key"
"""
SPOOLER = """
bus = "bus-1"
city_file = "city.toml"
relay_public_key = "relay.pub"
print_key = "print.pem"
"""


def test_relative_paths_are_meant_from_the_files_folder(tmp_path: Path) -> None:
    (tmp_path / "bus.toml").write_text(AGENT)
    settings = load_agent_settings(tmp_path / "bus.toml")
    assert settings.state_dir == tmp_path / "state"
    assert settings.relay.ca == tmp_path / "ca.crt"
    assert settings.print_public_key == Path("/etc/print.pub")
    assert settings.broker is None


def test_an_unknown_key_is_named_with_what_is_allowed(tmp_path: Path) -> None:
    (tmp_path / "spooler.toml").write_text(SPOOLER + "socket_mod = 0o600\n")
    with pytest.raises(ConfigError, match="socket_mode"):
        load_spooler_settings(tmp_path / "spooler.toml")


def test_a_plain_http_relay_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bus.toml").write_text(AGENT.replace("https:", "http:"))
    with pytest.raises(ConfigError, match=r"relay\.url"):
        load_agent_settings(tmp_path / "bus.toml")


def test_a_user_is_a_number_a_name_or_oneself() -> None:
    assert uid_of(None) == os.getuid()
    assert uid_of(1234) == 1234
    assert uid_of("root") == 0
    with pytest.raises(ConfigError):
        uid_of("nobody-of-this-name")


def test_a_missing_agent_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["status", "--socket", str(tmp_path / "none")]) == cli.AGENT_GONE
    assert "保守担当者に知らせてください" in capsys.readouterr().err
    assert cli.main(["status", "--lang", "en", "--socket", str(tmp_path / "none")]) == cli.AGENT_GONE
    assert "agent is not running" in capsys.readouterr().err


LOADS_NOTHING_OF = {
    "bus_agent.spooler.main": ("httpx", "paho", "sqlite3", "uvicorn", "starlette", "bus_agent.agent"),
    "bus_agent.spooler.opener": ("asyncio", "logging", "httpx", "sqlite3", "bus_agent.agent"),
    "bus_agent.agent.boss": ("cups", "bus_agent.spooler", "textual"),
    "bus_agent.cli": ("httpx", "asyncio", "cups", "cryptography"),
}


@pytest.mark.parametrize(("module", "absent"), LOADS_NOTHING_OF.items())
def test_a_process_carries_only_what_it_needs(module: str, absent: tuple[str, ...]) -> None:
    program = f"import sys, {module}; print(*sorted(set({absent!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


LOADING = """
import sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == {late!r}:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Stop())
from {start} import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("start", "late"),
    [
        ("bus_agent.__main__", "bus_agent.cli"),
        ("cityhall_relay.__main__", "cityhall_relay.client.api"),
        ("provisioning.__main__", "provisioning.small_city"),
        ("provisioning.demo.start", "provisioning.demo.parts"),
    ],
)
def test_ctrl_c_while_a_program_loads_is_an_end_without_a_traceback(start: str, late: str) -> None:
    program = LOADING.format(start=start, late=late)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
