"""The set of known revocations and its age (docs/feed.md). It only grows, except that entries expire.

One thread writes. Readers take no lock: each reads a dictionary once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

from .errors import TokenError
from .strict import numeric_date, unsigned

MAX_ENTRIES = 5_000_000
"""More than a gigabyte, enough for 600 sign-outs per second. A larger set must be a mistake."""
_MAX_SUBJECT_BYTES = 8 * 1024
_CATCH_UP_TIMEOUT = 60.0
# Linux: CLOCK_MONOTONIC stops during a suspension. macOS: it runs, and `time.monotonic()` stops.
_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def monotonic() -> float:
    """Seconds on a clock that cannot be set and that runs while the machine is suspended."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


class CapacityExceeded(Exception):
    """The set is full. It keeps its entries, but is incomplete from here on."""


class RevocationSet:
    """Knows which sessions, tokens and clients were revoked, and how old this knowledge is."""

    def __init__(
        self,
        max_staleness: float = 60.0,
        on_stale: Literal["allow", "refuse"] = "allow",
        clock: Callable[[], float] = monotonic,
        max_entries: int = MAX_ENTRIES,
    ) -> None:
        self.clock = clock
        self.on_stale = on_stale
        self._max_staleness = max_staleness
        self._max_entries = max_entries
        self.restart()
        # Subjects with their deadlines, and clients with the time of the revocation as well.
        self._ids: dict[str, dict[str, float]] = {"session": {}, "token": {}}
        self._clients: dict[str, tuple[int, float]] = {}

    def restart(self) -> None:
        """Makes the set incomplete, as after a pause in which revocations were missed. It keeps its entries."""
        self._created = self.clock()
        self._known_as_of: float | None = None

    @property
    def size(self) -> int:
        """The number of entries. Expired ones count until they are swept."""
        return sum(map(len, self._ids.values())) + len(self._clients)

    def insert(self, entry: Mapping[str, Any]) -> bool:
        """Adds an entry of the feed. Returns False for an unknown kind.

        Raises:
            ValueError: If the entry is unreadable.
            CapacityExceeded: If the set is full.
        """
        kind, subject = entry.get("kind"), entry.get("subject")
        revoked_at, expires_in = numeric_date(entry.get("revoked_at")), unsigned(entry.get("expires_in"))
        if not isinstance(subject, str) or len(subject.encode()) > _MAX_SUBJECT_BYTES:
            raise ValueError("no subject")
        if kind not in ("session", "token", "client"):
            return False
        if self.size >= self._max_entries:
            raise CapacityExceeded(f"there are more than {self._max_entries} revocations")
        # A duplicate keeps the later deadline and the later time.
        deadline = self.clock() + expires_in
        if kind == "client":
            known_at, known_deadline = self._clients.get(subject, (0, 0.0))
            self._clients[subject] = max(known_at, revoked_at), max(known_deadline, deadline)
        else:
            self._ids[kind][subject] = max(self._ids[kind].get(subject, 0.0), deadline)
        return True

    def check(self, session_id: str | None, token_id: str, client_id: str, issued_at: int) -> None:
        """Rejects a revoked token and, while the set is not ready, every token.

        Raises:
            TokenError: With the reason.
        """
        deadline = self._ids["token"].get(token_id, 0.0)
        if session_id is not None:
            deadline = max(deadline, self._ids["session"].get(session_id, 0.0))
        revoked_at, client_deadline = self._clients.get(client_id, (-1, 0.0))
        if issued_at <= revoked_at:
            deadline = max(deadline, client_deadline)
        # Reads the clock only if an entry matches, which is rare.
        if deadline and self.clock() < deadline:
            raise TokenError("revoked")
        if self.waits_for:
            raise TokenError("stale" if self._known_as_of is not None else "not_caught_up")

    @property
    def age(self) -> float | None:
        """Seconds since every revocation was known. None before the first time."""
        return None if self._known_as_of is None else max(0.0, self.clock() - self._known_as_of)

    @property
    def is_stale(self) -> bool:
        """Whether the set was never complete, or is older than the limit."""
        age = self.age
        return age is None or age > self._max_staleness

    @property
    def is_new(self) -> bool:
        """Whether the set may still become complete in time."""
        return self.clock() - self._created < min(self._max_staleness, _CATCH_UP_TIMEOUT)

    @property
    def waits_for(self) -> str | None:
        """Why tokens cannot be accepted. None if they can be."""
        if self._known_as_of is None:
            refuses = self.on_stale == "refuse" or self.is_new
            return "waits for the revocation feed: not all revocations are known yet" if refuses else None
        refuses = self.on_stale == "refuse" and self.is_stale
        return "has revocations older than REVOCATION_MAX_STALENESS" if refuses else None

    def known_as_of(self, age: float) -> None:
        """Records that every revocation up to `age` seconds ago has been inserted. The moment never moves back."""
        as_of = self.clock() - age
        self._known_as_of = as_of if self._known_as_of is None else max(self._known_as_of, as_of)

    def sweep(self) -> None:
        """Removes expired entries."""
        now = self.clock()
        for ids in self._ids.values():
            for subject in [subject for subject, deadline in ids.items() if deadline <= now]:
                del ids[subject]
        for client in [client for client, (_, deadline) in self._clients.items() if deadline <= now]:
            del self._clients[client]
