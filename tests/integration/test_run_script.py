"""./run on machines that lack something: what it says, what it asks of apt, and what it leaves as it was."""

import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

RUN = Path(__file__).parents[2] / "run"
# What ./run may call before it has decided whether it may install anything; sudo is not among them.
PLAIN_TOOLS = (
    "bash",
    "cat",
    "cut",
    "dirname",
    "env",
    "find",
    "flock",
    "grep",
    "mv",
    "readlink",
    "rm",
    "chmod",
    "sort",
    "mkdir",
    "xargs",
)


@dataclass(frozen=True)
class Machine:
    """A checkout in a folder with a blank in its name, and a PATH on which only named programs exist."""

    checkout: Path
    programs: Path

    def add(self, name: str, script: str) -> None:
        """A stand-in for a program of the system, which a test cannot really let loose on the machine it runs on."""
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def bash(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": str(self.programs), "HOME": str(self.checkout)}
        return subprocess.run(
            [shutil.which("bash") or "bash", *command],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30,
        )  # fmt: skip

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.bash(str(self.checkout / "run"), *arguments)

    def sourced(self, script: str) -> subprocess.CompletedProcess[str]:
        """The functions of ./run, with its file of service policy inside the checkout."""
        return self.bash("-c", f'source "{self.checkout}/run"; POLICY="{self.policy}"; {script}')

    @property
    def policy(self) -> Path:
        return self.checkout / "policy-rc.d"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path / "a checkout", tmp_path / "bin")
    made.checkout.mkdir()
    made.programs.mkdir()
    shutil.copy(RUN, made.checkout)
    for tool in PLAIN_TOOLS:
        (made.programs / tool).symlink_to(shutil.which(tool) or "/missing")
    made.add("id", "echo 1000")
    made.add("dpkg-query", "[ $4 = mosquitto ] || [ $4 = gcc ] || echo installed")
    made.add("apt-get", f'echo apt-get "$@" >> "{tmp_path}/apt.log"')
    return made


def test_without_sudo_it_prints_the_one_apt_line_exits_3_and_starts_nothing(machine: Machine) -> None:
    done = machine.run("demo", "--once")
    assert done.returncode == 3
    assert done.stdout == "apt-get install --no-install-recommends gcc mosquitto\n"
    assert sorted(path.name for path in machine.checkout.iterdir()) == ["run"]
    assert not (machine.checkout.parent / "apt.log").exists()


def test_each_missing_package_is_shown_with_its_reason(machine: Machine) -> None:
    said = machine.run("demo").stderr.splitlines()
    assert any(line.split()[0] == "mosquitto" and "broker" in line for line in said if line.strip())


def test_a_verb_asks_only_for_what_it_needs(machine: Machine) -> None:
    assert machine.run("check").stdout == "apt-get install --no-install-recommends gcc\n"


def test_a_sudo_that_wants_a_password_counts_as_no_sudo_where_nobody_can_type(machine: Machine) -> None:
    machine.add("sudo", "exit 1")
    done = machine.run("--yes", "demo")
    assert (done.returncode, done.stdout.startswith("apt-get install")) == (3, True)


def test_packages_come_through_sudo_in_one_call(machine: Machine) -> None:
    machine.add("sudo", f'[ "$1" = -n ] || echo "$@" >> "{machine.checkout.parent}/sudo.log"; [ "$1" = -n ]')
    machine.run("demo", "--yes")
    asked = (machine.checkout.parent / "sudo.log").read_text(encoding="utf-8").splitlines()
    assert len(asked) == 1
    assert asked[0].endswith("run install-system-packages gcc mosquitto")


def test_help_and_unknown_verbs_need_nothing(machine: Machine) -> None:
    assert "usage:" in machine.run("help").stdout
    assert machine.run("frobnicate").returncode == 2


def test_services_are_held_back_only_while_packages_are_installed(machine: Machine) -> None:
    done = machine.sourced('with_services_held_back "$POLICY"')
    assert done.returncode == 101
    assert not machine.policy.exists()


@pytest.mark.parametrize("command", ["true", "false", "kill -INT $BASHPID", "kill -TERM $BASHPID"])
def test_a_policy_that_was_there_comes_back_as_it_was(machine: Machine, command: str) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 104\n", encoding="utf-8")
    machine.policy.chmod(0o700)
    before = machine.policy.stat()
    machine.sourced(f"with_services_held_back eval '{command}'")
    after = machine.policy.stat()
    assert machine.policy.read_text(encoding="utf-8") == "#!/bin/sh\nexit 104\n"
    assert (before.st_ino, stat.S_IMODE(after.st_mode)) == (after.st_ino, 0o700)


def test_a_policy_that_is_a_link_comes_back_as_a_link(machine: Machine) -> None:
    machine.policy.symlink_to("elsewhere")
    machine.sourced("with_services_held_back true")
    assert os.readlink(machine.policy) == "elsewhere"


def test_after_a_killed_run_the_next_one_puts_the_first_policy_back(machine: Machine) -> None:
    machine.policy.write_text("#!/bin/sh\nexit 104\n", encoding="utf-8")
    machine.sourced("with_services_held_back eval 'kill -KILL $BASHPID'")
    assert "101" in machine.policy.read_text(encoding="utf-8")
    machine.sourced("with_services_held_back true")
    assert machine.policy.read_text(encoding="utf-8") == "#!/bin/sh\nexit 104\n"


def test_the_exit_status_of_apt_is_passed_on(machine: Machine) -> None:
    assert machine.sourced("with_services_held_back eval 'exit 100'").returncode == 100


@pytest.mark.parametrize(("mask", "status"), [(0o022, 0), (0o077, 1)])
def test_sources_written_under_a_private_umask_are_not_readable_by_others(
    machine: Machine, mask: int, status: int
) -> None:
    source = machine.checkout / "some_package" / "__init__.py"
    source.parent.mkdir()
    source.touch()
    source.chmod(0o666 & ~mask)
    assert machine.sourced("readable_by_others").returncode == status


def test_a_checkout_below_a_closed_folder_is_not_reachable_by_others(machine: Machine) -> None:
    machine.checkout.parent.chmod(0o700)
    assert machine.sourced("reachable_by_others").returncode == 1


def test_a_folder_of_another_owner_or_a_link_is_not_taken_for_the_environment(machine: Machine, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (machine.checkout / ".venv").symlink_to(elsewhere)
    done = machine.sourced("choose_venv; prepare_venv")
    assert done.returncode == 1
    assert "remove it" in done.stderr
    assert not list(elsewhere.iterdir())


def test_lock_says_its_own_help_and_knows_no_other_option(machine: Machine) -> None:
    asked = machine.run("lock", "--help")
    assert (asked.returncode, asked.stdout.startswith("usage: ./run")) == (0, True)
    assert machine.run("lock", "--something-of-uv").returncode == 2
