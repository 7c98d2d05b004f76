"""The one seal header that tests begin with: a certificate of one sheet."""

from typing import Any

from cityhall_wire import PROTOCOL_VERSION, seal
from cityhall_wire.headers import SealHeader
from cityhall_wire.modes import JobClass
from cityhall_wire.sheets import Sides


def seal_header(document: bytes, content_key: bytes, **changed: Any) -> SealHeader:
    """The header that fits `document` under `content_key`, but for what a test changes."""
    fields: dict[str, Any] = {
        "v": PROTOCOL_VERSION,
        "city": "hase",
        "job": "j" + "0" * 24,
        "commitment": seal.commitment(content_key, document),
        "size": len(document),
        "document_format": "application/pdf",
        "impressions": 1,
        "sheets": 1,
        "sides": Sides.ONE_SIDED,
        "media": "iso_a4_210x297mm",
        "job_class": JobClass.CERTIFICATE,
        "service": "resident-record",
        "paper": "controlled",
        "joint_seal": False,
        "reissue_of": None,
    }
    return SealHeader(**fields | changed)
