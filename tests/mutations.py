"""Hostile documents by the hundred: the corpus with bytes flipped, parts cut, doubled, swapped and numbers made absurd.

`python -m tests.mutations SEED COUNT` prints how many of COUNT were taken, refused with which key, and ended by a signal. To be
quick enough it forks the checking program ready imported instead of starting it anew; everything from `checker.main` on and the
judgement of its parent are the real ones.
"""

import json
import os
import sys
import traceback
from collections import Counter
from io import BytesIO
from pathlib import Path
from random import Random

import msgspec
import pikepdf

from cityhall_relay.intake import check, checker
from cityhall_relay.intake.errors import IntakeRefused
from cityhall_relay.intake.report import IntakeLimits, Task

CORPUS = Path(__file__).parent / "documents"
WORDS = (
    b"/Length",
    b"/Kids",
    b"/Parent",
    b"/Type",
    b"/Filter",
    b"/Width",
    b"/Count",
    b" R",
    b"obj",
    b"stream",
    b"xref",
    b"<<",
)
LIMITS = IntakeLimits(cpu_seconds=2)


def corpus() -> list[bytes]:
    """The documents as they are, and once more with their streams unpacked, so that changes reach what is inside."""
    whole = [path.read_bytes() for path in sorted(CORPUS.glob("*.pdf"))]
    return [*whole, *(_unpacked(document) for document in whole)]


def _unpacked(document: bytes) -> bytes:
    try:
        with pikepdf.open(BytesIO(document)) as pdf:
            out = BytesIO()
            pdf.save(
                out,
                compress_streams=False,
                stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
                object_stream_mode=pikepdf.ObjectStreamMode.disable,
                encryption=False,
                deterministic_id=True,
            )
            return out.getvalue()
    except pikepdf.PasswordError:
        return document


def mutated(draw: Random, documents: list[bytes]) -> bytes:
    """One of `documents` after one to four changes. Most keep its length, so that its table of contents stays true."""
    document = bytearray(draw.choice(documents))
    for _ in range(draw.randrange(1, 5)):
        draw.choice((flip, flip, number, number, word, overwrite, cut, double, truncate, splice))(
            draw, document, documents
        )
    return bytes(document)


def flip(draw: Random, document: bytearray, _documents: list[bytes]) -> None:
    for _ in range(draw.choice((1, 1, 3, 30))):
        document[draw.randrange(len(document))] = draw.randrange(256)


def number(draw: Random, document: bytearray, _: list[bytes]) -> None:
    """Other digits in place of the next digits."""
    at = draw.randrange(len(document))
    while at < len(document) and not chr(document[at]).isdigit():
        at += 1
    while at < len(document) and chr(document[at]).isdigit():
        document[at] = draw.choice(b"0123456789999")
        at += 1


def word(draw: Random, document: bytearray, _: list[bytes]) -> None:
    """A keyword in place of another of the same length."""
    old, new = draw.choice(WORDS), draw.choice(WORDS)
    at = document.find(old, draw.randrange(len(document)))
    if at >= 0:
        document[at : at + len(old)] = new[: len(old)].ljust(len(old))


def overwrite(draw: Random, document: bytearray, documents: list[bytes]) -> None:
    other, size = draw.choice(documents), draw.choice((8, 100, 2000))
    start, at = draw.randrange(len(other)), draw.randrange(len(document))
    part = other[start : start + min(size, len(document) - at)]
    document[at : at + len(part)] = part


def cut(draw: Random, document: bytearray, _: list[bytes]) -> None:
    at = draw.randrange(len(document))
    del document[at : at + min(draw.choice((1, 10, 1000)), len(document) - 1)]


def double(draw: Random, document: bytearray, _: list[bytes]) -> None:
    at = draw.randrange(len(document))
    document[at:at] = document[at : at + draw.choice((1, 50, 3000))]


def truncate(draw: Random, document: bytearray, _: list[bytes]) -> None:
    del document[draw.randrange(1, len(document) + 1) :]


def splice(draw: Random, document: bytearray, documents: list[bytes]) -> None:
    other = draw.choice(documents)
    document[draw.randrange(len(document)) :] = other[draw.randrange(len(other)) :]


def verdict(document: bytes) -> str:
    """What intake says of `document`. Anything but a report or a refusal raises IntakeUnavailableError."""
    source, (answer, write) = os.memfd_create("document"), os.pipe()
    with os.fdopen(source, "wb", closefd=False) as file:
        file.write(document)
    os.lseek(source, 0, os.SEEK_SET)
    child = os.fork()
    if child == 0:
        _be_the_checker(source, write)
    os.close(source)
    os.close(write)
    with os.fdopen(answer, "rb") as pipe:
        said = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    try:
        findings = check._judge(status, said).findings
    except IntakeRefused as refused:
        findings = refused.findings
    ended = f"signal {-status}: " if status < 0 else ""
    return ended + (",".join(sorted({finding.refusal for finding in findings})) or "taken")


def _be_the_checker(source: int, write: int) -> None:
    code = 99
    try:
        os.dup2(source, 0)
        os.dup2(write, 1)
        code = checker.main(msgspec.json.encode(Task(limits=LIMITS)).decode())
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def main(seed: int, count: int) -> dict[str, int]:
    """Raises what the first document raised that was neither taken nor refused; its number is on standard error."""
    documents, tally = corpus(), Counter[str]()
    for place in range(count):
        document = mutated(Random(f"{seed} {place}"), documents)
        try:
            tally[verdict(document)] += 1
        except BaseException:
            print(f"seed {seed}, document {place}", file=sys.stderr)
            raise
    return dict(tally.most_common())


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2])), indent=1))
