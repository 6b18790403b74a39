"""Middleware for WSGI applications: Flask, Django, Pyramid and others."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from .authentication import Authentication
from .errors import TokenError
from .guard import Guard


class BearerMiddleware:
    """Verifies access tokens, and turns a `TokenError` into its response.

    `environ["goptri"]` is the `Authentication` of the request.
    """

    def __init__(self, app: WSGIApplication, guard: Guard, *, required: bool = True) -> None:
        """With `required`, every request needs a valid access token. Without, a route decides by asking `caller`."""
        self._app = app
        self._guard = guard
        self._required = required

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        names = [name for name in environ if name.startswith("HTTP_")]
        headers = {name[5:].replace("_", "-").lower(): [environ[name]] for name in names}
        if "authorization" in headers:
            # Servers join the values of equal headers with commas, which no token contains.
            headers["authorization"] = environ["HTTP_AUTHORIZATION"].split(",")
        authentication = environ["goptri"] = Authentication(self._guard, environ["REQUEST_METHOD"], headers)

        def marking_start(status: str, headers: list[tuple[str, str]], *args: Any) -> Any:
            return start_response(status, authentication.mark(headers), *args)

        try:
            if self._required:
                authentication.caller()
            return self._app(environ, marking_start)
        except TokenError as error:
            marking_start(f"{error.status} {HTTPStatus(error.status).phrase}", error.headers)
            return [b"" if environ["REQUEST_METHOD"] == "HEAD" else error.body]
