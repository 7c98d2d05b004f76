"""The one logger set-up: lines to standard error, which journald keeps. Never a secret, a document byte or a resident's name."""

import logging
import sys

_PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # The <n> prefix is sd-daemon(3)'s: journald takes it as the line's priority.
        text = super().format(record).replace("\n", "\n  ")
        return f"<{_PRIORITY.get(record.levelno, 5)}>{text}"


def setup(level: str = "INFO") -> None:
    """Send every logger's lines to standard error, one format for all processes."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter("%(asctime)s %(name)s: %(message)s", "%H:%M:%S"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    # These name every request; a job id is enough in our own lines.
    for chatty in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # It says of each listener that it starts and stops, and warns of whatever a stranger sends; faults of ours stay.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
