"""What a run has done so far, in a file, so that several runs add up; and which point is next: the one that was hit least."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Final

import msgspec

from tests.crash.cycle import Plan, Record, Strike
from tests.crash.mishaps import draw, power_cut
from tests.crash.points import Target
from tests.crash.scenarios import PLAIN
from tests.crash.verdict import FAULTS

BETWEEN: Final = 0.30
POWER: Final = 0.15
"""Shares of all mishaps that a run promises; it aims a little higher, because a point may be missed."""

_MARGIN: Final = 0.06
_CATALOGUE: Final = Path(__file__).with_name("points.json")

Reached = dict[str, tuple[int, int]]
"""Point → how often in one cycle, and how often of it between intent and hand-over."""


class State(msgspec.Struct):
    """`records` without what each cycle reached; that is kept once for each scenario, in `found`."""

    records: list[Record] = []
    found: dict[str, Reached] = {}
    rare: dict[str, Plan] = {}
    """Points that no kind of cycle reaches by itself, and the first cycle that came there after its mishap."""

    def add(self, record: Record) -> None:
        """One more cycle."""
        known = set(self.points)
        if record.hit and record.plan.first is None:
            for name in record.reached.keys() - known:
                self.rare[name] = record.plan
        self.records.append(msgspec.structs.replace(record, reached={}))

    def note(self, scenario: str, reached: Reached) -> None:
        """What a cycle of this scenario can reach."""
        known = self.found.setdefault(scenario, {})
        for name, (count, between) in reached.items():
            before = known.get(name, (0, 0))
            known[name] = (max(count, before[0]), max(between, before[1]))

    @property
    def points(self) -> list[str]:
        """Every point that was ever reached."""
        return sorted({name for reached in self.found.values() for name in reached} | self.rare.keys())

    @property
    def hits(self) -> Counter[str]:
        """Mishaps by point."""
        return _points(one.plan for one in self.struck)

    @property
    def struck(self) -> list[Record]:
        """Cycles whose mishap happened."""
        return [one for one in self.records if one.hit]

    def share(self, *, power: bool) -> float:
        """Of the mishaps: those by power cut, or else those between intent and hand-over."""
        struck = self.struck
        wanted = [one for one in struck if (one.power if power else one.between)]
        return len(wanted) / len(struck) if struck else 0.0

    def summary(self, seed: int) -> dict[str, object]:
        """The run's last line."""
        told: dict[str, object] = {"cycles": len(self.records)}
        faults = Counter(name for one in self.records for name in one.faults)
        ends = Counter(one.outcome for one in self.records)
        told |= {name: faults[name] for name in FAULTS[:5]}
        told |= {name: ends[name] for name in ("printed", "not_printed", "uncertain")}
        told["uncertain_unjustified"] = faults["uncertain_unjustified"]
        told |= {name: faults[name] for name in FAULTS[6:] if faults[name]}
        return told | {"kill_points": dict(sorted(self.hits.items())), "seed": seed}

    @property
    def faulty(self) -> bool:
        """Whether anything that must be zero is not."""
        return any(one.faults for one in self.records)


def next_plan(state: State, number: int, seed: int, *, power: bool, under_way: Iterable[Plan] = ()) -> Plan:
    """Least-hit-first among the points, within the shares; the rest by the dice of this seed and number."""
    dice = Random(f"{seed}/{number}")
    between = state.share(power=False) < BETWEEN + _MARGIN
    cut = power and state.share(power=True) < POWER + _MARGIN
    places = _places(state, between=between)
    hits, tried = state.hits + _points(under_way), _points([*(one.plan for one in state.records), *under_way])
    # A miss counts a half: what is rarely reached is tried again, but does not hold up the rest.
    weight = {name: hits[name] + (tried[name] - hits[name]) / 2 for name in places}
    least = min(weight.values())
    name = dice.choice([name for name in sorted(places) if weight[name] == least])
    reaching = _least_missed(state, name, places[name])
    plain = [place for place in reaching if place[0] in PLAIN] if dice.random() < 0.5 else []
    scenario, most = dice.choice(plain or reaching)  # every other cycle has no other trouble than its mishap
    nth = min(most, dice.choice((1, 1, 1, 2, 3)))
    mishap = power_cut(dice, name) if cut else draw(dice, name)
    return Plan(
        number=number,
        seed=seed,
        scenario=scenario,
        first=state.rare[name].strike if name in state.rare else None,
        strike=Strike(target=Target(name, nth, between), mishap=mishap),
    )


def _points(plans: Iterable[Plan]) -> Counter[str]:
    return Counter(plan.strike.target.name for plan in plans if plan.strike)


def _least_missed(state: State, name: str, places: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The scenarios that were sent there and did not come least often: some come there only in a new house."""
    plans = (one.plan for one in state.records if not one.hit)
    missed = Counter(plan.scenario for plan in plans if plan.strike and plan.strike.target.name == name)
    least = min(missed[scenario] for scenario, _ in places)
    return [place for place in places if missed[place[0]] == least]


def _places(state: State, *, between: bool) -> dict[str, list[tuple[str, int]]]:
    """Point → the scenarios that reach it, each with how often."""
    places: dict[str, list[tuple[str, int]]] = {}
    for scenario, reached in sorted(state.found.items()):
        for name, (count, count_between) in reached.items():
            most = count_between if between else count
            if most:
                places.setdefault(name, []).append((scenario, most))
    if not between:
        places |= {name: [(plan.scenario, 1)] for name, plan in state.rare.items()}
    return places


def load(path: Path) -> State:
    """What was done; a new state, with the points that are known, where there is none."""
    state = State()
    if path.exists():
        state = msgspec.json.decode(path.read_bytes(), type=State)
    if _CATALOGUE.exists():
        for scenario, reached in msgspec.json.decode(_CATALOGUE.read_bytes(), type=dict[str, Reached]).items():
            state.note(scenario, reached)
    return state


def save(path: Path, state: State) -> None:
    """As one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}")
    aside.write_bytes(msgspec.json.encode(state))
    aside.rename(path)


def save_catalogue(state: State) -> None:
    """The points that every run starts from; a line for each."""
    kinds = []
    for scenario, reached in sorted(state.found.items()):
        lines = [f"  {json.dumps(name)}: {json.dumps(counts)}" for name, counts in sorted(reached.items())]
        kinds.append(f"{json.dumps(scenario)}: {{\n" + ",\n".join(lines) + "\n}")
    _CATALOGUE.write_text("{\n" + ",\n".join(kinds) + "\n}\n")


def default_path() -> Path:
    """In the user's cache."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "mobile-cityhall" / "crash.json"
