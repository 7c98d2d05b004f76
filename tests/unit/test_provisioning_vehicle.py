"""A city is made, a bus enters service: private keys stay where they were made, and both sides can load what was written."""

import json
import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bus_agent.settings import load_agent_settings, load_driver_settings, load_spooler_settings
from cityhall_base.city import load_city, load_signed_city, parse_city
from cityhall_base.clock import SystemClock
from cityhall_base.errors import ConfigError
from cityhall_base.keys import load_public_key, load_signing_key
from cityhall_relay.settings import load_clerk, load_relay
from provisioning import ca, cli, small_city
from provisioning.bus_folder import BusFolder
from provisioning.city_folder import Addresses
from provisioning.demo.printer import PCL, VIRTUAL_PPD
from provisioning.errors import AlreadyThereError, RequestRefusedError
from provisioning.signing import public_pem
from provisioning.vehicle import Admission, BusRequest, admit, make_bus_keys

PLAN = small_city.Plan(
    Addresses("127.0.0.1", 8443, 8444, 8883), small_city.PrinterPlan("ipp://localhost:8631/ipp/print"), {"sync_s": 5}
)
USERS = small_city.one_owner()


@pytest.fixture
def made(tmp_path: Path) -> small_city.SmallCity:
    return small_city.make(tmp_path, PLAN, USERS, SystemClock())


def request_of(bus: str, folder: Path) -> BusRequest:
    return make_bus_keys(BusFolder(folder / bus), bus, USERS.bus)


def private_keys_below(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file() and is_private(path)}


def is_private(path: Path) -> bool:
    return b"PRIVATE KEY" in path.read_bytes()


def test_the_relay_and_the_clerk_can_load_what_was_written(made: small_city.SmallCity) -> None:
    relay = load_relay(made.city.relay_toml)
    assert load_city(relay.city_file).city.name == "長谷市"
    assert set(relay.buses) == set(load_city(relay.city_file).city.vehicles) == {small_city.BUS}
    load_signing_key(relay.signing_key)
    load_public_key(relay.buses[small_city.BUS].link_key)
    load_public_key(relay.buses[small_city.BUS].print_key)
    clerk = load_clerk(made.clerk_toml)
    assert clerk.url == "https://127.0.0.1:8444"
    assert set(relay.clerks) == {small_city.CLERK, small_city.SECOND}


def test_a_bus_whose_printer_needs_a_driver_gets_one_and_another_bus_none(tmp_path: Path) -> None:
    plain = small_city.make(tmp_path / "plain", PLAN, USERS, SystemClock()).bus
    assert not plain.driver_toml.exists()
    plan = PLAN._replace(printer=PLAN.printer._replace(formats=(PCL,), ppd=VIRTUAL_PPD))
    bus = small_city.make(tmp_path / "driver", plan, USERS, SystemClock()).bus
    driver, spooler = load_driver_settings(bus.driver_toml), load_spooler_settings(bus.spooler_toml)
    city = load_signed_city(spooler.city_file, load_public_key(spooler.relay_public_key)).city
    profile = city.printers[city.vehicles[small_city.BUS].printer]
    assert profile.driver is not None
    assert (driver.ppd_dir / profile.driver.ppd).read_bytes() == VIRTUAL_PPD.read_bytes()
    assert (profile.sealed_format, profile.sent_format) == ("application/pdf", PCL)
    assert driver.socket == spooler.driver_socket


def test_agent_and_spooler_can_load_what_was_written(made: small_city.SmallCity) -> None:
    agent, spooler = load_agent_settings(made.bus.bus_toml), load_spooler_settings(made.bus.spooler_toml)
    relay_key = load_public_key(spooler.relay_public_key)
    assert load_signed_city(agent.city_file, relay_key).city.limits.sync_s == 5
    assert agent.spooler_socket == spooler.socket
    print_key = load_signing_key(spooler.print_key).public_key()
    assert print_key == load_public_key(agent.print_public_key)
    load_signing_key(agent.link_key)


def test_the_buss_keys_at_city_hall_are_the_ones_it_made(made: small_city.SmallCity) -> None:
    relay, agent = load_relay(made.city.relay_toml), load_agent_settings(made.bus.bus_toml)
    assert load_public_key(relay.buses[small_city.BUS].link_key) == load_signing_key(agent.link_key).public_key()


def test_private_keys_stay_where_they_were_made(made: small_city.SmallCity) -> None:
    at_city_hall, on_the_bus = private_keys_below(made.city.top), private_keys_below(made.bus.top)
    assert set(on_the_bus) == {"link.pem", "print.pem", "tls.key"}
    assert not set(at_city_hall.values()) & set(on_the_bus.values())


def test_what_crosses_between_bus_and_city_hall_holds_no_private_key(
    made: small_city.SmallCity, tmp_path: Path
) -> None:
    request = BusRequest(small_city.BUS, *(b"" for _ in range(3)))
    assert set(request._fields) == {"bus", "csr", "link_key", "print_key"}
    agent = load_agent_settings(made.bus.bus_toml)
    again = BusRequest(
        small_city.BUS,
        ca.new_request(ca.new_key(), small_city.BUS),
        public_pem(load_signing_key(agent.link_key).public_key()),
        agent.print_public_key.read_bytes(),
    )
    admission: Admission = admit(made.city, again, SystemClock())
    assert all(b"PRIVATE" not in part for part in (*again, *admission) if isinstance(part, bytes))


def test_every_private_key_is_readable_by_its_owner_alone(made: small_city.SmallCity) -> None:
    keys = [path for path in made.city.top.parent.rglob("*") if path.is_file() and is_private(path)]
    assert len(keys) == 9
    assert {stat.S_IMODE(path.stat().st_mode) for path in (*keys, *made.city.top.rglob("*.token"))} == {0o600}


def test_the_buss_certificate_verifies_with_openssl(made: small_city.SmallCity) -> None:
    agent = load_agent_settings(made.bus.bus_toml)
    chain = str(agent.relay.cert)
    trust = ["-x509_strict", "-purpose", "sslclient", "-CAfile", str(agent.relay.ca), "-untrusted", chain]
    done = subprocess.run(["openssl", "verify", *trust, chain], capture_output=True, text=True, check=False)
    assert done.stdout.endswith("OK\n"), done.stderr


def test_a_bus_that_city_toml_does_not_name_is_not_admitted(made: small_city.SmallCity, tmp_path: Path) -> None:
    with pytest.raises(RequestRefusedError, match=r"moba-1.*not moba-9"):
        admit(made.city, request_of("moba-9", tmp_path), SystemClock())


def test_no_bus_is_called_relay(tmp_path: Path) -> None:
    plan = small_city.city_toml(PLAN).replace(b"[vehicles.moba-1]", b"[vehicles.relay]")
    made = small_city.make(tmp_path / "a", PLAN, USERS, SystemClock())
    made.city.city_toml.write_bytes(plan)
    with pytest.raises(RequestRefusedError):
        admit(made.city, request_of("relay", tmp_path), SystemClock())


def test_a_second_box_of_the_same_name_is_not_admitted(made: small_city.SmallCity, tmp_path: Path) -> None:
    before = made.city.relay_toml.read_bytes()
    with pytest.raises(AlreadyThereError, match="moba-1"):
        admit(made.city, request_of(small_city.BUS, tmp_path / "other"), SystemClock())
    assert made.city.relay_toml.read_bytes() == before


def test_keys_of_a_kind_that_is_not_ours_are_refused(made: small_city.SmallCity, tmp_path: Path) -> None:
    request = request_of(small_city.BUS, tmp_path / "other")
    with pytest.raises(RequestRefusedError, match="public key"):
        admit(made.city, request._replace(link_key=b"no key"), SystemClock())


def test_a_city_is_never_made_over_another(made: small_city.SmallCity, tmp_path: Path) -> None:
    with pytest.raises(AlreadyThereError):
        small_city.make(tmp_path, PLAN, USERS, SystemClock())


@pytest.mark.parametrize(
    ("right", "wrong", "key", "allowed"),
    [
        (b'class = "form"', b'class = "leaflet"', ".class", "certificate, form, test"),
        (b'section = "tax"', b'section = "taxes"', "services.tax-certificate.section", "citizen, tax, welfare"),
        (b"fee_yen = 300", b"fee_yen = -300", ".fee_yen", ">= 0"),
        (b'duty_until = "15:30"', b'duty_until = "07:30"', "timetable.duty_until", "later than duty_from"),
        (b"sync_s = 5", b"sync_s = 5000", "limits.sync_s", "<= 300"),
        (b"sync_s = 5", b"sink_s = 5", "limits", "lease_s, sync_s"),
    ],
)
def test_a_wrong_value_in_city_toml_names_file_key_and_what_is_allowed(
    right: bytes, wrong: bytes, key: str, allowed: str
) -> None:
    raw = small_city.city_toml(PLAN)
    assert right in raw
    with pytest.raises(ConfigError) as caught:
        parse_city(raw.replace(right, wrong, 1), "city.toml")
    assert all(part in str(caught.value) for part in ("city.toml", key, allowed)), str(caught.value)


def test_a_city_toml_that_city_hall_did_not_sign_is_refused(made: small_city.SmallCity) -> None:
    agent = load_agent_settings(made.bus.bus_toml)
    agent.city_file.write_bytes(agent.city_file.read_bytes() + b"# and one more line\n")
    with pytest.raises(ConfigError, match="signature"):
        load_signed_city(agent.city_file, load_public_key(agent.relay_public_key))
    with pytest.raises(ConfigError, match="signature"):
        load_signed_city(agent.city_file, Ed25519PrivateKey.generate().public_key())


def test_the_command_makes_a_city_and_names_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["demo", "--dir", str(tmp_path / "town"), "--json"]) == 0
    files = json.loads(capsys.readouterr().out)
    assert load_relay(Path(files["relay_toml"])).bus_listener.port == 8443
    assert cli.main(["demo", "--dir", str(tmp_path / "town")]) == 1
    assert "never overwritten" in capsys.readouterr().err
