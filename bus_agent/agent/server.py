"""The local API's listener: a Unix socket, its bounds, inside the agent's event loop."""

import socket
from typing import Final

from starlette.applications import Starlette

from bus_agent.ipc import address
from bus_agent.settings import AgentSettings
from cityhall_base.web.listener import Bounds, Listener

BOUNDS: Final = Bounds(most=32, share=32, keep_alive_s=30, grace_s=1)
"""A screen, a technician and a few commands; the socket's mode says who may come at all."""


def make(app: Starlette, settings: AgentSettings) -> Listener:
    """Listens at the socket that the screen knows; raises SetupError."""
    path, mode, group = settings.api_socket, settings.api_socket_mode, settings.api_socket_group
    return Listener(app, address.listen(path, socket.SOCK_STREAM, mode, group), None, BOUNDS)
