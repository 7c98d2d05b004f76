"""A machine that looks at every change, and every so often where nothing changes, for as long as the agent runs."""

import logging
from collections.abc import Callable

from bus_agent.agent.pulse import Pulse
from cityhall_base.store import TROUBLE, trouble


async def keep_looking(
    look: Callable[[], None], changed: Pulse, log: logging.Logger, rest_s: float, again_s: float | None = None
) -> None:
    """For ever. `changed` beats at each change; `rest_s` without one, `again_s` after a look that the disk did not let through.

    What a look does it does before it writes it down, so that only a record can be missing then.
    """
    said = ""
    while True:
        seen = changed.count
        try:
            look()
            said = ""
        except TROUBLE as error:
            if str(error) != said:  # loud once, then quiet
                log.warning("%s", trouble(error))
            said = str(error)
        await changed.after(seen, again_s if said and again_s else rest_s)
