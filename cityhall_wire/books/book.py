"""All lines of one bus, folded: papers, fees, the cash box, and the digest by which both sides know that they have the same."""

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from cityhall_wire import strict_json
from cityhall_wire.books.entry import BookEntry, Column
from cityhall_wire.books.paper import Difference, PaperBook

DIGEST_BYTES: Final = 8
_RECEIPTED: Final = frozenset({Column.PAID, Column.WAIVED, Column.REFUNDED})


class Account(msgspec.Struct):
    """The fee of one document, in yen; of a reissue together with the spoiled one that it takes the place of."""

    job: str
    due: int = 0
    paid: int = 0
    waived: int = 0
    refunded: int = 0

    @property
    def kept(self) -> int:
        """What city hall has of it."""
        return self.paid - self.refunded

    @property
    def open(self) -> int:
        """Above 0: still to be paid or waived. Below 0: to be refunded, once no sheet can follow any more."""
        return self.due - self.waived - self.kept if self.due else -self.kept


class CashBook:
    """The cash box, in yen."""

    def __init__(self) -> None:
        self.expected, self.off = 0, 0  # `off`: so much more in the box than expected at the last count
        self._day, self._current, self._id, self._moved = "", False, "", False

    @property
    def counted_on(self) -> str:
        """The JST date of the last count, where no money has moved since; else empty."""
        return self._day if self._current else ""

    def add(self, entry: BookEntry) -> None:
        """One more line about money."""
        match entry.column:
            case Column.CASH_COUNTED if entry.corrects is not None:
                if entry.corrects == self._id:
                    self._current, self.off = False, 0
            case Column.CASH_COUNTED:
                self._count(entry)
            case Column.PAID | Column.REFUNDED | Column.CASH_DIFFERENCE:
                self._move(entry)

    def _count(self, entry: BookEntry) -> None:
        if not self._moved:
            self.expected = entry.yen  # the change with which the box began
        self.off = entry.yen - self.expected
        self._id, self._day, self._current, self._moved = entry.id, entry.day, True, True

    def _move(self, entry: BookEntry) -> None:
        yen = -entry.yen if entry.column is Column.REFUNDED else entry.yen
        self.expected += yen
        if entry.corrects is not None or entry.column is Column.CASH_DIFFERENCE:
            # It says what the count has shown already, as far as it goes that way; the rest has moved since.
            self.off -= max(min(yen, self.off), 0) if self.off > 0 else min(max(yen, self.off), 0)
        self._current, self._moved = False, True


class Book:
    """All lines of one bus, folded. The same lines in the same order make the same book on both sides."""

    def __init__(self) -> None:
        self.papers: dict[str, PaperBook] = {}
        self.cash = CashBook()
        self.count, self.last_n, self.last_id = 0, 0, ""
        self._digest = 0
        self._accounts: dict[str, Account] = {}
        self._roots: dict[str, str] = {}
        self._receipts: dict[int, int] = {}

    def add(self, entry: BookEntry) -> None:
        """The next line."""
        self.count, self.last_n, self.last_id = self.count + 1, max(entry.n, self.last_n), entry.id
        self._digest ^= int.from_bytes(_digest(entry))
        if entry.paper is not None:
            self.paper(entry.paper).add(entry)
        self.cash.add(entry)
        if entry.job is not None:
            self._fee(entry.job, entry)
        if entry.column in _RECEIPTED:
            self._receipts[entry.year] = max(self._receipts.get(entry.year, 0), entry.receipt)

    @property
    def digest(self) -> bytes:
        """8 bytes that name this set of lines, in whatever order they came."""
        return self._digest.to_bytes(DIGEST_BYTES)

    def paper(self, name: str) -> PaperBook:
        """Of this paper."""
        return self.papers.setdefault(name, PaperBook(name))

    def differences(self) -> list[Difference]:
        """Of all papers."""
        return [one for paper in self.papers.values() for one in paper.differences()]

    def account(self, job: str) -> Account:
        """The fee of a document."""
        return self._accounts.get(self._root(job), Account(job))

    def accounts(self) -> Iterable[Account]:
        """All that were ever touched."""
        return self._accounts.values()

    def next_receipt(self, year: int) -> int:
        """The number that follows the last one of this fiscal year."""
        return self._receipts.get(year, 0) + 1

    def _root(self, job: str) -> str:
        while job in self._roots:
            job = self._roots[job]
        return job

    def _fee(self, job: str, entry: BookEntry) -> None:
        if entry.reissue_of is not None and job not in self._roots and self._root(entry.reissue_of) != job:
            self._join(job, self._root(entry.reissue_of))
        account = self._accounts.setdefault(self._root(job), Account(self._root(job)))
        match entry.column:
            case Column.ISSUED:
                account.due += entry.yen
            case Column.PAID:
                account.paid += entry.yen
            case Column.WAIVED:
                account.waived += entry.yen
            case Column.REFUNDED:
                account.refunded += entry.yen

    def _join(self, job: str, root: str) -> None:
        mine, whole = self._accounts.pop(job, Account(job)), self._accounts.setdefault(root, Account(root))
        self._roots[job] = root
        for name in ("due", "paid", "waived", "refunded"):
            setattr(whole, name, getattr(whole, name) + getattr(mine, name))


def _digest(entry: BookEntry) -> bytes:
    return hashlib.sha256(b"cityhall/1 book\0" + strict_json.encode(entry)).digest()[:DIGEST_BYTES]
