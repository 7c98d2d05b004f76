"""What bus and city hall say to each other. No I/O; imports none of our packages.

A closed list: headers, seal and open, messages, lifecycle, modes, check word, sheet arithmetic, books, times and limits.

The protocol version is one integer. Its history:

1 (2026-11-21): first version. Seal header, release header, sync and plan, release, evidence, link facts, receipts.
1 (2026-11-22), before the first bus is in service: calls and the concierge's end of a session (`clerk` is null while it rings),
`refused`, and how many sheets came out of a spoiled document; the books of sheets and fees (`entry`, lines in `hand-over` and
`spoiled`, their digest in `sync`, city hall's wishes in `plan`); `duty-changed` and `extend`; `checklist`, `signed-in` and
`substitute`; `panic`, the plan's `locked`, and the signed `statement` about a bus that was revoked.
"""

from typing import Final

PROTOCOL_VERSION: Final = 1
