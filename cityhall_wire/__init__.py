"""What bus and city hall say to each other. No I/O; imports none of our packages.

A closed list: headers, seal and open, messages, lifecycle, modes, check word, sheet arithmetic, times and limits.

The protocol version is one integer. Its history:

1 (2026-11-21): first version. Seal header, release header, sync and plan, release, evidence, link facts, receipts.
"""

from typing import Final

PROTOCOL_VERSION: Final = 1
