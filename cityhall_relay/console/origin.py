"""Where a request comes from: a browser says it with Sec-Fetch-Site (W3C Fetch Metadata) and Origin (RFC 6454)."""

from typing import Final
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request

EVENTS: Final = "text/event-stream"


def foreign(request: Request, own: str) -> bool:
    """Whether it came from another origin than `own`, or does not say where it came from.

    Our pages send no referrer, so the Origin of their forms is "null" (Fetch, "append a request Origin header"); then
    Sec-Fetch-Site alone decides, which no page can set.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is None:
        return origin != own
    return site != "same-origin" or origin not in (None, "null", own)


def foreign_read(request: Request, own: str) -> bool:
    """As `foreign`, of a GET: a typed address and an old browser's say nothing, and a link from elsewhere is no harm."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if origin not in (None, own):
        return True
    if request.headers.get("sec-fetch-mode") == "navigate" and request.headers.get("sec-fetch-dest") == "document":
        return False
    return site not in (None, "same-origin", "none")


def by_link(request: Request) -> bool:
    """A link on another site: the browser holds our cookie back, though the person may be signed in."""
    return request.headers.get("sec-fetch-site") in ("cross-site", "same-site")


def wants_events(request: Request) -> bool:
    """An event stream is opened."""
    return EVENTS in request.headers.get("accept", "")


def by_script(request: Request) -> bool:
    """htmx asks, not a navigation."""
    return request.headers.get("hx-request") == "true"


def local(path: str) -> str:
    """`path` where it is an address of this console, else nothing: a sign-in never leads to another host."""
    plain = path.isprintable() and path.isascii() and "\\" not in path
    parts = urlsplit(path) if plain and path.startswith("/") and not path.startswith("//") else None
    return path if parts is not None and not parts.scheme and not parts.netloc else ""


def fields(raw: bytes, most: int) -> dict[str, str] | None:
    """A form's fields; None where it is none, or says one name twice."""
    try:
        pairs = parse_qsl(
            raw.decode("ascii"), keep_blank_values=True, strict_parsing=bool(raw), errors="strict", max_num_fields=most
        )
    except ValueError:  # UnicodeDecodeError is one
        return None
    found = dict(pairs)
    return found if len(found) == len(pairs) else None
