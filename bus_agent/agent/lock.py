"""Why this bus is locked: what city hall's last plan said, or the alarm that was pressed on board. Both survive a restart."""

from bus_agent.agent.store import BusStore
from bus_agent.errors import LockedError
from cityhall_base.reasons import Reason
from cityhall_wire.messages import envelope
from cityhall_wire.messages.link import Panic

NOTED = b"noted"
"""City hall has written the alarm down. Only then does a plan without a lock mean that two persons let the bus back in."""

_LOCKED, _PANIC = "locked", "panic"
_DESTROYING = frozenset({Reason.REVOKED.bare, Reason.PANIC.bare})


class Lock:
    """Whoever asks for a print or a call asks here first: beside the lock every other reason is a consequence."""

    def __init__(self, store: BusStore) -> None:
        self._store = store
        self.reason = store.get(_LOCKED).decode()
        """Bare name (cityhall_base.reasons); empty where nothing locks."""

    @property
    def pressed(self) -> bool:
        """Whether the alarm stands written down."""
        return bool(self._store.get(_PANIC))

    @property
    def destroys(self) -> bool:
        """Whether nothing of what the bus holds may be kept."""
        return self.reason in _DESTROYING

    def check(self) -> None:
        """Raises LockedError."""
        if self.reason:
            raise LockedError(self.reason)

    def hear(self, locked: str | None) -> None:
        """What a plan says. The alarm outlives every plan until city hall has noted it, and has let the bus back in."""
        alarm = self._store.get(_PANIC)
        if alarm and (locked or alarm != NOTED):
            return
        if (locked or "") != self.reason or alarm:
            with self._store.event():
                self._store.put(_PANIC, b"")
                self._put(locked or "")

    def panic(self) -> None:
        """The alarm; inside the running event."""
        self._store.put(_PANIC, b"pressed")
        self._put(Reason.PANIC.bare)

    def _put(self, reason: str) -> None:
        self._store.put(_LOCKED, reason.encode())
        self._store.record("locked", reason=reason)
        self.reason = reason


def noted(store: BusStore, kind: str) -> None:
    """City hall has noted a fact of this kind; inside the running event."""
    if kind == envelope.kind_of(Panic):
        store.put(_PANIC, NOTED)
