"""`/audit`: the journal, its check, its copies; `/audit/digests`: each day's signed digest as a page to print."""

from collections.abc import Sequence
from typing import Any, Final

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityhall_relay.audit import Asked, Audit, asked_of
from cityhall_relay.audit_check import Checked
from cityhall_relay.audit_words import AuditWord, counts
from cityhall_relay.console.dates import Dates, next_day
from cityhall_relay.console.frame import Frame
from cityhall_relay.console.visitor import Door, Form, Visitor
from cityhall_relay.digest_text import printed
from cityhall_relay.settings import Right
from cityhall_relay.store.audit import Kept, Seen
from cityhall_relay.web.audit_api import year_of
from cityhall_relay.web.exports import Exports
from cityhall_wire import strict_json
from cityhall_wire.errors import WireError
from cityhall_wire.messages import envelope
from cityhall_wire.messages.digest import DailyDigest

QR_VERSION: Final = 20
"""Largest code (ISO/IEC 18004): 97 modules, 49 mm where each takes half a millimetre, which a telephone reads from paper."""

_PEOPLE: Final = ("by", "clerk", "who")


class AuditPages:
    """All with the right `read`; a check is a POST, because it costs the relay seconds."""

    def __init__(self, frame: Frame, audit: Audit, exports: Exports) -> None:
        self._frame, self._audit, self._exports = frame, audit, exports

    def routes(self, door: Door) -> Sequence[Route]:
        """Their addresses."""

        def shows(show: Any) -> Any:
            return door.shows(Right.READ, show)

        check = door.takes(Right.READ, self._check)
        return [
            Route("/audit", shows(self._show), methods=["GET"]),
            Route("/audit/check", check, methods=["POST"]),
            Route("/audit/digests", shows(self._digests), methods=["GET"]),
            Route("/audit/digests/{day}", shows(self._digest), methods=["GET"]),
            Route("/audit/digests/{day}/file", shows(self._file), methods=["GET"]),
            Route("/audit/export", shows(self._export), methods=["GET"]),
        ]

    async def _show(self, request: Request, visitor: Visitor) -> Response:
        return await self._rows(visitor, asked_of(dict(request.query_params)))

    async def _check(self, _request: Request, visitor: Visitor, _form: Form) -> Response:
        checked = await self._audit.check(visitor.who)
        return await self._rows(visitor, Asked(), checked)

    async def _rows(self, visitor: Visitor, asked: Asked, checked: Checked | None = None) -> Response:
        page = await self._audit.page(visitor.who, asked)
        known = {name: value for name in asked.__struct_fields__ if (value := getattr(asked, name)) is not None}
        rows = [(one.row, _who(one), one.row.body) for one in page.rows]
        today = self._audit.today()
        values = {"page": page, "rows": rows, "asked": known, "checked": checked, "today": today}
        values["week_ago"] = next_day(today, -7)
        return self._page(visitor, "books/audit.html", **values)

    async def _digests(self, request: Request, visitor: Visitor) -> Response:
        year = year_of(request.query_params.get("year", ""))
        found = [(one, _read(one)) for one in self._audit.digests(visitor.who, year)]
        return self._page(visitor, "books/digests.html", digests=found)

    async def _digest(self, request: Request, visitor: Visitor) -> Response:
        kept = self._audit.digest(visitor.who, str(request.path_params["day"]))
        one, text = _read(kept), printed(kept.envelope)
        values: dict[str, Any] = {
            "digest": one,
            "text": text,
            "code": code(text),
            "kid": strict_json.decode(kept.envelope, envelope.Envelope).kid,
            "jobs": counts(one.jobs, visitor.language),
            "sheets": counts(one.sheets, visitor.language),
        }
        return self._page(visitor, "books/digest.html", **values)

    async def _file(self, request: Request, visitor: Visitor) -> Response:
        kept = self._audit.digest(visitor.who, str(request.path_params["day"]))
        headers = {"Content-Disposition": f'attachment; filename="digest-{kept.day}.json"', "Cache-Control": "no-store"}
        return Response(kept.envelope + b"\n", 200, headers, "application/json")

    async def _export(self, request: Request, visitor: Visitor) -> Response:
        return self._exports.of(visitor.who, request.query_params, visitor.language)

    def _page(self, visitor: Visitor, template: str, **values: Any) -> Response:
        dates = Dates(visitor.language).values()
        return self._frame.page(visitor, visitor.language, template, A=AuditWord, **values, **dates)


def code(text: str) -> Markup:
    """A QR code as SVG without a style of its own. Raises segno.DataOverflowError where the text is too long for it."""
    made = segno.make(text, micro=False, error="m", boost_error=False)
    if int(made.version) > QR_VERSION:
        made = segno.make(text, version=QR_VERSION, error="l", boost_error=False)
    # segno's own drawing: no letter of the text is in it.
    return Markup(made.svg_inline(scale=4, border=4, svgclass="code", lineclass="", omitsize=True))  # noqa: S704


def _who(seen: Seen) -> str:
    """Of a row's body; one that is no JSON any more has nobody."""
    try:
        body = strict_json.decode(seen.row.body.encode(), dict[str, Any])
    except WireError:
        return ""
    return " ".join(dict.fromkeys(str(body[name]) for name in _PEOPLE if body.get(name)))


def _read(kept: Kept) -> DailyDigest:
    return strict_json.decode(strict_json.decode(kept.envelope, envelope.Envelope).payload, DailyDigest)
