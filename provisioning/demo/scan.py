"""Is anything readable of a document left in files? A search for windows of its bytes, in the forms in which bytes are kept.

A window is WINDOW bytes long, has at least DISTINCT different ones, and does not occur in a second certificate: what two
certificates share (the font's tables, the form) says nothing about a resident. It is looked for raw, as hex and as
base64 at its three alignments.
"""

import base64
import io
import os
import random
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pikepdf

WINDOW: Final = 32
DISTINCT: Final = 16
WINDOWS: Final = 200
_BLOCK: Final = 16
"""Each needle is at least twice as long, less one byte: wherever it lies, one aligned block of the file lies inside it."""
_CHUNK: Final = 256 * 1024
"""Bytes at a time: about 2 ms, in which no other thread of the demo can take the time of what it sees."""
_TRIES: Final = 200
"""Draws for each window wanted, before a document counts as too small or too plain for so many."""


class Hit(NamedTuple):
    """Something readable was found."""

    file: Path
    form: str  # raw, hex, HEX, base64+0, base64+1, base64+2
    of: str  # document, or stream: one of its inflated streams


class Needle(NamedTuple):
    """One window in one form."""

    data: bytes
    form: str
    of: str


class Haystack:
    """Windows of one document, ready to be searched for in any number of files."""

    def __init__(self, document: bytes, other: bytes, seed: int | None = None) -> None:
        """`other` is a second certificate; a PDF that cannot be read is taken as it is. `seed` repeats a draw."""
        draw = random.Random(seed)  # noqa: S311 - a sample, not a secret
        known = (other, *_inflated(other))
        parts = (((document,), "document"), (_inflated(document), "stream"))
        self.windows = {of: tuple(_windows(pieces, known, draw)) for pieces, of in parts}
        self.needles = tuple(
            needle for of, windows in self.windows.items() for window in windows for needle in forms_of(window, of)
        )
        self._by_block: dict[bytes, list[Needle]] = {}
        for needle in self.needles:
            for at in range(_BLOCK):
                # Windows may overlap, so one block can be of several.
                self._by_block.setdefault(needle.data[at : at + _BLOCK], []).append(needle)

    def search(self, roots: Iterable[Path], leave_out: Iterable[Path] = ()) -> list[Hit]:
        """Every hit in the files below `roots`, except those below `leave_out`. Raises OSError where one cannot be read."""
        excluded = tuple(leave_out)
        return [hit for path in files_below(roots, excluded) for hit in self.search_file(path)]

    def search_file(self, path: Path) -> list[Hit]:
        """Hits in one file; none where it has gone meanwhile."""
        try:
            with path.open("rb") as file:
                suspects = self._suspects(file)
                if not suspects:
                    return []
                # Read again, not mapped: a file that is truncated while it is mapped kills its reader.
                whole = path.read_bytes()
                return [Hit(path, needle.form, needle.of) for needle in suspects if needle.data in whole]
        except FileNotFoundError:
            return []

    def _suspects(self, file: io.BufferedReader) -> set[Needle]:
        found: set[Needle] = set()
        while chunk := file.read(_CHUNK):
            aligned = memoryview(chunk)[: len(chunk) // _BLOCK * _BLOCK]
            blocks = {block for (block,) in struct.iter_unpack(f"{_BLOCK}s", aligned)}
            found.update(needle for block in self._by_block.keys() & blocks for needle in self._by_block[block])
        return found


def files_below(roots: Iterable[Path], leave_out: Iterable[Path] = ()) -> Iterator[Path]:
    """Regular files that are or lie below `roots`, except those below `leave_out`; symbolic links are not followed."""
    excluded = {path.resolve() for path in leave_out}
    for root in roots:
        if _is_plain_file(root):
            yield root
        for above, folders, files in os.walk(root.resolve(), onerror=_raise):
            here = Path(above)
            folders[:] = [name for name in folders if here / name not in excluded]
            yield from (here / name for name in files if _is_plain_file(here / name))


def forms_of(window: bytes, of: str = "document") -> list[Needle]:
    """One window in each form in which it could be kept."""
    shifted = (base64.b64encode(window[at : at + (len(window) - at) // 3 * 3]) for at in range(3))
    return [
        Needle(window, "raw", of),
        Needle(window.hex().encode(), "hex", of),
        Needle(window.hex().upper().encode(), "HEX", of),
        *(Needle(text, f"base64+{at}", of) for at, text in enumerate(shifted)),
    ]


def _windows(pieces: tuple[bytes, ...], known: tuple[bytes, ...], draw: random.Random) -> Iterator[bytes]:
    long_enough = [piece for piece in pieces if len(piece) >= WINDOW]
    lengths = [len(piece) for piece in long_enough]
    drawn: set[bytes] = set()
    for _ in range(WINDOWS * _TRIES if long_enough else 0):
        piece = draw.choices(long_enough, lengths)[0]
        at = draw.randrange(len(piece) - WINDOW + 1)
        window = piece[at : at + WINDOW]
        if window not in drawn and len(set(window)) >= DISTINCT and not any(window in other for other in known):
            drawn.add(window)
            yield window
        if len(drawn) == WINDOWS:
            return


def _inflated(document: bytes) -> tuple[bytes, ...]:
    try:
        with pikepdf.open(io.BytesIO(document)) as pdf:
            return tuple(filter(None, (_stream(item) for item in pdf.objects if isinstance(item, pikepdf.Stream))))
    except pikepdf.PdfError:
        return ()


def _stream(stream: pikepdf.Stream) -> bytes:
    # What is not deflated (a JPEG image, for one) stands in the document as it is.
    try:
        inflated = stream.read_bytes()
    except pikepdf.PdfError:
        return b""
    return b"" if inflated == stream.read_raw_bytes() else inflated


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
