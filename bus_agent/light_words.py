"""What the five lights say: their names, the word in the strip, and the sentences that nobody else says."""

from types import MappingProxyType
from typing import Final

from bus_agent.shown import Light
from cityhall_base.words import Word


class LightName(Word):
    """Keys are `light.name.` and the Light."""

    POWER = ("light.name.power", "power")
    LINE = ("light.name.line", "line")
    CITY_HALL = ("light.name.city_hall", "city hall")
    PRINTER = ("light.name.printer", "printer")
    PAPER = ("light.name.paper", "paper")


class Short(Word):
    """One or two words, in the strip: five lights and their names are one row of 80 columns, whatever they say."""

    WELL = ("light.well", "well")
    UNMEASURED = ("light.unmeasured", "no meter")
    UNKNOWN = ("light.unknown", "unknown")
    BATTERY = ("light.battery", "battery")
    BATTERY_PERCENT = ("light.battery_percent", "bat {detail}%")
    CONNECTING = ("light.connecting", "calling")
    NOT_CONNECTED = ("light.not_connected", "down")
    NO_SIGNAL = ("light.no_signal", "offline")
    NO_LINE = ("light.no_line", "cut off")
    FAULT = ("light.fault", "fault")
    LOCKED = ("light.locked", "locked")
    PRINTING = ("light.printing", "printing")
    STOPPING = ("light.stopping", "stopping")
    SWITCH_OFF = ("light.switch_off", "turn off")
    LOOK = ("light.look", "look")
    SILENT = ("light.silent", "no answer")
    STANDS = ("light.stands", "stopped")
    JAM = ("light.jam", "jammed")
    COVER = ("light.cover", "lid open")
    TONER_OUT = ("light.toner_out", "no toner")
    TONER_LOW = ("light.toner_low", "toner low")
    WASTE = ("light.waste", "waste box")
    OUTPUT = ("light.output", "out tray")
    PAPER_OUT = ("light.paper_out", "no paper")
    PAPER_LOW = ("light.paper_low", "paper low")
    OTHER_PAPER = ("light.other_paper", "mismatch")
    TRAY = ("light.tray", "no tray")
    LEFT = ("light.left", "{detail} left")
    NONE_LEFT = ("light.none_left", "none left")
    DIFFERS = ("light.differs", "differs")


class LightWord(Word):
    """Sentences."""

    POWER_WELL = ("light.say.power_well", "The box has power.")
    POWER_UNMEASURED = ("light.say.power_unmeasured", "Nothing on this bus measures the power yet.")
    POWER_UNKNOWN = (
        "light.say.power_unknown",
        "It is not known at this moment what the box runs on; if this stays, tell the technician.",
    )
    ON_BATTERY = ("light.say.on_battery", "The box runs on its battery; start the engine or plug it in.")
    BATTERY_LOW = (
        "light.say.battery_low",
        "The battery is nearly empty; finish this document, then start the engine or plug it in.",
    )
    LINE_UNMEASURED = ("light.say.line_unmeasured", "Nothing on this bus measures the signal yet.")
    CITY_HALL_WELL = ("light.say.city_hall_well", "City hall answers.")
    PRINTER_WELL = ("light.say.printer_well", "The printer is ready to print.")
    PAPER_WELL = ("light.say.paper_well", "Paper lies in the tray.")
    PAPER_UNKNOWN = ("light.say.paper_unknown", "The printer cannot tell what lies in its tray; look into the tray.")
    SHEETS_LEFT = ("light.say.sheets_left", "{detail} numbered sheets must lie in the drawer.")
    SHEETS_UNCOUNTED = (
        "light.say.sheets_uncounted",
        "{detail} numbered sheets must lie in the drawer, and nobody has counted them today; count them.",
    )
    SHEETS_LOW = (
        "light.say.sheets_low",
        "Only {detail} numbered sheets are left; have city hall hand out more, and enter them.",
    )
    NO_SHEETS = ("light.say.no_sheets", "The ledger has no sheets; enter those that you received.")


NAMES: Final = MappingProxyType({Light(word.removeprefix("light.name.")): word for word in LightName})
"""Every Light has its line."""
