"""uvicorn on a socket of our own making, inside the agent's event loop, without its hands on our signals."""

import contextlib
import socket
from collections.abc import Generator

import uvicorn
from starlette.applications import Starlette

from bus_agent.ipc import address
from bus_agent.settings import AgentSettings

STOP_S = 1


class ApiServer(uvicorn.Server):
    """Serves until `should_exit`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """SIGTERM is the agent's own: it ends everything in order, this too."""
        yield


def make(app: Starlette) -> ApiServer:
    """h11 and plain asyncio: what a dozen requests a second need."""
    return ApiServer(
        uvicorn.Config(
            app,
            loop="none",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=STOP_S,
        )
    )


def listen(settings: AgentSettings) -> socket.socket:
    """The socket that the screen knows; raises SetupError."""
    return address.listen(settings.api_socket, socket.SOCK_STREAM, settings.api_socket_mode, settings.api_socket_group)
