"""A job's life as data: one table, and who may cause each row. Both sides step through it with `step`.

Rules of this file:
- A row is (state, event) → next state; what has no row cannot happen, and raises LifecycleError.
- `by` names the only authors whose statement may cause the row. PRINT_KEY means a statement signed by the spooler's print
  key; no word of the agent alone ever takes a job back to `on_bus` or forward to `printed`.
- Approval is a fact beside the state, not a state: a release needs `on_bus` and an approval.
- An end has no row out of it. `uncertain` is no end: it waits for a person.

docs/lifecycle.md is drawn from this table (`./run pages`), with the sentence that each end says.
"""

from enum import StrEnum
from typing import Final, NamedTuple

from cityhall_wire.errors import LifecycleError


class JobState(StrEnum):
    """Where a job stands."""

    SEALED = "sealed"
    OFFERED = "offered"
    ON_BUS = "on_bus"
    RELEASING = "releasing"
    PRINTING = "printing"
    PRINTED = "printed"
    UNCERTAIN = "uncertain"  # 要確認
    HANDED_OVER = "handed_over"  # お渡し済
    SPOILED = "spoiled"  # 書損
    CANCELED = "canceled"  # 取消
    EXPIRED = "expired"  # 期限切れ
    REFUSED = "refused"  # 受付不可
    NOT_PRINTED = "not_printed"  # 未印刷


class Event(StrEnum):
    """What can happen to a job."""

    OFFER = "offer"
    CARRIED = "carried"
    RELEASE = "release"
    NO_SHEET = "no_sheet"
    SENDING = "sending"
    SENT = "sent"
    COMPLETED = "completed"
    DOUBT = "doubt"
    CANCELED_AT_PRINTER = "canceled_at_printer"
    HAND_OVER = "hand_over"
    SPOIL = "spoil"
    NOTHING_CAME_OUT = "nothing_came_out"
    CANCEL = "cancel"
    SESSION_END = "session_end"
    EXPIRE = "expire"
    REFUSE = "refuse"
    VOID = "void"


class By(StrEnum):
    """Whose statement causes an event."""

    RELAY = "relay"
    CLERK = "clerk"
    LINK_KEY = "link_key"
    PRINT_KEY = "print_key"
    CONCIERGE = "concierge"


class Row(NamedTuple):
    """One line of the table."""

    state: JobState
    event: Event
    by: frozenset[By]
    to: JobState


def _rows(states: tuple[JobState, ...], event: Event, by: tuple[By, ...], to: JobState) -> tuple[Row, ...]:
    return tuple(Row(state, event, frozenset(by), to) for state in states)


_S, _E = JobState, Event
_BEFORE_RELEASE: Final = (_S.SEALED, _S.OFFERED, _S.ON_BUS)

TABLE: Final[tuple[Row, ...]] = (
    *_rows((_S.SEALED, _S.OFFERED), _E.OFFER, (By.RELAY,), _S.OFFERED),
    *_rows((_S.OFFERED, _S.ON_BUS), _E.CARRIED, (By.LINK_KEY,), _S.ON_BUS),
    *_rows((_S.ON_BUS,), _E.RELEASE, (By.PRINT_KEY,), _S.RELEASING),
    # Machine evidence that no sheet came out: back on the bus, next attempt, same session only.
    *_rows((_S.RELEASING, _S.PRINTING, _S.UNCERTAIN), _E.NO_SHEET, (By.PRINT_KEY,), _S.ON_BUS),
    *_rows((_S.RELEASING, _S.UNCERTAIN), _E.SENDING, (By.PRINT_KEY,), _S.PRINTING),
    # Without it nobody may believe a `completed` that is found after a restart: a printer may call a torso so.
    *_rows((_S.PRINTING,), _E.SENT, (By.PRINT_KEY,), _S.PRINTING),
    *_rows((_S.RELEASING, _S.PRINTING, _S.UNCERTAIN), _E.COMPLETED, (By.PRINT_KEY,), _S.PRINTED),
    *_rows((_S.RELEASING, _S.PRINTING), _E.DOUBT, (By.PRINT_KEY, By.RELAY, By.LINK_KEY), _S.UNCERTAIN),
    # The printer confirmed the cancel and counted no impression; with one or more it is a DOUBT.
    *_rows((_S.RELEASING, _S.PRINTING, _S.UNCERTAIN), _E.CANCELED_AT_PRINTER, (By.PRINT_KEY,), _S.CANCELED),
    *_rows((_S.PRINTED, _S.UNCERTAIN), _E.HAND_OVER, (By.CONCIERGE,), _S.HANDED_OVER),
    *_rows((_S.PRINTED, _S.UNCERTAIN), _E.SPOIL, (By.CONCIERGE,), _S.SPOILED),
    *_rows((_S.UNCERTAIN,), _E.NOTHING_CAME_OUT, (By.CONCIERGE,), _S.NOT_PRINTED),
    # Where nobody on the bus can say what came out: whatever did is worth nothing, and counts as spoiled.
    *_rows((_S.UNCERTAIN,), _E.VOID, (By.CLERK,), _S.SPOILED),
    *_rows(_BEFORE_RELEASE, _E.CANCEL, (By.CLERK,), _S.CANCELED),
    # LINK_KEY: the bus itself, whose duty is over by the clock.
    *_rows(_BEFORE_RELEASE, _E.SESSION_END, (By.RELAY, By.CONCIERGE, By.LINK_KEY), _S.CANCELED),
    *_rows(_BEFORE_RELEASE, _E.EXPIRE, (By.RELAY,), _S.EXPIRED),
    # Identity (the clerk saw it over the video) or paper (the concierge has none): this certificate is not to be had here.
    *_rows(_BEFORE_RELEASE, _E.REFUSE, (By.CLERK, By.CONCIERGE), _S.REFUSED),
)

_BY_STATE_AND_EVENT: Final = {(row.state, row.event): row for row in TABLE}

ENDS: Final = frozenset(JobState) - {row.state for row in TABLE}
"""States that nothing leads out of: keys and ciphertext are destroyed on both sides."""

WITHOUT_SHEET: Final = frozenset({_S.CANCELED, _S.EXPIRED, _S.REFUSED, _S.NOT_PRINTED})
"""Ends that used no paper."""

BEFORE_RELEASE: Final = frozenset(_BEFORE_RELEASE)
"""States in which no opener can hold the content key: ending the session kills the job whole."""

AT_PRINTER: Final = frozenset({_S.RELEASING, _S.PRINTING})
"""States in which only a print-key statement or a person may say what became of the sheet."""


def step(state: JobState, event: Event, by: By) -> JobState:
    """The state after `event` caused by `by`; raises LifecycleError where the table has no such row."""
    row = _BY_STATE_AND_EVENT.get((state, event))
    if row is None or by not in row.by:
        raise LifecycleError(f"{event} by {by} in state {state}")
    return row.to
