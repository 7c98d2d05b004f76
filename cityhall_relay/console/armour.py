"""What every answer of the clerk listener says to a browser (OWASP's secure headers), and which host it is."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cityhall_relay.settings import ConsoleSettings

_POWERS: Final = ("camera", "display-capture", "geolocation", "microphone", "midi", "payment", "serial", "usb")


def headers(settings: ConsoleSettings) -> Mapping[str, str]:
    """Name → value; what an answer says itself goes first."""
    form = "'self'"
    if settings.oidc:
        parts = urlsplit(settings.oidc.issuer)
        form += f" {parts.scheme}://{parts.netloc}"  # the answer to the sign-in form sends the browser there
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": form,
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{power}=()" for power in _POWERS),
        "Strict-Transport-Security": "max-age=31536000",
        "Cache-Control": "no-store",
    }


class Armour:
    """Around the whole application."""

    def __init__(self, app: ASGIApp, settings: ConsoleSettings) -> None:
        self._app, self._headers = app, headers(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""

        async def armed(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    said.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, armed)
