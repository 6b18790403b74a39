"""Fetches the public keys of auth-server on a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from .connection import Disconnected, Response, connect, request
from .keys import MAX_JWKS_BYTES, KeyStore, published_keys
from .settings import Settings

_TIMEOUT, _INTERVAL = 10.0, 300.0
_MIN_RETRY, _MAX_RETRY, _UNKNOWN_KID_COOLDOWN = 0.2, 10.0, 10.0

log = logging.getLogger("goptri")


class KeyRefresher:
    """Fetches the public keys of auth-server. The last good ones stay in use while it is unreachable."""

    def __init__(self, settings: Settings, keys: KeyStore, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._keys = keys
        self._clock = clock
        self._wake = threading.Condition()
        self._due = self._began = clock()
        self._pause = _INTERVAL
        self._is_stopped = False
        self._logged: object = None

    def changed(self) -> None:
        """The keys have changed, or may have. Fetches them now and repeatedly, because servers change one by one."""
        self._wake_at(self._began + 0.1, _MIN_RETRY)

    def unknown_kid(self) -> None:
        """A token names an unknown key. Any client can send such tokens, so these fetches are rate-limited."""
        self._wake_at(self._began + _UNKNOWN_KID_COOLDOWN, self._pause)

    def stop(self) -> None:
        """Ends `run`."""
        self._is_stopped = True
        self._wake_at(0, self._pause)

    def run(self) -> None:
        """Fetches the keys until `stop`."""
        retry = _MIN_RETRY
        while self._wait():
            try:
                self._fetch()
                retry = _MIN_RETRY
                self._wake_at(self._began + self._pause, min(2 * self._pause, _INTERVAL))
            except Exception as error:
                reason = str(error) if isinstance(error, ValueError | Disconnected) else type(error).__name__
                self._log(logging.WARNING, f"the public keys of auth-server cannot be fetched; retrying: {reason}")
                self._wake_at(self._began + retry, self._pause)
                retry = min(2 * retry, _MAX_RETRY)

    def _wake_at(self, due: float, pause: float) -> None:
        with self._wake:
            self._due = min(self._due, due)
            self._pause = pause
            self._wake.notify()

    def _wait(self) -> bool:
        with self._wake:
            while not self._is_stopped and (left := self._due - self._clock()) > 0:
                self._wake.wait(left)
            self._began, self._due = self._clock(), float("inf")
        return not self._is_stopped

    def _fetch(self) -> None:
        connection = connect(self._settings)
        try:
            # A cache must revalidate; otherwise it could return a removed key.
            headers = {"Accept": "application/jwk-set+json, application/json", "Cache-Control": "no-cache"}
            request(connection, self._settings, "/.well-known/jwks.json", headers)
            with Response(connection.sock, _TIMEOUT) as response:
                response.begin()
                if response.status != 200:
                    raise Disconnected(f"AUTH_SERVER_URL answers {response.status} instead of keys")
                keys, skipped = published_keys(response.read(MAX_JWKS_BYTES + 1))
        finally:
            connection.close()
        self._keys.set_published(keys)
        for reason in skipped:
            self._log(logging.WARNING, reason)
        names = ", ".join(f"{kid} ({key.algorithm})" for kid, key in self._keys.current.items())
        self._log(logging.INFO, f"access tokens are verified with these keys: {names or 'none'}")

    def _log(self, level: int, message: str) -> None:
        if message != self._logged:
            self._logged = message
            log.log(level, "%s", message)
