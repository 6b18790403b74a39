"""Decides whether an access token is accepted, independent of any web framework."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence

from .authentication import Authentication
from .errors import ConfigurationError, TokenError
from .follower import FeedFollower
from .keys import KeyStore
from .refresher import KeyRefresher
from .revocations import RevocationSet, monotonic
from .settings import Settings, files_of_secrets
from .verifier import Caller, Verifier

_POLL_INTERVAL = 0.5

log = logging.getLogger("goptri")


class Guard:
    """Decides whether an access token is accepted.

    With the URL of auth-server it fetches the public keys and, with a feed secret, follows the revocation feed: on
    daemon threads, until `close`. A forked child starts its own.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], float] = time.time,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`clock` returns the seconds since 1970. `environment` names the files that are read again after a change."""
        self.settings = settings
        self._environment = environment
        self._keys = KeyStore(settings.secrets, awaits_published=settings.auth_server_url is not None)
        self._revocations = RevocationSet(settings.max_staleness, settings.on_stale) if settings.feed_secret else None
        self._verifier = Verifier(
            settings.issuer, settings.audience, settings.clock_leeway, self._keys, self._revocations, clock
        )
        if settings.auth_server_url and not settings.feed_secret:
            log.warning("FEED_SECRET is not set: a sign-out takes effect here when the access token expires")
        self._start()
        if hasattr(os, "register_at_fork"):
            this = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _start_in_child(this))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Guard:
        """A guard from environment variables. The files of secrets are read again when they change.

        Raises:
            ConfigurationError: Lists all invalid variables.
        """
        environment = dict(os.environ if environment is None else environment)
        return cls(Settings.from_environment(environment), environment=environment)

    def verify(self, token: str) -> Caller:
        """The caller whom `token` describes, if it is genuine, valid now, for this service, and not revoked.

        Raises:
            TokenError: With the reason.
        """
        try:
            return self._verifier.verify(token)
        except TokenError as error:
            if self._refresher and error.reason in ("unknown_key", "keys_unavailable"):
                self._refresher.unknown_kid()
            raise

    def authenticate(self, method: str, headers: Mapping[str, Sequence[str]]) -> Authentication:
        """The authentication of a request, for frameworks without a module here.

        `headers` has all values of each header by its name in lower case, decoded as ISO 8859-1.
        """
        return Authentication(self, method, headers)

    def ready(self) -> bool:
        """Whether valid tokens are accepted. While they are not, the service should receive no requests."""
        return self.waits_for is None

    @property
    def waits_for(self) -> str | None:
        """Why the service is not ready: a clause that follows its name."""
        revocations, keys = self._revocations, self._keys
        if revocations and revocations.waits_for:
            return revocations.waits_for
        # With a secret, it waits for the keys of auth-server no longer than for its feed.
        return None if keys.current and revocations and not revocations.is_new else keys.waits_for

    def close(self) -> None:
        """Stops the threads."""
        self._stopped.set()
        for follower in (self._refresher, self._follower):
            if follower:
                follower.stop()

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        settings, self._stopped = self.settings, threading.Event()
        self._refresher = KeyRefresher(settings, self._keys, monotonic) if settings.auth_server_url else None
        self._follower: FeedFollower | None = None
        runs: list[tuple[str, Callable[[], None]]] = []
        if self._refresher:
            runs.append(("goptri-keys", self._refresher.run))
            if self._revocations:
                self._follower = FeedFollower(settings, self._revocations, self._refresher.changed)
                runs.append(("goptri-feed", self._follower.run))
        if self._environment and files_of_secrets(self._environment):
            runs.append(("goptri-files", self._watch_files))
        for name, run in runs:
            threading.Thread(target=run, name=name, daemon=True).start()

    def _watch_files(self) -> None:
        stopped, environment = self._stopped, self._environment or {}
        # Not what was read at the start, which may be older.
        in_use: Mapping[str, bytes | None] | None = None
        previous = files_of_secrets(environment)
        while not stopped.wait(_POLL_INTERVAL):
            # A change is accepted after two equal reads, so that a partial write is ignored.
            contents = files_of_secrets(environment)
            if contents == previous != in_use:
                in_use = contents
                self._reload(environment)
            previous = contents

    def _reload(self, environment: Mapping[str, str]) -> None:
        try:
            new = Settings.from_environment(environment)
        except ConfigurationError as error:
            log.error("a file of a secret cannot be used; its previous content stays in use: %s", error)
            return
        if (new.secrets, new.feed_secret) == (self.settings.secrets, self.settings.feed_secret):
            return
        self.settings = new
        self._keys.set_secrets(new.secrets)
        if self._follower and new.feed_secret:
            self._follower.secret = new.feed_secret
        log.info("the secrets have changed; these keys are in use: %s", ", ".join(self._keys.current))


def _start_in_child(reference: weakref.ref[Guard]) -> None:
    # Threads do not survive a fork (gunicorn --preload). Without them, the child would miss every revocation.
    guard = reference()
    if guard and not guard._stopped.is_set():
        if guard._revocations:
            guard._revocations.restart()
        guard._start()
