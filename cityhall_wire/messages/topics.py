"""MQTT topics: `cityhall/1/<city>/<bus>/up|down/<kind>` and `…/state`. The broker lets a bus touch its own subtree only."""

import msgspec

from cityhall_wire.headers import Ordinal, Version


class Hint(msgspec.Struct, frozen=True, kw_only=True):
    """ "Sync now." Unsigned on purpose: forging it changes nothing but time."""

    v: Version


class BusState(msgspec.Struct, frozen=True, kw_only=True):
    """Retained by the broker; the last will says `online: false`."""

    v: Version
    online: bool
    boot: Ordinal


def subtree(city: str, bus: str) -> str:
    """All topics of one bus, without the closing slash."""
    return f"cityhall/1/{city}/{bus}"


def hint_topic(city: str, bus: str) -> str:
    """Where city hall asks one bus to sync."""
    return f"{subtree(city, bus)}/down/hint"


def state_topic(city: str, bus: str) -> str:
    """Where one bus says that it is there; city hall subscribes with `+` for the bus."""
    return f"{subtree(city, bus)}/state"


def heard_by(city: str, bus: str) -> tuple[str, ...]:
    """Filters of all that one bus may hear."""
    return (f"{subtree(city, bus)}/down/#",)


def said_by(city: str, bus: str) -> tuple[str, ...]:
    """Filters of all that one bus may say."""
    return (f"{subtree(city, bus)}/up/#", state_topic(city, bus))
