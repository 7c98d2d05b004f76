"""`cityhall-relay verify`: an auditor's first question to a stopped relay, whether each journal row follows from the one before."""

import json
import sys
from pathlib import Path

from cityhall_base.clock import SystemClock
from cityhall_base.errors import ConfigError
from cityhall_base.store import Store
from cityhall_relay.boss import KEYS_DB, RELAY_DB
from cityhall_relay.settings import load_relay
from cityhall_relay.store import SqliteStore
from cityhall_relay.vault import key_migrations


def run(config: Path, as_json: bool) -> int:
    """Print the number of good rows of each journal; returns 0. Raises StoreError naming the first bad row."""
    state = load_relay(config).state_dir
    if not (state / RELAY_DB).exists():
        raise ConfigError(f"{state} holds no relay's state; has this relay ever run?")
    clock = SystemClock()
    counts = {
        RELAY_DB: _count(SqliteStore(state / RELAY_DB, clock)),
        KEYS_DB: _count(Store(state / KEYS_DB, key_migrations(), clock)),
    }
    text = json.dumps({"journal_rows": counts}) if as_json else "\n".join(f"{n}: {c} rows" for n, c in counts.items())
    sys.stdout.write(text + "\n")
    return 0


def _count(store: Store) -> int:
    try:
        return store.verify_journal()
    finally:
        store.close()
