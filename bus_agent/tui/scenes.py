"""Every scene by its name."""

from typing import Final

from bus_agent.tui import counter
from bus_agent.tui.scene import MakeScene

SCENES: Final[dict[str, MakeScene]] = {
    **counter.SCENES,
}
