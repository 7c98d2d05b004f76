"""The one way to make an application: routes, our errors, and nothing that Starlette would answer by itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ExceptionHandler


def application(routes: Sequence[BaseRoute], handlers: Mapping[Any, ExceptionHandler]) -> Starlette:
    """An address is what stands in `routes`: one with a slash too many is none, and no redirect repeats a client's Host."""
    app = Starlette(routes=routes, exception_handlers=dict(handlers))
    app.router.redirect_slashes = False
    return app
