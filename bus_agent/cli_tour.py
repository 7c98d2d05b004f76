"""`bus-agent arrive`, `leave`, `feedback`, `seen`: their command line, and what they ask of the local API."""

import argparse
from collections.abc import Callable

Add = Callable[..., argparse.ArgumentParser]


def register(add: Add) -> None:
    """`add(name, text)` makes a command with the options of every client."""
    arrive = add("arrive", "到着: the bus has come to a stop; from 移動中 it is a city hall again")
    arrive.add_argument("stop", metavar="STOP", help="as in city.toml (会場)")
    arrive.set_defaults(request=lambda asked: ("POST", "/v1/arrive", {"stop": asked.stop}))
    leave = add("leave", "出発: the bus goes on; a counter is closed with that (移動中)")
    leave.set_defaults(request=lambda _: ("POST", "/v1/leave", None))
    feedback = add("feedback", "利用者の声: how the last visit was, once for each visit")
    feedback.add_argument("face", type=int, choices=(1, 2, 3), help="3: good, 2: so-so, 1: not good")
    feedback.set_defaults(request=lambda asked: ("POST", "/v1/feedback", {"face": asked.face}))
    seen = add("seen", "you have seen how the last visit ended")
    seen.set_defaults(request=lambda _: ("POST", "/v1/visit/seen", None))
