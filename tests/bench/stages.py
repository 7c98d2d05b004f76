"""Where the time from press to paper goes, by the journals of bus and city hall: milliseconds, cut off to whole ones."""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Final, NamedTuple

from bus_agent.agent.store import STORE
from cityhall_relay.boss import RELAY_DB
from cityhall_relay.settings import load_relay
from provisioning.demo.parts import House
from tests.bench.counter import Printed
from tests.bench.table import Row, Series

Body = Mapping[str, Any]


class _Mark(NamedTuple):
    """The first journal row of a job that is one stage's end."""

    what: str
    journal: str
    kind: str
    fits: Callable[[Body], bool] = lambda body: True


_BUS: Final = "bus"
_CITY_HALL: Final = "city hall"
_MARKS: Final = (
    _Mark("request signed", _BUS, "release_requested"),
    _Mark("release given", _CITY_HALL, "step", lambda body: body["state"] == "releasing"),
    _Mark("document opened", _BUS, "intent_create-job"),
    _Mark("job created", _BUS, "intent_send-document"),
)
"""The row is written when the stage before it has ended: `intent_create-job` says that the opener has opened."""

_PAPER: Final = "last byte at printer"


def rows(house: House, prints: Mapping[str, Sequence[Printed]]) -> Iterator[Row]:
    """Milliseconds since the press at each stage's end; `house` has been stopped and its folder is still there."""
    relay = load_relay(house.city.city.relay_toml)
    journals = {_BUS: house.city.bus.state / STORE, _CITY_HALL: relay.state_dir / RELAY_DB}
    ends = {mark: _ends(journals[mark.journal], mark) for mark in _MARKS}
    for label, printed in prints.items():
        for mark in _MARKS:
            after = (ends[mark][one.job] - one.pressed_ns / 1e6 for one in printed)
            yield Row(f"stage: {mark.what}, {label}", "ms", Series.of(after))
        yield Row(f"stage: {_PAPER}, {label}", "ms", Series.of(one.to_paper_ms for one in printed))


def _ends(journal: Path, mark: _Mark) -> Mapping[str, int]:
    """UTC milliseconds for each job."""
    found = dict[str, int]()
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
        for at, job, body in db.execute("select at, job, body from journal where kind = ? order by n", [mark.kind]):
            if mark.fits(json.loads(body)):
                found.setdefault(job, at)
    return found
