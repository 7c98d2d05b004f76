"""`cityhall-relay account`: the first administrator, and the way back in where no administrator is left.

It works on a relay that is stopped, for whoever may read its state: then nobody needs a right that nobody has yet.
"""

import argparse
import json
import sys
from collections.abc import Callable
from typing import Final

from cityhall_base.city import load_city
from cityhall_base.clock import SystemClock, jst
from cityhall_relay import files
from cityhall_relay.boss import RELAY_DB
from cityhall_relay.console.accounts import Accounts
from cityhall_relay.console.app import Console
from cityhall_relay.settings import load_relay
from cityhall_relay.store import SqliteStore

BY: Final = "relay.toml"
"""Who did it, for the journal; no opaque id has a dot."""


def run(args: argparse.Namespace) -> int:
    """`account add` and `account reset`: prints the first-time code. Raises SetupError or RelayError."""
    if args.reset:
        return _say(args, lambda accounts: accounts.reset(args.id, BY))
    return _say(args, lambda accounts: accounts.add(args.id, args.role, args.section, BY))


def _say(args: argparse.Namespace, do: Callable[[Accounts], str]) -> int:
    settings, clock = load_relay(args.config), SystemClock()
    city = load_city(settings.city_file).city
    store = SqliteStore(files.private_folder(settings.state_dir) / RELAY_DB, clock, f"the relay of {city.city}")
    try:
        accounts = Console(settings, store, city, clock).accounts
        code, until = do(accounts), accounts.find(args.id).code_until
    finally:
        store.close()
    said = {"account": args.id, "code": code, "until": until}
    text = f"{code}\nThe first-time code of {args.id}: it works once, until {jst(until):%Y-%m-%d %H:%M}, on the console's /first."
    sys.stdout.write((json.dumps(said) if args.json else text) + "\n")
    return 0
