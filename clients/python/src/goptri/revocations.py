"""The set of known revocations and its age (docs/feed.md)."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from .errors import TokenError, invalid_token
from .settings import Settings

MAX_ENTRIES = 5_000_000
"""More than a gigabyte, enough for 600 sign-outs per second. A larger set must be a mistake."""
_CATCH_UP_TIMEOUT = 60
# The claim that an entry of each kind revokes.
_CLAIMS = {"session": "sid", "token": "jti", "client": "client_id"}
# Linux: CLOCK_MONOTONIC stops during a suspension. macOS: it runs, and `time.monotonic()` stops.
_CLOCK: int | None = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def boot_clock() -> float:
    """Seconds on a clock that cannot be set and that runs while the machine is suspended."""
    return time.monotonic() if _CLOCK is None else time.clock_gettime(_CLOCK)


class Revocations:
    """Knows which sessions, tokens and clients were revoked, and how old this knowledge is.

    One thread writes. Entries are only added, until they expire.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = boot_clock) -> None:
        self._settings = settings
        self.clock = clock
        # The deadline of each entry, and the time of the revocation.
        self._entries: dict[tuple[str, str | None], tuple[float, int]] = {}
        self._sweep_at = 1000
        self._is_stale = False
        self.restart()

    def restart(self) -> None:
        """Makes the age unknown, as after a pause in which revocations were missed. The entries stay."""
        self._created = self.clock()
        # Without the feed, every known revocation is known: none.
        self._known_as_of = -math.inf if self._settings.feed_secrets else math.inf

    def insert(self, entry: object) -> bool:
        """Adds an entry of the feed. False if this version cannot read it.

        Raises:
            OverflowError: If the set is full. It keeps its entries, but is incomplete from here on.
        """
        match entry:
            case {"kind": str(kind), "subject": str(subject), "revoked_at": int(at), "expires_in": int(rest)}:
                # A larger number cannot be added to the clock.
                if kind not in _CLAIMS or at < 0 or not 0 <= rest < 2**40:
                    return False
            case _:
                return False
        if len(self._entries) >= self._sweep_at:
            self._sweep()
        # A duplicate keeps the later times.
        known_deadline, known_at = self._entries.get((kind, subject), (0.0, 0))
        self._entries[kind, subject] = max(known_deadline, self.clock() + rest), max(known_at, at)
        return True

    def _sweep(self) -> None:
        now = self.clock()
        self._entries = {key: entry for key, entry in self._entries.items() if entry[0] > now}
        if len(self._entries) >= MAX_ENTRIES:
            raise OverflowError(f"there are more than {MAX_ENTRIES} revocations")
        self._sweep_at = min(max(1000, 2 * len(self._entries)), MAX_ENTRIES)

    def check(self, claims: Mapping[str, Any]) -> None:
        """Rejects a revoked token and, while the set is not ready, every token.

        Raises:
            TokenError: With the reason.
        """
        for kind, name in _CLAIMS.items():
            deadline, revoked_at = self._entries.get((kind, claims.get(name)), (0.0, 0))
            if deadline > self.clock() and (kind != "client" or int(claims["iat"]) <= revoked_at):
                raise invalid_token("revoked")
        if reason := self.waits_for:
            raise TokenError("temporarily_unavailable", reason)

    @property
    def waits_for(self) -> str | None:
        """Why no token is accepted: a clause that follows the name of the service."""
        if self._settings.on_stale == "refuse" and self.age > self._settings.max_staleness:
            return "has revocations older than REVOCATION_MAX_STALENESS"
        return "waits for the revocation feed" if self.age == math.inf and self.is_new else None

    @property
    def is_new(self) -> bool:
        """Whether the set may still become complete in time."""
        return self.clock() - self._created < min(self._settings.max_staleness, _CATCH_UP_TIMEOUT)

    @property
    def age(self) -> float:
        """Seconds since every revocation was known. Infinite before the first time."""
        return self.clock() - self._known_as_of

    def known_as_of(self, moment: float) -> None:
        """Records that every revocation up to `moment` has been inserted. The moment never moves back."""
        self._known_as_of = max(self._known_as_of, moment)

    def log_staleness(self) -> None:
        """Logs once when the set becomes stale, and once when it is current again."""
        was_stale, self._is_stale = self._is_stale, not self.is_new and self.age > self._settings.max_staleness
        if was_stale != self._is_stale:
            state = "stale" if self._is_stale else "current again"
            logging.getLogger("goptri").warning(
                "the revocations are %s; ON_STALE is %s", state, self._settings.on_stale
            )
