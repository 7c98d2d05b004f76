"""`bus-agent printer probe`, against a real virtual printer, and against a fake where no real one proves as little."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pikepdf
import pytest

from bus_agent import cli
from bus_agent.errors import NobodyThereError, NotSwitchedOffError, TrialPrintError
from bus_agent.probe import trial
from bus_agent.probe.look import connect, look
from bus_agent.probe.page import PAGES, two_pages
from bus_agent.probe.profile import Tried, profile_of, table_of, unknowns
from bus_agent.probe.trial import PageTicket
from bus_agent.spooler.printer import path_at
from cityhall_base.printers import Memory, Printer, Proof, Raster, RasterType, SheetBack, problems_of
from provisioning.demo.wait import wait_until
from provisioning.files import me
from tests.fake_printer import FakePrinter, serving
from tests.integration.bus_lab import TOP, BusLab

A4 = PageTicket("iso_a4_210x297mm")

real = pytest.mark.skipif(
    not (shutil.which("ippeveprinter") and shutil.which("dbus-daemon")), reason="no ippeveprinter or dbus-daemon"
)


@pytest.fixture
def printer(request: pytest.FixtureRequest) -> Iterator[BusLab]:
    """ippeveprinter alone, which takes as many seconds as the test says for a document."""
    with tempfile.TemporaryDirectory(prefix="printer-") as top:
        lab = BusLab(Path(top))
        try:
            lab.start(getattr(request, "param", 0.0), spooler=False)
            yield lab
        finally:
            lab.stop()


def probe(*options: str) -> tuple[int, dict[str, Any]]:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        code = cli.main(["printer", "probe", "--json", *options])
    return code, json.loads(out.getvalue())


def parsed(table: str) -> Printer:
    (printer,) = tomllib.loads(table)["printers"].values()
    return msgspec.convert(printer, Printer)


@real
def test_a_look_shows_what_the_printer_is_and_guesses_nothing(
    printer: BusLab, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"ipp://localhost:{printer.port}/ipp/print"
    assert cli.main(["printer", "probe", "--uri", uri]) == 0
    shown = capsys.readouterr().out
    for line in (
        "make and model +Example Virtual printer",
        "formats +application/pdf",
        "media ready +iso_a4_210x297mm",
        "raster resolutions +300 dpi, 600 dpi",
        "sheet back +rotated",
        "supplies +wasteToner 75 %, toner black 60 %",
        "counter +unknown",
        "# proof: unknown without --print",
    ):
        assert re.search(f"^{line}", shown, re.MULTILINE), line
    table = shown[shown.index("[printers.") :]
    assert (parsed(table).proof, parsed(table).memory, parsed(table).history_s) == ("state", "untested", 0)
    assert printer.papers() == []


@real
def test_a_trial_print_over_tls_fills_the_profile(printer: BusLab) -> None:
    uri = f"ipps://localhost:{printer.port}/ipp/print"
    code, said = probe("--uri", uri, "--print", "--history-seconds", "1", "--name", "moba-1", "--paper", "controlled")
    profile = parsed(said["profile"])
    assert (code, profile.proof, profile.history_s, profile.paper) == (0, Proof.IMPRESSIONS, 1, "controlled")
    assert profile.certificate_sha256 == said["seen"]["certificate_sha256"]
    assert path_at(profile.address).describe().state == "idle"
    assert (list(problems_of("moba-1", profile)), len(printer.papers())) == ([], 1)


@real
@pytest.mark.parametrize("printer", [6.0], indirect=True)
def test_a_printer_that_is_switched_off_with_a_job_in_it_has_lost_it(printer: BusLab) -> None:
    uri = f"ipp://localhost:{printer.port}/ipp/print"
    wait_until(lambda: path_at(uri).describe().up_time > 2, 10, "the printer has been on for a while")
    argv = [sys.executable, "-m", "bus_agent.cli", "printer", "probe", "--json", "--uri", uri, "--power-cycle"]
    pipe, env = subprocess.PIPE, {"PATH": os.defpath, "PYTHONPATH": str(TOP)}
    with subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env) as asked:
        assert asked.stdin is not None
        assert asked.stderr is not None
        assert "Take the paper out" in asked.stderr.readline()
        asked.stdin.write("\n")
        asked.stdin.flush()
        assert "Switch it off" in asked.stderr.readline()
        printer.printer.kill()
        printer.printer.start()
        out, _ = asked.communicate("\nn\n", timeout=30)
    assert (asked.returncode, parsed(json.loads(out)["profile"]).memory) == (0, Memory.LOST)


@pytest.mark.parametrize(
    ("fields", "proof"),
    [
        ({}, Proof.IMPRESSIONS),
        ({"says_counts": False}, Proof.COUNTER),
        ({"counted": 1, "counter": None}, Proof.STATE),
        ({"says_counts": False, "counter": None}, Proof.STATE),
    ],
)
def test_a_print_shows_the_strongest_proof(fields: dict[str, Any], proof: Proof) -> None:
    fake = FakePrinter(pages=PAGES, **fields)
    with serving(fake) as port:
        counted = trial.print_pages(path_at(f"ipp://127.0.0.1:{port}/ipp/print", counts_all=True), A4)
    assert counted.proof is proof


def test_a_page_that_does_not_come_out_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_PRINT_S", 0.2)
    fake = FakePrinter(hold=True)
    with serving(fake) as port, pytest.raises(TrialPrintError):
        trial.print_pages(path_at(f"ipp://127.0.0.1:{port}/ipp/print"), A4)
    assert [job.state for job in fake.jobs.values()] == [7]


def power_off(fake: FakePrinter, *, came_out: str, keeps_jobs: bool = False, switched: bool = True) -> Memory:
    """The trial with a technician who does as he is asked."""

    def answer(text: str) -> str:
        if "Switch it off" in text and switched:
            fake.power_cycle(keeps_jobs=keeps_jobs)
        return came_out if "y or n" in text else "\n"

    with serving(fake) as port:
        return trial.survives_power_off(path_at(f"ipp://127.0.0.1:{port}/ipp/print"), A4, answer)


def test_what_a_printer_does_with_its_jobs_at_power_off_is_seen_or_asked() -> None:
    assert power_off(FakePrinter(hold=True), came_out="n\n") is Memory.LOST
    assert power_off(FakePrinter(hold=True), came_out="Y\n") is Memory.KEPT
    assert power_off(FakePrinter(hold=True), came_out="\n") is Memory.UNTESTED
    assert power_off(FakePrinter(hold=False), came_out="n\n") is Memory.UNTESTED
    kept = FakePrinter(hold=True)
    assert power_off(kept, came_out="n\n", keeps_jobs=True) is Memory.KEPT
    assert [job.state for job in kept.jobs.values()] == [7]


def test_a_printer_that_was_never_off_shows_it() -> None:
    fake = FakePrinter(hold=True)
    with pytest.raises(NotSwitchedOffError):
        power_off(fake, came_out="n\n", switched=False)
    assert [job.state for job in fake.jobs.values()] == [7]


def test_without_anybody_there_nothing_stays_in_the_printer() -> None:
    fake, answers = FakePrinter(hold=True), iter(["\n"])

    def answer(text: str) -> str:
        try:
            return next(answers)
        except StopIteration:
            raise NobodyThereError from None

    with serving(fake) as port, pytest.raises(NobodyThereError):
        trial.survives_power_off(path_at(f"ipp://127.0.0.1:{port}/ipp/print"), A4, answer)
    assert [job.state for job in fake.jobs.values()] == [7]


@real
def test_a_printer_without_pdf_gets_the_raster_that_it_takes(printer: BusLab) -> None:
    printer.printer.kill()
    printer.printer_folder.prepare(me(), sys.executable, 0, formats=("image/pwg-raster",))
    printer.printer.start()
    profile = parsed(probe("--uri", f"ipp://localhost:{printer.port}/ipp/print")[1]["profile"])
    assert (profile.formats, profile.raster) == (("image/pwg-raster",), Raster(sheet_back=SheetBack.ROTATED))


def test_every_doubt_about_a_printer_is_named() -> None:
    with serving(FakePrinter()) as port:
        seen = look(*connect_to(port))
    driver = profile_of(seen, Tried(), "unknown")
    assert "needs a driver" in table_of("x", driver, unknowns(seen, Tried(), "unknown"))
    raster = {"formats": ("image/pwg-raster",), "raster_dpi": (600, 300), "raster_types": ("black_1", "sgray_8")}
    seen = msgspec.structs.replace(seen, **raster)
    profile, notes = profile_of(seen, Tried(), "a4"), unknowns(seen, Tried(), "a4")
    assert (profile.raster.dpi, profile.raster.type, profile.raster.sheet_back) == (
        300,
        RasterType.SGRAY_8,
        SheetBack.NORMAL,
    )
    assert [note.split(":")[0] for note in notes] == ["raster.sheet_back", "proof", "history_s", "memory"]
    assert parsed(table_of("x", profile, notes)) == profile


def connect_to(port: int) -> tuple[Any, str, str]:
    uri = f"ipp://127.0.0.1:{port}/ipp/print"
    path, certificate = connect(uri)
    return path, uri, certificate


def test_nobody_at_the_address_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["printer", "probe", "--json", "--uri", "ipp://localhost:1/ipp/print"]) == 1
    assert json.loads(capsys.readouterr().err)["key"] == "printer.silent"


@pytest.mark.parametrize("options", [["--uri", "http://localhost/"], ["--name", "no name"]])
def test_what_is_no_address_or_name_is_said_before_anything(options: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["printer", "probe", *options])
    assert ended.value.code == 2


def test_the_test_page_is_a_whole_pdf_without_data() -> None:
    raw = two_pages()
    with pikepdf.open(io.BytesIO(raw)) as pdf:
        assert (len(pdf.pages), pdf.get_warnings()) == (PAGES, [])
    assert b"No data" in raw
