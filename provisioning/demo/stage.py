"""A printer that fails on demand: a folder of the printer's own, read by the script that prints for ippeveprinter.

    stage.play(Scene(reason="media-empty", after_page=0))   what will happen to the next document
    stage.mend()                                            somebody refilled it; it goes on as the scene says
    stage.report("cover-open")                              something that an idle printer says

What ippeveprinter (CUPS 2.4.2) really does, found by trying it:
- `STATE: +keyword`, `-keyword` and `keyword,...` on the command's standard error change printer-state-reasons at once; the
  16 keywords that it knows (no door-open, no offline, nothing of an output tray), others are dropped without a word. A
  reason stays after the job, and after an abort, until a line takes it away or the printer is started again.
- The suffix is its own: -report when idle, -warning while it prints, whatever the line said, and cut off at 31 characters.
  -error never comes, because printer-state is never `stopped` and job-state never `processing-stopped`: a printer that
  stands says `processing` and a reason.
- `ATTR: job-impressions-completed=1` counts at once. The command's exit status 0 is `completed`, whatever was counted; any
  other is `aborted`. Other attributes than job-impressions*, marker-* and printer-supply* are ignored.
- Lines are heard from a running command alone, so that an idle printer is told by a small job of its own (`report`).
  Its web form sets toner and waste toner, with their reasons, at any time.
- With media-empty set and no command running it holds the next job before its first sheet and adds media-needed. Then
  only its web form for media lets it go on, it ignores a Cancel-Job, and **it prints the canceled job after the refill**.
  So `report` refuses media-empty, and a scene stands inside the command, which asks whether its job was canceled.
- Cancel-Job does not stop the command: job-state-reasons says processing-to-stop-point until it has ended.
"""

from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from provisioning.demo.panel import Panel
from provisioning.demo.wait import wait_until
from provisioning.errors import PartError
from provisioning.files import me, write

_STEP_S: Final = 15
"""A command is a Python that starts: 0.2 s, and on a busy machine more."""


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to one document. `after_page` counts sheets that are in the tray by then; 0: before the first."""

    reason: str = ""  # printer-state-reasons keywords without suffix, with commas; empty: it does not stand
    after_page: int = 0
    aborts: bool = False  # gives the document up, once somebody has mended what it stands for
    page_seconds: float = 0.0


class Stage(NamedTuple):
    """`folder` belongs to the printer; staff and tests write to it."""

    folder: Path

    def play(self, scene: Scene) -> None:
        """For the next document; what a printer left that was switched off in the middle of a scene is forgotten."""
        self.go_on()
        write(self._next, msgspec.json.encode(scene), me())

    def take(self) -> Scene:
        """The printer's script: what happens now; each scene once."""
        try:
            raw = self._next.read_bytes()
        except FileNotFoundError:
            return Scene()
        self._next.unlink()
        return msgspec.json.decode(raw, type=Scene)

    @property
    def standing(self) -> bool:
        """Whether it stands, and waits for a hand."""
        return self._standing.exists()

    def wait_standing(self) -> None:
        """Until it stands; raises PartError."""
        wait_until(lambda: self.standing, _STEP_S, "the printer stands")

    def mend(self) -> None:
        """A hand did what was to be done, and the printer has noticed; raises PartError where it does not stand."""
        if not self.standing:
            raise PartError("the printer does not stand")
        self._mended.touch()
        wait_until(lambda: not self.standing, _STEP_S, "the printer goes on")

    def stand(self) -> None:
        """The printer's script: from now on it stands."""
        self._standing.touch()

    @property
    def mended(self) -> bool:
        """The printer's script: whether somebody has mended it."""
        return self._mended.exists()

    def go_on(self) -> None:
        """The printer's script: it stands no more."""
        for path in (self._mended, self._standing):
            path.unlink(missing_ok=True)

    @property
    def _next(self) -> Path:
        return self.folder / "next.json"

    @property
    def _standing(self) -> Path:
        return self.folder / "standing"

    @property
    def _mended(self) -> Path:
        return self.folder / "mended"


class Director(NamedTuple):
    """Stage and panel of one printer, for whoever rehearses or tests."""

    stage: Stage
    panel: Panel

    def report(self, *reasons: str) -> None:
        """Have the idle printer say these printer-state-reasons, and no others; none: all is well."""
        if "media-empty" in reasons:
            raise PartError("an idle ippeveprinter that is out of paper holds the next document for ever; play a scene")
        self.panel.say(f"STATE: {','.join(reasons) or 'none'}")
