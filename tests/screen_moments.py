"""Snapshots for every line of the table of moments, and for what is opened above them: for tests of scenes and for pictures."""

from typing import Final

import msgspec

from bus_agent.shown import Advice, CallShown, DayShown, FeeShown, ListShown, Snapshot, VisitShown
from bus_agent.tui.scene import Open
from cityhall_wire.messages.people import Which
from cityhall_wire.messages.visit import Slot
from cityhall_wire.modes import DutyMode
from tests.screen_city import CARD, JOB, QUIET, SESSION, TALKING, shown, with_job

replace = msgspec.structs.replace
OTHER: Final = "j" + "b" * 24
DAY: Final = DayShown(
    date="2026-11-22",
    stop="hase",
    slots=(
        Slot(slot=2, start=600, end=630, stop="hase", section="shimin"),
        Slot(slot=3, start=630, end=660, stop="hase", section="zeimu"),
        Slot(slot=4, start=660, end=690, stop="hase", section="shimin"),
    ),
)
ENDED: Final = VisitShown(
    session=SESSION, section="shimin", stop="hase", slot=3, unanswered=False, ended_here=True, feedback=True
)
RINGING: Final = CallShown(section="shimin", then="zeimu", waited_s=41, left_s=79)
FEE: Final = FeeShown(job=JOB, check_word="47・さくら", yen=300, session=SESSION)
LIST: Final = ListShown(which=Which.OPENING, day="2026-11-22", complete=0, by="", items=())
MANY: Final = (
    CARD,
    replace(CARD, job=OTHER, state="offered"),
    replace(CARD, job="j" + "c" * 24, state="handed_over"),
)


def advised(snapshot: Snapshot, key: str, job: str = JOB) -> Snapshot:
    """The agent says this of a document."""
    return replace(snapshot, advice=Advice(key, f"{key} in English", job))


MOMENTS: Final[dict[str, tuple[Snapshot, str]]] = {
    "route bus": (shown(mode=DutyMode.ROUTE_BUS), "route_bus"),
    "route bus, printer not empty": (
        replace(with_job(state="uncertain"), mode=DutyMode.ROUTE_BUS, printer_empty=False),
        "switch_off",
    ),
    "doubt": (advised(with_job(state="uncertain", why="jam"), "do.clear_jam"), "visit.outcome"),
    "printed": (advised(with_job(state="printed"), "do.hand_over"), "visit.outcome"),
    "releasing": (with_job(state="releasing"), "visit.printing"),
    "printing, out of paper": (advised(with_job(state="printing"), "do.refill"), "visit.printing"),
    "job card": (advised(with_job(reissue_of=OTHER), "do.print"), "visit.card"),
    "not allowed yet": (advised(with_job(approved=False), "refused.not_approved"), "visit.card"),
    "two jobs": (advised(shown(session=TALKING, jobs=MANY), "do.print"), "visit.card"),
    "on its way": (with_job(state="offered", received=400), "visit.coming"),
    "fee": (
        replace(with_job(state="handed_over"), books=replace(QUIET.books, open_fees=(FEE,))),
        "visit.fee",
    ),
    "refund": (
        replace(with_job(state="spoiled"), books=replace(QUIET.books, open_fees=(replace(FEE, yen=-300),))),
        "visit.fee",
    ),
    "fee of a document that both sides have forgotten": (
        shown(session=TALKING, books=replace(QUIET.books, open_fees=(FEE,))),
        "visit.fee",
    ),
    "fee of an older visit": (
        shown(session=TALKING, books=replace(QUIET.books, open_fees=(replace(FEE, session="s" + "9" * 24),))),
        "visit.talk",
    ),
    "talk": (shown(session=TALKING), "visit.talk"),
    "talk by telephone": (shown(session=replace(TALKING, section="fukushi", checked=True)), "visit.talk"),
    "talk after a spoiled sheet": (with_job(state="spoiled"), "visit.talk"),
    "ringing": (shown(session=replace(TALKING, clerk=None), call=RINGING), "visit.ringing"),
    "ringing before the plan knows": (shown(call=RINGING), "visit.ringing"),
    "nobody answered": (shown(visit=replace(ENDED, unanswered=True, feedback=False)), "visit.unanswered"),
    "face": (shown(visit=ENDED), "visit.feedback"),
    "seen": (shown(visit=replace(ENDED, feedback=False)), "counter"),
    "on the way": (shown(mode=DutyMode.ON_THE_WAY, day=DAY), "way"),
    "opening list": (advised(shown(checklists=(LIST,)), "do.opening_list", ""), "opening"),
    "free, at a stop": (shown(day=DAY), "counter"),
    "free, nowhere": (QUIET, "counter"),
    "event": (shown(mode=DutyMode.EVENT, day=DAY), "counter"),
    "course": (shown(mode=DutyMode.COURSE), "resting"),
}

ABOVE: Final[dict[str, tuple[Snapshot, Open, dict[str, str]]]] = {
    "other sections": (shown(day=DAY), Open("counter.others", "3"), {"section": "kosodate"}),
    "number": (shown(session=TALKING), Open("visit.phone", "shimin"), {}),
    "spoiled, which": (with_job(state="uncertain"), Open("visit.spoiled", JOB), {"sheets": "1"}),
    "spoiled, none marked": (with_job(state="uncertain"), Open("visit.spoiled", JOB), {}),
    "spoiled, all": (with_job(state="printed"), Open("visit.spoiled", JOB), {}),
    "spoiled, nine": (with_job(state="uncertain", sheets=9), Open("visit.spoiled", JOB), {"sheets": "1,9"}),
    "spoiled, twenty": (with_job(state="uncertain", sheets=20), Open("visit.spoiled", JOB), {"count": "12"}),
    "spoiled, too many": (with_job(state="uncertain", sheets=20), Open("visit.spoiled", JOB), {"count": "21"}),
    "spoiled, no numbers": (with_job(state="printed", paper="plain"), Open("visit.spoiled", JOB), {}),
    "another number, spoiled": (
        with_job(state="uncertain"),
        Open("visit.number", f"{JOB}:spoil:1"),
        {"number": "A-000500"},
    ),
    "cannot be read": (with_job(state="uncertain"), Open("visit.number", f"{JOB}:spoil:2"), {"number": "?"}),
    "another number, given": (
        with_job(state="printed"),
        Open("visit.number", f"{JOB}:give:0"),
        {"number": "A-000500"},
    ),
}
