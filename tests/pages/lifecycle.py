"""docs/lifecycle.md: the table of cityhall_wire.lifecycle as a diagram (Mermaid), as rows, and every end with its sentences."""

from collections.abc import Iterator

from cityhall_base.reasons import Reason
from cityhall_base.terms import STATES
from cityhall_base.words import Language
from cityhall_relay.views import SENTENCES
from cityhall_wire.lifecycle import BEFORE_RELEASE, ENDS, TABLE, WITHOUT_SHEET, By, Event, JobState, Row

HEAD = """\
# A job's life

Drawn from the one table in `cityhall_wire/lifecycle.py` by `./run pages`; `test_pages` fails where it is stale.
Approval (印刷を許可) is a fact beside the state: a release needs `on_bus` and the approvals that the service demands.
Each side writes an event, the new state and a journal row in one SQLite transaction, and speaks only afterwards.
"""

_BEFORE = "before_release"
AUTHORS = {
    By.RELAY: "city hall's relay",
    By.CLERK: "the clerk",
    By.LINK_KEY: "the agent (link key)",
    By.PRINT_KEY: "the spooler (print key)",
    By.CONCIERGE: "the concierge",
}


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_diagram(), "", *_rows(), "", *_ends(), "", *_reasons(), ""])


def _diagram() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {JobState.SEALED}"
    yield f"    state {_BEFORE} {{"
    yield from (f"        {line}" for line in _arrows(inside=True))
    yield "    }"
    yield from (f"    {line}" for line in _arrows(inside=False))
    for end in sorted(ENDS):
        yield f"    {end} --> [*]"
    yield "```"


def _arrows(*, inside: bool) -> Iterator[str]:
    """Inside the box of the states before the release, or outside; what leads out of all of them leaves the box."""
    arrows: dict[tuple[str, str], dict[Event, None]] = {}
    for row in TABLE:
        leaves_box = row.state in BEFORE_RELEASE and row.to in ENDS
        start = _BEFORE if leaves_box else str(row.state)
        if row.state is not row.to and inside is (row.to in BEFORE_RELEASE and row.state in BEFORE_RELEASE):
            arrows.setdefault((start, str(row.to)), {})[row.event] = None
    return (f"{state} --> {to}: {', '.join(events)}" for (state, to), events in arrows.items())


def _rows() -> Iterator[str]:
    yield "## Who may cause what"
    yield "| event | by | from | to |"
    yield "|---|---|---|---|"
    for event in Event:
        rows = [row for row in TABLE if row.event is event]
        for to in dict.fromkeys(row.to for row in rows):
            yield _row(event, [row for row in rows if row.to is to])


def _row(event: Event, rows: list[Row]) -> str:
    authors = ", ".join(text for by, text in AUTHORS.items() if by in rows[0].by)
    return f"| `{event}` | {authors} | {' · '.join(row.state for row in rows)} | {rows[0].to} |"


def _ends() -> Iterator[str]:
    yield "## Where it stands, and what the clerk reads"
    yield "| state | | 日本語 | English |"
    yield "|---|---|---|---|"
    for state in JobState:
        kind = ("end, no paper" if state in WITHOUT_SHEET else "end") if state in ENDS else ""
        word = SENTENCES[state]
        yield f"| `{state}` {STATES[state].say()} | {kind} | {word.say()} | {word.english} |"


def _reasons() -> Iterator[str]:
    yield "## Every reason"
    yield "What refuses a release, a fact or a call, ends a session or a job, or makes a print `uncertain`."
    yield "The bare name travels and is kept."
    yield ""
    yield "| reason | 日本語 | English |"
    yield "|---|---|---|"
    for reason in Reason:
        yield f"| `{reason.bare}` | {reason.say()} | {reason.say(Language.ENGLISH)} |"
