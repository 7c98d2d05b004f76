"""A visit, scene by scene: it rings, a clerk talks, a document comes and is printed, the fee, the face."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import FeeShown, JobShown
from bus_agent.tui.names import EMPTY, job_of, others, section_name, section_of, service_name, service_of, visit
from bus_agent.tui.scene import (
    Aside,
    Back,
    Bar,
    CheckWord,
    Choice,
    Context,
    Facts,
    MakeScene,
    Open,
    Part,
    Phone,
    Qr,
    Scene,
    Tell,
    Text,
    Tone,
    Video,
)
from bus_agent.tui.words import TuiWord
from cityhall_base.words import Language, Word
from cityhall_wire.lifecycle import JobState

END: Final = Tell("/v1/session/end")
SEEN: Final = Tell("/v1/visit/seen")
GOOD, SO_SO, BAD = 3, 2, 1
_PRINT_KEY: Final = "do.print"


class VisitWord(Word):
    """What is said during a visit."""

    RINGING = ("tui.visit.ringing", "Calling: {detail}.")
    RINGS_TOO = ("tui.visit.rings_too", "Nobody answers yet. It rings here too: {detail}.")
    WAITED = ("tui.visit.waited", "waited {detail} s")
    CANCEL = ("tui.visit.cancel", "Stop calling")
    NUMBER = ("tui.visit.number", "Telephone number")
    TELEPHONE = ("tui.visit.telephone", "Please telephone: {detail}.")
    NO_NUMBER = ("tui.visit.no_number", "The city has configured no number for this section.")
    UNANSWERED = ("tui.visit.unanswered", "Nobody answers. Please telephone: {detail}.")
    AGAIN = ("tui.visit.again", "Call again")
    OTHER = ("tui.visit.other", "Another section")
    DONE = ("tui.visit.done", "Done")
    TALKING = ("tui.visit.talking", "Connected: {detail}.")
    CHECKING = ("tui.visit.checking", "The clerk is checking who it is. Please show the document of identity.")
    PREPARING = ("tui.visit.preparing", "The clerk is preparing the document. Please wait.")
    REISSUING = ("tui.visit.reissuing", "The spoiled sheet was reported. The clerk can print it once more.")
    OPEN_VIDEO = ("tui.visit.open_video", "Open the video")
    VIDEO_CODE = ("tui.visit.video_code", "The code opens the video on a telephone.")
    END = ("tui.visit.end", "End the visit")
    END_SURE = ("tui.visit.end_sure", "End this visit? What is not printed is destroyed.")
    COMING = ("tui.visit.coming", "The document is on its way.")
    SERVICE = ("tui.visit.service", "Document")
    SHEETS = ("tui.visit.sheets", "{detail} sheet(s)")
    FEE = ("tui.visit.fee", "Fee")
    YEN = ("tui.visit.yen", "{detail} yen")
    JOINT_SEAL = ("tui.visit.joint_seal", "Several sheets: they need a joint seal.")
    REISSUE = ("tui.visit.reissue", "This is the reissue. There is no second one.")
    MORE = ("tui.visit.more", "{detail} more to come")
    SAME_WORD = ("tui.visit.same_word", "Does the clerk see the same? Read it out loud to each other.")
    PRINT = ("tui.visit.print", "Print")
    DIFFERENT = ("tui.visit.different", "It is different")
    DIFFERENT_SURE = ("tui.visit.different_sure", "The document is given up and not printed. The clerk sends it again.")
    NO_PAPER = ("tui.visit.no_paper", "No such paper here")
    NO_PAPER_SURE = ("tui.visit.no_paper_sure", "The document is given up and not printed, for want of its paper.")
    PRINTING = ("tui.visit.printing", "It is being printed. Please wait.")
    GETTING_KEY = ("tui.visit.getting_key", "Getting the key from city hall")
    AT_PRINTER = ("tui.visit.at_printer", "The printer is at work")
    TAKE_FEE = ("tui.visit.take_fee", "Take the fee: {detail} yen.")
    GIVE_BACK = ("tui.visit.give_back", "Give back: {detail} yen.")
    TAKEN = ("tui.visit.taken", "Received")
    GIVEN_BACK = ("tui.visit.given_back", "Given back")
    WAIVE = ("tui.visit.waive", "Waived")
    WAIVE_SURE = ("tui.visit.waive_sure", "Is the fee of {detail} yen waived? The clerk has to have said so.")
    LATER = ("tui.visit.later", "Later")
    HOW_WAS_IT = ("tui.visit.how_was_it", "How was it today? Please press one.")
    WAS_GOOD = ("tui.visit.was_good", "(^_^) Good")
    WAS_SO_SO = ("tui.visit.was_so_so", "(-_-) So-so")
    WAS_BAD = ("tui.visit.was_bad", "(>_<) Not good")
    NO_ANSWER = ("tui.visit.no_answer", "No answer; to the next visitor")


# --- it rings ---


def ringing(context: Context) -> Scene:
    """呼出中, with the time that went by; the deputy rings by itself."""
    seen = context.seen
    section = seen.call.section if seen.call else seen.session.section if seen.session else ""
    too = (
        VisitWord.RINGS_TOO.say(context.language, section_name(context, seen.call.then))
        if seen.call and seen.call.then
        else ""
    )
    body: list[Part] = [visit(context), EMPTY]
    if seen.call is not None:
        whole = max(1, seen.call.waited_s + seen.call.left_s)
        label = context.say(VisitWord.WAITED, str(seen.call.waited_s))
        body += [Bar(done=seen.call.waited_s / whole, label=label)]
    body += [EMPTY, Text(text=too, tone=Tone.LOOK)] if too else []
    choices = (Choice(context.say(VisitWord.CANCEL), END), _number(context, section))
    sentence = context.say(VisitWord.RINGING, section_name(context, section))
    return Scene(sentence=sentence, body=tuple(body), choices=choices)


def unanswered(context: Context) -> Scene:
    """The telephone is what is left."""
    ended = context.seen.visit
    if ended is None:
        raise LookupError("no visit")
    call = {"section": ended.section, "stop": ended.stop, "slot": ended.slot}
    return Scene(
        sentence=context.say(VisitWord.UNANSWERED, section_name(context, ended.section)),
        body=(EMPTY, _phone(context, ended.section)),
        choices=(
            Choice(context.say(VisitWord.AGAIN), Tell("/v1/session/call", call)),
            Choice(context.say(VisitWord.OTHER), Open("counter")),
            Choice(context.say(VisitWord.DONE), SEEN),
        ),
        tone=Tone.LOOK,
    )


def phone(context: Context) -> Scene:
    """The number of a section (`about`)."""
    name = section_name(context, context.about)
    back = Choice(context.say(TuiWord.BACK), Back())
    sentence = context.say(VisitWord.TELEPHONE, name)
    return Scene(sentence=sentence, body=(EMPTY, _phone(context, context.about)), choices=(back,))


def _phone(context: Context, section: str) -> Part:
    number = section_of(context, section).phone
    return Phone(number=number) if number else Text(text=context.say(VisitWord.NO_NUMBER), tone=Tone.LOOK)


def _number(context: Context, section: str) -> Choice:
    return Choice(context.say(VisitWord.NUMBER), Open("visit.phone", section))


# --- a clerk talks ---


def talk(context: Context) -> Scene:
    """対応中: who is there, what is waited for, and the way to the video."""
    session = context.seen.session
    if session is None:
        raise LookupError("no session")
    section = section_of(context, session.section)
    spoiled = any(job.state == JobState.SPOILED and job.in_session for job in context.seen.jobs)
    word = VisitWord.PREPARING if session.checked else VisitWord.CHECKING
    body: list[Part] = [visit(context), EMPTY, Text(text=context.say(VisitWord.REISSUING if spoiled else word))]
    end = Choice(context.say(VisitWord.END), END, context.say(VisitWord.END_SURE))
    choices: tuple[Choice, ...] = (_number(context, session.section), end)
    if section.video:
        body += [EMPTY, Text(text=context.say(VisitWord.VIDEO_CODE), tone=Tone.CALM), Qr(address=section.video)]
        choices = (Choice(context.say(VisitWord.OPEN_VIDEO), Video(session.section)), *choices)
    sentence = context.say(VisitWord.TALKING, section_name(context, session.section))
    return Scene(sentence=sentence, body=tuple(body), choices=choices)


# --- a document ---


def coming(context: Context) -> Scene:
    """It is on its way here."""
    job = job_of(context, context.about)
    done = job.received / job.size if job.size else 0.0
    body = (visit(context, job), EMPTY, _what(context, job), EMPTY, Bar(done=done, label=f"{done:.0%}"))
    choices = (_talk(context), _end(context))
    return Scene(sentence=context.say(VisitWord.COMING), body=body, choices=choices)


def card(context: Context) -> Scene:
    """Everything that she has to look at before 印刷: the check word above all."""
    job = job_of(context, context.about)
    advice = context.seen.advice
    ready = advice.job == job.job and advice.key == _PRINT_KEY
    ask = context.say(VisitWord.SAME_WORD) if ready else context.said(advice)
    body = (
        visit(context, job),
        _what(context, job),
        *_notes(context, job),
        EMPTY,
        CheckWord(word=job.check_word),
        *_reading(context, job),
    )
    refuse = f"/v1/jobs/{job.job}/refuse"
    choices = (
        Choice(context.say(VisitWord.PRINT), Tell(f"/v1/jobs/{job.job}/print") if job.approved else None),
        Choice(
            context.say(VisitWord.DIFFERENT),
            Tell(refuse, {"why": "check_word"}),
            context.say(VisitWord.DIFFERENT_SURE),
        ),
        Choice(context.say(VisitWord.NO_PAPER), Tell(refuse, {"why": "paper"}), context.say(VisitWord.NO_PAPER_SURE)),
    )
    return Scene(sentence=ask, body=body, choices=choices, tone=Tone.PLAIN if ready or not job.approved else Tone.LOOK)


def printing(context: Context) -> Scene:
    """What the printer says of itself; nothing is guessed, so the bar has as many steps as there is knowledge."""
    job = job_of(context, context.about)
    advice = context.seen.advice
    mine = advice.job == job.job and advice.key != "do.wait_for_printer"
    releasing = job.state == JobState.RELEASING
    label = context.say(VisitWord.GETTING_KEY if releasing else VisitWord.AT_PRINTER)
    bar = Bar(done=1 / 3 if releasing else 2 / 3, label=label)
    body = (visit(context, job), EMPTY, _what(context, job), EMPTY, bar)
    sentence = context.said(advice) if mine else context.say(VisitWord.PRINTING)
    return Scene(sentence=sentence, body=body, tone=Tone.LOOK if mine else Tone.PLAIN)


def _what(context: Context, job: JobShown) -> Facts:
    service = service_of(context, job.service)
    parts = [service_name(context, job.service), VisitWord.SHEETS.say(context.language, str(job.sheets))]
    if service.fee_yen:
        fee = context.say(VisitWord.YEN, f"{service.fee_yen:,}")
        parts.append(f"{context.say(VisitWord.FEE)} {fee}")
    if left := others(context, job):
        parts.append(context.say(VisitWord.MORE, str(left)))
    return Facts(rows=((context.say(VisitWord.SERVICE), "  ".join(parts)),))


def _notes(context: Context, job: JobShown) -> tuple[Part, ...]:
    said = [VisitWord.JOINT_SEAL] if job.joint_seal else []
    said += [VisitWord.REISSUE] if job.reissue_of else []
    return tuple(Text(text=context.say(word), tone=Tone.LOOK) for word in said)


def _reading(context: Context, job: JobShown) -> tuple[Part, ...]:
    return (Text(text=job.check_word_reading, tone=Tone.CALM),) if context.language is Language.ENGLISH else ()


def _talk(context: Context) -> Choice:
    return Choice(context.say(VisitWord.NUMBER), _section_number(context))


def _section_number(context: Context) -> Open | None:
    return Open("visit.phone", context.seen.session.section) if context.seen.session else None


def _end(context: Context) -> Choice:
    return Choice(context.say(VisitWord.END), END, context.say(VisitWord.END_SURE))


# --- after it ---


def fee(context: Context) -> Scene:
    """What is open of a document's fee."""
    one = _fee(context)
    yen, path = f"{abs(one.yen):,}", f"/v1/fees/{one.job}"
    later = Choice(context.say(VisitWord.LATER), Open("visit.talk" if context.seen.session else "counter"))
    if one.yen < 0:
        back = Choice(context.say(VisitWord.GIVEN_BACK), Tell(f"{path}/refunded", {"why": "spoiled"}))
        return Scene(sentence=context.say(VisitWord.GIVE_BACK, yen), body=(_word(one),), choices=(back, later))
    taken = Choice(context.say(VisitWord.TAKEN), Tell(f"{path}/paid", {}))
    sure = context.say(VisitWord.WAIVE_SURE, yen)
    waived = Choice(context.say(VisitWord.WAIVE), Tell(f"{path}/waived", {"why": "exempt"}), sure)
    choices = (taken, waived, later)
    return Scene(sentence=context.say(VisitWord.TAKE_FEE, yen), body=(_word(one),), choices=choices)


def _fee(context: Context) -> FeeShown:
    for one in context.seen.books.open_fees:
        if one.job == context.about:
            return one
    raise LookupError(context.about)


def _word(one: FeeShown) -> Part:
    return CheckWord(word=one.check_word)


def feedback(context: Context) -> Scene:
    """利用者の声: one press, and no name with it."""
    if context.seen.visit is None:
        raise LookupError("no visit")
    faces = ((VisitWord.WAS_GOOD, GOOD), (VisitWord.WAS_SO_SO, SO_SO), (VisitWord.WAS_BAD, BAD))
    choices = tuple(Choice(context.say(word), Tell("/v1/feedback", {"face": face})) for word, face in faces)
    skip = Aside(label=context.say(VisitWord.NO_ANSWER), act=SEEN)
    return Scene(sentence=context.say(VisitWord.HOW_WAS_IT), body=(EMPTY, skip), choices=choices)


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType(
    {
        "visit.ringing": ringing,
        "visit.unanswered": unanswered,
        "visit.phone": phone,
        "visit.talk": talk,
        "visit.coming": coming,
        "visit.card": card,
        "visit.printing": printing,
        "visit.fee": fee,
        "visit.feedback": feedback,
    }
)
