"""Accounts of city hall's console in a small city: made as city IT makes the first one, on a relay that does not run yet."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from provisioning.demo.people import ANSWER_S, refusal
from provisioning.demo.process import Command, as_user
from provisioning.files import Owner

STAFF: Final = {"staff-2c": ("clerk", "section_lead"), "staff-8e": ("clerk",), "audit-4d": ("auditor",)}
"""Opaque ids and roles of those who work in the demo's city hall."""


def add_accounts(
    wanted: Mapping[str, tuple[str, ...]],
    answers: Mapping[str, tuple[str, ...]],
    relay_toml: Path,
    owner: Owner,
    env: Mapping[str, str],
) -> dict[str, str]:
    """The first-time code of each; `answers` has the sections of those who do not answer for all. Raises RefusedError."""

    def said(who: str, roles: tuple[str, ...]) -> list[str]:
        sections = answers.get(who, ())
        return [*(f"--role={role}" for role in roles), *(f"--section={section}" for section in sections)]

    return {who: _add(who, said(who, roles), relay_toml, owner, env) for who, roles in wanted.items()}


def _add(who: str, said: list[str], relay_toml: Path, owner: Owner, env: Mapping[str, str]) -> str:
    argv = [sys.executable, "-m", "cityhall_relay.cli", "account", "add", who, *said, "--config", str(relay_toml)]
    command = Command("account", [*argv, "--json"], owner, env, Path("/dev/null"))
    done = subprocess.run(
        command.argv, capture_output=True, text=True, timeout=ANSWER_S, check=False, **as_user(command)
    )
    if done.returncode:
        raise refusal(done.stderr, done.returncode)
    return str(json.loads(done.stdout)["code"])
