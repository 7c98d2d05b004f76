"""Which calls (呼出中) are for a clerk: where the clerk answers for a section in which they ring now. No HTTP."""

from cityhall_relay.clerk_desk import Clerks
from cityhall_relay.errors import CallGoneError, NotAllowedError
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.store.rows import Session


class Calls:
    """The one way to a call, for commands and console alike.

    A deputy's clerk who accepts has the session with everything that belongs to its section: that is what a deputy is named for.
    """

    def __init__(self, store: RelayStore, sessions: Sessions, clerks: Clerks) -> None:
        self._store, self._sessions, self._clerks = store, sessions, clerks

    def of(self, clerk: str) -> list[Session]:
        """What rings for this clerk now, the longest first."""
        return [one for one in self._sessions.calls() if self._rings_for(clerk, one)]

    def accept(self, clerk: str, name: str) -> Session:
        """Take it (対応中). Raises NotAllowedError, and what Sessions.accept raises."""
        session = self._store.session(name)
        if session is None:
            raise CallGoneError
        if not self._rings_for(clerk, session):
            raise NotAllowedError(f"the section {session.section} is not yours")
        return self._sessions.accept(clerk, name)

    def _rings_for(self, clerk: str, call: Session) -> bool:
        return any(self._clerks.answers_for(clerk, section) for section in self._sessions.rings(call))
