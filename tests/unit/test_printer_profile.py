"""A printer's profile in city.toml, and the file that makes ipp-usb keep to itself."""

import configparser
from typing import Any

import pytest

from cityhall_base.printers import Printer, problems_of
from cityhall_base.settings import parse
from tests.systemd_tree import UNITS

PIN = "ab" * 32


def problems(**fields: Any) -> list[str]:
    return list(problems_of("front", Printer(paper="controlled", **fields)))


GOOD: dict[str, dict[str, Any]] = {
    "on the vehicle's network": {"uri": "ipp://192.168.8.20/ipp/print"},
    "through ipp-usb": {"uri": "ipp://localhost:60000/ipp/print"},
    "through ipp-usb, by number": {"uri": "ipp://[::1]:60000/ipp/print"},
    "with a certificate": {"uri": "ipps://printer.bus:60443/ipp/print", "certificate_sha256": PIN},
}


@pytest.mark.parametrize("fields", GOOD.values(), ids=GOOD.keys())
def test_a_profile_that_fits_together(fields: dict[str, Any]) -> None:
    assert problems(**fields) == []


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "ipps without a certificate": ({"uri": "ipps://printer/ipp/print"}, "certificate_sha256"),
    "a certificate without ipps": ({"uri": "ipp://printer/ipp/print", "certificate_sha256": PIN}, "certificate_sha256"),
    "ipp-usb of another box": ({"uri": "ipp://192.168.8.20:60000/ipp/print"}, "localhost"),
    "no format that is sealed": ({"uri": "ipp://printer/ipp/print", "formats": ("image/urf",)}, "formats"),
}


@pytest.mark.parametrize(("fields", "named"), BAD.values(), ids=BAD.keys())
def test_what_does_not_fit_together_is_named(fields: dict[str, Any], named: str) -> None:
    (problem,) = problems(**fields)
    assert problem.startswith("printers.front.")
    assert named in problem


def test_an_opener_is_told_the_certificate_with_the_address() -> None:
    pinned = Printer(uri="ipps://printer/ipp/print", certificate_sha256=PIN, paper="controlled")
    assert pinned.address == f"ipps://printer/ipp/print#{PIN}"
    plain = parse(b'uri = "ipp://printer/ipp/print"\npaper = "a4"\nmemory = "kept"\nhistory_s = 0', Printer, "x")
    assert (plain.address, plain.memory, plain.history_s) == ("ipp://printer/ipp/print", "kept", 0)


def test_ipp_usb_shows_the_printer_to_this_box_alone_and_writes_down_nothing_of_a_document() -> None:
    file = configparser.ConfigParser()
    file.read(UNITS / "ipp-usb" / "ipp-usb.conf", encoding="utf-8")
    network, logging = file["network"], file["logging"]
    assert (network["interface"], network["dns-sd"]) == ("loopback", "disable")
    assert int(network["http-min-port"]) == 60000
    assert {logging[name] for name in ("device-log", "main-log", "console-log")} == {"error"}
