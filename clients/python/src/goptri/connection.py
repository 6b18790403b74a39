"""Connections to auth-server."""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .settings import Settings

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CONNECT_TIMEOUT = 5.0
_SEND_TIMEOUT = 15.0


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
    connection.sock.settimeout(_SEND_TIMEOUT)
    connection.request("GET", urlsplit(settings.auth_server_url or "").path + path, headers=headers)


class Response(http.client.HTTPResponse):
    """The response to a GET request, with a deadline for all of it."""

    def __init__(self, sock: socket.socket, seconds: float) -> None:
        """Reading fails with `TimeoutError` after this time, in the header and in the body."""
        super().__init__(sock, method="GET")
        self._deadline = _DeadlineReader(sock, self.fp.detach())
        self.fp = io.BufferedReader(self._deadline)
        self.set_timeout(seconds)

    def set_timeout(self, seconds: float) -> None:
        """Replaces the deadline."""
        self._deadline.at = time.monotonic() + seconds


class _DeadlineReader(io.RawIOBase):
    """Limits the time of all reads together. The timeout of a socket begins again with each byte that trickles in."""

    at = 0.0

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._socket = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()
