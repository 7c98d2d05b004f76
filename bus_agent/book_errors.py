"""Why a line of the books was not written. As in bus_agent.errors, the docstring is the sentence that a person reads."""

from bus_agent.errors import RefusedError


class SheetsDifferError(RefusedError):
    """Sheet ledger and drawer differ, so no certificate is printed; count the sheets, and write down what is lost."""

    key = "refused.sheets_differ"


class NoSheetsError(RefusedError):
    """The sheet ledger has too few sheets of this paper; write down what was received, then press print again."""

    key = "refused.no_sheets"


class UnknownPaperError(RefusedError):
    """The city has no numbered paper of this name; look at the names in the sheet ledger."""

    key = "refused.unknown_paper"


class SheetsKnownError(RefusedError):
    """Sheets with these numbers stand in the ledger already; look at the numbers once more."""

    key = "refused.sheets_known"


class SheetsNotHeldError(RefusedError):
    """By the ledger these sheets are not in the drawer; look at the numbers once more."""

    key = "refused.sheets_not_held"


class TooManySheetsError(RefusedError):
    """So many sheets cannot be; look at the numbers once more."""

    key = "refused.too_many_sheets"


class SheetsOutError(RefusedError):
    """Sheets are still out; say first what became of each printed document, then count."""

    key = "refused.sheets_out"


class CountError(RefusedError):
    """Say how many sheets lie there, or which numbers, each once."""

    key = "refused.count"


class NoFeeError(RefusedError):
    """No fee is open for this document."""

    key = "refused.no_fee"


class FeeAmountError(RefusedError):
    """The amount is more than what is open; look at it once more."""

    key = "refused.fee_amount"
