"""The end of a counter session on the bus, whoever causes it: true here at once, said to city hall as soon as there is a line."""

from bus_agent.agent.facts import Scribe
from bus_agent.agent.store import BusStore
from cityhall_base.reasons import Reason
from cityhall_wire.lifecycle import BEFORE_RELEASE, By, Event
from cityhall_wire.messages.link import SessionEnd


def end_session(store: BusStore, scribe: Scribe, session: str, why: Reason, by: By) -> None:
    """Inside the running event: what is not at the printer dies with the session; what is there the guard cancels.

    `Duty.forget_session` makes it true for the next press.
    """
    for job in store.jobs():
        if job.session == session and job.state in BEFORE_RELEASE:
            store.step(job.job, Event.SESSION_END, by, why=why.bare)
    store.record("session", session="", why=why.bare)
    scribe.queue(SessionEnd, session=session)
