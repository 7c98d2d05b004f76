"""A day, its checklists and incidents as a person reads them at a terminal."""

from collections.abc import Iterator
from typing import Any

from cityhall_base import reasons, terms
from cityhall_base.words import Language
from cityhall_relay.client.show import when
from cityhall_relay.day_words import CAUSES, FACES, HOW, INCIDENTS, LISTS, DayWord
from cityhall_relay.ledger_text import SHEETS, LedgerWord
from cityhall_wire.messages.people import How, Which
from cityhall_wire.modes import DutyCause

Json = dict[str, Any]


def day(seen: Json, language: Language) -> str:
    """All of it, in the order of an audit."""
    parts = (
        (DayWord.DUTY, (_duty(one, language) for one in seen["duty"])),
        (DayWord.PEOPLE, (_person(one, language) for one in seen["on_board"])),
        (DayWord.SESSIONS, (line for one in seen["sessions"] for line in _session(one, language))),
        (DayWord.LISTS, (line for one in seen["checklists"] for line in _list(one, language))),
        (DayWord.LEDGER, _sheets(seen["sheets"], language)),
        (DayWord.FEES, _fees(seen["fees"], language)),
        (DayWord.FEEDBACK, (f"{word.say(language)} {seen['feedback'][face]}" for face, word in FACES.items())),
        (DayWord.INCIDENTS, (_incident(one, language) for one in seen["incidents"])),
    )
    lines = [f"{seen['bus']}  {seen['day']}"]
    for label, found in parts:
        lines.append(f"■ {label.say(language)}")
        lines += [f"  {line}" for line in found] or [f"  {DayWord.NONE.say(language)}"]
    return "\n".join(lines)


def _duty(one: Json, language: Language) -> str:
    return f"{_clock(one['at'])}  {terms.mode(one['mode'], language)}  {CAUSES[DutyCause(one['why'])].say(language)}"


def _sheets(lines: list[Json], language: Language) -> Iterator[str]:
    for one in lines:
        columns = (f"{word.say(language)} {one[word.removeprefix('ledger.')]}" for word in SHEETS)
        yield "  ".join([one["paper"], *columns])
        yield from (f"  {difference}" for difference in one["differences"])


def _fees(yen: dict[str, int], language: Language) -> Iterator[str]:
    words = {word.removeprefix("ledger."): word for word in LedgerWord}
    return (f"{words[name].say(language)} {sum_}" for name, sum_ in yen.items() if sum_)


def lists(found: list[Json], language: Language) -> str:
    """Checklists alone."""
    return "\n".join(line for one in found for line in _list(one, language)) or DayWord.NONE.say(language)


def incidents(found: list[Json], language: Language) -> str:
    """One line each."""
    return "\n".join(_incident(one, language) for one in found) or DayWord.NONE.say(language)


def substitute(made: Json, language: Language) -> str:
    """Two lines: what it is, and the code in two groups, as it is read aloud."""
    code = made["code"]
    return f"{DayWord.CODE_MADE.say(language, made['who'])}\n{code[:4]} {code[4:]}"


def _person(one: Json, language: Language) -> str:
    word = DayWord.CAME if one["present"] else DayWord.WENT
    return f"{_clock(one['at'])}  {word.say(language)}  {one['who']} ({HOW[How(one['how'])].say(language)})"


def _session(one: Json, language: Language) -> Iterator[str]:
    ended = _clock(one["ended_at"]) if one["ended_at"] else DayWord.LIVE.say(language)
    why = f"  {reasons.sentence(one['why_ended'], language)}" if one["why_ended"] else ""
    slot = DayWord.SLOT.say(language, str(one["slot"])) if one["slot"] else "-"
    yield f"{_clock(one['opened_at'])} - {ended}  {one['section']}  {one['stop']}  {slot}  {one['clerk'] or '-'}{why}"
    if checks := one["checks"]:
        support = DayWord.SUPPORT if checks["support"] else DayWord.NO_SUPPORT
        yield f"  {_clock(checks['at'])}  {DayWord.IDENTITY.say(language, checks['identity'])}  {support.say(language)}"
    for document in one["documents"]:
        state, sheets = terms.state(document["state"], language), DayWord.SHEETS.say(language, str(document["sheets"]))
        at = document["ended_at"] or document["created_at"]
        yield f"  {_clock(at)}  {document['check_word']}  {document['service']}  {sheets}  {state}  {document['job']}"


def _list(one: Json, language: Language) -> Iterator[str]:
    title = LISTS[Which(one["which"])].say(language)
    if one["completed_at"] is None:
        yield f"{title} {one['day']}: {DayWord.MISSING.say(language)}"
        return
    yield f"{title} {one['day']}: {when(one['completed_at'])}  {one['by']}"
    for item in one["items"]:
        text = (item["text"] if language is Language.JAPANESE else item["text_en"]) or item["item"]
        well = (DayWord.WELL if item["ok"] else DayWord.NOT_WELL).say(language)
        how = (DayWord.BY_BOX if item["box"] else DayWord.BY_HAND).say(language)
        yield f"  [{well}] {text} ({how}{', ' + item['note'] if item['note'] else ''})"


def _incident(one: Json, language: Language) -> str:
    known = INCIDENTS.get(one["what"])
    word = known.say(language) if known else one["what"]
    closed = one["closed_at"] is not None
    why = f"{one['closed_why']} {one['closed_by']}".strip()
    state = DayWord.CLOSED.say(language, why) if closed else DayWord.OPEN.say(language)
    return f"{one['n']}  {one['bus']}  {one['day']}  {when(one['at'])}  {word} ({one['detail']})  {state}"


def _clock(utc_ms: int) -> str:
    return when(utc_ms)[11:16]
