"""The printer's profile as city.toml takes it: what was found out, and where nothing was, the careful side with a note."""

import json
from collections.abc import Iterator
from typing import Final

import msgspec

from bus_agent.probe.look import Seen
from cityhall_base.printers import PDF, PWG_RASTER, Memory, Printer, Proof, Raster, RasterType, SheetBack, problems_of

_FORMATS: Final = (PDF, PWG_RASTER)
_PREFERRED_DPI: Final = 300
_DPI_ALLOWED: Final = range(150, 601)
_TYPES: Final = (RasterType.SGRAY_8, RasterType.BLACK_1, RasterType.SRGB_8)
"""Certificates are black on white, and grey keeps a seal readable."""


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """What was tried. None: not tried."""

    proof: Proof | None = None
    history_s: int | None = None
    memory: Memory = Memory.UNTESTED


def profile_of(seen: Seen, tried: Tried, paper: str) -> Printer:
    """What is not known is what costs nothing but a question: the concierge is asked, nothing is concluded from a history."""
    return Printer(
        uri=seen.uri,
        certificate_sha256=seen.certificate_sha256,
        formats=tuple(one for one in _FORMATS if one in seen.formats) or ("application/octet-stream",),
        raster=_raster(seen) or Raster(),
        proof=tried.proof or Proof.STATE,
        memory=tried.memory,
        history_s=tried.history_s or 0,
        paper=paper,
    )


def unknowns(seen: Seen, tried: Tried, paper: str) -> list[str]:
    """What the table says without anybody knowing it, as sentences."""
    table = {
        "formats: the printer names neither PDF nor PWG raster; it needs a driver": not set(_FORMATS)
        & set(seen.formats),
        "raster: unknown what it takes": PDF not in seen.formats and _raster(seen) is None,
        "raster.sheet_back: unknown; print two-sided only after a test": PDF not in seen.formats
        and not _sheet_back(seen),
        "proof: unknown without --print; until then the concierge is always asked": tried.proof is None,
        "history_s: unknown without --print; until then nothing is concluded from a history": tried.history_s is None,
        "memory: unknown without --power-cycle": tried.memory is Memory.UNTESTED,
        "paper: unknown without --paper": paper == "unknown",
    }
    return [sentence for sentence, so in table.items() if so]


def table_of(name: str, printer: Printer, notes: list[str]) -> str:
    """`[printers.NAME]` and, where pages are drawn for it, `[printers.NAME.raster]`."""
    return "\n".join(_lines(name, printer, [*notes, *problems_of(name, printer)])) + "\n"


def _lines(name: str, printer: Printer, notes: list[str]) -> Iterator[str]:
    yield from (f"# {note}" for note in notes)
    yield f"[printers.{name}]"
    for field in ("uri", "certificate_sha256", "formats", "proof", "memory", "history_s", "paper"):
        value = getattr(printer, field)
        if value != "":
            # JSON's strings, numbers and arrays of these are TOML's too.
            yield f"{field} = {json.dumps(value)}"
    if PDF not in printer.formats and PWG_RASTER in printer.formats:
        yield f"[printers.{name}.raster]"
        yield from (f"{field} = {json.dumps(getattr(printer.raster, field))}" for field in Raster.__struct_fields__)


def _raster(seen: Seen) -> Raster | None:
    dpi = sorted((one for one in seen.raster_dpi if one in _DPI_ALLOWED), key=lambda one: (one != _PREFERRED_DPI, one))
    types = [one for one in _TYPES if one in seen.raster_types]
    if not dpi or not types:
        return None
    return Raster(dpi=dpi[0], type=types[0], sheet_back=_sheet_back(seen) or SheetBack.NORMAL)


def _sheet_back(seen: Seen) -> SheetBack | None:
    return SheetBack(seen.sheet_back) if seen.sheet_back in set(SheetBack) else None
