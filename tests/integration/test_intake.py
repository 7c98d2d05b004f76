"""Intake against real documents in its real disposable process: what may pass, what is refused, and what holds it in."""

import asyncio
import errno
import json
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

import cityhall_relay
from cityhall_relay.intake import check as parent
from cityhall_relay.intake.check import check
from cityhall_relay.intake.errors import IntakeRefused, IntakeUnavailableError
from cityhall_relay.intake.report import IntakeLimits, PageSize, Refusal, Report, Task
from provisioning.sample import sample_certificate

A4 = (595.28, 841.89)
MIB = 1024 * 1024
AS_MADE = {"compress_streams": False, "stream_decode_level": pikepdf.StreamDecodeLevel.none}
Change = Callable[[Pdf], Any]


@cache
def sample(pages: int) -> bytes:
    return sample_certificate(1, pages=pages)


def take(document: bytes, **limits: Any) -> Report:
    return asyncio.run(check(document, IntakeLimits(**limits)))


def refusals(document: bytes, **limits: Any) -> set[Refusal]:
    with pytest.raises(IntakeRefused) as refused:
        take(document, **limits)
    return {finding.refusal for finding in refused.value.findings}


def document(change: Change | None = None, size: tuple[float, float] = A4, **save: Any) -> bytes:
    """A blank one-page document after `change`."""
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=size)
        if change:
            change(pdf)
        out = BytesIO()
        pdf.save(out, **(save or AS_MADE))
        return out.getvalue()


def bare_font(**more: Any) -> Dictionary:
    return Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, **more)


PAINT = b"BT /F 12 Tf (certificate) Tj ET"


def form(pdf: Pdf, content: bytes = PAINT, **resources: Any) -> Stream:
    return Stream(pdf, content, Subtype=Name.Form, BBox=[0, 0, 9, 9], Resources=Dictionary(**resources))


def draw_with(category: str, thing: Callable[[Pdf], Any], content: bytes = PAINT) -> Change:
    """Put `thing` among the first page's resources as /F, and let the page's content paint with it."""

    def change(pdf: Pdf) -> None:
        pdf.pages[0].resources[f"/{category}"] = Dictionary(F=thing(pdf))
        pdf.pages[0].obj.Contents = Stream(pdf, content)

    return change


def annotate(**entries: Any) -> Change:
    def change(pdf: Pdf) -> None:
        pdf.pages[0].obj.Annots = Array([Dictionary(Type=Name.Annot, Rect=[0, 0, 9, 9], **entries)])

    return change


def in_root(**entries: Any) -> Change:
    return lambda pdf: pdf.Root.update(Dictionary(**entries))


# What may pass


@pytest.mark.parametrize("pages", [1, 2])
def test_a_sample_certificate_passes_and_the_report_names_what_held_the_process(pages: int) -> None:
    report = take(sample(pages))
    assert report.pages == pages
    assert report.sizes == (PageSize(width_mm=210.0, height_mm=297.0),) * pages
    assert report.document_format == "application/pdf"
    assert {"seccomp", "resource limits", "no new privileges"} <= set(report.isolation)


def test_a_document_of_20_mb_passes() -> None:
    scan = document(draw_with("XObject", lambda pdf: Stream(pdf, os.urandom(20_000_000), Subtype=Name.Image)))
    assert take(scan).pages == 1


def type3(pdf: Pdf, **more: Any) -> Dictionary:
    return Dictionary(
        Type=Name.Font,
        Subtype=Name.Type3,
        CharProcs=Dictionary(AA=Stream(pdf, PAINT)),
        FontBBox=[0, 0, 9, 9],
        **more,
    )


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda pdf: pdf.pages[0].rotate(90, relative=False), id="turned"),
        pytest.param(annotate(Subtype=Name.Link, A=Dictionary(S=Name.URI, URI=String("https://x.test"))), id="link"),
        pytest.param(
            lambda pdf: pdf.Root.update(Dictionary(OpenAction=Array([pdf.pages[0].obj, Name.Fit]))),
            id="opens at a page",
        ),
        pytest.param(draw_with("Font", type3), id="a drawn font whose glyph is called AA"),
        pytest.param(in_root(AcroForm=Dictionary(Fields=[], DR=Dictionary(Font=Dictionary(H=bare_font())))), id="form"),
    ],
)
def test_what_paper_does_not_show_is_let_through(change: Change) -> None:
    assert take(document(change)).pages == 1


@pytest.mark.parametrize("size", [(841.89, 595.28), (587.5, 841.89), (600, 845)])
def test_a4_lying_or_rounded_passes(size: tuple[float, float]) -> None:
    assert take(document(size=size)).pages == 1


# What is refused


@pytest.mark.parametrize("garbage", [b"", b"\x00" * 4096, b"hello", b"\x1b%-12345X@PJL\r\n" + document()])
def test_what_does_not_begin_as_a_pdf_is_not_one(garbage: bytes) -> None:
    assert refusals(garbage) == {Refusal.NOT_PDF}


@pytest.mark.parametrize("part", [0.01, 0.5, 0.99])
def test_a_truncated_document_is_damaged(part: float) -> None:
    whole = sample(1)
    assert refusals(whole[: int(len(whole) * part)]) == {Refusal.DAMAGED}


def test_a_stream_that_does_not_decode_is_damaged() -> None:
    broken = document(draw_with("XObject", lambda pdf: Stream(pdf, b"not zlib", Filter=Name.FlateDecode)))
    assert refusals(broken) == {Refusal.DAMAGED}


@pytest.mark.parametrize("user", ["", "secret"])
def test_an_encrypted_document_is_refused_even_when_it_opens_without_a_password(user: str) -> None:
    assert refusals(document(encryption=pikepdf.Encryption(owner="owner", user=user))) == {Refusal.ENCRYPTED}


def test_too_many_pages_are_refused() -> None:
    assert refusals(sample(2), pages=1) == {Refusal.TOO_MANY_PAGES}


def test_a_document_over_the_limit_is_refused_on_both_sides_of_the_pipe() -> None:
    whole, limits = sample(1), IntakeLimits(document_bytes=1024)
    assert refusals(whole, document_bytes=1024) == {Refusal.TOO_LARGE}
    status, answer = asyncio.run(parent._ask(whole, Task(limits=limits)))
    assert (status, json.loads(answer)["findings"][0]["refusal"]) == (0, Refusal.TOO_LARGE)


def set_page(**entries: Any) -> Change:
    return lambda pdf: pdf.pages[0].obj.update(Dictionary(**entries))


@pytest.mark.parametrize(
    "sheet",
    [
        document(size=(612, 792)),
        document(size=(420, 595)),
        document(set_page(CropBox=[0, 0, 500, 800])),
        document(set_page(UserUnit=2)),
        document(set_page(MediaBox=[0, 0, 700, 900], CropBox=[0, 0, *A4])),
    ],
    ids=["letter", "A5", "cropped", "unit", "only cropped to A4"],
)
def test_a_page_that_is_not_a4_is_refused(sheet: bytes) -> None:
    assert refusals(sheet) == {Refusal.WRONG_SIZE}


def without_pages(pdf: Pdf) -> None:
    del pdf.pages[0]


@pytest.mark.parametrize("change", [set_page(UserUnit=10**18), set_page(MediaBox=[0, 0]), without_pages])
def test_a_document_without_a_page_of_any_size_is_damaged(change: Change) -> None:
    assert Refusal.DAMAGED in refusals(document(change))


def test_a_reason_on_many_pages_is_told_once() -> None:
    def three_letters(pdf: Pdf) -> None:
        pdf.add_blank_page(page_size=(612, 792))
        pdf.add_blank_page(page_size=(612, 792))

    with pytest.raises(IntakeRefused) as refused:
        take(document(three_letters, size=(612, 792)))
    assert [finding.page for finding in refused.value.findings] == [1]


def test_a_wrong_size_names_page_and_measure() -> None:
    with pytest.raises(IntakeRefused, match="Page 1: The page measures 216 × 279 mm"):
        take(document(size=(612, 792)))


def composite(pdf: Pdf) -> Dictionary:
    descendant = Dictionary(Type=Name.Font, Subtype=Name.CIDFontType2, FontDescriptor=Dictionary(FontName=Name.Mincho))
    return Dictionary(Type=Name.Font, Subtype=Name.Type0, BaseFont=Name.Mincho, DescendantFonts=[descendant])


def empty_program(pdf: Pdf) -> Dictionary:
    return bare_font(FontDescriptor=Dictionary(FontFile=Stream(pdf, b"")))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(draw_with("Font", lambda pdf: bare_font()), id="one of the standard 14"),
        pytest.param(draw_with("Font", composite), id="composite"),
        pytest.param(draw_with("Font", empty_program), id="empty program"),
        pytest.param(draw_with("XObject", lambda pdf: form(pdf, Font=Dictionary(F=bare_font()))), id="form"),
        pytest.param(
            draw_with(
                "XObject", lambda pdf: form(pdf, XObject=Dictionary(Y=form(pdf, Font=Dictionary(F=bare_font()))))
            ),
            id="form in a form",
        ),
        pytest.param(
            draw_with(
                "Pattern",
                lambda pdf: Stream(pdf, PAINT, PatternType=1, Resources=Dictionary(Font=Dictionary(F=bare_font()))),
            ),
            id="pattern",
        ),
        pytest.param(draw_with("ExtGState", lambda pdf: Dictionary(Font=[bare_font(), 12])), id="graphics state"),
        pytest.param(
            draw_with("Font", lambda pdf: type3(pdf, Resources=Dictionary(Font=Dictionary(F=bare_font())))),
            id="glyph of a drawn font",
        ),
        pytest.param(
            lambda pdf: annotate(Subtype=Name.Stamp, AP=Dictionary(N=form(pdf, Font=Dictionary(F=bare_font()))))(pdf),
            id="appearance of an annotation",
        ),
    ],
)
def test_a_font_that_is_not_embedded_is_refused_wherever_it_is_used(change: Change) -> None:
    assert refusals(document(change)) == {Refusal.FONT_NOT_EMBEDDED}


def test_the_missing_font_is_named() -> None:
    subset = draw_with("Font", lambda pdf: Dictionary(Subtype=Name.TrueType, BaseFont=Name("/ABCDEF+MS-Gothic\n<b>")))
    with pytest.raises(IntakeRefused, match=r"Page 1: The font MS-Gothic\?\?b\? is not in the document"):
        take(document(subset))


def action(kind: str, **more: Any) -> Dictionary:
    return Dictionary(S=Name(f"/{kind}"), **more)


def attach(pdf: Pdf) -> None:
    pdf.attachments["list.txt"] = b"names"


@pytest.mark.parametrize(
    ("refusal", "change"),
    [
        (Refusal.SCRIPT, in_root(OpenAction=action("JavaScript", JS=String("app.alert(1)")))),
        (Refusal.SCRIPT, in_root(OpenAction=action("Named", N=Name.Print))),
        (Refusal.SCRIPT, in_root(Names=Dictionary(JavaScript=Dictionary(Names=[])))),
        (Refusal.SCRIPT, set_page(AA=Dictionary(O=action("GoTo")))),
        (Refusal.SCRIPT, annotate(Subtype=Name.Link, A=action("Launch", F=String("calc.exe")))),
        (Refusal.SCRIPT, annotate(Subtype=Name.Link, A=action("GoTo", Next=[action("SubmitForm")]))),
        (Refusal.ATTACHMENT, attach),
        (Refusal.ATTACHMENT, annotate(Subtype=Name.FileAttachment, FS=Dictionary(Type=Name.Filespec))),
        (Refusal.ATTACHMENT, annotate(Subtype=Name.RichMedia)),
        (Refusal.ATTACHMENT, annotate(Subtype=Name.Movie)),
        (Refusal.ATTACHMENT, annotate(Subtype=Name("/3D"))),
        (Refusal.FORM_XFA, in_root(AcroForm=Dictionary(Fields=[], XFA=String("<xdp/>")))),
        (Refusal.EXTERNAL_REFERENCE, draw_with("XObject", lambda pdf: Stream(pdf, b"", F=String("/etc/passwd")))),
        (Refusal.EXTERNAL_REFERENCE, annotate(Subtype=Name.Link, A=action("GoToR", F=String("other.pdf")))),
    ],
)
def test_what_does_not_belong_on_paper_is_refused(refusal: Refusal, change: Change) -> None:
    assert refusals(document(change)) == {refusal}


def test_a_script_cannot_hide_in_a_dictionary_that_also_serves_as_a_map_of_fonts() -> None:
    def change(pdf: Pdf) -> None:
        both = pdf.make_indirect(Dictionary(JavaScript=Dictionary(Names=[])))
        pdf.pages[0].resources.Properties = both
        pdf.Root.Names = both

    assert refusals(document(change)) == {Refusal.SCRIPT}


def test_all_reasons_are_told_at_once() -> None:
    def change(pdf: Pdf) -> None:
        attach(pdf)
        set_page(CropBox=[0, 0, 500, 800])(pdf)

    assert refusals(document(change)) == {Refusal.ATTACHMENT, Refusal.WRONG_SIZE}


# What would eat the relay


@cache
def zeros(size: int) -> bytes:
    return zlib.compress(bytes(size), 1)


def inflating(pdf: Pdf, size: int = 16 * MIB) -> Stream:
    return Stream(pdf, zeros(size), Filter=Name.FlateDecode)


def font_with_bomb(pdf: Pdf) -> Dictionary:
    return bare_font(FontDescriptor=Dictionary(FontFile=inflating(pdf)))


def twice_compressed(pdf: Pdf) -> Stream:
    return Stream(pdf, zlib.compress(zeros(16 * MIB)), Filter=[Name.FlateDecode, Name.FlateDecode])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda pdf: pdf.pages[0].obj.update(Dictionary(Contents=inflating(pdf))), id="page content"),
        pytest.param(draw_with("Font", font_with_bomb), id="font"),
        pytest.param(draw_with("XObject", twice_compressed), id="compressed twice"),
    ],
)
def test_a_stream_that_unpacks_without_end_is_a_bomb(change: Change) -> None:
    assert refusals(document(change), stream_bytes=8 * MIB) == {Refusal.BOMB}


@pytest.mark.parametrize(
    "limits", [{}, {"stream_bytes": 2**32 - 1, "memory_bytes": 160 * MIB}], ids=["usual", "memory"]
)
def test_the_usual_limits_and_the_memory_alone_stop_a_bomb(limits: dict[str, int]) -> None:
    bomb = document(draw_with("XObject", lambda pdf: inflating(pdf, 160 * MIB)))
    assert refusals(bomb, **limits) == {Refusal.BOMB}


def many_streams(pdf: Pdf, count: int, size: int) -> None:
    pdf.pages[0].obj.Contents = Array([pdf.make_indirect(inflating(pdf, size)) for _ in range(count)])


def test_many_streams_that_are_too_much_together_are_a_bomb() -> None:
    bomb = document(lambda pdf: many_streams(pdf, 5, 16 * MIB))
    assert refusals(bomb, decoded_bytes=64 * MIB) == {Refusal.BOMB}


def test_a_document_that_uses_up_its_time_is_a_bomb() -> None:
    slow = document(lambda pdf: many_streams(pdf, 60, 100 * MIB))
    assert refusals(slow, decoded_bytes=2**40, cpu_seconds=1) == {Refusal.BOMB}


def test_the_deadline_ends_a_check() -> None:
    assert refusals(document(), deadline_seconds=0.01) == {Refusal.BOMB}


def object_stream_document(resources: bytes) -> bytes:
    """A document by hand whose page finds its `resources` (object 5) in a compressed object stream (object 4)."""
    packed = zlib.compress(b"5 0 " + resources, 1)
    bodies = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count 1/Kids[3 0 R]>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources 5 0 R>>",
        b"<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>> stream\n%b\nendstream" % (len(packed), packed),
    )
    out, rows = b"%PDF-1.5\n", [(0, 0, 255)]
    for number, body in enumerate(bodies, 1):
        rows.append((1, len(out), 0))
        out += b"%d 0 obj %b endobj\n" % (number, body)
    rows += [(2, 4, 0), (1, len(out), 0)]
    table = b"".join(bytes([kind]) + place.to_bytes(4, "big") + bytes([extra]) for kind, place, extra in rows)
    xref = b"6 0 obj <</Type/XRef/Size 7/W[1 4 1]/Root 1 0 R/Length %d>> stream\n%b\nendstream endobj\n"
    return out + xref % (len(table), table) + b"startxref\n%d\n%%%%EOF\n" % len(out)


def test_an_object_stream_passes() -> None:
    assert take(object_stream_document(b"<<>>")).pages == 1


def test_an_object_stream_that_unpacks_without_end_is_a_bomb() -> None:
    assert refusals(object_stream_document(b"<<>>" + b" " * 16 * MIB), stream_bytes=8 * MIB) == {Refusal.BOMB}


@pytest.mark.parametrize("depth", [600, 100_000])
def test_arrays_nested_deeper_than_any_program_writes_are_refused(depth: int) -> None:
    nested = b"<</ProcSet " + b"[" * depth + b"]" * depth + b">>"
    assert refusals(object_stream_document(nested)) == {Refusal.DAMAGED}


def nested_forms(pdf: Pdf) -> Stream:
    innermost = pdf.make_indirect(form(pdf))
    for _ in range(3000):
        innermost = pdf.make_indirect(form(pdf, XObject=Dictionary(X=innermost)))
    return innermost


def nested_page_tree(pdf: Pdf) -> None:
    for _ in range(3000):
        pdf.Root.Pages = pdf.make_indirect(Dictionary(Type=Name.Pages, Count=1, Kids=[pdf.Root.Pages]))


def test_forms_nested_thousands_deep_neither_crash_nor_hang_a_check() -> None:
    assert take(document(draw_with("XObject", nested_forms))).pages == 1


def test_a_page_tree_nested_thousands_deep_is_refused_or_read_but_never_hangs() -> None:
    deep = document(nested_page_tree)
    assert refusals(deep) <= {Refusal.DAMAGED, Refusal.BOMB}


# What holds the process in

SEAL_OFF_AND_TRY = """
import json, mmap, os, socket, sys
sys.path.append(sys.argv[1])
from cityhall_relay.intake.sandbox import SandboxLimits, lock_down
target, attempts = sys.argv[2], {}

def attempt(name, action):
    try:
        action()
    except OSError as error:
        attempts[name] = error.errno
    else:
        attempts[name] = None

held = lock_down(SandboxLimits(memory_bytes=1 << 29, cpu_seconds=5, allocation_bytes=1 << 28)).layers
attempt("write a file", lambda: open(target, "w"))
attempt("read a file", lambda: open("/etc/hostname"))
attempt("remove a file", lambda: os.unlink(target))
attempt("make a folder", lambda: os.mkdir(target + ".d"))
attempt("open a socket", lambda: socket.socket(socket.AF_INET))
attempt("open a unix socket", lambda: socket.socket(socket.AF_UNIX))
attempt("run a program", lambda: os.execv("/bin/true", ["true"]))
attempt("fork", os.fork)
attempt("signal another process", lambda: os.kill(1, 0))
attempt("map executable memory", lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_EXEC | mmap.PROT_WRITE))
attempt("list a folder", lambda: os.listdir("/"))
attempt("copy a descriptor", lambda: os.dup(1))
os.write(1, json.dumps({"held": held, "attempts": attempts}).encode())
"""


def test_from_inside_the_sandbox_every_way_out_is_closed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("untouched")
    program = [sys.executable, "-I", "-c", SEAL_OFF_AND_TRY, str(Path(cityhall_relay.__file__).parents[1]), str(target)]
    answer = json.loads(subprocess.run(program, capture_output=True, check=True, timeout=20).stdout)
    assert set(answer["attempts"].values()) == {errno.EPERM}, answer
    assert "seccomp" in answer["held"]
    assert target.read_text() == "untouched"


def run_instead(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    """Put `program` in the checking process's place: a checker that its document has taken over."""
    monkeypatch.setattr(parent, "_PROGRAM", program)


def test_the_process_gets_nothing_of_the_relay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CITYHALL_SECRET", "hunter2")
    run_instead(monkeypatch, "import os; print(dict(os.environ), sorted(os.listdir('/proc/self/fd')))")
    with open("/etc/hostname", "rb"):
        _, answer = asyncio.run(parent._ask(b"", Task(limits=IntakeLimits())))
    assert b"hunter2" not in answer
    assert answer.endswith(b"['0', '1', '2', '3']\n")  # 3 lists the folder


def test_without_a_sandbox_no_document_is_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    unlocked = "import ctypes; real = ctypes.CDLL; ctypes.CDLL = lambda name, **kw: real(name and 'gone.so', **kw); "
    run_instead(monkeypatch, unlocked + parent._PROGRAM)
    with pytest.raises(IntakeUnavailableError, match="libseccomp2 are needed"):
        take(document())


@pytest.mark.parametrize(
    ("program", "refusal"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", Refusal.DAMAGED),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", Refusal.BOMB),
        ("import os\nwhile True: os.write(1, b'x' * 65536)", Refusal.BOMB),
    ],
)
def test_a_process_that_its_document_destroys_is_a_refusal(
    monkeypatch: pytest.MonkeyPatch, program: str, refusal: Refusal
) -> None:
    run_instead(monkeypatch, program)
    assert refusals(document()) == {refusal}


@pytest.mark.parametrize("program", ["print('{}')", "print('<html>')", "raise SystemExit(1)"])
def test_what_is_not_a_report_takes_no_document(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    run_instead(monkeypatch, program)
    with pytest.raises(IntakeUnavailableError):
        take(document())


def test_a_caller_who_gives_up_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    beacon = tmp_path / "pid"
    os.mkfifo(beacon)  # reading it waits for the process
    run_instead(
        monkeypatch, f"import os; open({str(beacon)!r}, 'w').write(str(os.getpid())); import signal; signal.pause()"
    )

    async def give_up() -> str:
        task = asyncio.create_task(check(document()))
        pid = await asyncio.to_thread(beacon.read_text)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return pid

    assert not Path(f"/proc/{asyncio.run(give_up())}").exists()


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_has_a_key_and_says_what_to_do(refusal: Refusal) -> None:
    assert refusal.value.startswith("intake.")
    assert refusal.sentence.count(".") >= 2
