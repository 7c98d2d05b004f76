"""The five lights: what each says of every state, that nothing old is shown as new, and that none says more than may be done."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from bus_agent.agent import power
from bus_agent.agent.duty import STALE_S
from bus_agent.agent.power import LOOK_S, MOST_SUPPLIES, PowerError, Reading
from bus_agent.agent.printer_lights import HELP
from bus_agent.agent.syncer import LinkState
from bus_agent.errors import AnswerError, CertificateError, CityHallFaultError, LinkError, RejectedError
from bus_agent.ipc.messages import Status
from bus_agent.light_words import NAMES, LightName, LightWord, Short
from bus_agent.settings import PowerSettings
from bus_agent.shown import Level, Light, LightShown
from bus_agent.status_text import text
from cityhall_base.city import Paper
from cityhall_base.printer_state import REASONS, PrinterWord
from cityhall_base.words import Language, Word
from cityhall_wire.lifecycle import JobState
from cityhall_wire.messages.link import PrinterSummary
from cityhall_wire.modes import DutyMode
from tests.relay_city import in_memory
from tests.unit.on_board import OnBoard
from tests.unit.test_bus_store import on_duty, ready
from tests.unit.test_status_text import SEEN

GUIDES = frozenset(
    (
        *("refill", "other_paper", "jam", "cover", "toner", "waste", "output_full", "printer_off", "printer_look"),
        *("switch_off", "no_line", "hall_silent", "battery", "count_sheets", "sheets_differ", "receive_sheets"),
        *("technician", "locked"),
    )
)
DOWN = LinkState(up=False, since_ms=0, key=LinkError.key, sentence="down")


@pytest.fixture
def top() -> Iterator[Path]:
    with in_memory("lights-") as top:
        yield top


@pytest.fixture
def bus(top: Path) -> Iterator[OnBoard]:
    bus = OnBoard(top, b"")
    bus.books.receive("controlled", "A-001", "A-040")
    tell(bus)
    yield bus
    assert {one.guide for one in bus.tour.lights()} <= GUIDES | {""}


def tell(bus: OnBoard, state: str = "idle", *reasons: str, **changed: Any) -> None:
    """The spooler says this of the printer."""
    summary = PrinterSummary(state=state, reasons=reasons)
    bus.duty.spooler = Status(incarnation="0" * 32, printer=summary, busy=None, **changed)


def shown(bus: OnBoard, light: Light) -> LightShown:
    return {one.light: one for one in bus.tour.lights()}[light]


def says(bus: OnBoard, light: Light) -> tuple[Level, str, str, str]:
    one = shown(bus, light)
    return one.level, one.short.key, one.said.key, one.guide


def at_printer(bus: OnBoard, state: JobState = JobState.PRINTING, why: str = "") -> None:
    name = ready(bus)
    with bus.store.event():
        bus.store._write(bus.store.job(name), {"state": state, "why": why})


def test_the_lights_are_five_in_their_order(bus: OnBoard) -> None:
    assert [one.light for one in bus.tour.lights()] == list(Light)
    assert {word.removeprefix("light.name.") for word in LightName} == set(Light)


# --- 電源 ---


def supply(folder: Path, name: str, **values: str) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    for value, content in values.items():
        (folder / name / value).write_text(content + "\n")


MAINS = {"type": "Mains", "online": "1"}
BATTERY = {"type": "Battery", "capacity": "55", "status": "Discharging"}


@pytest.mark.parametrize(
    ("supplies", "reading"),
    [
        ([MAINS], Reading(mains=True)),
        ([MAINS, BATTERY | {"status": "Charging"}], Reading(mains=True, percent=55)),
        ([MAINS | {"online": "0"}, BATTERY], Reading(mains=False, percent=55)),
        ([BATTERY], Reading(mains=False, percent=55)),
        ([BATTERY | {"status": "Full", "capacity": "100"}], Reading(mains=True, percent=100)),
        ([BATTERY, BATTERY | {"capacity": "7"}], Reading(mains=False, percent=7)),
        ([MAINS | {"online": "0"}, {"type": "Battery", "status": "Unknown"}], Reading(mains=False)),
        ([MAINS, BATTERY | {"scope": "Device", "capacity": "1"}], Reading(mains=True)),
        ([MAINS, {"type": "Battery", "present": "0"}], Reading(mains=True)),
        ([MAINS, {"type": "USB", "online": "0"}], Reading(mains=True)),
    ],
)
def test_the_kernels_supplies_are_read(tmp_path: Path, supplies: list[dict[str, str]], reading: Reading) -> None:
    for n, values in enumerate(supplies):
        supply(tmp_path, f"supply{n}", **values)
    assert power.read(tmp_path) == reading


@pytest.mark.parametrize(
    "values",
    [
        {"type": "Mains", "online": "2"},
        {"type": "Mains", "online": ""},
        {"type": "Mains", "online": "1" * 100},
        {"type": "Mains"},
        {"online": "1"},
        BATTERY | {"capacity": "101"},
        BATTERY | {"capacity": "-1"},
        BATTERY | {"capacity": "９"},
        BATTERY | {"status": "Unknown"},
        BATTERY | {"scope": "Device"},
    ],
)
def test_what_a_supply_cannot_mean_is_not_known(tmp_path: Path, values: dict[str, str]) -> None:
    supply(tmp_path, "one", **values)
    with pytest.raises(PowerError):
        power.read(tmp_path)


def test_a_folder_of_thousands_costs_no_more_than_a_few(tmp_path: Path) -> None:
    for n in range(MOST_SUPPLIES * 3):
        supply(tmp_path, f"supply{n}", **MAINS)
    assert len(power._supplies(tmp_path)) == MOST_SUPPLIES
    with pytest.raises(PowerError):
        power.read(tmp_path / "none")


def powered(top: Path) -> OnBoard:
    return OnBoard(top, b"", power=PowerSettings(folder=top / "power"))


def test_power_is_not_measured_where_nothing_is_said_to_measure_it(bus: OnBoard) -> None:
    assert says(bus, Light.POWER) == (Level.UNKNOWN, "light.unmeasured", "light.say.power_unmeasured", "")


def test_power_is_unknown_until_it_is_heard_and_again_when_that_is_old(tmp_path: Path) -> None:
    bus = powered(tmp_path)
    assert bus.tour.power is not None
    unknown = (Level.UNKNOWN, "light.unknown", "light.say.power_unknown", "technician")
    assert says(bus, Light.POWER) == unknown
    supply(tmp_path / "power", "mains", **MAINS)
    bus.tour.power.look()
    assert says(bus, Light.POWER) == (Level.GOOD, "light.well", "light.say.power_well", "")
    bus.clock.forward(LOOK_S * 4)
    assert says(bus, Light.POWER) == unknown, "an old word is none"
    supply(tmp_path / "power", "mains", online="?")
    bus.tour.power.look()
    assert says(bus, Light.POWER) == unknown


def test_on_its_battery_the_box_says_how_much_is_left_and_every_change_is_news(tmp_path: Path) -> None:
    bus = powered(tmp_path)
    assert bus.tour.power is not None
    for percent, level, said in (("20", Level.WEAK, "on_battery"), ("19", Level.BAD, "battery_low")):
        supply(tmp_path / "power", "battery", **BATTERY | {"capacity": percent})
        beats = bus.line.planned.count
        for _ in range(2):
            bus.tour.power.look()
        assert bus.line.planned.count == beats + 1
        assert says(bus, Light.POWER) == (level, "light.battery_percent", f"light.say.{said}", "battery")
        assert shown(bus, Light.POWER).short.detail == percent


# --- 回線, 市役所 ---


def test_the_signal_is_not_measured_while_city_hall_answers(bus: OnBoard) -> None:
    assert says(bus, Light.LINE) == (Level.UNKNOWN, "light.unmeasured", "light.say.line_unmeasured", "")
    assert says(bus, Light.CITY_HALL) == (Level.GOOD, "light.well", "light.say.city_hall_well", "")


def test_a_dead_zone_is_grey_and_a_line_that_somebody_waits_for_is_not(bus: OnBoard) -> None:
    bus.line.state = DOWN
    assert says(bus, Light.LINE) == (Level.CALM, "light.no_signal", "link.dead_zone", "")
    assert says(bus, Light.CITY_HALL) == (Level.CALM, "light.not_connected", "link.dead_zone", "")
    ready(bus)
    bus.clock.forward(61)  # the lease is over, and a document waits
    assert says(bus, Light.LINE) == (Level.BAD, "light.no_line", "link.down", "no_line")
    assert says(bus, Light.CITY_HALL) == (Level.WEAK, "light.not_connected", "link.down", "hall_silent")
    bus.commands.refuse(bus.store.jobs()[0].job, "paper")
    assert says(bus, Light.LINE) == (Level.WEAK, "light.no_line", "link.down", "no_line")


def test_before_the_first_answer_it_connects(bus: OnBoard) -> None:
    bus.line.state = LinkState(up=False, since_ms=0, key="link.connecting", sentence="connecting")
    assert says(bus, Light.LINE) == (Level.CALM, "light.connecting", "link.connecting", "")


@pytest.mark.parametrize(
    ("key", "level", "guide"),
    [
        (CityHallFaultError.key, Level.WEAK, "hall_silent"),
        (AnswerError.key, Level.WEAK, "hall_silent"),
        (CertificateError.key, Level.BAD, "technician"),
        (RejectedError.key, Level.BAD, "technician"),
        ("store.full", Level.WEAK, "technician"),
    ],
)
def test_what_is_wrong_behind_the_line_is_no_fault_of_the_line(
    bus: OnBoard, key: str, level: Level, guide: str
) -> None:
    bus.line.state = LinkState(up=False, since_ms=0, key=key, sentence="wrong")
    assert shown(bus, Light.LINE).level is Level.UNKNOWN
    one = shown(bus, Light.CITY_HALL)
    assert (one.level, one.said.key, one.guide) == (level, key, guide)


def test_a_locked_bus_says_why_with_or_without_a_line(bus: OnBoard) -> None:
    bus.plan(locked="config_differs")
    for state in (bus.line.state, DOWN):
        bus.line.state = state
        assert says(bus, Light.CITY_HALL) == (Level.BAD, "light.locked", "reason.config_differs", "locked")


# --- プリンター ---


@pytest.mark.parametrize("word", [one.word for one in {row.word: row for row in REASONS.values()}.values()])
def test_every_word_of_the_printer_has_its_short_and_its_guide(word: PrinterWord) -> None:
    if word is not PrinterWord.READY:
        short, guide = HELP[word]
        assert short in Short
        assert guide in GUIDES


def test_a_printer_that_is_well_says_so_and_prints(bus: OnBoard) -> None:
    assert says(bus, Light.PRINTER) == (Level.GOOD, "light.well", "light.say.printer_well", "")
    tell(bus, "processing")
    assert says(bus, Light.PRINTER) == (Level.GOOD, "light.printing", "printer.printing", "")


def test_an_old_word_of_the_printer_is_unknown_and_so_is_one_without_its_program(bus: OnBoard) -> None:
    bus.clock.forward(STALE_S + 1)
    assert says(bus, Light.PRINTER) == (Level.UNKNOWN, "light.unknown", "printer.unknown", "printer_off")
    bus.duty.spooler = None
    assert says(bus, Light.PRINTER) == (Level.UNKNOWN, "light.unknown", "refused.spooler_gone", "technician")


@pytest.mark.parametrize(
    ("state", "reason", "level", "key", "guide"),
    [
        ("unknown", "", Level.WEAK, "printer.unknown", "printer_off"),
        ("stopped", "", Level.WEAK, "printer.stopped", "printer_look"),
        ("stopped", "media-jam-error", Level.WEAK, "printer.jam", "jam"),
        ("stopped", "cover-open-error", Level.WEAK, "printer.cover_open", "cover"),
        ("idle", "toner-low-report", Level.WEAK, "printer.toner_low", "toner"),
        ("idle", "marker-waste-full-error", Level.WEAK, "printer.waste_full", "waste"),
        ("idle", "output-area-full-error", Level.WEAK, "printer.output_full", "output_full"),
        ("idle", "media-empty-error", Level.WEAK, "printer.paper_out", "refill"),
        ("idle", "vendor-thing", Level.GOOD, "printer.tell_technician", "technician"),
    ],
)
def test_what_the_printer_says_is_amber_while_nothing_is_in_it(
    bus: OnBoard, state: str, reason: str, level: Level, key: str, guide: str
) -> None:
    tell(bus, state, *filter(None, [reason]))
    one = shown(bus, Light.PRINTER)
    assert (one.level, one.said.key, one.guide) == (level, key, guide)


def test_a_document_that_stands_in_the_printer_is_red_with_the_sentence_of_its_paper(bus: OnBoard) -> None:
    at_printer(bus)
    tell(bus, "stopped", "media-empty-error")
    for light in (Light.PRINTER, Light.PAPER):
        one = shown(bus, light)
        assert (one.level, one.said.key, one.guide) == (Level.BAD, "do.refill", "refill")


@pytest.mark.parametrize("mode", [DutyMode.CITY_HALL, DutyMode.ROUTE_BUS])
@pytest.mark.parametrize("reason", ["", "media-empty-error", "media-low-report"])
def test_a_printer_that_may_hold_a_document_is_switched_off_and_never_refilled(
    bus: OnBoard, mode: DutyMode, reason: str
) -> None:
    at_printer(bus, JobState.UNCERTAIN, "cancel_unconfirmed")
    bus.duty.mode = mode
    tell(bus, "stopped" if reason.endswith("error") else "idle", *filter(None, [reason]))
    assert says(bus, Light.PRINTER) == (Level.BAD, "light.switch_off", "do.switch_off", "switch_off")
    assert shown(bus, Light.PAPER).guide != "refill"
    bus.clock.forward(STALE_S + 1)
    assert shown(bus, Light.PRINTER).guide == "switch_off", "silence does not make it empty"


def test_while_a_print_is_stopped_nobody_refills(bus: OnBoard) -> None:
    at_printer(bus)
    bus.plan(session=None)
    tell(bus, "stopped", "media-empty-error")
    for light in (Light.PRINTER, Light.PAPER):
        one = shown(bus, light)
        assert (one.said.key, one.guide) == ("do.leave_printer", "")


def test_before_she_has_looked_only_what_hides_sheets_is_mended(bus: OnBoard) -> None:
    at_printer(bus, JobState.UNCERTAIN, "aborted")
    for reason, key, guide in (
        ("media-empty-error", "do.look", ""),
        ("toner-empty-error", "do.look", ""),
        ("media-jam-error", "do.clear_jam", "jam"),
        ("cover-open-error", "printer.cover_open", "cover"),
    ):
        tell(bus, "stopped", reason)
        one = shown(bus, Light.PRINTER)
        assert (one.said.key, one.guide) == (key, guide), reason


# --- 用紙 ---


def test_the_numbered_sheets_are_those_of_the_book(bus: OnBoard) -> None:
    assert says(bus, Light.PAPER) == (Level.GOOD, "light.left", "light.say.sheets_uncounted", "count_sheets")
    bus.books.count("controlled", 40)
    assert says(bus, Light.PAPER) == (Level.GOOD, "light.left", "light.say.sheets_left", "")
    assert shown(bus, Light.PAPER).short.sentence == "40 left"
    bus.books.lost("controlled", ("A-001..A-030",), "wet")
    assert says(bus, Light.PAPER) == (Level.WEAK, "light.left", "light.say.sheets_low", "receive_sheets")
    bus.books.lost("controlled", ("A-031..A-040",), "wet")
    assert says(bus, Light.PAPER) == (Level.WEAK, "light.none_left", "light.say.no_sheets", "receive_sheets")


def test_sheets_that_do_not_agree_are_red(bus: OnBoard) -> None:
    bus.books.count("controlled", 39)
    assert says(bus, Light.PAPER) == (Level.BAD, "light.differs", "refused.sheets_differ", "sheets_differ")


def test_another_paper_in_the_tray_is_said_where_the_printer_can_tell(bus: OnBoard) -> None:
    tell(bus, media_ready=("iso_a5_148x210mm",))
    assert says(bus, Light.PAPER) == (Level.WEAK, "light.other_paper", "refused.wrong_paper", "other_paper")
    at_printer(bus, JobState.PRINTED)
    tell(bus, media_ready=("iso_a4_210x297mm",))
    assert shown(bus, Light.PAPER).short.key == "light.left"
    tell(bus, media_ready=("iso_a5_148x210mm",))
    bus.clock.forward(STALE_S + 1)
    assert shown(bus, Light.PAPER).short.key == "light.left", "what the printer said is not known any more; the book is"


def test_paper_that_runs_low_in_the_tray_is_refilled_from_the_drawer(bus: OnBoard) -> None:
    tell(bus, "idle", "media-low-report")
    assert says(bus, Light.PAPER) == (Level.WEAK, "light.paper_low", "printer.paper_low", "refill")


def test_paper_without_numbers_is_as_the_printer_says(tmp_path: Path) -> None:
    bus = OnBoard(tmp_path, b"")
    cast(dict[str, Paper], bus.city.papers)["controlled"] = Paper(name="plain")
    tell(bus)
    assert says(bus, Light.PAPER) == (Level.UNKNOWN, "light.unmeasured", "light.say.paper_unknown", "")
    tell(bus, media_ready=("iso_a4_210x297mm",))
    assert says(bus, Light.PAPER) == (Level.GOOD, "light.well", "light.say.paper_well", "")


# --- words ---


OF_PRINTER = {one.short for one in HELP.values()}
OF_LIGHT = {
    Light.POWER: {Short.WELL, Short.UNMEASURED, Short.UNKNOWN, Short.BATTERY, Short.BATTERY_PERCENT},
    Light.LINE: {Short.UNMEASURED, Short.CONNECTING, Short.NO_SIGNAL, Short.NO_LINE},
    Light.CITY_HALL: {Short.WELL, Short.LOCKED, Short.NOT_CONNECTED, Short.FAULT},
    Light.PAPER: {Short.LEFT, Short.NONE_LEFT, Short.DIFFERS, Short.WELL, Short.UNMEASURED} | OF_PRINTER,
    Light.PRINTER: {Short.WELL, Short.UNKNOWN, Short.PRINTING} | OF_PRINTER,
}


def cells(word: Word, language: Language, detail: str = "") -> int:
    return sum(1 + (unicodedata.east_asian_width(sign) in "WF") for sign in word.say(language, detail))


@pytest.mark.parametrize("language", list(Language))
def test_the_lights_fit_one_row_of_a_small_terminal_whatever_they_say(language: Language) -> None:
    details = {Short.BATTERY_PERCENT: "100", Short.LEFT: "5000"}
    widest = [max(cells(one, language, details.get(one, "")) for one in OF_LIGHT[light]) for light in Light]
    names = [cells(NAMES[light], language) for light in Light]
    blanks = 2 * len(Light)
    assert set().union(*OF_LIGHT.values()) == set(Short)
    assert sum(widest) + sum(names) + blanks <= 80, dict(zip(Light, widest, strict=True))
    assert all(word.say(Language.JAPANESE).endswith("。") for word in LightWord)


def test_status_shows_the_lights_and_the_stop(bus: OnBoard) -> None:
    on_duty(bus)
    bus.tour.stops.arrive("hall")
    lights = [{"light": one.light, "short": vars_of(one.short)} for one in bus.tour.lights()]
    lines = text(SEEN | {"lights": lights, "day": {"stop": bus.tour.stops.now}}, Language.JAPANESE).splitlines()
    assert lines[3] == "会場: hall"
    assert lines[4] == "表示灯: 電源 未計測  回線 未計測  市役所 よい  プリンター よい  用紙 のこり40枚"


def vars_of(said: Any) -> dict[str, str]:
    return {name: getattr(said, name) for name in ("key", "sentence", "detail")}
