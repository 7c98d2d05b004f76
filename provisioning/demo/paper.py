"""What the virtual printer runs for each document: count its pages, record what came out on paper, say so to the printer.

`python -m provisioning.demo.paper RECORDS STAGE START_NS SECONDS DOCUMENT`: the lines on standard error are ippeveprinter's,
and stage.py says what it makes of them.
"""

import hashlib
import os
import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec
import pikepdf

from provisioning.demo import pcl
from provisioning.demo.panel import MARK, Panel
from provisioning.demo.pwg import SYNC_WORD, raster_pages
from provisioning.demo.stage import Scene, Stage

_NS: Final = 1_000_000_000
_LOOK_S: Final = 0.05
"""Between two looks at the stage while the printer stands."""


class Paper(msgspec.Struct, frozen=True):
    """One document that came out. Times are nanoseconds since 1970."""

    printer_job: int  # IPP job-id
    sha256: str
    size: int  # bytes
    impressions: int
    started_ns: int
    completed_ns: int  # 0: begun, and so perhaps a sheet in the tray
    came_out: int = 0  # impressions that had left the printer when this was written


def main(records: Path, stage: Stage, started_ns: int, seconds: float, document: Path) -> int:
    """Print `document`, which takes `seconds`; raises ValueError or pikepdf.PdfError where it is damaged: the printer aborts.

    Returns the command's exit status: 0, also where the job was canceled while the printer stood; 1 where it gives up.
    """
    raw, job = document.read_bytes(), int(os.environ.get("IPP_JOB_ID", "0"))
    if raw.startswith(MARK):
        sys.stderr.write(raw.removeprefix(MARK).decode())
        return 0
    pages, kind = _pages(raw)
    begun = Paper(job, hashlib.sha256(raw).hexdigest(), len(raw), pages, started_ns, 0)
    scene = stage.take()
    _say(f"ATTR: job-impressions={pages} job-impressions-completed=0")
    if scene.after_page == 0 and not _survives(scene, stage, job):
        return int(scene.aborts)
    (records / f"{started_ns}.{kind}").write_bytes(raw)  # the sheets in the tray, for whoever wants to look at them
    _record(records, begun)
    if scene != Scene():
        for page in range(1, pages + 1):
            time.sleep(scene.page_seconds)
            _record(records, msgspec.structs.replace(begun, came_out=page))
            _say(f"ATTR: job-impressions-completed={page}")
            if page == scene.after_page and not _survives(scene, stage, job):
                return int(scene.aborts)
    time.sleep(max(0.0, seconds - (time.time_ns() - started_ns) / _NS))  # the paper's way through the printer
    _record(records, msgspec.structs.replace(begun, completed_ns=time.time_ns(), came_out=pages))
    _say(f"ATTR: job-impressions-completed={pages}")
    return 0


def _survives(scene: Scene, stage: Stage, job: int) -> bool:
    """Stand where the scene says so; whether the document is printed on."""
    if not scene.reason:
        return not scene.aborts
    panel = Panel(urlsplit(os.environ["IPP_JOB_PRINTER_URI"]).port or 0)
    _say(f"STATE: +{scene.reason}")
    stage.stand()
    canceled = False
    while not (canceled or stage.mended):
        time.sleep(_LOOK_S)
        canceled = panel.is_canceled(job)
    _say(f"STATE: -{scene.reason}")
    stage.go_on()
    return not (canceled or scene.aborts)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def _pages(raw: bytes) -> tuple[int, str]:
    if raw.startswith(pcl.RESET):
        return pcl.pages(raw), "pcl"
    if raw.startswith(SYNC_WORD):
        return sum(1 for _ in raster_pages(raw)), "pwg"
    with pikepdf.open(BytesIO(raw)) as pdf:
        return len(pdf.pages), "pdf"


def _record(records: Path, paper: Paper) -> None:
    aside = records / f".{paper.started_ns}"
    aside.write_bytes(msgspec.json.encode(paper))
    aside.rename(records / f"{paper.started_ns}.json")


def read(records: Path) -> list[Paper]:
    """All that came out, in the order in which it was begun."""
    return [msgspec.json.decode(path.read_bytes(), type=Paper) for path in sorted(records.glob("*.json"))]


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Stage(Path(sys.argv[2])), int(sys.argv[3]), float(sys.argv[4]), Path(sys.argv[5])))
