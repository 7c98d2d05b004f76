"""Why a clerk's command did not succeed, each with the command's exit code."""

from typing import ClassVar

from cityhall_relay.errors import RelayError


class ClientError(RelayError):
    """The command could not be carried out."""

    key = "client.failed"
    exit_code: ClassVar[int] = 1


class RefusedError(ClientError):
    """City hall's relay refused."""

    def __init__(self, key: str, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.reason, self.answered = key, status

    @property
    def sentence(self) -> str:
        """City hall's own words."""
        return str(self.args[0])


class NobodyCallsError(ClientError):
    """No bus is calling at this moment."""

    key = "client.nobody_calls"


class OutOfReachError(ClientError):
    """City hall's relay does not answer; video and phone go on. Try again when it is back."""

    key = "client.out_of_reach"
    exit_code = 4


class AnswerError(ClientError):
    """City hall's relay gave an answer that this release does not understand; update the older side."""

    key = "client.answer"


class StatementError(ClientError):
    """This is no whole statement of this city hall; fetch it again, and ask for the relay's public key."""

    key = "client.statement"


class FileError(ClientError):
    """The document or token file cannot be read."""

    key = "client.file"
    exit_code = 3


class DigestFileError(ClientError):
    """This is no daily digest of this city hall; fetch or scan it again, and look at the public key."""

    key = "client.digest"


class CutShortError(ClientError):
    """The copy of the journal is not whole; take it again."""

    key = "client.cut_short"
