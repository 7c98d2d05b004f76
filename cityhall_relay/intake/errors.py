"""Why a document was not taken. The docstring is the sentence that a person reads; `key` finds it in Japanese."""

from typing import ClassVar

from cityhall_relay.intake.report import Finding, Refusal


class IntakeError(Exception):
    """The document was not taken."""

    key: ClassVar[str] = "intake.not_taken"

    def __str__(self) -> str:
        return " ".join(filter(None, (type(self).__doc__, super().__str__())))


class IntakeRefused(IntakeError):
    """The document cannot be printed as it is."""

    key = "intake.refused"

    def __init__(self, *findings: Finding) -> None:
        super().__init__(" ".join(map(str, findings)))
        self.findings = findings


class RefusedUnlessFlattened(IntakeRefused):
    """The document cannot be printed as it is. Sent as an image (`send --flatten`), it can: that leaves such things out."""

    key = "intake.refused_unless_flattened"


class IntakeUnavailableError(IntakeError):
    """Documents cannot be checked safely on this relay just now, so none is taken; call the technician."""

    key = "intake.unavailable"


class IntakeBusyError(IntakeError):
    """Other documents are being checked, and this one got no turn; send it again in a minute."""

    key = "intake.busy"


class SandboxUnavailableError(IntakeError):
    """This machine cannot lock the checking process in; seccomp and the package libseccomp2 are needed."""

    key = "intake.sandbox_unavailable"


class DrawingUnavailableError(IntakeError):
    """City hall cannot draw pages for this printer; the package libcups2 and a paper with a PWG size name are needed."""

    key = "intake.drawing_unavailable"


class NotDrawnError(Exception):
    """Inside the disposable process: the finding for which there is no picture of the pages."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        self.finding = Finding(refusal=refusal, detail=detail)
        super().__init__(str(self.finding))
