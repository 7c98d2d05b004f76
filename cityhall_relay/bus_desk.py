"""The door for everything that a bus signs: whose it is, whether it is in order, and which desk answers it. No HTTP."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from cityhall_base.clock import Clock
from cityhall_base.store import TROUBLE
from cityhall_relay.answers import Answers
from cityhall_relay.errors import NotAllowedError, RelayError
from cityhall_relay.evidence import EvidenceDesk
from cityhall_relay.link_desk import LinkDesk
from cityhall_relay.release import ReleaseDesk
from cityhall_relay.sessions import Sessions
from cityhall_relay.store import RelayStore
from cityhall_relay.sync import SyncDesk
from cityhall_wire import strict_json
from cityhall_wire.errors import UnknownKindError, UnknownVersionError, WireError
from cityhall_wire.messages import envelope, link, printing, relay
from cityhall_wire.messages.envelope import Envelope, Keyring, Opened
from cityhall_wire.messages.sequence import Place, Verdict, judge

SYNC: Final = ("sync",)
RELEASE: Final = ("release-request",)
EVIDENCE: Final = (
    *("evidence", "hand-over", "spoiled", "refused", "nothing-came-out", "doubt", "ciphertext-deleted"),
    *("call", "session-end", "entry", "duty-changed", "extend"),
    *("checklist", "signed-in", "substitute"),
    *("at-stop", "feedback", "day-wanted"),
    "panic",
)
"""Kinds that each address takes."""

Note = Callable[[Any, bytes, bytes], bytes]
"""Takes a fact about no job, its envelope and digest, inside the running event: the signed `noted`, or another answer."""

_STALE: Final = envelope.kind_of(relay.Stale)

log = logging.getLogger(__name__)


class BusDesk:
    """Answers one envelope of one bus, known by its certificate."""

    def __init__(
        self,
        city: str,
        keyrings: Mapping[str, Keyring],
        store: RelayStore,
        answers: Answers,
        clock: Clock,
        sessions: Sessions,
        sync: SyncDesk,
        release: ReleaseDesk,
        evidence: EvidenceDesk,
        link_desk: LinkDesk,
        notes: Mapping[type[link.LinkMessage], Note],
    ) -> None:
        self._city, self._keyrings, self._store, self._answers, self._clock = city, keyrings, store, answers, clock
        self._sessions = sessions
        self._sync, self._release, self._evidence, self._link = sync, release, evidence, link_desk
        self._notes = notes

    def enrolled(self, bus: str | None) -> str:
        """The bus of this certificate's common name; raises NotAllowedError where none is enrolled under it."""
        if bus is None or bus not in self._keyrings:
            raise NotAllowedError("no vehicle is enrolled under this name")
        return bus

    def answer(self, bus: str, raw: bytes, kinds: tuple[str, ...]) -> bytes:
        """The signed answer. Raises NotAllowedError, OpenError, or what `envelope.verify` raises about the bytes."""
        try:
            opened = envelope.verify(raw, self._keyrings[bus])
        except (UnknownKindError, UnknownVersionError) as error:
            log.warning("%s: %s", bus, error)
            return self._answers.refusal(bus, _re(raw), "not_understood")
        if opened.kind not in kinds:
            return self._answers.refusal(bus, opened.digest, "not_understood")
        self._check_names(bus, opened)
        return self._dispatch(bus, opened, raw)

    async def answer_each(self, bus: str, raws: Sequence[bytes], kinds: tuple[str, ...]) -> list[bytes]:
        """The signed answers to the first of `raws`, in order, each an event of its own.

        It ends after a `stale`, whose followers wait for its new number, and before an envelope that gets no signed answer: this
        is the first of the next request, and alone it raises what `answer` raises.
        """
        answers: list[bytes] = []
        for raw in raws:
            try:
                answers.append(self.answer(bus, raw, kinds))
            except (WireError, RelayError, *TROUBLE):
                if not answers:
                    raise
                break
            if envelope.kind_in(answers[-1]) == _STALE:
                break
            await asyncio.sleep(0)  # another bus's release does not wait for all of them
        return answers

    def _check_names(self, bus: str, opened: Opened) -> None:
        message = opened.message
        named = isinstance(message, link.LinkMessage | printing.PrintMessage) and (message.city, message.bus)
        if named != (self._city, bus):
            raise NotAllowedError("the message names another bus or city than the certificate")

    def _dispatch(self, bus: str, opened: Opened, raw: bytes) -> bytes:
        match opened.message:
            case printing.ReleaseRequest() as request:
                return self._release.answer(request, opened.digest)
            case printing.Evidence() as said:
                return self._evidence.answer(said, opened.digest, raw)
            case link.LinkMessage() as message:
                return self._in_order(bus, message, opened.digest, raw)
        raise UnknownKindError(opened.kind)

    def _in_order(self, bus: str, message: link.LinkMessage, digest: bytes, raw: bytes) -> bytes:
        with self._store.event():
            row = self._store.bus(bus)
            place = Place(message.boot, message.seq, digest)
            if judge(Place(row.boot, row.seq, row.payload_digest), place) is Verdict.STALE:
                self._store.record("stale", bus=bus, boot=message.boot, seq=message.seq)
                return self._answers.signed(relay.Stale, bus, digest, boot=row.boot, seq=row.seq)
            if message.boot > row.boot:
                self._sessions.after_reboot(bus, row.synced_at or 0)
            row = msgspec.structs.replace(row, boot=message.boot, seq=message.seq, payload_digest=digest)
            self._store.save_bus(row)
            match message:
                case link.Sync():
                    return self._sync.answer(row, message, digest, self._clock.utc_ms())
                case link.CiphertextDeleted():
                    return self._link.deleted(message, raw, digest)
                case link.Call() | link.SessionEnd():
                    return self._link.session(message, digest)
                case link.HandOver() | link.Spoiled() | link.Refused() | link.NothingCameOut() | link.Doubt():
                    return self._link.fact(message, digest)
                case _ if note := self._notes.get(type(message)):
                    return note(message, raw, digest)
        raise UnknownKindError(type(message).__name__)


def _re(raw: bytes) -> bytes:
    return envelope.digest(strict_json.decode(raw, Envelope, envelope.ENVELOPE_BYTES).payload)
