"""The spooler's door: one agent at a time, known by its user id, and told every few seconds how printer and spooler are."""

import asyncio
import logging
import socket
from typing import Final

import msgspec

from bus_agent.errors import ChannelError, PeerGoneError, PrinterError, PrinterSilentError, WrongPeerError
from bus_agent.ipc.channel import check_peer
from bus_agent.ipc.loop import Channel
from bus_agent.ipc.messages import Statement, Status, ToSpooler
from bus_agent.spooler.case import Tools
from bus_agent.spooler.desk import Desk
from bus_agent.spooler.reading import Inspection
from cityhall_wire.messages.link import PrinterSummary

STATUS_S: Final = 3
"""How old the printer's state on the screen may be."""

BUSY_STATUS_S: Final = 1
"""While it prints somebody waits in front of it, and what makes it stand is news."""

UNKNOWN: Final = PrinterSummary(state="unknown")

log = logging.getLogger(__name__)


class Front:
    """The connection to the agent, where there is one."""

    def __init__(self, agent_uid: int) -> None:
        self._uid = agent_uid
        self._agent: Channel[ToSpooler] | None = None
        self._news = asyncio.Event()
        self._problem = ""

    def say(self, message: msgspec.Struct) -> None:
        """To the agent; without one it is lost, and the next agent asks (`Recover`)."""
        if self._agent is None:
            return
        try:
            self._agent.send(message)
        except PeerGoneError as error:
            log.info("agent: %s", error)
        if isinstance(message, Statement):
            self.look()  # the document is at the printer, or has come out: now its state is worth a look

    def look(self) -> None:
        """Something changed: the next `Status` is due now."""
        self._news.set()

    async def serve(self, listener: socket.socket, desk: Desk) -> None:
        """One agent after the other; a second one waits in the backlog."""
        while True:
            sock, _ = await asyncio.get_running_loop().sock_accept(listener)
            with sock:
                try:
                    check_peer(sock, self._uid)
                except WrongPeerError as error:
                    log.warning("refused: %s", error)
                    continue
                await self._converse(sock, desk)

    async def report(self, tools: Tools, desk: Desk) -> None:
        """Say `Status` at once to a new agent and after each statement, then every few seconds."""
        while True:
            self._news.clear()
            self.say(await self._status(tools, desk))
            try:
                async with asyncio.timeout(BUSY_STATUS_S if desk.busy else STATUS_S):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _status(self, tools: Tools, desk: Desk) -> Status:
        incarnation, standby = tools.signer.identity.incarnation, tools.standby.ready
        try:
            status, supplies = await asyncio.to_thread(_inspect, tools)
        except PrinterError as error:
            self._note(str(error))
            return Status(incarnation=incarnation, printer=UNKNOWN, busy=desk.busy, standby=standby)
        self._note("")
        return Status(
            incarnation=incarnation,
            printer=PrinterSummary(state=status.state, reasons=status.reasons),
            busy=desk.busy,
            standby=standby,
            supplies=supplies,
            media_ready=status.media_ready,
            impressions=status.counter,
        )

    def _note(self, problem: str) -> None:
        """Once for each change: a printer may be off all night."""
        if problem != self._problem:
            self._problem = problem
            log.info("printer: %s", problem or "it answers")

    async def _converse(self, sock: socket.socket, desk: Desk) -> None:
        self._agent = Channel(sock, ToSpooler)
        self._news.set()
        log.info("agent connected")
        try:
            while True:
                desk.take(await self._agent.receive())
        except PeerGoneError:
            log.info("agent gone")
        except ChannelError as error:
            log.warning("agent dropped: %s", error)
        finally:
            self._agent = None
            desk.agent_gone()


def _inspect(tools: Tools) -> Inspection:
    """The whole, or where the printer stumbles over that question, at least how it is."""
    try:
        return tools.printer.inspect()
    except PrinterSilentError:
        raise
    except PrinterError:
        return Inspection(tools.printer.describe(), ())
