"""Follows the revocation feed of auth-server (docs/feed.md) on a thread of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import random
import socket
import threading
from collections.abc import Callable
from typing import Any

from .connection import Disconnected, Response, connect, request
from .events import EventParser, TransitDelay
from .revocations import CapacityExceeded, RevocationSet
from .settings import Settings
from .strict import unsigned

# For the head of the response, until the first data, and between any two pieces of data after that, in seconds.
_HEAD_TIMEOUT, _FIRST_TIMEOUT, _NEXT_TIMEOUT = 15.0, 60.0, 15.0
_MIN_BACKOFF, _MAX_BACKOFF = 0.1, 1.5
_SWEEP_INTERVAL = 60.0

log = logging.getLogger("goptri")


class FeedFollower:
    """Keeps a set of revocations up to date."""

    def __init__(self, settings: Settings, revocations: RevocationSet, keys_changed: Callable[[], None]) -> None:
        self.secret = settings.feed_secret or ""
        self._settings = settings
        self._revocations = revocations
        self._keys_changed = keys_changed
        self._stopped = threading.Event()
        self._socket: socket.socket | None = None
        self._swept = revocations.clock()
        self._logged: set[str] = set()
        self._was_stale = False

    def run(self) -> None:
        """Follows the feed until `stop`. Reconnects forever; meanwhile the set keeps its entries."""
        backoff = _MIN_BACKOFF
        while not self._stopped.is_set():
            connection = _Connection(self._revocations, self._on_event)
            try:
                self._follow(connection)
            except Disconnected as error:
                self._log_lost(str(error))
            except (OSError, http.client.HTTPException) as error:
                self._log_lost(f"auth-server cannot be reached: {type(error).__name__}")
            except Exception:
                log.exception("the follower of the revocation feed failed; it starts again")
            if connection.is_stable:
                backoff = _MIN_BACKOFF
            self._log_staleness()
            self._stopped.wait(backoff * random.uniform(0.5, 1))  # noqa: S311
            backoff = min(2 * backoff, _MAX_BACKOFF)

    def stop(self) -> None:
        """Ends `run`."""
        self._stopped.set()
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _follow(self, events: _Connection) -> None:
        connection = connect(self._settings)
        try:
            headers: dict[str, str | bytes] = {
                "Accept": "text/event-stream",
                "Authorization": f"Bearer {self.secret}".encode(),
            }
            request(connection, self._settings, "/revocations", headers)
            self._socket = connection.sock
            with Response(connection.sock, _HEAD_TIMEOUT) as response:
                response.begin()
                self._read(response, events)
        finally:
            connection.close()

    def _read(self, response: Response, events: _Connection) -> None:
        if response.status == 401:
            raise Disconnected(
                "auth-server rejects the secret (401): the first secret in FEED_SECRET here must be one of its own"
            )
        if response.status != 200:
            raise Disconnected(f"AUTH_SERVER_URL answers {response.status} instead of the feed")
        if not (response.getheader("Content-Type") or "").lower().startswith("text/event-stream"):
            raise Disconnected("AUTH_SERVER_URL answers 200 without a stream of events")
        clock, limit = self._revocations.clock, _FIRST_TIMEOUT
        last = clock()
        while True:
            response.set_timeout(limit)
            chunk = response.read1(65536)
            now = clock()
            # The timer does not run while the machine is suspended. Data read afterwards is too old to use.
            if now - last > limit:
                raise Disconnected(f"no data for {now - last:.0f} s")
            if not chunk:
                raise Disconnected("the connection was closed")
            last, limit = now, _NEXT_TIMEOUT
            events.feed(chunk)

    def _on_event(self, name: str) -> None:
        if name == "caught-up":
            log.info(
                "%s to the revocation feed: %d entries",
                "reconnected" if self._logged else "connected",
                self._revocations.size,
            )
            self._logged.clear()
        if name in ("caught-up", "keys"):
            # After `caught-up` too, because a `keys` event may have been missed.
            self._keys_changed()
        self._log_staleness()
        if self._revocations.clock() - self._swept > _SWEEP_INTERVAL:
            self._swept = self._revocations.clock()
            self._revocations.sweep()

    def _log_lost(self, reason: str) -> None:
        # Each reason once, so that an outage does not flood the log.
        if reason not in self._logged and not self._stopped.is_set():
            self._logged.add(reason)
            log.warning("disconnected from the revocation feed; retrying: %s", reason)

    def _log_staleness(self) -> None:
        # Until the first `caught-up`, readiness reports the state.
        is_stale = self._revocations.age is not None and self._revocations.is_stale
        if is_stale and not self._was_stale:
            log.error("the revocations are stale; ON_STALE is %s", self._revocations.on_stale)
        elif self._was_stale and not is_stale:
            log.info("the revocations are fresh again")
        self._was_stale = is_stale


class _Connection:
    """Applies the events of one connection to the set."""

    def __init__(self, revocations: RevocationSet, on_event: Callable[[str], None]) -> None:
        self._revocations = revocations
        self._on_event = on_event
        self._parser = EventParser()
        self._delay = TransitDelay()
        self._caught_up = False
        self._skipped: set[str] = set()
        self.is_stable = False
        """Whether a heartbeat followed `caught-up`."""

    def feed(self, chunk: bytes) -> None:
        for name, data in self._parser.feed(chunk):
            if name in ("heartbeat", "caught-up"):
                age = self._age(name, data)
                self.is_stable = self.is_stable or (self._caught_up and name == "heartbeat")
                self._caught_up = self._caught_up or name == "caught-up"
                # Before `caught-up`, a heartbeat only calibrates the delay.
                if self._caught_up:
                    self._revocations.known_as_of(age)
            elif name == "revocations":
                self._insert(_members(name, data).get("entries"))
            self._on_event(name)

    def _age(self, name: str, data: str) -> float:
        members = _members(name, data)
        try:
            age, uptime = unsigned(members.get("age_ms")), unsigned(members.get("uptime_ms"))
        except ValueError:
            raise Disconnected(f"the data of the event {name!r} is malformed") from None
        return self._delay.age(age / 1000, uptime / 1000, self._revocations.clock())

    def _insert(self, entries: object) -> None:
        if not isinstance(entries, list):
            raise Disconnected("the data of the event 'revocations' is malformed")
        for entry in entries:
            try:
                skipped = "" if self._revocations.insert(entry) else "of a kind that this version does not know"
            except CapacityExceeded as error:
                raise Disconnected(str(error)) from None
            except (ValueError, AttributeError, TypeError):
                skipped = "that are unreadable"
            if skipped and skipped not in self._skipped:
                self._skipped.add(skipped)
                log.error("skipped revocation entries %s", skipped)


def _members(name: str, data: str) -> dict[str, Any]:
    try:
        members = json.loads(data)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise Disconnected(f"the data of the event {name!r} is malformed")
    return members
