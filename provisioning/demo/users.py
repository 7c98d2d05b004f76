"""Who runs what in the demo. As root each process is a user of its own; else all are one, and the result says why.

The ids stand in no passwd file and need no account: 60706 to 61183 is the range that systemd's UIDS-GIDS document calls
unused, so that no account and no DynamicUser= of the newcomer's machine has them.
"""

import os
import pwd
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from provisioning import small_city
from provisioning.demo.process import Command, as_user
from provisioning.files import Owner, me

FIRST_UID: Final = 60801
_USERS: Final = 9
_PROBE: Final = "import os, sys, bus_agent, cityhall_relay, provisioning.demo.paper; os.chdir(sys.argv[1])"
_PROBE_S: Final = 30


class Users(NamedTuple):
    """Owners of the parts' processes and folders."""

    city: small_city.Users
    printer: Owner
    isolation: str
    """"users", or "one user: " and why."""

    @property
    def apart(self) -> bool:
        """Whether each process is a user of its own."""
        return self.isolation == "users"


def choose(folder: Path, env: Mapping[str, str]) -> Users:
    """Users of their own where this machine allows it; `folder` is where they must be able to work."""
    why = _hindrance(folder, env)
    return one_user(why) if why else _apart()


def one_user(why: str) -> Users:
    """All parts as whoever runs this program."""
    return Users(small_city.one_owner(), me(), f"one user: {why}")


def _apart() -> Users:
    relay, broker, clerk, agent, spooler, concierge, printer, on_board, driver = (
        Owner(uid, uid) for uid in range(FIRST_UID, FIRST_UID + _USERS)
    )
    city = small_city.Users(me(), relay, broker, clerk, agent, spooler, concierge, on_board.gid, driver)
    return Users(city, printer, "users")


def _hindrance(folder: Path, env: Mapping[str, str]) -> str:
    if os.geteuid() != 0:
        return "not started as root"
    last = FIRST_UID + _USERS - 1
    taken = [entry.pw_name for entry in pwd.getpwall() if FIRST_UID <= entry.pw_uid <= last]
    if taken:
        return f"the account {taken[0]} has one of the user ids {FIRST_UID} to {last}"
    return _probe(folder, env)


def _probe(folder: Path, env: Mapping[str, str]) -> str:
    # Asked of a real process of such a user: no reading of modes knows of every mount option and container.
    argv = (sys.executable, "-c", _PROBE, str(folder))
    probe = Command("probe", argv, _apart().printer, env, Path(os.devnull))
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=_PROBE_S, check=False, **as_user(probe))
    except (OSError, subprocess.SubprocessError) as error:
        return f"another user cannot start {sys.executable} ({error})"
    last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    return "" if done.returncode == 0 else f"another user cannot use this installation or folder ({last})"
