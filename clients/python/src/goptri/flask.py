"""For Flask: a decorator for views, in the style of Authlib's `ResourceProtector`.

require_token = ResourceProtector(app, guard)

@app.get("/invoices")
@require_token("invoices:read")
def invoices():
    return {"owner": current_caller.subject}
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, cast

from flask import Flask, Response, current_app, request
from werkzeug.local import LocalProxy

from .authentication import Authentication
from .errors import ProtocolError
from .guard import Guard
from .verifier import Caller
from .wsgi import KEY, BearerMiddleware

__all__ = ["ResourceProtector", "current_caller", "optional_caller"]

P = ParamSpec("P")
R = TypeVar("R")


class ResourceProtector:
    """A Flask extension that verifies access tokens for the views that it decorates."""

    def __init__(self, app: Flask | None = None, guard: Guard | None = None) -> None:
        if app and guard:
            self.init_app(app, guard)

    def init_app(self, app: Flask, guard: Guard) -> None:
        """Prepares `app`."""
        app.wsgi_app = BearerMiddleware(app.wsgi_app, guard, required=False)  # type: ignore[method-assign]
        app.register_error_handler(ProtocolError, _response)

    def __call__(self, *scopes: str, role: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorates a view, which then needs a valid access token with all of these scopes and this role."""

        def decorate(view: Callable[P, R]) -> Callable[P, R]:
            @functools.wraps(view)
            def checked(*args: P.args, **kwargs: P.kwargs) -> R:
                _authentication().caller(*scopes, role=role)
                return cast(R, current_app.ensure_sync(view)(*args, **kwargs))

            return checked

        return decorate


def optional_caller() -> Caller | None:
    """The caller of the current request, or None without a valid access token."""
    return _authentication().optional_caller()


def _authentication() -> Authentication:
    authentication = request.environ.get(KEY)
    if not isinstance(authentication, Authentication):
        raise RuntimeError("ResourceProtector.init_app was not called for this application")
    return authentication


def _response(error: Any) -> Response:
    return Response(error.body, error.status, error.headers)


current_caller = cast(Caller, LocalProxy(lambda: _authentication().caller()))
"""The caller of the current request. Without a valid access token, it raises the `ProtocolError` of the response."""
