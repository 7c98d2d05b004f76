"""The day of docs/day.md from 08:30 to 15:30, as chapters; then the evening's question whether the books agree."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

from cityhall_base.clock import jst
from cityhall_relay import trial_page
from provisioning.demo.stage import Scene
from provisioning.small_city import BUS
from tests.day.house import DayHouse
from tests.day.people import Errand, NotDoneError, People, Visit
from tests.day.tray import FIRST, SHEETS, Tray, number
from tests.integration.bus_lab import certificate

Json = dict[str, Any]

PAPER: Final = "controlled"
LOOKS: Final = 400
"""In a day without a mishap, about."""


class PowerCut:
    """Of one side, at the `at`-th look of the day, from the dice of a seed."""

    def __init__(self, house: DayHouse, seed: int) -> None:
        dice = Random(seed)
        self.at, self.side = dice.randrange(LOOKS), dice.choice(("bus", "bus", "city"))
        self.printer_too = self.side == "bus" and dice.random() < 0.5
        self._house, self._looks, self.struck = house, 0, False

    def __call__(self) -> None:
        """One more look."""
        self._looks += 1
        if self._looks == self.at:
            self.struck = True
            self._house.act(self._strike)

    def __str__(self) -> str:
        return f"power cut of {self.side}{' and printer' if self.printer_too else ''} at look {self.at}"

    def _strike(self) -> None:
        self._house.cut_power(self.side, self.printer_too)
        self._house.mend()


class Day:
    """One, in a house that runs."""

    def __init__(self, house: DayHouse, looked: Callable[[], None]) -> None:
        self.house, self.tray = house, Tray(house)
        self.people = People(house, self.tray, looked)
        self.concierge, self.clerk = self.people.concierge, self.people.clerk
        self.visits: list[Visit] = []

    def run(self) -> None:
        """08:30 to 15:31; raises NotDoneError naming the step that did not come to its end."""
        self._opening()
        self._first_stop()
        self._on_the_way()
        self._second_stop()
        self._closing()

    # --- chapters ---

    def _opening(self) -> None:
        people = self.people
        people.pass_time(self._until(8, 30) + 1)
        people.until(lambda: people.seen()["mode"] == "city_hall", lambda: None, "the timetable enters city-hall duty")
        people.stop, people.mode = "hase-hall", "city_hall"
        self._do("/v1/sheets/receive", {"paper": PAPER, "first": number(FIRST), "last": number(FIRST + SHEETS - 1)})
        self._count()
        self._visit(Errand(trial_page.document(), trial_page.NAME, numbered=False))
        self._too_early()
        self._complete("opening")

    def _first_stop(self) -> None:
        self.people.pass_time(self._until(9, 5))
        self._visit(Errand(certificate()))
        self.people.pass_time(900)
        jam = Scene(reason="media-jam", after_page=1, aborts=True)
        self._visit(Errand(certificate(2), scene=jam))
        self.people.pass_time(900)
        self._visit(Errand(certificate(), waived=True))

    def _on_the_way(self) -> None:
        self.people.enter("on_the_way")
        self.people.pass_time(self._until(11, 15))
        self.people.stop = "mibu-hall"
        self.people.enter("city_hall")

    def _second_stop(self) -> None:
        lost = self.tray.lose()
        self.tray.became("lost", [lost])
        self._do("/v1/sheets/lost", {"paper": PAPER, "sheets": [lost], "why": "wind"})
        self._visit(Errand(certificate()))
        self.people.pass_time(1200)
        self._paper_out_and_gone()
        self.people.pass_time(1200)
        self._visit(Errand(certificate(), "child-allowance-form", numbered=False, section="children"))

    def _closing(self) -> None:
        self.people.pass_time(self._until(15, 15))
        self._count()
        self._complete("closing")
        self.people.mode = ""  # nobody thinks of it any more
        self.people.pass_time(self._until(15, 30) + 2)
        self.people.until(self._off_duty, lambda: None, "the clock leaves city-hall duty")

    # --- what they consist of ---

    def _off_duty(self) -> bool:
        """As the bus shows itself, and as city hall was told."""
        seen = self.people.seen()
        quiet = (seen["mode"], seen["session"], seen["printer_empty"], seen["signed_in"]["who"])
        told = self.clerk.get(f"/1/buses/{BUS}/duty")
        return quiet == ("route_bus", None, True, "") and told["changes"][-1]["why"] == "timetable"

    def _until(self, hour: int, minute: int) -> float:
        now = jst(self.house.clock.utc_ms())
        return (now.replace(hour=hour, minute=minute, second=0, microsecond=0) - now).total_seconds()

    def _visit(self, errand: Errand) -> Visit:
        self.visits.append(visit := Visit(self.people, errand))
        visit.run()
        return visit

    def _do(self, path: str, body: Json) -> None:
        done: list[bool] = []
        self.people.until(
            lambda: bool(done), lambda: done.append(True) if self.concierge.post(path, body) else None, path
        )

    def _count(self) -> None:
        left = self.tray.left()
        self._do("/v1/sheets/count", {"paper": PAPER, "rows": [[left[0], left[-1]]]})
        self._do("/v1/cash/count", {"yen": self.tray.cash_yen})

    def _complete(self, which: str) -> None:
        """Tick what the box does not know, then complete it."""
        people = self.people
        people.until(lambda: self._list(which)["complete"], lambda: self._tick(which), f"the {which} list is complete")

    def _list(self, which: str) -> Json:
        lists = self.concierge.get("/v1/checklists")["checklists"]
        return dict(next(one for one in lists if one["which"] == which))

    def _tick(self, which: str) -> None:
        for item in self._list(which)["items"]:
            if not item["box"] and not item["ok"]:
                self.concierge.post(f"/v1/checklists/{which}/{item['item']}", {"ok": True})
        self.concierge.post(f"/v1/checklists/{which}/complete")

    def _too_early(self) -> None:
        """No certificate before the opening list is complete, whatever the clerk allows; she takes it back."""
        visit = Visit(self.people, Errand(certificate()))
        self.people.until(lambda: "refused.opening_missing" in visit.refused, visit.step, "the print is refused")
        self.people.until(lambda: visit.ended, visit.take_back, "the document is taken back")
        self.people.rise()

    def _paper_out_and_gone(self) -> None:
        """The printer waits for paper, the resident leaves, the session ends: a refill brings out nothing."""
        errand = Errand(certificate(), scene=Scene(reason="media-empty", after_page=0))
        self.tray.will_take(errand.sha256)
        self.house.director.stage.play(errand.scene or Scene())
        visit = Visit(self.people, errand)
        visit.mends = False
        self.people.until(lambda: self.house.director.stage.standing, visit.step, "the printer waits for paper")
        self.people.rise()
        visit.mends = True  # a refill, when all is over
        self.people.until(lambda: visit.ended, visit.look_into_the_tray, "the print is given up")
        if self.tray.came_out(errand.sha256):
            raise NotDoneError("a refill brought out a sheet")
