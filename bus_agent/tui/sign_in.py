"""Who is on board: an opaque id and its PIN, or the code that city hall reads to a substitute.

A PIN or code is in `Context.entered` alone, and in the one request that tells it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.tui.desk import DeskWord, back, page
from bus_agent.tui.now import OPEN_TO_ANYBODY
from bus_agent.tui.scene import Choice, Context, MakeScene, Mark, Open, Pad, Scene, Tell, Text
from cityhall_base.words import Word


class SignInWord(Word):
    """What she reads and presses."""

    WHO = ("desk.sign_in.who", "Who are you?")
    BY_CODE = ("desk.sign_in.by_code", "Code of city hall")
    SIGNED_IN = ("desk.sign_in.signed_in", "Signed in: {detail}.")
    SIGN_OUT = ("desk.sign_in.sign_out", "Sign out")
    OUT_SURE = ("desk.sign_in.out_sure", "Until somebody signs in, no certificate prints.")
    NOT_NEEDED = ("desk.sign_in.not_needed", "In this city nobody signs in.")
    PIN = ("desk.sign_in.pin", "PIN")
    PIN_OF = ("desk.sign_in.pin_of", "Put in your PIN: {detail}.")
    WAIT = ("desk.sign_in.wait", "The PIN was wrong too often. Wait {detail} s more, or use a code of city hall.")
    ENTER = ("desk.sign_in.enter", "Sign in")
    CODE = ("desk.sign_in.code", "Code")
    CODE_IS = ("desk.sign_in.code_is", "Put in the eight digits that city hall reads to you.")
    TELEPHONE = ("desk.sign_in.telephone", "A substitute telephones city hall, and is given a code once.")


LEAST_PIN: Final = 6
MOST_PIN: Final = 12
"""What `cityhall-relay pin` takes."""

CODE_DIGITS: Final = 8
_CODE: Final = "*"


def who(context: Context) -> Scene:
    """Which of the concierges, or a substitute."""
    one = context.seen.signed_in
    if one.who:
        leave = Choice(
            context.say(SignInWord.SIGN_OUT), Tell("/v1/sign-out", None, "sign_in"), context.say(SignInWord.OUT_SURE)
        )
        return Scene(sentence=context.say(SignInWord.SIGNED_IN, one.who), choices=(leave, back(context)))
    if not context.city.concierges and not one.wanted:
        return Scene(sentence=context.say(SignInWord.NOT_NEEDED), choices=(back(context),))
    items = [Mark(_CODE, context.say(SignInWord.BY_CODE)), *(Mark(id_, id_) for id_ in context.city.concierges)]
    shown = page(context, "sign_in", "who", items)
    then = Open("sign_in.code") if shown.picked == _CODE else Open("sign_in.pin", shown.picked)
    away = (back(context),) if not one.wanted or context.seen.mode in OPEN_TO_ANYBODY else ()
    choices = (Choice(context.say(DeskWord.NEXT), shown.act(then)), *shown.more, *away)
    return Scene(sentence=context.say(SignInWord.WHO), body=(shown.pick,), choices=choices)


def pin(context: Context) -> Scene:
    """Her PIN; after too many wrong ones nothing but time, or a code."""
    wait, by_code = context.seen.signed_in.pin_wait_s, Choice(context.say(SignInWord.BY_CODE), Open("sign_in.code"))
    if wait:
        sentence = context.say(SignInWord.WAIT, str(wait))
        return Scene(sentence=sentence, choices=(by_code, back(context, "sign_in")))
    typed = context.entered.get("pin", "")
    act = Tell("/v1/sign-in", {"who": context.about, "pin": typed}) if len(typed) >= LEAST_PIN else None
    return Scene(
        sentence=context.say(SignInWord.PIN_OF, context.about),
        body=(Pad(name="pin", label=context.say(SignInWord.PIN), most=MOST_PIN, secret=True),),
        choices=(Choice(context.say(SignInWord.ENTER), act), by_code, back(context, "sign_in")),
    )


def code(context: Context) -> Scene:
    """The substitute's code, once."""
    typed = context.entered.get("code", "")
    whole = len(typed) == CODE_DIGITS and typed.isascii() and typed.isdigit()
    act = Tell("/v1/sign-in/code", {"code": typed}) if whole else None
    pad = Pad(name="code", label=context.say(SignInWord.CODE), most=CODE_DIGITS, secret=True)
    return Scene(
        sentence=context.say(SignInWord.CODE_IS),
        body=(Text(text=context.say(SignInWord.TELEPHONE)), pad),
        choices=(Choice(context.say(SignInWord.ENTER), act), back(context, "sign_in")),
    )


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType({"sign_in": who, "sign_in.pin": pin, "sign_in.code": code})
