"""How a line that is gone is shown: between two valleys it is nothing to look at, as long as nobody has to wait for it.

Grey and calm while the lease still runs or nobody waits for paper; then, or where city hall turns the bus away, "look here".
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from bus_agent.agent.duty import Duty
from bus_agent.agent.rows import Job
from bus_agent.agent.syncer import LinkState, LinkWord
from bus_agent.errors import LinkError

_CALM: Final = frozenset({LinkError.key, str(LinkWord.CONNECTING)})
"""What a valley does to a line. Certificates, refusals and faults are for a person whatever the lease is."""


def is_calm(link: LinkState, duty: Duty, jobs: Iterable[Job]) -> bool:
    """Whether the line needs nobody's eyes."""
    if link.up:
        return True
    waited_for = duty.session is not None or any(not job.ended for job in jobs)
    return link.key in _CALM and (duty.lease_left_s > 0 or not waited_for)


def shown(link: LinkState, duty: Duty, jobs: Iterable[Job]) -> LinkState:
    """The line with the sentence that is said of it."""
    if link.up or link.key != LinkError.key or not is_calm(link, duty, jobs):
        return link
    return msgspec.structs.replace(link, key=str(LinkWord.DEAD_ZONE), sentence=LinkWord.DEAD_ZONE.english)
