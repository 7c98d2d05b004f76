"""Clerk and concierge of a whole day. They do what the screens ask for, and ask again where nobody answers."""

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final, NamedTuple

import httpx

from cityhall_relay import trial_page
from cityhall_relay.client.api import CityHall
from cityhall_relay.client.errors import ClientError, RefusedError
from cityhall_relay.settings import load_clerk
from provisioning.demo.stage import Scene
from provisioning.errors import PartError
from provisioning.small_city import BUS, CLERK, CONCIERGE, PIN, SECTION, SERVICE
from tests.day.house import DayHouse
from tests.day.tray import Tray

Json = dict[str, Any]

STEP_S: Final = 60.0
"""For whatever one waits for, a power cut in it included."""

LOOK_S: Final = 0.05
FEE_YEN: Final = 300
QUIET_S: Final = 1.5
"""So long the bus shows the same doubt before the concierge goes to the tray: the machine may still find out."""

_ENDED_WITHOUT_PAPER: Final = ("canceled", "expired", "refused", "not_printed")

_AWAY: Final = (ClientError, httpx.HTTPError, PartError)
"""What everybody meets while a side has no power."""


class NotDoneError(Exception):
    """A step of the day did not come to its end."""


class Errand(NamedTuple):
    """What a resident comes for."""

    document: bytes
    service: str = SERVICE
    waived: bool = False
    scene: Scene | None = None  # what the printer does with the first try
    numbered: bool = True
    section: str = SECTION

    @property
    def sha256(self) -> str:
        """Of the document."""
        return hashlib.sha256(self.document).hexdigest()


class Clerk:
    """At a counter of city hall; requests of one's own beside those of the command."""

    def __init__(self, house: DayHouse, who: str) -> None:
        self.api = CityHall(load_clerk(house.city.city.clerk(who) / "clerk.toml"))
        self.close = self.api.close

    def get(self, path: str) -> Json:
        """Raises ClientError."""
        return self.api._patiently("GET", path)

    def post(self, path: str, body: Json | None = None) -> Json:
        """Raises ClientError."""
        return self.api._patiently("POST", path, json=body or {})


class Concierge:
    """On board."""

    def __init__(self, house: DayHouse) -> None:
        transport = httpx.HTTPTransport(uds=str(house.city.bus.api_socket))
        self._http = httpx.Client(transport=transport, base_url="http://bus", timeout=20)
        self.close = self._http.close
        self.refused = ""

    def get(self, path: str) -> Json:
        """Raises httpx.HTTPError."""
        answer = self._http.get(path)
        answer.raise_for_status()
        return dict(answer.json())

    def post(self, path: str, body: Json | None = None) -> bool:
        """Whether the bus did it; what it said else stands in `refused`. Raises httpx.HTTPError where nobody answers."""
        answer = self._http.post(path, json=body)
        self.refused = "" if answer.is_success else f"{path}: {answer.text}"
        return answer.is_success

    def ask(self, path: str, body: Json | None = None) -> Json:
        """A command and its answer; raises NotDoneError where it is refused."""
        if not self.post(path, body):
            raise NotDoneError(self.refused)
        return self.get("/v1/snapshot")


class People:
    """Everybody, and what they look at. `looked` is called at each look: there a power cut may happen."""

    def __init__(self, house: DayHouse, tray: Tray, looked: Callable[[], None]) -> None:
        self.house, self.tray, self._looked = house, tray, looked
        self.clerk, self.concierge = Clerk(house, CLERK), Concierge(house)
        self.stop = self.mode = ""
        self.sessions: list[str] = []

    def close(self) -> None:
        """Give the connections back."""
        self.clerk.close()
        self.concierge.close()

    def until(self, goal: Callable[[], bool], step: Callable[[], None], what: str) -> None:
        """Look, and do one thing, until `goal` holds; raises NotDoneError naming `what` after STEP_S."""
        end, last = time.monotonic() + STEP_S, ""
        while time.monotonic() < end:
            self._looked()
            try:
                if goal():
                    return
                self._be_on_board()
                step()
            except _AWAY as error:
                last = str(error)
            time.sleep(LOOK_S)
        raise NotDoneError(f"{what}: {last} {self.concierge.refused}")

    def _be_on_board(self) -> None:
        """Signed in, and in the mode that the day is in: a bus that doubts its clock falls back to being a route bus."""
        if not self.mode:
            return
        seen = self.seen()
        if not seen["signed_in"]["who"]:
            self.concierge.post("/v1/sign-in", {"who": CONCIERGE, "pin": PIN})
        elif seen["mode"] == "route_bus":
            self.concierge.post("/v1/mode", {"mode": self.mode})

    def seen(self) -> Json:
        """The bus's screen. Raises httpx.HTTPError."""
        return self.concierge.get("/v1/snapshot")

    def pass_time(self, seconds: float) -> None:
        """It passes, and both sides have noticed."""
        self.house.clock.move(seconds)
        at = self.house.clock.utc_ms()
        self.until(lambda: self._heard_since(at), lambda: None, "bus and city hall have met again")

    def _heard_since(self, at: int) -> bool:
        bus = next(one for one in self.clerk.api.buses() if one["bus"] == BUS)
        return (bus["last_sync_at"] or 0) >= at and self.house.has_met(self.seen())

    # --- a counter session ---

    def enter(self, mode: str) -> None:
        """The concierge changes the duty mode."""
        self.mode = mode
        self.until(
            lambda: self.seen()["mode"] == mode, lambda: _ignore(self.concierge.post("/v1/mode", {"mode": mode})), mode
        )

    def seat(self, section: str = SECTION) -> str:
        """A resident sits down, the concierge calls, and a clerk accepts; the live session that there may be already."""
        self.until(lambda: self._accepted() is not None, lambda: self._call(section), f"{section} answers")
        session = self._accepted() or ""
        if session not in self.sessions:
            self.sessions.append(session)
        return session

    def rise(self) -> None:
        """The concierge ends the session."""
        self.until(
            lambda: self.seen()["session"] is None,
            lambda: _ignore(self.concierge.post("/v1/session/end")),
            "the session ends",
        )

    def _accepted(self) -> str | None:
        session = self.seen()["session"]
        return session["session"] if session and session["clerk"] else None

    def _call(self, section: str) -> None:
        if not (ringing := [str(one["session"]) for one in self.clerk.api.calls()]):
            self.concierge.post("/v1/session/call", {"section": section, "stop": self.stop, "slot": len(self.sessions)})
            return
        self.clerk.api.accept(ringing[0])


def _ignore(done: bool) -> None:
    """The next look shows whether it was done."""


class Visit:
    """One document until it is handed over, through whatever happens to it."""

    def __init__(self, people: People, errand: Errand) -> None:
        self._people, self.errand = people, errand
        self.jobs: list[str] = []
        self._coins, self.mends = False, True
        self._doubt_since: float | None = None
        self._spoiled: list[str] = []

    @property
    def job(self) -> str:
        """The newest try."""
        return self.jobs[-1]

    def run(self) -> None:
        """From sitting down to standing up."""
        people = self._people
        if self.errand.numbered:
            people.tray.will_take(self.errand.sha256)
        if self.errand.scene:
            people.house.director.stage.play(self.errand.scene)
        people.until(self.over, self.step, f"{self.errand.service} is handed over and paid")
        people.rise()

    def over(self) -> bool:
        """The clerk sees お渡し済, and nobody owes anything."""
        return bool(self.jobs) and self._view()["state"] == "handed_over" and not self._open_fee()

    @property
    def ended(self) -> bool:
        """As the clerk sees it. Raises ClientError."""
        return bool(self._view()["ended"])

    def step(self) -> None:
        """One look, and one thing done."""
        session = self._people.seat(self.errand.section)
        if not self.jobs:
            self._send(session)
            return
        view, board = self._view(), self._board()
        state = board.get("state") or view["state"]
        if state != "uncertain":
            self._doubt_since = None
        if state == "on_bus":
            self._allow_and_print(view, board)
        elif state in _ENDED_WITHOUT_PAPER and view["ended"]:
            self._send(session)
        elif state == view["state"] == "spoiled":
            self._send(session, reissue=self.job)
        elif act := self._ACTS.get(state):
            act(self)

    # --- what they do ---

    def _view(self) -> Json:
        return self._people.clerk.api.job(self.job)

    def _board(self) -> Json:
        return next((one for one in self._people.seen()["jobs"] if one["job"] == self.job), {})

    def _send(self, session: str, reissue: str = "") -> None:
        # The number of the try is the submission's: whoever hands it in again gets the same document.
        submission = hashlib.sha256(f"{session} {self.errand.sha256} {len(self.jobs)}".encode()).hexdigest()[:32]
        sheet = (reissue, self._spoiled[0]) if reissue else None
        with suppress(RefusedError):
            self.jobs.append(str(self._handed_in(session, submission, sheet)["job"]))

    def _handed_in(self, session: str, submission: str, sheet: tuple[str, str] | None) -> Json:
        hall, service = self._people.clerk.api, self.errand.service
        if service == trial_page.NAME:
            return hall.ask("POST", f"/1/sessions/{session}/test-page", headers={"Submission": submission})
        return hall.send(self.errand.document, session, service, submission, reissue=sheet)

    @property
    def refused(self) -> str:
        """What the bus said last where it refused."""
        return self._people.concierge.refused

    def take_back(self) -> None:
        """The clerk cancels it. Raises ClientError."""
        self._people.clerk.api.cancel(self.job)

    def _allow_and_print(self, view: Json, board: Json) -> None:
        if not view["approved"]:
            self._people.clerk.api.approve(self.job, again=True)
        elif board.get("approved"):
            self._press("print")

    def _press(self, button: str, body: Json | None = None) -> bool:
        return self._people.concierge.post(f"/v1/jobs/{self.job}/{button}", body)

    def _mend(self) -> None:
        stage = self._people.house.director.stage
        if self.mends and stage.standing:
            with suppress(PartError):
                stage.mend()

    def _hand_over(self) -> None:
        """She compares what the screen proposes with the sheets in her hand."""
        sheets = self._sheets() if self.errand.numbered else []
        if self._press("hand-over", {"sheets": sheets} if sheets else None):
            self._people.tray.became("issued", sheets)

    def _settle_fee(self) -> None:
        """What is due; the coins go into the box once, however often the press must be repeated."""
        if not (account := self._open_fee()):
            return
        if self.errand.waived:
            self._people.concierge.post(f"/v1/fees/{account}/waived", {"why": "welfare"})
            return
        if not self._coins:
            self._coins = True
            self._people.tray.cash_yen += FEE_YEN
        self._people.concierge.post(f"/v1/fees/{account}/paid", {})

    def _open_fee(self) -> str:
        # That of a reissue stands under the document whose place it takes.
        fees = self._people.concierge.get("/v1/books")["open_fees"]
        return next((str(one["job"]) for one in fees if one["job"] in self.jobs), "")

    def _sheets(self) -> list[str]:
        return [one for one in self._people.tray.came_out(self.errand.sha256) if one not in self._spoiled]

    def look_into_the_tray(self) -> None:
        seen = self._people.seen()
        now = time.monotonic()
        if not self._people.house.has_met(seen) or seen["printer"]["state"] == "processing":
            self._doubt_since = None
            self._mend()
            return
        self._doubt_since = self._doubt_since or now
        if now - self._doubt_since < QUIET_S:
            return
        if seen["advice"]["key"] == "do.switch_off":
            self._people.house.act(self._switch_off)
            self._doubt_since = None
            return
        sheets, pages = self._sheets(), int(self._view()["sheets"])
        count = len(sheets) if self.errand.numbered else self._people.tray.sheets_of(self.errand.sha256)
        if not count:
            self._press("nothing-came-out")
        elif count == pages:
            self._hand_over()
        elif self._press("spoiled", {"why": "jam", "sheets": sheets, "came_out": count}):
            self._spoiled += sheets
            self._people.tray.became("spoiled", sheets)

    def _switch_off(self) -> None:
        self._people.house.kill(["printer"])
        self._people.house.mend()

    _ACTS: ClassVar[Mapping[str, Callable[["Visit"], None]]] = {
        "releasing": _mend,
        "printing": _mend,
        "printed": _hand_over,
        "handed_over": _settle_fee,
        "uncertain": look_into_the_tray,
    }
