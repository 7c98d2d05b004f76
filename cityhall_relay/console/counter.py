"""The counter's pages, made of one relay's desks."""

from collections.abc import Sequence

from cityhall_relay.console.board import BoardPages
from cityhall_relay.console.desks import Desks
from cityhall_relay.console.documents import DocumentPages
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.live import Live
from cityhall_relay.console.visit import VisitPages
from cityhall_relay.console.visitor import Pages


def counter_pages(desks: Desks, frame: Frame) -> Sequence[Pages]:
    """Board, visits, documents."""
    live = Live(desks.changes)
    return BoardPages(desks, frame, live), VisitPages(desks, frame, live), DocumentPages(desks, frame)
