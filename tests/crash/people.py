"""Clerk and concierge for one session. They know nothing of mishaps: at each look they do what the screens ask for."""

import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

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
_BODIES: Final[dict[str, Json]] = {"spoiled": {"why": "jam", "sheets": ["?"]}, "refuse": {"why": "no_paper"}}


class Habits(NamedTuple):
    """What they do where they could do something else."""

    on_bus: str = "print"  # or cancel, refuse, refuse on bus, nothing: a document that has been carried
    at_end: str = "hand-over"  # the button for a printed one
    voids: bool = False  # the clerk ends every doubt
    called: bool = False  # the concierge calls, and ends the session


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
    """What they do by `habits`; only the first document is sent at once."""

    def __init__(self, house: CrashHouse, documents: Sequence[bytes], habits: Habits) -> None:
        self.house, self.habits = house, habits
        self.errands = [Errand(document, waiting=place > 0) for place, document in enumerate(documents)]
        self.clerk = CityHall(load_clerk(house.city.clerk_toml))
        self.clerk._http.timeout = httpx.Timeout(_PATIENCE_S)
        transport = httpx.HTTPTransport(uds=str(house.city.bus.api_socket))
        self._http = httpx.Client(transport=transport, base_url="http://bus", timeout=_PATIENCE_S)
        self._printer = Printer(f"ipp://127.0.0.1:{house.ports.printer}/ipp/print")
        self._earlier = len(house.papers())
        self.session = self._ringing = ""
        self.closed = self.away = self._wrong_mode = self._seat_taken = False
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
        self._wrong_mode, self._seat_taken = shown["mode"] != MODE, shown["session"] is not None
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
            if self.habits.called and self._met and not self._seat_taken:
                self.closed = True  # she has pressed, and the answer was lost
            else:
                self.leave(on_bus=self.habits.called)

    def _further(self, errand: Errand) -> None:
        state = errand.board.get("state")
        if not errand.job:
            if self.session and not self.closed:
                self._send(errand)
        elif state == "uncertain":
            self._doubtful(errand)
        elif state == "printed":
            self.press(errand, self.habits.at_end)
        elif state == "on_bus" and not self.closed:
            self._allow_and_print(errand)
        if state != "uncertain":
            errand.doubt_since = None

    def _open(self) -> None:
        if self.habits.called:
            self._call()
            return
        try:
            self.session = str(self.clerk.open_session(BUS, SECTION, STOP, 1)["session"])
        except RefusedError as error:
            # The answer to the first try was lost: the sentence names the session, and she closes it.
            if found := _SESSION.search(str(error)):
                self.clerk.close_session(found[0])

    def _call(self) -> None:
        self._ringing = self._ringing or next((str(one["session"]) for one in self.clerk.calls()), "")
        if not self._ringing:
            if not self._seat_taken:
                self._post("/v1/session/call", {"section": SECTION, "stop": STOP, "slot": 1})
            return
        try:
            self.session = str(self.clerk.accept(self._ringing)["session"])
        except RefusedError as error:
            self.said.append(str(error))
            self._ringing = ""

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
        match self.habits.on_bus:
            case "cancel":
                self.clerk.cancel(errand.job)
            case "refuse":
                self.clerk.refuse(errand.job, "other")
            case "refuse on bus":
                self.press(errand, "refuse")
            case "print" if not errand.board["approved"]:
                if errand.view["state"] == "on_bus" and not errand.view["approved"]:
                    self.clerk.approve(errand.job)
            case "print" if errand.view["state"] == "on_bus" and errand.board["in_session"]:
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
        if self.habits.voids:
            self.clerk.void(errand.job, ["?"])
            return
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
        self._post(f"/v1/jobs/{errand.job}/{button}", _BODIES.get(button))

    def _post(self, path: str, body: Json | None = None) -> None:
        answer = self._http.post(path, json=body)
        if not answer.is_success:
            self.said.append(f"{path}: {answer.text[:200]}")

    def mode(self, mode: str) -> None:
        """The concierge changes the duty mode; raises httpx.HTTPError."""
        self._http.post("/v1/mode", json={"mode": mode}).raise_for_status()

    def leave(self, *, on_bus: bool = False) -> None:
        """The clerk ends the session, or the concierge; raises ClientError or httpx.HTTPError."""
        if self.session and on_bus:
            self._http.post("/v1/session/end").raise_for_status()
        elif self.session:
            self.clerk.close_session(self.session)
        self.closed = True
