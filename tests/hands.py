"""Clerk and concierge in a test's own process: the same requests as their commands, without starting a Python for each."""

import hashlib
import secrets
from typing import Any

import httpx

from cityhall_relay.client.api import CityHall
from cityhall_relay.settings import load_clerk
from provisioning.demo.parts import House
from provisioning.demo.wait import wait_until
from provisioning.small_city import BUS, SECTION, SERVICE, STOP

Json = dict[str, Any]
STEP_S = 45.0


class Concierge:
    """Presses the buttons of the local API."""

    def __init__(self, house: House) -> None:
        transport = httpx.HTTPTransport(uds=str(house.city.bus.api_socket))
        self._http = httpx.Client(transport=transport, base_url="http://bus", timeout=30)
        self.close = self._http.close

    def press(self, job: str, button: str) -> Json:
        """print, hand-over, nothing-came-out."""
        answer = self._http.post(f"/v1/jobs/{job}/{button}")
        assert answer.is_success, answer.text
        return dict(answer.json())

    def mode(self, mode: str) -> Json:
        """業務モード."""
        answer = self._http.post("/v1/mode", json={"mode": mode})
        assert answer.is_success, answer.text
        return dict(answer.json())


class Visit:
    """One document in one counter session, from the clerk's hand to the resident's."""

    def __init__(self, house: House, document: bytes, service: str = SERVICE, clerk: CityHall | None = None) -> None:
        self.house, self.document = house, document
        self.clerk = clerk or CityHall(load_clerk(house.city.clerk_toml), patience_s=30)
        self.concierge = Concierge(house)
        self.sha256 = hashlib.sha256(document).hexdigest()
        self.session = str(self.clerk.open_session(BUS, SECTION, STOP, 1)["session"])
        self.job = str(self.clerk.send(document, self.session, service, secrets.token_hex(16))["job"])

    @property
    def at_city_hall(self) -> Json:
        """The clerk's view."""
        return self.clerk.job(self.job)

    @property
    def on_board(self) -> Json:
        """The bus's view; empty before it heard of the job and after it forgot it."""
        return next((one for one in self.house.snapshot()["jobs"] if one["job"] == self.job), {})

    @property
    def copies(self) -> int:
        """How often this document came out of the printer."""
        return sum(paper.sha256 == self.sha256 for paper in self.house.papers())

    def wait_on_board(self, **expected: Any) -> None:
        """Until the bus shows all of this."""
        wait_until(lambda: expected.items() <= self.on_board.items(), STEP_S, f"the bus shows {expected}")

    def approve(self) -> None:
        """印刷を許可, and the bus hears it."""
        self.clerk.approve(self.job)
        self.wait_on_board(approved=True)

    def press(self, button: str) -> None:
        """One of the concierge's."""
        self.concierge.press(self.job, button)

    def walk(self) -> Json:
        """All of it; the clerk's view of the end."""
        self.wait_on_board(state="on_bus")
        self.approve()
        self.press("print")
        self.wait_on_board(state="printed")
        self.press("hand-over")
        wait_until(lambda: not self.on_board, STEP_S, "both sides have signed that it is gone")
        return self.at_city_hall

    def leave(self) -> None:
        """End the session."""
        self.clerk.close_session(self.session)
        self.clerk.close()
        self.concierge.close()
