"""Envelopes on the metered line travel packed, under a content coding of our own (RFC 9110 section 8.4.1).

Packed is zlib (RFC 1950) with the dictionary below, over MessagePack: whether it is a batch, and an array of its envelopes,
each an array of kind, kid, signature and payload. JSON's base64 of the payload stays off the line, and the words that every
message says cost nothing: a release pair takes 3.6 kB for 6.4, sync and plan 0.7 for 1.7. What is signed are the payload's
bytes, and those are not touched. No envelope holds a secret beside what somebody else chose, so its length tells of none.
"""

import zlib
from typing import Final

import msgspec

from cityhall_wire import strict_json
from cityhall_wire.errors import MalformedError, TooLargeError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.envelope import Envelope

PACKED: Final = "x-cityhall-1"
"""Another dictionary or another form is another name: an older side goes on with plain JSON."""

IDENTITY: Final = "identity"

_NOT_AS_AGREED: Final = "not packed as agreed"
_WORDS: Final = (
    b'{"job":"","state":"offered","attempt":1,"received":0,"approved":false}{"v":1,"city":"","bus":"","incarnation":"","nonce":'
    b'"","job":"","attempt":1,"n":1,"at":17,"finding":"no_sheetsendingsentcompleteddoubtcanceled_at_printer","why":"printed",'
    b'"printer_uuid":"urn:uuid:","printer_up_time":1,"printer_job":1,"job_state":"completed","job_reasons":["job-completed-'
    b'successfully"],"impressions":1,"counter_before":null,"counter_after":null}"sheets":[""],"why":"jam","came_out":null}'
    b'"re":"","at":17,"job":"","state":"handed_over","attempt":1}"seal_digest":"","state":"handed_over"}"reason":""}'
    b"hand-overspoilednothing-came-outciphertext-deletedreceiptdeletion-receiptevidencerefusalstaledoubt"
    b'{"session":"","seal_header":"","body_size":1,"approved":true}syncplanreleaserelease-request'
    b'{"v":1,"city":"","bus":"","re":"","at":17,"release_header":"","wrapped_key":""}{"v":1,"city":"","bus":"","re":"","at":17,'
    b'"token":"","inventory_wanted":false,"lease":{"nonce":"","seconds":600},"session":{"session":"s","section":"","clerk":"",'
    b'"stop":"","slot":1,"seconds_left":},"offers":[],"orders":[{"job":"j","state":"on_bus","attempt":1,"approved":true,"forget"'
    b':false}]}{"v":1,"city":"","bus":"","incarnation":"","nonce":"","job":"j","attempt":1,"at":17,"session":"s","seal_digest":"",'
    b'"opener_key":"","mode":"city_hall","software":"","config":"","printer_uuid":"urn:uuid:","printer_up_time":1,'
    b'"printer_counter":null}{"v":1,"city":"","bus":"","boot":1,"seq":1,"at":17,"nonce":"","token":"","software":"","config":"",'
    b'"mode":"city_hall","session":"s","printer":{"state":"idle","reasons":[]},"spooler":true,"inventory_digest":"","inventory"'
    b':[{"job":"j","state":"on_bus","attempt":1,"received":1,"approved":true}]}'
)
"""What messages say again and again; what is said most stands last (RFC 1950 section 2.2)."""

_Wire = tuple[str, str, bytes, bytes]


def pack(raw: bytes) -> bytes:
    """What travels for an envelope or a batch. Raises MalformedError or TooLargeError where these bytes are neither."""
    alone = not envelope.is_batch(raw)
    parts = [_wire(strict_json.decode(one, Envelope, len(one))) for one in ([raw] if alone else envelope.split(raw))]
    return squeeze(msgspec.msgpack.encode((not alone, parts)))


def unpack(packed: bytes, limit: int) -> bytes:
    """The envelope or batch as JSON, of at most `limit` bytes.

    Raises TooLargeError, before more than that is unpacked, or MalformedError.
    """
    try:
        batch, parts = msgspec.msgpack.decode(_inflate(packed, limit), type=tuple[bool, list[_Wire]])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedError(_NOT_AS_AGREED) from None
    if not batch and len(parts) != 1:
        raise MalformedError(_NOT_AS_AGREED)
    raw = envelope.join([_json(one) for one in parts]) if batch else _json(parts[0])
    if len(raw) > limit:
        raise TooLargeError(f"{limit} bytes are allowed")
    return raw


def squeeze(raw: bytes) -> bytes:
    """The last step of packing: zlib with the dictionary."""
    packing = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zdict=_WORDS)
    return packing.compress(raw) + packing.flush()


def _inflate(packed: bytes, limit: int) -> bytes:
    unpacking = zlib.decompressobj(zdict=_WORDS)
    try:
        raw = unpacking.decompress(packed, limit + 1)
    except zlib.error:
        raise MalformedError(_NOT_AS_AGREED) from None
    if len(raw) > limit:
        raise TooLargeError(f"{limit} bytes are allowed")
    if not unpacking.eof or unpacking.unused_data:
        raise MalformedError(_NOT_AS_AGREED)
    return raw


def _wire(one: Envelope) -> _Wire:
    return one.kind, one.kid, one.sig, one.payload


def _json(wire: _Wire) -> bytes:
    kind, kid, sig, payload = wire
    # What is wrong with any of it is found where the envelope is read.
    return strict_json.encode(Envelope(kind=kind, kid=kid, payload=payload, sig=sig))
