"""The judge of `./run crash`: what it calls a fault, and when a person was asked for nothing."""

from random import Random
from typing import Any

import msgspec
import pytest

from bus_agent.spooler.reading import JobStatus
from provisioning.demo.paper import Paper
from tests.crash import state, table
from tests.crash.cycle import Plan, Record
from tests.crash.mishaps import draw, may_disturb, power_cut
from tests.crash.verdict import Doubt, End, judge, outcome, unjustified

OURS, OTHER = "a" * 64, "b" * 64


def paper(sha256: str = OURS, *, whole: bool = True) -> Paper:
    return Paper(1, sha256, 9, 1, 1, 2 if whole else 0)


LATE = msgspec.structs.replace(paper(), started_ns=5_000_000)


def ended(**changed: Any) -> End:
    known: dict[str, Any] = {"sha256": OURS, "papers": [paper()], "acknowledged": True, "settled": True}
    known |= {"state": "handed_over", "machine_printed": True, "asked": False}
    return End(**known | changed)


def doubt(*jobs: JobStatus, **changed: Any) -> Doubt:
    """An attempt whose document the printer took while the spooler was killed, and nothing to prove it."""
    known: dict[str, Any] = {"jobs": jobs, "name": "j-1", "impressions": 1, "printer_restarted": False}
    known |= {"spooler_restarted": True, "requested": True, "create_asked": True, "create_known": True}
    known |= {"sending": True, "sent_known": False, "ended_by_spooler": False}
    return Doubt(**known | changed)


def at_printer(state: str, impressions: int = 0, reasons: tuple[str, ...] = ()) -> JobStatus:
    return JobStatus(1, "j-1", state, reasons, impressions, 10)


def test_a_print_that_was_proven_and_handed_over_has_no_fault() -> None:
    assert judge(ended()) == {}
    assert outcome([ended()]) == "printed"


@pytest.mark.parametrize(
    ("fault", "changed"),
    [
        ("copies_over_one", {"papers": [paper(whole=False), paper()]}),
        ("wrong_document", {"papers": [paper(), paper(OTHER)]}),
        ("lost", {"state": ""}),
        ("stuck", {"settled": False}),
        ("false_printed", {"papers": [paper(whole=False)]}),
        ("unaccounted", {"state": "canceled", "machine_printed": False}),
        ("unaccounted", {"state": "canceled", "machine_printed": False, "papers": [paper(whole=False)]}),
        ("after_end", {"released_late": True}),
        (
            "after_end",
            {"state": "not_printed", "machine_printed": False, "asked": True, "ended_ms": 1, "papers": [LATE]},
        ),
    ],
)
def test_each_fault_is_seen_from_outside(fault: str, changed: dict[str, Any]) -> None:
    assert list(judge(ended(**changed))) == [fault]


def test_a_torso_after_which_a_person_was_asked_is_no_fault() -> None:
    end = ended(papers=[paper(whole=False)], state="spoiled", machine_printed=False, asked=True)
    assert judge(end) == {}
    assert outcome([end, ended()]) == "uncertain"


def test_a_doubt_without_any_proof_is_justified() -> None:
    assert unjustified(doubt(at_printer("completed", 1))) == ""
    assert unjustified(doubt(at_printer("aborted", 0), sent_known=True)) == ""
    assert unjustified(doubt()) == ""
    assert unjustified(doubt(jobs=None)) == ""


@pytest.mark.parametrize(
    "known",
    [
        doubt(at_printer("completed", 1), sent_known=True),
        doubt(at_printer("canceled", 0)),
        doubt(at_printer("aborted", 0)),
        doubt(at_printer("pending", 0, ("job-data-insufficient",))),
        doubt(create_known=False),
        doubt(sending=False, spooler_restarted=False, printer_restarted=True),
        doubt(ended_by_spooler=True, printer_restarted=True),
    ],
)
def test_a_doubt_beside_a_proof_is_not(known: Doubt) -> None:
    assert unjustified(known) != ""


@pytest.mark.parametrize("reasons", ["completed", "canceled"])
def test_a_printer_that_was_restarted_proves_nothing(reasons: str) -> None:
    job = at_printer(reasons, 1 if reasons == "completed" else 0)
    assert unjustified(doubt(job, sent_known=True, printer_restarted=True)) == ""


def run_of(cycles: int, *, power: bool) -> state.State:
    """Every planned mishap happens, and between intent and hand-over where that was wanted."""
    kept = state.load(state.default_path().with_name("no-such-state.json"))
    for number in range(1, cycles + 1):
        plan = state.next_plan(kept, number, 7, power=power)
        between = plan.strike is not None and plan.strike.target.between
        kept.add(Record(plan=plan, hit=True, between=between, outcome="printed", state="", faults={}, seconds=1))
    return kept


def test_a_run_of_400_cycles_keeps_its_shares_and_hits_every_point() -> None:
    kept = run_of(400, power=True)
    assert kept.share(power=False) >= state.BETWEEN
    assert kept.share(power=True) >= state.POWER
    assert set(kept.hits) == set(kept.points)
    assert kept.summary(7)["cycles"] == 400


def test_without_power_cuts_there_are_none_and_the_same_seed_plans_the_same() -> None:
    plans = [one.plan for one in run_of(60, power=False).records]
    assert not [plan for plan in plans if plan.strike and plan.strike.mishap.kind == "power"]
    assert plans == [one.plan for one in run_of(60, power=False).records]


def test_a_plan_survives_its_file() -> None:
    plan = run_of(1, power=True).records[0].plan
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


def test_a_message_is_doubled_only_where_it_is_sent() -> None:
    kept = state.load(state.default_path().with_name("no-such-state.json"))
    for name in kept.points:
        for number in range(8):
            mishap = draw(Random(f"{name}{number}"), name)
            assert mishap.kind != "disturb" or may_disturb(name)
            assert power_cut(Random(number), name).side in ("bus", "city")


def test_the_page_has_every_point_that_runs_start_from() -> None:
    kept = state.load(state.default_path().with_name("no-such-state.json"))
    assert table.on_page() == table.table(kept.points)


def test_a_point_that_only_a_mishap_leads_to_is_reached_by_that_mishap_again() -> None:
    kept = run_of(1, power=False)
    rare = "agent/journal/clone_suspected/before"
    kept.add(msgspec.structs.replace(kept.records[0], reached={rare: (1, 0)}))
    plans = [state.next_plan(kept, number, 1, power=False) for number in range(2, 800)]
    led = [plan for plan in plans if plan.strike and plan.strike.target.name == rare]
    assert led
    assert {plan.first for plan in led} == {kept.records[0].plan.strike}
