"""Middleware for WSGI applications: Flask, Django, Pyramid and others."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .errors import ProtocolError
from .guard import Guard

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

KEY = "goptri"
"""The key under which `environ` has the `Authentication` of the request."""

_HEADERS = ("authorization", "cookie", "origin", "sec-fetch-site")
_REASONS = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable"}
# Servers join the values of equal headers with commas. Neither scheme has a comma in its credentials.
_JOINED = re.compile(r"\s*(bearer|basic)\b[^,]*,", re.IGNORECASE)


class BearerMiddleware:
    """Verifies access tokens, and turns a `ProtocolError` into its response."""

    def __init__(self, app: WSGIApplication, guard: Guard, *, required: bool = True) -> None:
        """With `required`, every request needs a valid access token. Without, a route decides by asking `caller`."""
        self._app = app
        self._guard = guard
        self._required = required

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        names = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in _HEADERS}
        headers = {name: [environ[key]] for name, key in names.items() if key in environ}
        if _JOINED.match(environ.get("HTTP_AUTHORIZATION", "")):
            headers["authorization"] = environ["HTTP_AUTHORIZATION"].split(",")
        authentication = self._guard.authenticate(environ["REQUEST_METHOD"], headers)
        environ[KEY] = authentication

        def marking_start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            return start_response(status, authentication.mark(headers), *args)

        try:
            if self._required:
                authentication.caller()
            return self._app(environ, marking_start)
        except ProtocolError as error:
            marking_start(f"{error.status} {_REASONS[error.status]}", error.headers)
            return [b"" if environ["REQUEST_METHOD"] == "HEAD" else error.body]
