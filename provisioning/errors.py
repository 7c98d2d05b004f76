"""What the technician, or who tries the demo, must mend. The docstring is the sentence; `key` finds it in Japanese."""

from typing import ClassVar


class ProvisionError(Exception):
    """This step of setting up was not done:"""

    key: ClassVar[str] = "provision.failed"

    def __str__(self) -> str:
        return f"{type(self).__doc__} {super().__str__()}"


class AlreadyThereError(ProvisionError):
    """Keys are never overwritten; choose an empty folder or remove this one first:"""

    key = "provision.already_there"


class RequestRefusedError(ProvisionError):
    """The bus's request cannot be signed:"""

    key = "provision.request_refused"


class PartError(ProvisionError):
    """A part of the demo is not as it should be:"""

    key = "demo.part"


class WalkError(ProvisionError):
    """The certificate did not get through:"""

    key = "demo.walk"


class DocumentRefusedError(ProvisionError):
    """City hall does not take this document:"""

    key = "demo.document_refused"
