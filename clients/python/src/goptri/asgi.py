"""Middleware for ASGI applications: Starlette, FastAPI, Litestar, Quart and others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .authentication import Authentication
from .errors import ProtocolError
from .guard import Guard

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

KEY = "goptri"
"""The key under which `scope` has the `Authentication` of the request."""


class BearerMiddleware:
    """Verifies access tokens, and turns a `ProtocolError` into its response."""

    def __init__(self, app: ASGIApp, guard: Guard, *, required: bool = True) -> None:
        """With `required`, every request needs a valid access token. Without, a route decides by asking `caller`."""
        self._app = app
        self._guard = guard
        self._required = required

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        # Browsers let pages of other origins open WebSockets with cookies: "WEBSOCKET" is not a safe method.
        method = scope.get("method", "WEBSOCKET")
        scope[KEY] = authentication = self._guard.authenticate(method, headers)
        is_started = False

        async def marking_send(message: Message) -> None:
            nonlocal is_started
            is_started = is_started or message["type"] in ("http.response.start", "websocket.accept")
            if message["type"] == "http.response.start":
                message = {**message, "headers": _marked(authentication, message.get("headers", ()))}
            await send(message)

        try:
            if self._required:
                authentication.caller()
            await self._app(scope, receive, marking_send)
        except ProtocolError as error:
            if is_started:
                raise
            if scope["type"] == "websocket":
                # Before the connection is accepted, this is a 403 (ASGI specification).
                return await send({"type": "websocket.close", "code": 1008})
            head = [(name.lower().encode(), value.encode()) for name, value in error.headers]
            await marking_send({"type": "http.response.start", "status": error.status, "headers": head})
            # The server leaves the body out of a response to HEAD.
            await send({"type": "http.response.body", "body": error.body})


def _marked(authentication: Authentication, headers: Any) -> list[tuple[bytes, bytes]]:
    decoded = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in authentication.mark(decoded)]


def authentication_of(scope: Scope) -> Authentication:
    """The authentication of the request with this scope.

    Raises:
        RuntimeError: If no `BearerMiddleware` wraps the application.
    """
    authentication = scope.get(KEY)
    if not isinstance(authentication, Authentication):
        raise RuntimeError("this route needs a caller, but no goptri.asgi.BearerMiddleware wraps the application")
    return authentication
