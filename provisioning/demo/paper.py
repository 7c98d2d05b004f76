"""What the virtual printer runs for each document: count its pages, record what came out on paper, say so to the printer.

`python -m provisioning.demo.paper RECORDS START_NS SECONDS DOCUMENT`: the lines on standard error are ippeveprinter's.
"""

import hashlib
import io
import os
import sys
import time
from pathlib import Path
from typing import Final

import msgspec
import pikepdf

from provisioning.demo import pcl

_NS: Final = 1_000_000_000


class Paper(msgspec.Struct, frozen=True):
    """One document that came out. Times are nanoseconds since 1970."""

    printer_job: int  # IPP job-id
    sha256: str
    size: int  # bytes
    impressions: int
    started_ns: int
    completed_ns: int  # 0: begun, and so perhaps a sheet in the tray


def main(records: Path, started_ns: int, seconds: float, document: Path) -> None:
    """Print `document`, which takes `seconds`. Raises pikepdf.PdfError where it is neither PDF nor PCL: the job is aborted."""
    raw, job = document.read_bytes(), int(os.environ.get("IPP_JOB_ID", "0"))
    pages, kind = _pages(raw)
    (records / f"{started_ns}.{kind}").write_bytes(raw)  # the sheets in the tray, for whoever wants to look at them
    begun = Paper(job, hashlib.sha256(raw).hexdigest(), len(raw), pages, started_ns, 0)
    _record(records, begun)
    time.sleep(max(0.0, seconds - (time.time_ns() - started_ns) / _NS))  # the paper's way through the printer
    _record(records, msgspec.structs.replace(begun, completed_ns=time.time_ns()))
    sys.stderr.write(f"ATTR: job-impressions={pages} job-impressions-completed={pages}\n")


def _pages(raw: bytes) -> tuple[int, str]:
    if raw.startswith(pcl.RESET):
        return pcl.pages(raw), "pcl"
    with pikepdf.open(io.BytesIO(raw)) as pdf:
        return len(pdf.pages), "pdf"


def _record(records: Path, paper: Paper) -> None:
    aside = records / f".{paper.started_ns}"
    aside.write_bytes(msgspec.json.encode(paper))
    aside.rename(records / f"{paper.started_ns}.json")


def read(records: Path) -> list[Paper]:
    """All that came out, in the order in which it was begun."""
    return [msgspec.json.decode(path.read_bytes(), type=Paper) for path in sorted(records.glob("*.json"))]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
