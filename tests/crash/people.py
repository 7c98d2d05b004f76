"""Clerk and concierge for one session. They know nothing of mishaps: at each look they do what the screens ask for."""

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
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

MODE: Final = "city_hall"
"""The duty mode of these cycles; the concierge goes back to it from any other."""

_PATIENCE_S: Final = 20
_SESSION: Final = re.compile(r"s[0-9a-f]{24}")


class Errand:
    """One document, and where it stands. `waiting`: the clerk does not send it before `People.bring`."""

    def __init__(self, document: bytes, *, waiting: bool) -> None:
        self.document, self.waiting = document, waiting
        self.sha256 = hashlib.sha256(document).hexdigest()
        self.submission = secrets.token_hex(16)
        self.job = ""
        self.asked = self.switched_off = False
        self.view: Json = {}  # at city hall
        self.board: Json = {}  # on the bus
        self.doubt_since: float | None = None

    @property
    def over(self) -> bool:
        """Both sides have ended and forgotten it, or it was never sent."""
        return not self.job or (bool(self.view.get("ended")) and not self.board)


class People:
    """`at_end` is the button that the concierge presses for a printed document; only the first document is sent at once."""

    def __init__(self, house: CrashHouse, documents: Sequence[bytes], at_end: str) -> None:
        self.house, self.at_end = house, at_end
        self.errands = [Errand(document, waiting=place > 0) for place, document in enumerate(documents)]
        self.clerk = CityHall(load_clerk(house.city.clerk_toml))
        self.clerk._http.timeout = httpx.Timeout(_PATIENCE_S)
        transport = httpx.HTTPTransport(uds=str(house.city.bus.api_socket))
        self._http = httpx.Client(transport=transport, base_url="http://bus", timeout=_PATIENCE_S)
        self._printer = Printer(f"ipp://127.0.0.1:{house.ports.printer}/ipp/print")
        self._earlier = len(house.papers())
        self.session = ""
        self.closed = self.takes_back = self.never_allows = False
        self.away = self._wrong_mode = False
        self.advice = ""
        self.said: list[str] = []
        self._met = False
        self.on_doubt: Callable[[Errand], None] = lambda errand: None

    def close(self) -> None:
        """Give the connections back."""
        self.clerk.close()
        self._http.close()

    # --- what there is to see ---

    @property
    def papers(self) -> list[Paper]:
        """What came out since this cycle began."""
        return self.house.papers()[self._earlier :]

    def papers_of(self, errand: Errand) -> list[Paper]:
        """This document's, and with the first one's what nobody sent."""
        others = {one.sha256 for one in self.errands if one is not errand}
        strangers = errand is self.errands[0]
        return [one for one in self.papers if one.sha256 == errand.sha256 or (strangers and one.sha256 not in others)]

    @property
    def over(self) -> bool:
        """Nothing is left to be done."""
        return self.closed and not self._wrong_mode and all(errand.over for errand in self.errands)

    def printer_jobs(self) -> list[JobStatus] | None:
        """The printer's whole list, asked directly; None where it does not answer."""
        with suppress(PrinterError):
            return self._printer.jobs()
        return None

    # --- what they do ---

    def look(self) -> None:
        """One look at the screens, and for each document at most one thing done."""
        with suppress(ClientError, httpx.HTTPError, PartError):
            self._see()
            self._act()

    def _see(self) -> None:
        shown = self.house.snapshot()
        boards = {one["job"]: one for one in shown["jobs"]}
        self.advice = shown["advice"]["key"]
        self._wrong_mode = shown["mode"] != MODE
        for errand in self.errands:
            errand.board = boards.get(errand.job, {})
            if errand.job:
                errand.view = self._asked_at_city_hall(errand.job)
        self._met = self.house.has_met(shown) and not self.house.busy

    def _asked_at_city_hall(self, job: str) -> Json:
        try:
            return self.clerk.job(job)
        except RefusedError as error:
            if error.answered != httpx.codes.NOT_FOUND:
                raise
            return {}  # it took the document and does not know it: lost, where that stays so

    def _act(self) -> None:
        if self._wrong_mode and not self.away:
            self.mode(MODE)
        elif not self.session and not self.closed:
            self._open()
        for errand in self.errands:
            if not errand.waiting:
                self._further(errand)
        if self.session and not self.closed and all(one.over and (one.job or one.waiting) for one in self.errands):
            self.leave()

    def _further(self, errand: Errand) -> None:
        state = errand.board.get("state")
        if not errand.job:
            if self.session and not self.closed:
                self._send(errand)
        elif state == "uncertain":
            self._doubtful(errand)
        elif state == "printed":
            self.press(errand, self.at_end)
        elif state == "on_bus" and not self.closed:
            self._allow_and_print(errand)
        if state != "uncertain":
            errand.doubt_since = None

    def _open(self) -> None:
        try:
            self.session = str(self.clerk.open_session(BUS, SECTION, STOP, 1)["session"])
        except RefusedError as error:
            # The answer to the first try was lost: the sentence names the session, and she closes it.
            if found := _SESSION.search(str(error)):
                self.clerk.close_session(found[0])

    def bring(self) -> Errand:
        """Have the clerk send the next document too."""
        errand = next(one for one in self.errands if one.waiting)
        errand.waiting = False
        return errand

    def _send(self, errand: Errand) -> None:
        try:
            errand.job = str(self.clerk.send(errand.document, self.session, SERVICE, errand.submission)["job"])
        except RefusedError as error:
            self.said.append(str(error))

    def _allow_and_print(self, errand: Errand) -> None:
        if self.takes_back:
            self.clerk.cancel(errand.job)
        elif not errand.board["approved"]:
            if errand.view["state"] == "on_bus" and not errand.view["approved"] and not self.never_allows:
                self.clerk.approve(errand.job)
        elif errand.view["state"] == "on_bus" and errand.board["in_session"]:
            self.press(errand, "print")

    def _doubtful(self, errand: Errand) -> None:
        now = time.monotonic()
        if not self._met or self.printing:
            errand.doubt_since = None
        errand.doubt_since = errand.doubt_since or now
        if now - errand.doubt_since < QUIET_S:
            return
        if not errand.asked:
            errand.asked = True
            self.on_doubt(errand)
        if self.advice == "do.switch_off" and not errand.switched_off:
            errand.switched_off = True
            self.house.act(self._switch_off)
            errand.doubt_since = None
            return
        ours = [one for one in self.papers if one.sha256 == errand.sha256]
        whole = any(one.completed_ns for one in ours)
        self.press(errand, "hand-over" if whole else "spoiled" if ours else "nothing-came-out")

    @property
    def printing(self) -> bool:
        """The printer's display says so."""
        with suppress(PrinterError):
            return self._printer.describe().state == "processing"
        return False

    def _switch_off(self) -> None:
        self.house.kill(["printer"])
        self.house.mend()

    def press(self, errand: Errand, button: str) -> None:
        """One of the concierge's; what the bus says to it stands in `said`."""
        body = {"why": "jam", "sheets": ["A-1"]} if button == "spoiled" else None
        answer = self._http.post(f"/v1/jobs/{errand.job}/{button}", json=body)
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
