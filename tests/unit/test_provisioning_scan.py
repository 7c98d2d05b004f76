"""The scan finds what it is meant to find, and only that."""

import base64
import random
from pathlib import Path

import pytest

from provisioning.demo.scan import DISTINCT, WINDOW, WINDOWS, Haystack, _inflated
from provisioning.sample import sample_certificate


@pytest.fixture(scope="module")
def certificate() -> bytes:
    return sample_certificate(1)


@pytest.fixture(scope="module")
def haystack(certificate: bytes) -> Haystack:
    return Haystack(certificate, sample_certificate(2))


def plant(folder: Path, data: bytes) -> Path:
    noise = random.Random(len(data)).randbytes(100_003)
    path = folder / "state" / "planted"
    path.parent.mkdir()
    path.write_bytes(noise + data + noise)
    return path


def test_a_certificate_gives_all_windows_of_document_and_streams(haystack: Haystack) -> None:
    assert {of: len(windows) for of, windows in haystack.windows.items()} == {"document": WINDOWS, "stream": WINDOWS}
    assert all(len(set(windows)) == WINDOWS for windows in haystack.windows.values())
    assert all(len(w) == WINDOW and len(set(w)) >= DISTINCT for ws in haystack.windows.values() for w in ws)


@pytest.mark.parametrize("of", ["document", "stream"])
@pytest.mark.parametrize(
    ("form", "encode"),
    [
        ("raw", lambda window: window),
        ("hex", lambda window: window.hex().encode()),
        ("HEX", lambda window: window.hex().upper().encode()),
        ("base64+0", lambda window: base64.b64encode(b"abc" + window + b"x")),
        ("base64+1", lambda window: base64.b64encode(b"ab" + window + b"x")),
        ("base64+2", lambda window: base64.b64encode(b"a" + window + b"x")),
    ],
)
def test_each_form_planted_once_is_found(haystack: Haystack, tmp_path: Path, form: str, encode, of: str) -> None:  # type: ignore[no-untyped-def]
    path = plant(tmp_path, encode(haystack.windows[of][17]))
    # A neighbour's window may overlap this one, and be found with it in another form.
    assert (path.resolve(), form, of) in {(hit.file, hit.form, hit.of) for hit in haystack.search([tmp_path])}


def test_a_document_written_whole_is_found(haystack: Haystack, certificate: bytes, tmp_path: Path) -> None:
    plant(tmp_path, certificate)
    assert len({hit.form for hit in haystack.search([tmp_path])}) == 1


def test_an_inflated_page_is_found(haystack: Haystack, certificate: bytes, tmp_path: Path) -> None:
    plant(tmp_path, b"".join(_inflated(certificate)))
    assert "stream" in {hit.of for hit in haystack.search([tmp_path])}


def test_another_certificate_is_no_hit(haystack: Haystack, tmp_path: Path) -> None:
    plant(tmp_path, sample_certificate(2))
    assert haystack.search([tmp_path]) == []


def test_the_printers_own_folder_is_left_out(haystack: Haystack, certificate: bytes, tmp_path: Path) -> None:
    plant(tmp_path, certificate)
    assert haystack.search([tmp_path], [tmp_path / "state"]) == []


def test_20_mb_of_noise_hold_nothing(haystack: Haystack, tmp_path: Path) -> None:
    (tmp_path / "ciphertext").write_bytes(random.Random(1).randbytes(20_000_000))
    assert haystack.search([tmp_path]) == []
