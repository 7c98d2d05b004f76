"""Sheet arithmetic: impressions to sheets, and the sum that must agree every day (改ざん防止用紙受払簿)."""

from enum import StrEnum

import msgspec


class Sides(StrEnum):
    """IPP `sides` (RFC 8011 section 5.2.8)."""

    ONE_SIDED = "one-sided"
    TWO_SIDED_LONG_EDGE = "two-sided-long-edge"
    TWO_SIDED_SHORT_EDGE = "two-sided-short-edge"


def sheets_for(impressions: int, sides: Sides) -> int:
    """Sheets of paper that `impressions` printed sides need."""
    if impressions < 0:
        raise ValueError("impressions cannot be negative")
    return impressions if sides is Sides.ONE_SIDED else (impressions + 1) // 2


class SheetCount(msgspec.Struct, frozen=True, kw_only=True):
    """One day's columns of the sheet ledger, in sheets."""

    carried_over: int = 0  # 繰越
    received: int = 0  # 受入
    issued: int = 0  # 交付
    spoiled: int = 0  # 書損
    lost: int = 0  # 亡失
    test: int = 0  # 試し刷り

    @property
    def left(self) -> int:
        """Sheets that must be in the drawer (残)."""
        return self.carried_over + self.received - self.issued - self.spoiled - self.lost - self.test
