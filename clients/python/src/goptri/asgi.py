"""Middleware for ASGI applications: Starlette, FastAPI, Litestar, Quart and others."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from .authentication import Authentication
from .errors import TokenError
from .guard import Guard

ASGIApp = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


class BearerMiddleware:
    """Verifies access tokens, and turns a `TokenError` into its response.

    `scope["goptri"]` is the `Authentication` of the request.
    """

    def __init__(self, app: ASGIApp, guard: Guard, *, required: bool = True) -> None:
        """With `required`, every request needs a valid access token. Without, a route decides by asking `caller`."""
        self._app = app
        self._guard = guard
        self._required = required

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self._app(scope, receive, send)
        headers: dict[str, list[str]] = {}
        for name, value in _decode(scope["headers"]):
            headers.setdefault(name, []).append(value)
        # Browsers let pages of other origins open WebSockets with cookies: "WEBSOCKET" is not a safe method.
        # Some servers add `method` to the scope of a WebSocket.
        method = scope["method"] if scope["type"] == "http" else "WEBSOCKET"
        authentication = scope["goptri"] = Authentication(self._guard, method, headers)

        async def marking_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                headers = authentication.mark(_decode(message.get("headers", ())))
                message = {**message, "headers": _encode(headers)}
            await send(message)

        try:
            if self._required:
                authentication.caller()
            await self._app(scope, receive, marking_send)
        except TokenError as error:
            if scope["type"] == "websocket":
                # Before the connection is accepted, this is a 403 (ASGI specification).
                await send({"type": "websocket.close", "code": 1008})
            else:
                start = {"type": "http.response.start", "status": error.status, "headers": _encode(error.headers)}
                await marking_send(start)
                # The server leaves the body out of a response to HEAD.
                await send({"type": "http.response.body", "body": error.body})


def _decode(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers]


def _encode(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
