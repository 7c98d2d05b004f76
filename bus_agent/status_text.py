"""`bus-agent status` for a person: the snapshot's lines, in Japanese unless English is asked for.

It is the technician's view: what the printer says in its own words stands here, and on no screen.
"""

from collections.abc import Iterator
from typing import Any

from bus_agent.light_words import NAMES
from bus_agent.shown import Light
from cityhall_base import reasons, terms
from cityhall_base.clock import jst
from cityhall_base.printer_state import PrinterWord, supply
from cityhall_base.words import Language, Word, say

Json = dict[str, Any]


class StatusWord(Word):
    """The labels."""

    BUS = ("status.bus", "bus")
    MODE = ("status.mode", "duty mode")
    HOURS = ("status.hours", "duty hours")
    NO_HOURS = ("status.no_hours", "none today")
    ASKED = ("status.asked", "{detail} min more asked for")
    STOP = ("status.stop", "stop")
    LIGHTS = ("status.lights", "lights")
    LINK = ("status.link", "city hall")
    LINK_UP = ("status.link_up", "connected")
    SESSION = ("status.session", "counter session")
    LOCKED = ("status.locked", "locked")
    NONE = ("status.none", "none")
    CALLING = ("status.calling", "calling")
    LEASE = ("status.lease", "printing allowed for {detail} s")
    PRINTER = ("status.printer", "printer")
    NOT_EMPTY = ("status.not_empty", "may still hold a document")
    SUPPLIES = ("status.supplies", "supplies")
    PAPER = ("status.paper", "paper in the trays")
    COUNTER = ("status.counter", "printer's counter")
    SPOOLER = ("status.spooler", "printing program")
    RUNNING = ("status.running", "running")
    GONE = ("status.gone", "not running")
    DOCUMENT = ("status.document", "document")
    SHEETS = ("status.sheets", "{detail} sheet(s)")
    APPROVED = ("status.approved", "approved")
    NEXT = ("status.next", "what to do")


def text(snapshot: Json, language: Language) -> str:
    """All of it, one line a thing."""
    return "\n".join(f"{label.say(language)}: {value}" for label, value in _lines(snapshot, language))


def sentence(said: Json, language: Language) -> str:
    """Whatever has `key` and `sentence`, and perhaps `detail`: a note, an advice, a refusal, the line."""
    return say(said["key"], said["sentence"], language, said.get("detail", ""))


def _lines(seen: Json, language: Language) -> Iterator[tuple[Word, str]]:
    session, link = seen["session"], seen["link"]
    yield StatusWord.BUS, f"{seen['bus']} (boot {seen['boot']})"
    yield StatusWord.MODE, terms.mode(seen["mode"], language)
    yield StatusWord.HOURS, _hours(seen["duty"], language)
    if stop := seen.get("day", {}).get("stop"):
        yield StatusWord.STOP, stop
    if lights := seen.get("lights"):
        yield StatusWord.LIGHTS, "  ".join(_light(light, language) for light in lights)
    lease = StatusWord.LEASE.say(language, str(seen["lease_left_s"]))
    up = f"{StatusWord.LINK_UP.say(language)}, {lease}"
    yield StatusWord.LINK, up if link["state"] == "up" else sentence(link, language)
    if seen.get("locked"):
        yield StatusWord.LOCKED, sentence(seen["locked"], language)
    yield StatusWord.SESSION, _session(session, language)
    yield from _printer(seen, language)
    yield StatusWord.SPOOLER, (StatusWord.RUNNING if seen["spooler"] else StatusWord.GONE).say(language)
    for job in seen["jobs"]:
        yield StatusWord.DOCUMENT, _job(job, language)
    yield StatusWord.NEXT, sentence(seen["advice"], language)


def _light(light: Json, language: Language) -> str:
    return f"{NAMES[Light(light['light'])].say(language)} {sentence(light['short'], language)}"


def _hours(duty: Json, language: Language) -> str:
    if duty["hours"] is None:
        return StatusWord.NO_HOURS.say(language)
    start, end = (jst(instant).strftime("%H:%M") for instant in duty["hours"])
    hours = f"{start}–{'24:00' if end == '00:00' else end}"
    asked = StatusWord.ASKED.say(language, str(duty["asked_min"])) if duty["asked_min"] else ""
    return ", ".join(filter(None, (hours, asked)))


def _session(session: Json | None, language: Language) -> str:
    if session is None:
        return StatusWord.NONE.say(language)
    return f"{session['section']}, {session['clerk'] or StatusWord.CALLING.say(language)}"


def _printer(seen: Json, language: Language) -> Iterator[tuple[Word, str]]:
    shown, raw = seen["printer_shown"], " ".join([seen["printer"]["state"], *seen["printer"]["reasons"]])
    well = PrinterWord.PRINTING if seen["printer"]["state"] == "processing" else PrinterWord.READY
    said = list(dict.fromkeys(sentence(note, language) for note in shown["notes"])) or [well.say(language)]
    if not seen["printer_empty"]:
        said.append(f"({StatusWord.NOT_EMPTY.say(language)})")
    yield StatusWord.PRINTER, f"{' '.join(said)} [{raw}]"
    supplies = (supply(one["type"], one["color"], one["level"], language) for one in shown["supplies"])
    for label, value in (
        (StatusWord.SUPPLIES, ", ".join(supplies)),
        (StatusWord.PAPER, ", ".join(shown["media_ready"])),
        (StatusWord.COUNTER, "" if shown["impressions"] is None else str(shown["impressions"])),
    ):
        if value:
            yield label, value


def _job(job: Json, language: Language) -> str:
    parts = [job["job"], job["check_word"], job["service"], StatusWord.SHEETS.say(language, str(job["sheets"]))]
    parts += [
        terms.state(job["state"], language),
        StatusWord.APPROVED.say(language) if job["approved"] else "",
        reasons.sentence(job["why"], language),
    ]
    return "  ".join(filter(None, parts))
