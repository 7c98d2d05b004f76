"""The cash box and the fees: count it, say why it differs, receive, waive and give back.

`about` of a fee is its job; of a reason the job, `/` and what is done: `j…/waived`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from bus_agent.shown import FeeShown
from bus_agent.tui.desk import DeskWord, amount, back, page, picks
from bus_agent.tui.scene import CheckWord, Choice, Context, Facts, MakeScene, Mark, Open, Pad, Scene, Tell, Tone
from cityhall_base.words import Word


class MoneyWord(Word):
    """What she reads and presses."""

    MUST = ("desk.money.must", "{detail} must be in the cash box. Count it.")
    THERE = ("desk.money.there", "{detail} are there")
    OTHERWISE = ("desk.money.otherwise", "No")
    MORE = ("desk.money.more", "There are {detail} more in the cash box than in the book.")
    LESS = ("desk.money.less", "There are {detail} less in the cash box than in the book.")
    EXPLAIN = ("desk.money.explain", "Say why")
    AGAIN = ("desk.money.again", "Count again")
    HOW_MUCH = ("desk.money.how_much", "How much is in the cash box?")
    YEN = ("desk.money.yen", "Yen")
    RECORD = ("desk.money.record", "Write it down")
    WHY_OFF = ("desk.money.why_off", "Why does the cash differ by {detail}?")
    FEES = ("desk.money.fees", "Which fee is it?")
    NO_FEES = ("desk.money.no_fees", "Every fee is settled.")
    DUE = ("desk.money.due", "The fee is {detail}.")
    TO_REFUND = ("desk.money.to_refund", "{detail} are to be given back.")
    PAID = ("desk.money.paid", "Received")
    WAIVED = ("desk.money.waived", "Waive it")
    REFUNDED = ("desk.money.refunded", "Given back")
    WHY_WAIVED = ("desk.money.why_waived", "Why is it waived?")
    WHY_REFUNDED = ("desk.money.why_refunded", "Why is it given back?")
    GONE = ("desk.money.gone", "This fee is settled already.")


class CashWord(Word):
    """Why the cash differs. The last part is the reason that the book gets."""

    CHANGE = ("desk.cash.change", "wrong change")
    HANDED_IN = ("desk.cash.handed_in", "found and handed in")
    ADDED = ("desk.cash.added", "change was put in")
    TAKEN_OUT = ("desk.cash.taken_out", "money was taken to city hall")
    UNKNOWN = ("desk.cash.unknown", "nobody knows")
    OTHER = ("desk.cash.other", "something else")


class WaiveWord(Word):
    """Why a fee is not asked for."""

    WELFARE = ("desk.waive.welfare", "welfare")
    DISASTER = ("desk.waive.disaster", "disaster")
    OFFICIAL = ("desk.waive.official", "for an office's use")
    OUR_MISTAKE = ("desk.waive.our_mistake", "our mistake")
    OTHER = ("desk.waive.other", "something else")


class RefundWord(Word):
    """Why a fee is given back."""

    WRONG_DOCUMENT = ("desk.refund.wrong_document", "wrong document")
    NOT_ISSUED = ("desk.refund.not_issued", "it was not issued")
    PAID_TWICE = ("desk.refund.paid_twice", "paid twice")
    WELFARE = ("desk.refund.welfare", "welfare")
    OTHER = ("desk.refund.other", "something else")


_WHYS: Final[Mapping[str, tuple[MoneyWord, tuple[Word, ...]]]] = MappingProxyType(
    {
        "waived": (MoneyWord.WHY_WAIVED, tuple(WaiveWord)),
        "refunded": (MoneyWord.WHY_REFUNDED, tuple(RefundWord)),
    }
)
_DIGITS: Final = 8
"""MOST_YEN of cityhall_wire.books has as many."""


def count(context: Context) -> Scene:
    """So much must be there; or it differs, and wants a reason."""
    books = context.seen.books
    if books.cash_off:
        word = MoneyWord.MORE if books.cash_off > 0 else MoneyWord.LESS
        explain = Choice(context.say(MoneyWord.EXPLAIN), Open("money.difference"))
        again = Choice(context.say(MoneyWord.AGAIN), Open("money.other_count"))
        choices, sentence = (explain, again), context.say(word, amount(context, abs(books.cash_off)))
        return Scene(sentence=sentence, choices=(*choices, back(context, "paper")), tone=Tone.LOOK)
    must = max(books.cash_expected, 0)
    there = Choice(context.say(MoneyWord.THERE, amount(context, must)), Tell("/v1/cash/count", {"yen": must}, "lists"))
    other = Choice(context.say(MoneyWord.OTHERWISE), Open("money.other_count"))
    sentence = context.say(MoneyWord.MUST, amount(context, must))
    return Scene(sentence=sentence, choices=(there, other, back(context, "paper")))


def other_count(context: Context) -> Scene:
    """As much as she counted."""
    typed = context.entered.get("yen", "")
    act = Tell("/v1/cash/count", {"yen": int(typed)}, "money.count") if typed.isascii() and typed.isdigit() else None
    return Scene(
        sentence=context.say(MoneyWord.HOW_MUCH),
        body=(Pad(name="yen", label=context.say(MoneyWord.YEN), most=_DIGITS),),
        choices=(Choice(context.say(MoneyWord.RECORD), act), back(context, "money.count")),
    )


def difference(context: Context) -> Scene:
    """Why it differs by as much as the last count says."""
    off = context.seen.books.cash_off
    if not off:
        return count(context)
    shown = picks(context, "why", tuple(CashWord))
    act = shown.act(Tell("/v1/cash/difference", {"yen": off, "why": shown.picked}, "lists"))
    sentence = context.say(MoneyWord.WHY_OFF, amount(context, off))
    choices = (Choice(context.say(MoneyWord.RECORD), act), back(context, "money.count"))
    return Scene(sentence=sentence, body=(shown.pick,), choices=choices)


def fees(context: Context) -> Scene:
    """Which of the open ones."""
    found = context.seen.books.open_fees
    if not found:
        return Scene(sentence=context.say(MoneyWord.NO_FEES), choices=(back(context, "paper"),), tone=Tone.CALM)
    items = [Mark(one.job, f"{one.check_word} {amount(context, one.yen)}") for one in found]
    shown = page(context, "money.fees", "fee", items)
    choose = Choice(context.say(DeskWord.NEXT), shown.act(Open("money.fee", shown.picked)))
    choices = (choose, *shown.more, back(context, "paper"))
    return Scene(sentence=context.say(MoneyWord.FEES), body=(shown.pick,), choices=choices)


def fee(context: Context) -> Scene:
    """One fee: received, waived, or given back."""
    one = _fee(context, context.about)
    if one is None:
        return Scene(sentence=context.say(MoneyWord.GONE), choices=(back(context, "money.fees"),), tone=Tone.CALM)
    if one.yen < 0:
        give = Choice(context.say(MoneyWord.REFUNDED), Open("money.why", f"{one.job}/refunded"))
        ways: tuple[Choice, ...] = (give,)
        sentence = context.say(MoneyWord.TO_REFUND, amount(context, -one.yen))
    else:
        paid = Choice(context.say(MoneyWord.PAID), Tell(f"/v1/fees/{one.job}/paid", {"yen": None}, "lists"))
        waive = Choice(context.say(MoneyWord.WAIVED), Open("money.why", f"{one.job}/waived"))
        ways, sentence = (paid, waive), context.say(MoneyWord.DUE, amount(context, one.yen))
    return Scene(sentence=sentence, body=_word(one), choices=(*ways, back(context, "money.fees")))


def why(context: Context) -> Scene:
    """The reason for waiving or giving back."""
    job, _, done = context.about.partition("/")
    one = _fee(context, job)
    if one is None or done not in _WHYS:
        return fee(context)
    asks, words = _WHYS[done]
    shown = picks(context, "why", words)
    act = shown.act(Tell(f"/v1/fees/{job}/{done}", {"yen": None, "why": shown.picked}, "lists"))
    rows = Facts(rows=((one.check_word, amount(context, abs(one.yen))),))
    choices = (Choice(context.say(MoneyWord.RECORD), act), back(context, "money.fee", job))
    return Scene(sentence=context.say(asks), body=(rows, shown.pick), choices=choices)


def _fee(context: Context, job: str) -> FeeShown | None:
    return next((one for one in context.seen.books.open_fees if one.job == job), None)


def _word(one: FeeShown) -> tuple[CheckWord, ...]:
    return (CheckWord(word=one.check_word),) if one.check_word else ()


SCENES: Final[Mapping[str, MakeScene]] = MappingProxyType(
    {
        "money.count": count,
        "money.other_count": other_count,
        "money.difference": difference,
        "money.fees": fees,
        "money.fee": fee,
        "money.why": why,
    }
)
