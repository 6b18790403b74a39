"""Connections to auth-server."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit

from .settings import Settings

_CONNECT_TIMEOUT = 5.0
_RESPONSE_TIMEOUT = 15.0


class Disconnected(Exception):
    """Why a connection to auth-server ended. Contains nothing of the response but its status."""


def connect(settings: Settings) -> http.client.HTTPConnection:
    """A connection that follows no redirects and uses no proxy: no other server may get the secret or supply keys."""
    url = urlsplit(settings.auth_server_url or "")
    if url.scheme == "https":
        return http.client.HTTPSConnection(
            url.hostname or "", url.port, timeout=_CONNECT_TIMEOUT, context=settings.tls_context
        )
    return http.client.HTTPConnection(url.hostname or "", url.port, timeout=_CONNECT_TIMEOUT)


def request(
    connection: http.client.HTTPConnection, settings: Settings, path: str, headers: Mapping[str, str | bytes]
) -> None:
    """Sends a GET request, and waits at most 5 s for the connection."""
    connection.connect()
    connection.sock.settimeout(_RESPONSE_TIMEOUT)
    connection.request("GET", urlsplit(settings.auth_server_url or "").path + path, headers=headers)
