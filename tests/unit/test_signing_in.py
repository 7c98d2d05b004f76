"""Who is on board: the PIN and its limit over restarts and reboots, the substitute's code, and the doors that ask for somebody."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bus_agent.errors import (
    CodeNeedsLineError,
    CodeRefusedError,
    NobodySignedInError,
    NoConciergesError,
    PinWaitError,
    WrongPinError,
)
from cityhall_wire.messages.people import SubstituteReceipt
from cityhall_wire.messages.relay import Refusal
from cityhall_wire.modes import DutyMode
from tests.unit.on_board import PIN, OnBoard
from tests.unit.test_bus_store import ready, session_view

OWN: dict[str, Any] = {"v": 1, "city": "hase", "bus": "bus-1", "re": bytes(32), "at": 1}


@pytest.fixture
def bus(tmp_path: Path) -> OnBoard:
    return OnBoard(tmp_path)


def run(action: Awaitable[None]) -> None:
    async def wait() -> None:
        await action

    asyncio.run(wait())


def sign_in(bus: OnBoard, pin: str = PIN, who: str = "c-1") -> None:
    run(bus.people.signing_in.with_pin(who, pin))


def wrong(bus: OnBoard, times: int) -> None:
    for _ in range(times):
        with pytest.raises(WrongPinError):
            sign_in(bus, "482914")


def six_wrong(bus: OnBoard) -> None:
    """A wait of 60 s begins."""
    wrong(bus, 5)
    bus.clock.forward(30)
    wrong(bus, 1)


def left(bus: OnBoard) -> int:
    return bus.people.signing_in.shown().pin_wait_s


def test_the_right_pin_opens_the_door_and_city_hall_hears_who_came(bus: OnBoard) -> None:
    with pytest.raises(NobodySignedInError):
        bus.duty.by()
    sign_in(bus)
    assert bus.duty.by() == "c-1"
    ((kind, said),) = bus.said()
    assert (kind, said["who"], said["how"], said["on"]) == ("signed-in", "c-1", "pin", True)


def test_neither_a_wrong_pin_nor_an_id_that_nobody_has_opens_it(bus: OnBoard) -> None:
    wrong(bus, 1)
    with pytest.raises(WrongPinError):
        sign_in(bus, who="c-9")
    assert bus.people.signing_in.who == ""
    assert bus.said() == []


def test_no_pin_is_in_the_journal_the_store_or_the_outbox(bus: OnBoard) -> None:
    sign_in(bus)
    wrong(bus, 1)
    bus.line.answer = Refusal(**OWN, reason="wrong_code")
    with pytest.raises(CodeRefusedError):
        run(bus.people.signing_in.with_code("31415926"))
    bus.store.close()
    kept = b"".join(path.read_bytes() for path in bus.top.rglob("*") if path.is_file())
    for secret in (PIN, "482914", "31415926"):
        assert secret.encode() not in kept
    bus._open()


def test_five_wrong_tries_are_free_and_then_each_wait_is_twice_as_long_up_to_an_hour(bus: OnBoard) -> None:
    wrong(bus, 4)
    assert left(bus) == 0
    waits = []
    for _ in range(10):
        wrong(bus, 1)
        waits.append(left(bus))
        with pytest.raises(PinWaitError):
            sign_in(bus)
        bus.clock.forward(left(bus))
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    sign_in(bus)
    wrong(bus, 4)
    assert left(bus) == 0, "a right one begins the count anew"


def test_the_wait_goes_on_over_a_restart_of_the_program(bus: OnBoard) -> None:
    six_wrong(bus)
    bus.clock.forward(20)
    bus.restart()
    assert left(bus) == 40
    with pytest.raises(PinWaitError):
        sign_in(bus)
    bus.clock.forward(40)
    wrong(bus, 1)
    assert left(bus) == 120


def test_a_reboot_begins_the_running_wait_anew_and_never_shortens_it(bus: OnBoard) -> None:
    six_wrong(bus)
    bus.clock.forward(50)
    for _ in range(3):
        bus.reboot()
        assert left(bus) == 60
        bus.clock.forward(30)
    bus.clock.forward(30)
    sign_in(bus)


def test_a_wait_that_was_over_before_the_reboot_stays_over(bus: OnBoard) -> None:
    wrong(bus, 5)
    bus.clock.forward(31)
    bus.people.signing_in._tries.over()
    bus.reboot()
    assert left(bus) == 0


def test_a_try_is_counted_before_it_is_judged(bus: OnBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    def power_cut(pin: str, phc: str) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr("cityhall_base.pin.holds", power_cut)
    for _ in range(5):
        with pytest.raises(KeyboardInterrupt):
            sign_in(bus)
        monkeypatch.undo()
        bus.restart()
        monkeypatch.setattr("cityhall_base.pin.holds", power_cut)
    assert left(bus) == 30


def test_a_wait_locks_neither_leaving_duty_nor_the_substitutes_code(bus: OnBoard) -> None:
    sign_in(bus)
    bus.commands.set_mode(DutyMode.CITY_HALL)
    wrong(bus, 5)
    bus.line.answer = SubstituteReceipt(**OWN, who="substitute-1a2b", until=bus.clock.now + 3_600_000)
    run(bus.people.signing_in.with_code("31415926"))
    assert bus.duty.by() == "substitute-1a2b"
    bus.commands.set_mode(DutyMode.ROUTE_BUS)
    assert bus.duty.mode is DutyMode.ROUTE_BUS


def test_who_is_signed_in_stays_so_over_restarts_within_the_day(bus: OnBoard) -> None:
    sign_in(bus)
    bus.restart()
    assert bus.duty.by() == "c-1"
    bus.clock.forward(15 * 3600)
    assert bus.people.signing_in.nobody


def test_a_city_that_took_somebody_out_signs_them_out(bus: OnBoard) -> None:
    sign_in(bus)
    bus.city = OnBoard.without(bus.city, "c-1")
    bus.restart()
    assert bus.people.signing_in.nobody


def test_leaving_duty_signs_out_and_going_on_the_way_does_not(bus: OnBoard) -> None:
    sign_in(bus)
    for mode in (DutyMode.CITY_HALL, DutyMode.ON_THE_WAY, DutyMode.EVENT):
        bus.commands.set_mode(mode)
    assert bus.duty.by() == "c-1"
    bus.commands.set_mode(DutyMode.ROUTE_BUS)
    assert bus.people.signing_in.nobody
    assert [said["on"] for kind, said in bus.said() if kind == "signed-in"] == [True, False]


def test_signing_out_and_another_signing_in_are_both_said(bus: OnBoard) -> None:
    sign_in(bus)
    sign_in(bus, who="c-2")
    bus.people.signing_in.out()
    bus.people.signing_in.out()
    assert [(said["who"], said["on"]) for _, said in bus.said()] == [
        ("c-1", True),
        ("c-1", False),
        ("c-2", True),
        ("c-2", False),
    ]


def test_every_door_asks_for_somebody_and_leaving_asks_for_nobody(bus: OnBoard) -> None:
    sign_in(bus)
    name, commands = ready(bus), bus.commands
    bus.people.signing_in.out()
    doors: tuple[Callable[[], None], ...] = (
        lambda: commands.set_mode(DutyMode.EVENT),
        lambda: run(commands.call("citizen", "hall", 1)),
        lambda: commands.hand_over(name),
        lambda: commands.refuse(name, "paper"),
        lambda: bus.duty.check(bus.store.job(name)),
    )
    for door in doors:
        with pytest.raises(NobodySignedInError):
            door()
    commands.end_session()
    commands.set_mode(DutyMode.ROUTE_BUS)


def test_a_city_without_concierges_is_as_before(tmp_path: Path) -> None:
    bus = OnBoard(tmp_path, b"")
    assert bus.duty.by() == "concierge"
    with pytest.raises(NoConciergesError):
        sign_in(bus)
    with pytest.raises(NoConciergesError):
        run(bus.people.signing_in.with_code("31415926"))
    bus.duty.check(bus.store.job(ready(bus)))


def test_a_code_needs_the_line_and_is_kept_nowhere(bus: OnBoard) -> None:
    with pytest.raises(CodeNeedsLineError):
        run(bus.people.signing_in.with_code("31415926"))
    assert bus.said() == []
    assert bus.line.asked == [{"code": "31415926"}]


def test_what_city_hall_refuses_is_said_in_its_words(bus: OnBoard) -> None:
    bus.line.answer = Refusal(**OWN, reason="no_code")
    with pytest.raises(CodeRefusedError, match="ask the clerk for a new one") as refused:
        run(bus.people.signing_in.with_code("31415926"))
    assert refused.value.said_key == "reason.no_code"


def test_a_substitute_is_there_until_the_day_is_over(bus: OnBoard) -> None:
    bus.line.answer = SubstituteReceipt(**OWN, who="substitute-1a2b", until=bus.clock.now + 3_600_000)
    run(bus.people.signing_in.with_code("31415926"))
    bus.reboot()
    assert (bus.duty.by(), bus.people.signing_in.shown().how) == ("substitute-1a2b", "code")
    bus.clock.forward(3601)
    assert bus.people.signing_in.nobody


def test_the_screen_says_to_sign_in_before_a_resident_sits_down(bus: OnBoard) -> None:
    bus.plan(session=session_view())
    assert [str(word) for remind in bus.duty.reminders if (word := remind())] == ["do.sign_in"]
    sign_in(bus)
    assert [remind() for remind in bus.duty.reminders] == [None, None]
