"""What the screen says itself; everything else is the agent's word, or the city's."""

from cityhall_base.words import Word


class TuiWord(Word):
    """Strip, keys, and what stands on every scene."""

    MODE = ("tui.mode", "{detail}")
    UNTIL = ("tui.until", "until {detail}")
    KEY_DAY = ("tui.key_day", "Today")
    KEY_TROUBLE = ("tui.key_trouble", "Trouble")
    KEY_LISTS = ("tui.key_lists", "Checks, paper")
    KEY_THEFT = ("tui.key_theft", "Theft (hold 3s)")
    ERASE = ("tui.erase", "erase")
    BACK = ("tui.back", "Back")
    SENDING = ("tui.sending", "One moment.")
    WAITED = ("tui.waited", "{detail} s")
    SURE_WAIT = ("tui.sure_wait", "You can press it in {detail} s.")
    SURE_NOW = ("tui.sure_now", "You can press it now.")
    HOLD = (
        "tui.hold",
        "Theft: hold the key three seconds. Every document on board is destroyed, and the bus is locked.",
    )
    HOLD_LEFT = ("tui.hold_left", "{detail} s more. Let go, and nothing happens.")
    SCAN = ("tui.scan", "Read the square code with a telephone, or call the number.")
    WAITS = ("tui.waits", "The counter has gone on meanwhile: please go back to it.")
    LOOK_AT_SHEETS = ("tui.look_at_sheets", "Look at the sheets that came out.")
    GONE = ("tui.gone", "Please wait a moment.")
    GONE_LONG = ("tui.gone_long", "It goes on by itself. Video and telephone can be used.")
    ROUTE_BUS = ("tui.route_bus", "In service as a route bus")
