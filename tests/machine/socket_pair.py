"""The socket between agent and spooler: words as bytes, in order, lost with whoever ends."""

import os
from collections.abc import Callable
from typing import Any

import msgspec

from bus_agent.errors import SpoolerGoneError
from bus_agent.ipc.channel import Received
from bus_agent.ipc.messages import FromSpooler, ToSpooler
from cityhall_wire import strict_json
from tests.machine.gates import Gates
from tests.machine.virtual import Process


class AgentEnd:
    """What `bus_agent.agent.spooler_line.SpoolerLine` is to the agent."""

    def __init__(self, wire: "SocketPair", process: Process) -> None:
        self._wire, self.process, self._turn = wire, process, 0
        self.on_message: Callable[[FromSpooler], None] = lambda message: None
        self.on_connect: Callable[[], None] = lambda: None
        self.on_gone: Callable[[], None] = lambda: None

    def send(self, message: msgspec.Struct, fd: int | None = None) -> None:
        """Raises SpoolerGoneError."""
        self._wire.to_spooler(message, fd, self._turn)

    def met(self, turn: int) -> None:
        """The spooler has accepted."""
        self._turn = turn
        self.on_connect()


class SocketPair:
    """One connection at a time. Each end knows by `turn` which one it uses: what it says on an older one is lost."""

    def __init__(self, bus: str, gates: Gates, heard: Callable[[str, msgspec.Struct], None]) -> None:
        self._bus, self._gates, self._heard = bus, gates, heard
        self.agent: AgentEnd | None = None
        self.spooler: Any = None
        self.connected, self.turn = False, 0

    def connect(self) -> None:
        """Where both ends are there. Each finds out in its turn, after all that it was told before."""
        if self.connected or self.agent is None or self.spooler is None:
            return
        self.connected, self.turn = True, self.turn + 1
        self.spooler.hear(self.spooler.met, self.turn)
        self.agent.process.soon(self.agent.met, self.turn)

    def to_agent(self, message: msgspec.Struct, turn: int) -> None:
        """Lost where nobody is connected."""
        self._gates.passing(f"{_tag(message)} is said", self._bus)
        if self.connected and turn == self.turn and self.agent and not self.spooler.process.dead:
            said: FromSpooler = strict_json.decode(strict_json.encode(message), FromSpooler)  # type: ignore[arg-type]
            self._heard(self._bus, said)
            self.agent.process.soon(self.agent.on_message, said)

    def to_spooler(self, message: msgspec.Struct, fd: int | None, turn: int) -> None:
        """Raises SpoolerGoneError."""
        self._gates.passing(f"{_tag(message)} is said", self._bus)
        if not self.connected or turn != self.turn or self.agent is None or self.agent.process.dead:
            raise SpoolerGoneError
        said: ToSpooler = strict_json.decode(strict_json.encode(message), ToSpooler)  # type: ignore[arg-type]
        received = Received(said, None if fd is None else os.dup(fd))
        self.spooler.hear(self.spooler.desk.take, received)

    def agent_gone(self) -> None:
        """The agent ended; what it said before is still read."""
        self.agent = None
        if self.connected:
            self.connected = False
            self.spooler.hear(self.spooler.left)

    def spooler_gone(self) -> None:
        """The spooler ended; what it said before is still read."""
        self.spooler = None
        if self.connected:
            self.connected = False
            if self.agent is not None:
                self.agent.process.soon(self.agent.on_gone)


def _tag(message: msgspec.Struct) -> str:
    return str(message.__struct_config__.tag)
