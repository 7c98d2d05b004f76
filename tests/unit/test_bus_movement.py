"""Driving and standing: a line that settles, one that fails, and what the duty makes of both."""

import logging
import os
from pathlib import Path

import pytest

from bus_agent.agent.movement import GpioFile, Journey, Motion, MovementError
from bus_agent.settings import Level, load_agent_settings
from cityhall_base.errors import ConfigError
from cityhall_wire.modes import DutyMode
from tests.unit.test_bus_roster import BY_HAND, TUESDAY, Day

M = DutyMode
SETTLE_S = 5.0


class Line:
    """A source that a test holds in its hand; None: it cannot be read."""

    def __init__(self) -> None:
        self.says: Motion | None = Motion.STANDING
        self.reads = 0

    def read(self) -> Motion:
        self.reads += 1
        if self.says is None:
            raise MovementError("the line is gone")
        return self.says


class Ride(Day):
    """A bus with a line of its ignition."""

    def __init__(self, top: Path, now: str = TUESDAY + "09:00:00") -> None:
        self.line_of_key = Line()
        super().__init__(top, BY_HAND, now, journey=Journey(self.line_of_key, SETTLE_S))
        self.roster.change(M.CITY_HALL)

    def _open(self) -> None:
        self.journey = Journey(self.line_of_key, SETTLE_S)
        super()._open()

    def does(self, motion: Motion | None, seconds: float = SETTLE_S + 1) -> None:
        """For so long, looked at each second."""
        self.line_of_key.says = motion
        for _ in range(int(seconds)):
            self.clock.forward(1)
            self.roster.look()


@pytest.fixture
def ride(tmp_path: Path) -> Ride:
    return Ride(tmp_path)


def test_driving_leaves_the_duty_and_standing_brings_the_mode_of_before_back(ride: Ride) -> None:
    ride.roster.change(M.EVENT)
    ride.does(Motion.DRIVING)
    assert ride.mode() is M.ON_THE_WAY
    ride.does(Motion.STANDING)
    assert ride.mode() is M.EVENT
    assert [why for _, why in ride.told][-2:] == ["movement", "movement"]


def test_a_line_that_flickers_changes_nothing(ride: Ride) -> None:
    for _ in range(5):
        ride.does(Motion.DRIVING, SETTLE_S - 1)
        ride.does(Motion.STANDING, 1)
    assert ride.mode() is M.CITY_HALL


def test_a_source_that_fails_is_said_once_and_changes_nothing(ride: Ride, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        ride.does(None, 60)
    assert [one.getMessage() for one in caplog.records] == ["movement: the line is gone"]
    assert ride.mode() is M.CITY_HALL
    ride.does(Motion.DRIVING)
    ride.does(None, 60)
    assert ride.mode() is M.ON_THE_WAY, "no failure enters a duty"
    ride.does(Motion.STANDING)
    assert ride.mode() is M.CITY_HALL


def test_after_the_hours_nothing_comes_back(ride: Ride) -> None:
    ride.does(Motion.DRIVING)
    ride.goes_to(TUESDAY + "15:30:00")
    assert ride.mode() is M.ROUTE_BUS
    ride.does(Motion.STANDING)
    assert ride.mode() is M.ROUTE_BUS


def test_what_the_concierge_says_afterwards_counts(ride: Ride) -> None:
    ride.does(Motion.DRIVING)
    ride.roster.change(M.CITY_HALL)  # a broken line must not keep the city hall shut
    ride.does(Motion.DRIVING, 30)
    assert ride.mode() is M.CITY_HALL
    ride.roster.change(M.ON_THE_WAY)
    ride.does(Motion.STANDING)
    assert ride.mode() is M.ON_THE_WAY, "she said so, and not the line"


def test_the_mode_of_before_survives_a_restart_on_the_way(ride: Ride) -> None:
    ride.does(Motion.DRIVING)
    ride.restart()
    ride.does(Motion.STANDING)
    assert ride.mode() is M.CITY_HALL


def test_a_start_while_it_drives_leaves_the_duty(ride: Ride) -> None:
    ride.restart()
    ride.does(Motion.DRIVING)
    assert ride.mode() is M.ON_THE_WAY


@pytest.mark.parametrize("mode", [M.ROUTE_BUS, M.MAINTENANCE])
def test_outside_duty_nobody_looks_whether_it_drives(ride: Ride, mode: DutyMode) -> None:
    ride.roster.change(mode)
    before = ride.line_of_key.reads
    ride.does(Motion.DRIVING, 60)
    assert ride.line_of_key.reads == before
    assert ride.mode() is mode


def test_in_a_disaster_nobody_is_sent_off_duty_by_driving(ride: Ride) -> None:
    ride.roster.change(M.DISASTER)
    ride.does(Motion.DRIVING)
    assert ride.mode() is M.DISASTER


@pytest.mark.parametrize(
    ("driving", "value", "motion"),
    [
        (Level.HIGH, b"1\n", Motion.DRIVING),
        (Level.HIGH, b"0\n", Motion.STANDING),
        (Level.LOW, b"0", Motion.DRIVING),
        (Level.LOW, b"1", Motion.STANDING),
    ],
)
def test_a_gpio_is_read_as_it_is_wired(tmp_path: Path, driving: Level, value: bytes, motion: Motion) -> None:
    (tmp_path / "value").write_bytes(value)
    assert GpioFile(tmp_path / "value", driving).read() is motion


@pytest.mark.parametrize("value", [b"", b"2\n", b"high", b"1" * 17, b"\xff\x00"])
def test_a_value_that_is_none_is_a_failure(tmp_path: Path, value: bytes) -> None:
    (tmp_path / "value").write_bytes(value)
    with pytest.raises(MovementError):
        GpioFile(tmp_path / "value", Level.HIGH).read()


def test_what_stands_in_the_files_place_is_not_waited_for(tmp_path: Path) -> None:
    path, source = tmp_path / "value", GpioFile(tmp_path / "value", Level.HIGH)
    with pytest.raises(MovementError):
        source.read()
    os.mkfifo(path)
    with pytest.raises(MovementError):
        source.read()
    path.unlink()
    path.mkdir()
    with pytest.raises(MovementError):
        source.read()


BUS_TOML = """
bus = "bus-1"
city_file = "city.toml"
state_dir = "state"
link_key = "link.pem"
relay_public_key = "relay.pub"
print_public_key = "print.pub"
[relay]
url = "https://127.0.0.1:1"
ca = "ca.crt"
cert = "tls.crt"
key = "tls.key"
"""


def test_bus_toml_names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "bus.toml"
    path.write_text(BUS_TOML)
    assert load_agent_settings(path).movement is None
    path.write_text(BUS_TOML + '[movement]\nfile = "value"\ndriving = "low"\nsettle_s = 2\n')
    movement = load_agent_settings(path).movement
    assert movement is not None
    assert (movement.file, movement.driving, movement.settle_s) == (tmp_path / "value", Level.LOW, 2)
    path.write_text(BUS_TOML + '[movement]\nfile = "value"\ndriving = "fast"\n')
    with pytest.raises(ConfigError, match="allowed: high, low"):
        load_agent_settings(path)
