"""Invented households for sample certificates. Everybody is called 見本 (specimen), so nobody takes them for residents."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, repeat
from random import Random
from typing import Final

# First days of the eras, from the Cabinet orders that named them; nobody in the samples was born before 昭和.
_ERAS: Final = ((date(2019, 5, 1), "令和"), (date(1989, 1, 8), "平成"), (date(1926, 12, 25), "昭和"))

_MEN: Final = ("太郎", "一郎", "健一", "大輔", "翔太", "蓮", "誠", "和夫")
_WOMEN: Final = ("花子", "良子", "美咲", "陽菜", "結衣", "葵", "直美", "和子")
_QUARTERS: Final = ("見本町", "例示が丘", "仮名沢", "雛形", "試作原", "架空台", "模範")
_FORMER: Final = ("見本県例示市仮名町", "見本県雛形郡試作村大字架空", "例示府模範市見本区")
_RELATIONS: Final = ("世帯主", "妻", "子", "子", "子の妻", "子の子")
_AGES: Final = {"世帯主": 58, "妻": 56, "子": 29, "子の妻": 28, "子の子": 3, "縁故者": 40}


@dataclass(frozen=True)
class Member:
    """One person of a household as a resident record lists them; every value is ready to print."""

    name: str
    born: str
    sex: str
    relation: str
    resident_since: str
    notified: str
    former_address: str


@dataclass(frozen=True)
class Household:
    """What one copy of a resident record (住民票の写し) says."""

    serial: str
    issued: str
    address: str
    registered_domicile: str
    members: tuple[Member, ...]

    @property
    def head(self) -> str:
        """The head of the household (世帯主), who is also the first person of the family register (筆頭者)."""
        return self.members[0].name


def wareki(day: date) -> str:
    """A day from 1926-12-25 on in the Japanese calendar: 令和8年3月2日, 平成元年1月8日.

    Raises StopIteration for an earlier day.
    """
    start, era = next((start, era) for start, era in _ERAS if day >= start)
    year = day.year - start.year + 1
    return f"{era}{'元' if year == 1 else year}年{day.month}月{day.day}日"


def household(number: int, people: int) -> Household:
    """The specimen household `number` with `people` members; the same number always gives the same household."""
    draw = Random(number)  # noqa: S311 - invented people, not a secret
    issued = date(2026, 4, 1) + timedelta(days=draw.randrange(300))
    moved_in = issued - timedelta(days=draw.randrange(900, 9000))
    relations = chain(_RELATIONS, repeat("縁故者"))
    return Household(
        serial=f"{issued.year - 2018:02d}-{number:06d}-{draw.randrange(10_000):04d}",
        issued=wareki(issued),
        address=f"長谷市{draw.choice(_QUARTERS)}{_lot(draw)}",
        registered_domicile=f"見本県長谷市{draw.choice(_QUARTERS)}{_lot(draw)}",
        members=tuple(_members(draw, issued, moved_in, (next(relations) for _ in range(people)))),
    )


def _members(draw: Random, issued: date, moved_in: date, relations: Iterator[str]) -> Iterator[Member]:
    former = f"{draw.choice(_FORMER)}{_lot(draw)}"
    for relation in relations:
        born = issued - timedelta(days=_AGES[relation] * 365 + draw.randrange(365))
        female = relation in {"妻", "子の妻"} or (relation != "世帯主" and draw.random() < 0.5)
        here_from_birth = born > moved_in
        yield Member(
            name=f"見本 {draw.choice(_WOMEN if female else _MEN)}",
            born=wareki(born),
            sex="女" if female else "男",
            relation=relation,
            resident_since=wareki(max(born, moved_in)),
            notified=wareki(max(born, moved_in) + timedelta(days=draw.randrange(1, 14))),
            former_address="出生" if here_from_birth else former,
        )


def _lot(draw: Random) -> str:
    return f"{draw.randrange(1, 4000)}番地{draw.randrange(1, 30)}"
