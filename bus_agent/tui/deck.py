"""What the screen is at this moment, without a terminal: the place, what was entered, what is asked again, what the agent refused.

None of it outlives the process, and nothing of it is true of the bus.
"""

import logging
import math
from collections.abc import Mapping
from typing import Final

import msgspec

from bus_agent.shown import CityShown, Said, Snapshot
from bus_agent.tui import scenes
from bus_agent.tui.agent import NO_CITY
from bus_agent.tui.hold import HOLD_S, Hold
from bus_agent.tui.lines import Entry
from bus_agent.tui.now import QUIET_SCENES, now, quiet
from bus_agent.tui.scene import Aside, Back, Bar, Choice, Context, MakeScene, Open, Scene, Tell, Text, Tone, Video
from bus_agent.tui.words import TuiWord
from cityhall_base.clock import Clock
from cityhall_base.words import Language
from cityhall_wire.modes import DutyMode

log = logging.getLogger(__name__)

SURE_S: Final = 2.0
"""So long a slow choice cannot be confirmed: longer than a second press by mistake."""

SLOW_S: Final = 1.0
"""A command that takes longer shows how long."""

THEFT: Final = Tell("/v1/panic")


class Deck:
    """`press`, `touch` and `open` change it; `scene` says what it looks like now."""

    def __init__(self, clock: Clock, language: Language, known: Mapping[str, MakeScene] = scenes.SCENES) -> None:
        self._clock, self._known = clock, known
        self.language = language
        self.hold = Hold(clock)
        self.seen: Snapshot | None = None
        self.city: CityShown = NO_CITY
        self.up = False
        self.entered: dict[str, str] = {}
        self.refusal: Said | None = None
        self._seen_at = 0.0
        self._over: Open | None = None
        self._under: Open | None = None  # the moment above which something was opened
        self._asked: tuple[Choice, float] | None = None
        self._telling: float | None = None
        self._place = Open("gone")

    # --- what is true ---

    def update(self, seen: Snapshot | None, city: CityShown, up: bool) -> None:
        """A new snapshot, or none while the agent is lost."""
        before, self.seen, self.city, self.up = self.seen, seen, city, up and seen is not None
        self._seen_at = self._clock.boottime()
        if not self.up:
            self._asked = None
        elif seen is not None and _ends_everything(before, seen):
            self._close()
        self._settle()

    @property
    def at(self) -> int:
        """UTC milliseconds by the agent's clock."""
        if self.seen is None:
            return self._clock.utc_ms()
        return self.seen.at + int((self._clock.boottime() - self._seen_at) * 1000)

    @property
    def quiet(self) -> bool:
        """Neither strip nor keys: the vehicle is a route bus."""
        return self.up and self.seen is not None and quiet(self.seen)

    @property
    def busy(self) -> bool:
        """Something on the screen counts tenths of a second."""
        return self.hold.running or self._asked is not None or self._telling is not None

    @property
    def note(self) -> Said | None:
        """Below the scene: what the agent refused, or that the moment went on below what is open, and waits for her."""
        moved = self._over is not None and self.up and self._moment() != self._under
        waits = Said(key=TuiWord.WAITS, sentence=TuiWord.WAITS.english) if moved else None
        return self.refusal or waits

    @property
    def place(self) -> Open:
        """Scene, and what it is about."""
        return self._place

    # --- what she does ---

    def open(self, scene: str, about: str = "") -> None:
        """Show another one above the stage of the moment."""
        if scene not in self._known:
            log.error("there is no scene %s", scene)
            return
        if self.up and (not self.quiet or scene in QUIET_SCENES):
            place, moment = Open(scene, about), self._moment()
            if self._over is None:
                self._under = moment
            self._over = None if place == moment else place
            self._asked = self.refusal = None
            self._settle()

    def touch(self, entry: Entry) -> Tell | Video | None:
        """Something was entered, or the small choice beside the big ones was made."""
        if self._telling is not None or self._asked is not None:
            return None
        self.refusal = None
        if entry.name:
            self.entered[entry.name] = entry.value
            return None
        aside = next(part for part in self.scene().body if isinstance(part, Aside))
        return self._do(aside.act, was_asked=False)

    def press(self, number: int) -> Tell | Video | None:
        """F1 to F3; what the screen itself cannot do comes back."""
        choices = self.scene().choices
        if self._telling is not None or not 0 < number <= len(choices):
            return None
        choice = choices[number - 1]
        if choice.act is None:
            return None
        if choice.sure and self._asked is None:
            self._asked, self.refusal = (choice, self._clock.boottime()), None
            return None
        was_asked, self._asked, self.refusal = self._asked is not None, None, None
        return self._do(choice.act, was_asked)

    def begin(self) -> None:
        """A command is on its way."""
        self._telling = self._clock.boottime()

    def told(self, tell: Tell, refusal: Said | None) -> None:
        """Its answer."""
        self._telling, self.refusal = None, refusal
        if refusal is None:
            self.entered = {}
            self._over = Open(tell.then) if tell.then in self._known and self.up else None
            self._under = self._moment()
            self._settle()

    # --- what it looks like ---

    def scene(self) -> Scene:
        """Now."""
        if self.hold.running:
            return self._held()
        if not self.up or self.seen is None:
            return _gone(self.language)
        if self._asked is not None:
            return self._sure(*self._asked)
        made = self._made()
        if self._telling is None:
            return made
        return Scene(sentence=made.sentence, body=(*made.body, *self._wait(self._telling)), tone=made.tone)

    def _made(self) -> Scene:
        context = self._context()
        try:
            return self._known[self._place.scene](context)
        except LookupError:
            if self._over is None:
                raise
            log.info("%s: what it was about is gone", self._place.scene)
            self._close()
            self._settle()
            return self._made()

    def _context(self) -> Context:
        assert self.seen is not None  # noqa: S101 - `scene` looked
        return Context(self._running(self.seen), self.city, self.language, self._place.about, self.entered)

    def _running(self, seen: Snapshot) -> Snapshot:
        """With the seconds that went by since it came: what counts goes on counting between two snapshots."""
        seconds = int(self._clock.boottime() - self._seen_at)
        call = seen.call
        if call is not None:
            left, waited = max(0, call.left_s - seconds), call.waited_s + seconds
            call = msgspec.structs.replace(call, waited_s=waited, left_s=left)
        return msgspec.structs.replace(seen, at=self.at, call=call)

    def _do(self, act: Tell | Open | Back | Video, was_asked: bool) -> Tell | Video | None:
        match act:
            case Open(scene, about):
                self.open(scene, about)
            case Back():
                if not was_asked:
                    self._close()
                self._settle()
            case _:
                return act
        return None

    def _moment(self) -> Open | None:
        return now(self.seen) if self.seen is not None else None

    def _close(self) -> None:
        self._over = self._asked = self.refusal = None

    def _settle(self) -> None:
        if self.seen is None or not self.up:
            return
        place = self._over or now(self.seen)
        if place != self._place:
            self._place, self.entered, self._asked = place, {}, None

    def _sure(self, choice: Choice, since: float) -> Scene:
        left = SURE_S - (self._clock.boottime() - since)
        word = (
            TuiWord.SURE_WAIT.say(self.language, str(math.ceil(left)))
            if left > 0
            else TuiWord.SURE_NOW.say(self.language)
        )
        confirm = Choice(choice.label, choice.act if left <= 0 else None)
        body = (Text(text=""), Bar(done=1 - left / SURE_S, label=word))
        back = Choice(TuiWord.BACK.say(self.language), Back())
        return Scene(sentence=choice.sure, body=body, choices=(confirm, back), tone=Tone.LOOK)

    def _wait(self, since: float) -> tuple[Text, ...]:
        waited = self._clock.boottime() - since
        seconds = f" {TuiWord.WAITED.say(self.language, str(int(waited)))}" if waited >= SLOW_S else ""
        return (Text(text=""), Text(text=TuiWord.SENDING.say(self.language) + seconds, tone=Tone.CALM))

    def _held(self) -> Scene:
        left = math.ceil(HOLD_S * (1 - self.hold.done))
        bar = Bar(done=self.hold.done, label=TuiWord.HOLD_LEFT.say(self.language, str(left)))
        return Scene(sentence=TuiWord.HOLD.say(self.language), body=(Text(text=""), bar), tone=Tone.RISK)


def _gone(language: Language) -> Scene:
    said = Text(text=TuiWord.GONE_LONG.say(language), tone=Tone.CALM)
    return Scene(sentence=TuiWord.GONE.say(language), body=(Text(text=""), said), tone=Tone.CALM)


def _ends_everything(before: Snapshot | None, seen: Snapshot) -> bool:
    """Leaving duty, or a lock: nothing that stood on the screen stays there."""
    if before is None:
        return False
    left = seen.mode is DutyMode.ROUTE_BUS and before.mode is not DutyMode.ROUTE_BUS
    return left or (seen.locked is not None and before.locked is None)
