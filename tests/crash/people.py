"""Clerk and concierge for one document. They know nothing of mishaps: at each look they do what the screens ask for."""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import httpx

from bus_agent.errors import PrinterError
from bus_agent.spooler.printer import Printer
from bus_agent.spooler.reading import JobStatus
from cityhall_relay.client.api import CityHall
from cityhall_relay.client.errors import ClientError, RefusedError
from cityhall_relay.settings import load_clerk
from provisioning.demo.paper import Paper
from provisioning.errors import PartError
from provisioning.small_city import BUS, SECTION, SERVICE, STOP
from tests.crash.house import CrashHouse

Json = dict[str, Any]

QUIET_S: Final = 2.0
"""So long the bus shows the same doubt before the concierge goes to the tray: the machine may still find out."""

_PATIENCE_S: Final = 20
_SESSION: Final = re.compile(r"s[0-9a-f]{24}")


class People:
    """`at_end` is the button that the concierge presses for a printed document."""

    def __init__(self, house: CrashHouse, document: bytes, at_end: str) -> None:
        self.house, self.document, self.at_end = house, document, at_end
        self.sha256 = hashlib.sha256(document).hexdigest()
        self.clerk = CityHall(load_clerk(house.city.clerk_toml))
        self.clerk._http.timeout = httpx.Timeout(_PATIENCE_S)
        transport = httpx.HTTPTransport(uds=str(house.city.bus.api_socket))
        self._http = httpx.Client(transport=transport, base_url="http://bus", timeout=_PATIENCE_S)
        self._printer = Printer(f"ipp://127.0.0.1:{house.ports.printer}/ipp/print")
        self._submission = secrets.token_hex(16)
        self._earlier = len(house.papers())
        self.session, self.job = "", ""
        self.closed = self.asked = self.takes_back = False
        self.view: Json = {}
        self.board: Json = {}
        self.advice = ""
        self.said: list[str] = []
        self._doubt_since: float | None = None
        self._met = False
        self._switched_off = False
        self.on_doubt: Callable[[], None] = lambda: None

    def close(self) -> None:
        """Give the connections back."""
        self.clerk.close()
        self._http.close()

    # --- what there is to see ---

    @property
    def papers(self) -> list[Paper]:
        """What came out since this document's cycle began."""
        return self.house.papers()[self._earlier :]

    @property
    def ours(self) -> list[Paper]:
        """This document's."""
        return [one for one in self.papers if one.sha256 == self.sha256]

    @property
    def over(self) -> bool:
        """Both sides have ended and forgotten it, and the session is closed."""
        ended = not self.job or bool(self.view.get("ended"))
        return ended and not self.board and self.closed

    def printer_jobs(self) -> list[JobStatus] | None:
        """The printer's whole list, asked directly; None where it does not answer."""
        with suppress(PrinterError):
            return self._printer.jobs()
        return None

    # --- what they do ---

    def look(self) -> None:
        """One look at the screens, and at most one thing done."""
        with suppress(ClientError, httpx.HTTPError, PartError):
            self._see()
            self._act()

    def _see(self) -> None:
        shown = self.house.snapshot()
        self.board = next((one for one in shown["jobs"] if one["job"] == self.job), {})
        self.advice = shown["advice"]["key"]
        if self.job:
            self.view = self._asked_at_city_hall()
        self._met = self.house.has_met(shown) and not self.house.busy

    def _asked_at_city_hall(self) -> Json:
        try:
            return self.clerk.job(self.job)
        except RefusedError as error:
            if error.answered != httpx.codes.NOT_FOUND:
                raise
            return {}  # it took the document and does not know it: lost, where that stays so

    def _act(self) -> None:
        state = self.board.get("state")
        if not self.session:
            self._open()
        elif not self.job and not self.closed:
            self._send()
        elif state == "uncertain":
            self._doubtful()
        elif state == "printed":
            self.press(self.at_end)
        elif state == "on_bus" and not self.closed:
            self._allow_and_print()
        elif not self.closed and self.view.get("ended") and not self.board:
            self.leave()
        if state != "uncertain":
            self._doubt_since = None

    def _open(self) -> None:
        try:
            self.session = str(self.clerk.open_session(BUS, SECTION, STOP, 1)["session"])
        except RefusedError as error:
            # The answer to the first try was lost: the sentence names the session, and she closes it.
            if found := _SESSION.search(str(error)):
                self.clerk.close_session(found[0])

    def _send(self) -> None:
        try:
            self.job = str(self.clerk.send(self.document, self.session, SERVICE, self._submission)["job"])
        except RefusedError as error:
            self.said.append(str(error))

    def _allow_and_print(self) -> None:
        if self.takes_back:
            self.clerk.cancel(self.job)
        elif not self.board["approved"]:
            if self.view["state"] == "on_bus" and not self.view["approved"]:
                self.clerk.approve(self.job)
        elif self.view["state"] == "on_bus" and self.board["in_session"]:
            self.press("print")

    def _doubtful(self) -> None:
        now = time.monotonic()
        if not self._met or self.printing:
            self._doubt_since = None
        self._doubt_since = self._doubt_since or now
        if now - self._doubt_since < QUIET_S:
            return
        if not self.asked:
            self.asked = True
            self.on_doubt()
        if self.advice == "do.switch_off" and not self._switched_off:
            self._switched_off = True
            self.house.act(self._switch_off)
            self._doubt_since = None
            return
        ours = self.ours
        whole = any(one.completed_ns for one in ours)
        self.press("hand-over" if whole else "spoiled" if ours else "nothing-came-out")

    @property
    def printing(self) -> bool:
        """The printer's display says so."""
        with suppress(PrinterError):
            return self._printer.describe().state == "processing"
        return False

    def _switch_off(self) -> None:
        self.house.kill(["printer"])
        self.house.mend()

    def press(self, button: str) -> None:
        """One of the concierge's; what the bus says to it stands in `said`."""
        body = {"why": "jam", "sheets": ["A-1"]} if button == "spoiled" else None
        answer = self._http.post(f"/v1/jobs/{self.job}/{button}", json=body)
        if not answer.is_success:
            self.said.append(f"{button}: {answer.text[:200]}")

    def mode(self, mode: str) -> None:
        """The concierge changes the duty mode; raises httpx.HTTPError."""
        self._http.post("/v1/mode", json={"mode": mode}).raise_for_status()

    def leave(self) -> None:
        """End the session; raises ClientError."""
        if self.session:
            self.clerk.close_session(self.session)
        self.closed = True
