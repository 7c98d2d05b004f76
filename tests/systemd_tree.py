"""Installs systemd/ into a folder as a package would, and lets systemd judge it there: `python -m tests.systemd_tree`."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

UNITS = Path(__file__).parents[1] / "systemd"
# Exposure in tenths, as --threshold takes it. resolved and timesyncd, the best of Debian's own, stand at 22 and 23.
THRESHOLD = 20
# What our units order themselves by, from the machine's own systemd.
REFERRED = ("sysinit.target", "basic.target", "network.target", "multi-user.target", "shutdown.target")
HOST_UNITS = (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system"))


def services() -> list[str]:
    """The names of all services of ours."""
    return sorted(path.name for path in UNITS.glob("*.service"))


def _copy(sources: list[Path], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copy(source, target)


def _commands(unit: Path) -> list[str]:
    lines = unit.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2].split()[0] for line in lines if line.startswith("ExecStart=")]


def install(root: Path) -> None:
    """Lays out units, users and folders below root where the package puts them; commands are empty stand-ins."""
    system = root / "usr/lib/systemd/system"
    _copy(sorted(UNITS.glob("*.service")), system)
    _copy(sorted(UNITS.glob("sysusers.d/*.conf")), root / "usr/lib/sysusers.d")
    _copy(sorted(UNITS.glob("tmpfiles.d/*.conf")), root / "usr/lib/tmpfiles.d")
    for name in REFERRED:
        _copy([next(folder / name for folder in HOST_UNITS if (folder / name).exists())], system)
    for unit in UNITS.glob("*.service"):
        for command in _commands(unit):
            path = root / command.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o755)
    (root / "etc").mkdir()


def _run(*command: str) -> tuple[int, str]:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=50)
    return done.returncode, done.stdout.strip()


def verify(root: Path, unit: str) -> str:
    """What systemd has to say against a unit in an installed tree; empty is good."""
    code, said = _run("systemd-analyze", "verify", f"--root={root}", unit)
    # A misspelt directive is only a remark with exit status 0, so any remark counts.
    return said or ("" if code == 0 else f"exit status {code}")


def score(unit: str) -> tuple[bool, str]:
    """Whether the sandbox of a unit is tight enough, with systemd's closing line about it."""
    code, said = _run("systemd-analyze", "security", "--offline=true", f"--threshold={THRESHOLD}", str(UNITS / unit))
    return code == 0, said.splitlines()[-1] if said else f"exit status {code}"


def users(root: Path) -> list[str]:
    """The users that the package would create; empty when systemd cannot read the file."""
    _, said = _run("systemd-sysusers", "--dry-run", f"--root={root}")
    return sorted(re.findall(r"Creating user '([^']+)'", said))


def main() -> int:
    """Prints one line per unit; 1 when systemd objects to any."""
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        install(root)
        for unit in services():
            objection = verify(root, unit)
            tight, line = score(unit)
            failed |= bool(objection) or not tight
            print(f"{unit}: {line}", *objection.splitlines(), sep="\n    ")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
