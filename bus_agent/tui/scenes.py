"""Every scene by its name."""

from typing import Final

from bus_agent.tui import (
    checks,
    counter,
    day,
    guides,
    lights,
    lists,
    locked,
    money,
    outcome,
    paper,
    sheets,
    sign_in,
    trouble,
    visit,
)
from bus_agent.tui.scene import MakeScene

SCENES: Final[dict[str, MakeScene]] = {
    **counter.SCENES,
    **visit.SCENES,
    **outcome.SCENES,
    **day.SCENES,
    **lists.SCENES,
    **checks.SCENES,
    **paper.SCENES,
    **sheets.SCENES,
    **money.SCENES,
    **sign_in.SCENES,
    **trouble.SCENES,
    **guides.SCENES,
    **lights.SCENES,
    **locked.SCENES,
}
