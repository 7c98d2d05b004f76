"""The units as systemd reads them; how they behave on a booted machine is for tests/appliance."""

import configparser
import shutil
from pathlib import Path

import pytest

from tests import systemd_tree

pytestmark = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is missing: nothing here can judge a unit"
)

SPOOLER = "bus-agent-spooler.service"
AGENT = "bus-agent.service"
DRIVER = "bus-agent-driver.service"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    systemd_tree.install(tmp_path)
    return tmp_path


def directives(unit: str) -> dict[str, str]:
    """The [Service] section, where of a repeated directive only the last line is of interest here."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]  # systemd's names are case-sensitive
    parser.read(systemd_tree.UNITS / unit, encoding="utf-8")
    return dict(parser["Service"])


@pytest.mark.parametrize("unit", systemd_tree.services())
def test_systemd_has_nothing_to_say_against_an_installed_unit(tree: Path, unit: str) -> None:
    assert systemd_tree.verify(tree, unit) == ""


@pytest.mark.parametrize("unit", systemd_tree.services())
def test_the_sandbox_of_every_unit_scores_two_or_better(unit: str) -> None:
    tight, line = systemd_tree.score(unit)
    assert tight, line


def test_a_misspelt_directive_does_not_pass_as_verified(tree: Path) -> None:
    unit = tree / "usr/lib/systemd/system" / AGENT
    unit.write_text(unit.read_text(encoding="utf-8").replace("ProtectHome=", "ProtectHmoe="), encoding="utf-8")
    assert "ProtectHmoe" in systemd_tree.verify(tree, AGENT)


def test_every_user_of_a_unit_is_made_by_the_package(tree: Path) -> None:
    wanted = {directives(unit)["User"] for unit in systemd_tree.services()}
    assert wanted <= set(systemd_tree.users(tree))


@pytest.mark.parametrize("unit", systemd_tree.services())
def test_memory_of_a_process_never_reaches_a_disk(unit: str) -> None:
    found = directives(unit)
    assert (found["MemorySwapMax"], found["LimitCORE"]) == ("0", "0")


def test_the_spooler_can_keep_nothing() -> None:
    found = directives(SPOOLER)
    assert not {"StateDirectory", "CacheDirectory", "LogsDirectory", "ReadWritePaths"} & found.keys()
    assert (found["ProtectSystem"], found["LimitFSIZE"]) == ("strict", "0")


def test_the_agent_never_gets_the_print_key_nor_the_spooler_the_link_key() -> None:
    units = {unit: (systemd_tree.UNITS / unit).read_text(encoding="utf-8") for unit in (AGENT, SPOOLER, DRIVER)}
    loaded = {
        unit: {line.partition("=")[2].partition(":")[0] for line in text.splitlines() if line.startswith("LoadCred")}
        for unit, text in units.items()
    }
    assert loaded == {DRIVER: set(), AGENT: {"link.key", "tls.key"}, SPOOLER: {"print.key"}}


@pytest.mark.parametrize("unit", [SPOOLER, DRIVER])
def test_who_locks_itself_in_may_make_the_calls_for_it(unit: str) -> None:
    text = (systemd_tree.UNITS / unit).read_text(encoding="utf-8")
    allowed = " ".join(line for line in text.splitlines() if line.startswith("SystemCallFilter=") and "=~" not in line)
    assert {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"} <= set(
        allowed.replace("=", " ").split()
    )


def test_the_driver_reaches_no_network_and_can_make_only_the_namespaces_of_a_room() -> None:
    found = directives(DRIVER)
    assert (found["PrivateNetwork"], found["RestrictAddressFamilies"]) == ("yes", "AF_UNIX")
    assert found["RestrictNamespaces"] == "user mnt net pid ipc"
    assert not {"StateDirectory", "CacheDirectory", "LogsDirectory", "LoadCredential"} & found.keys()
