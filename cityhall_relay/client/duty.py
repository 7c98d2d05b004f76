"""The clerk's commands about duty: `duty BUS` and `extend BUS`."""

import argparse
from collections.abc import Callable
from typing import Any

from cityhall_relay.client import commands
from cityhall_relay.client.show import Json, Screen, when

Add = Callable[..., argparse.ArgumentParser]


def register(actions: Any, add: Add) -> None:
    """Both, by the command line's own way of adding a clerk's command."""
    for name, run, text in (
        ("duty", duty, "today's duty of a bus: mode, hours, what was asked for, every change"),
        ("extend", extend, "let today's duty of a bus end later, as its concierge asks (延長)"),
    ):
        add(actions, name, run, text).add_argument("bus", metavar="BUS")


def duty(args: argparse.Namespace) -> int:
    """`duty`."""
    return _show(args, commands.city_hall(args).duty(args.bus))


def extend(args: argparse.Namespace) -> int:
    """`extend`."""
    return _show(args, commands.city_hall(args).extend(args.bus))


def _show(args: argparse.Namespace, seen: Json) -> int:
    Screen(args.json).result(seen, _text(seen))
    return commands.DONE


def _text(seen: Json) -> str:
    hours = seen["hours"]
    said = f"{when(hours[0])} to {when(hours[1])[11:]}" if hours else "none today"
    lines = [f"{seen['bus']}  {seen['mode'] or '-'}  duty hours: {said}"]
    if seen["asked_min"]:
        lines.append(f"asks for {seen['asked_min']} min more: cityhall-relay extend {seen['bus']}")
    lines += [f"{when(one['at'])}  {one['mode']}  ({one['why']})" for one in seen["changes"]]
    return "\n".join(lines)
