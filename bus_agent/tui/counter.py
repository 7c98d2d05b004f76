"""Scenes of the counter."""

from collections.abc import Mapping
from typing import Final

from bus_agent.tui.scene import Context, MakeScene, Scene, Text, Tone
from bus_agent.tui.words import TuiWord
from cityhall_base.clock import jst


def route_bus(context: Context) -> Scene:
    """The whole screen: one quiet line, and the clock."""
    clock = Text(text=f"{jst(context.seen.at):%H:%M}", tone=Tone.CALM)
    return Scene(sentence=context.say(TuiWord.ROUTE_BUS), body=(clock,), tone=Tone.CALM)


SCENES: Final[Mapping[str, MakeScene]] = {"route_bus": route_bus}
