"""`./run hostile [--count N] [--seed S]`: mutated messages of every kind against the real processes of city hall and bus.

What must hold: the same processes are there afterwards, no larger and with no descriptor more; every answer was an acceptance or
a refusal with its sentence; and then a certificate goes from clerk to hand. The last line is one JSON object; exit 1 where
something did not hold.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.sample import sample_certificate
from tests.hands import Visit
from tests.hostile import attacks
from tests.hostile.attacks import Act
from tests.hostile.watch import Seen, Watch, descriptors

SHARES: Final = {
    "decoders": 0.44,
    "relay, buses": 0.20,
    "relay, clerks": 0.12,
    "agent, local API": 0.12,
    "spooler": 0.08,
    "agent, from spooler": 0.01,
    "broker": 0.03,
}
"""Of the whole count; by what one message costs."""

WARM_UP: Final = 0.1
GROWTH_KIB: Final = 6 * 1024
"""Resident memory that a process may have more at the end than after its warm-up: one arena of the allocator and a page cache."""

_LINE: Final = "{:<22}{:<10}{:>9}{:>8}{:>22}{:>11}{:>13}"
SETTLE_S: Final = 30.0
LIMITS: Final = {"sync_s": 2, "release_s": 10, "session_idle_s": 3600, "unapproved_s": 3600, "approved_s": 3600}


class Siege:
    """One house, one seed, all attacks."""

    def __init__(self, house: House, count: int, seed: int) -> None:
        self.house, self.count, self.draw = house, count, random.Random(seed)
        self.rows: list[dict[str, Any]] = []

    def run(self) -> None:
        house, draw = self.house, self.draw
        house.on_duty()
        target = Visit(house, sample_certificate(1))
        target.wait_on_board(state="on_bus")
        job, session = target.job, target.session
        self._attack("decoders", attacks.decoders(draw), ())
        house.part("agent").stop()  # its place in the order is ours meanwhile
        self._siege_of_relay(job, session)
        with _closing(*attacks.spooler(house, draw)) as act:
            self._attack("spooler", act, ("spooler",))
        house.part("spooler").stop()
        house.part("agent").start()
        with _closing(*attacks.agent_line(house, draw)) as act:
            self._attack("agent, from spooler", act, ("agent",))
        house.part("spooler").start()
        self._attack("agent, local API", attacks.agent_api(house, draw, job), ("agent",))
        with _closing(*attacks.broker(house, draw)) as act:
            self._attack("broker", act, ("agent", "relay"))
        target.leave()
        wait_until(house.met, SETTLE_S, "bus and city hall meet again")

    def _siege_of_relay(self, job: str, session: str) -> None:
        self.house.part("agent").start()
        bus = attacks.relay_bus(self.house, self.draw, job, session)
        self.house.part("agent").stop()
        self._attack("relay, buses", bus, ("relay",))
        self._attack("relay, clerks", attacks.relay_clerk(self.house, self.draw, job, session), ("relay",))

    def _attack(self, name: str, act: Act, parts: tuple[str, ...]) -> None:
        number = max(10, int(self.count * SHARES[name]))
        pids = {part: self.house.part(part).pid for part in parts}
        watches = {part: Watch(pid) for part, pid in pids.items()}
        for _ in range(int(number * WARM_UP)):
            act()
        for watch in watches.values():
            watch.begin()
        began, measured = time.monotonic(), 0
        for measured in range(1, number - int(number * WARM_UP) + 1):
            act()
            if measured % 500 == 0:
                for watch in watches.values():
                    watch.look()
        seconds = time.monotonic() - began
        for part, watch in watches.items():
            assert self.house.part(part).pid == pids[part]
            self._row(name, part, number, measured, watch, seconds)
        if not parts:
            self.rows.append({"attack": name, "messages": number, "per_s": int(measured / seconds)})

    def _row(self, name: str, part: str, number: int, measured: int, watch: Watch, seconds: float) -> None:
        before = watch.end().descriptors[0]
        wait_until(
            lambda: descriptors(watch.pid) <= before + 2, SETTLE_S, f"{part} gives descriptors back after {name}"
        )
        seen = watch.end()
        self.rows.append(
            {
                "attack": name,
                "process": part,
                "messages": number,
                "per_s": int(measured / seconds),
                "mib": [round(kib / 1024, 1) for kib in seen[:3]],
                "bytes_per_message": round((seen.end - seen.start) * 1024 / max(measured, 1), 1),
                "descriptors": list(seen.descriptors),
                "flat": flat(seen),
            }
        )


def flat(seen: Seen) -> bool:
    """Whether it is no larger than it may be."""
    return seen.end - seen.start <= GROWTH_KIB


@contextmanager
def _closing(act: Act, close: Callable[[], None]) -> Iterator[Act]:
    try:
        yield act
    finally:
        close()


def run(count: int, seed: int, where: Path) -> dict[str, Any]:
    """The whole report; raises AssertionError or PartError where a promise broke."""
    began = time.monotonic()
    with House(where / "h", limits=LIMITS, apart=False) as house:
        siege = Siege(house, count, seed)
        siege.run()
        visit = Visit(house, sample_certificate(1))
        end = visit.walk()
        visit.leave()
        tracebacks = [log.name for log in house.log.glob("*.log") if "Traceback" in log.read_text(errors="replace")]
    return {
        "seed": seed,
        "messages": sum({row["attack"]: row["messages"] for row in siege.rows}.values()),
        "seconds": round(time.monotonic() - began, 1),
        "flat": all(row.get("flat", True) for row in siege.rows),
        "tracebacks": tracebacks,
        "certificate": end["state"],
        "rows": siege.rows,
    }


def main() -> int:
    """Print the table, and the report as the last line."""
    parser = argparse.ArgumentParser(
        prog="run hostile", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000, help="messages in all (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=20261121, help="the same seed sends the same messages")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hostile-") as name:
        report = run(arguments.count, arguments.seed, Path(name))
    print(_LINE.format("attack", "process", "messages", "per s", "MiB start/peak/end", "B/message", "descriptors"))
    for row in report["rows"]:
        mib, held = ("/".join(map(str, row.get(name, ("-",)))) for name in ("mib", "descriptors"))
        own = (row["attack"], row.get("process", "this one"), row["messages"], row["per_s"])
        print(_LINE.format(*own, mib, row.get("bytes_per_message", "-"), held))
    print(json.dumps(report))
    return 0 if report["flat"] and not report["tracebacks"] and report["certificate"] == "handed_over" else 1


if __name__ == "__main__":
    sys.exit(main())
