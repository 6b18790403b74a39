"""Decides whether an access token is accepted, independent of any web framework."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping

import jwt

from .auth_server import AuthServer
from .errors import ConfigurationError, TokenError, invalid_token
from .revocations import Revocations
from .settings import Settings
from .token import Caller, secret_key, verify

TICK = 0.2

log = logging.getLogger("goptri")


class Guard:
    """Decides whether an access token is accepted. Never waits for the network.

    A daemon thread follows auth-server until `close`. A forked child starts its own.
    """

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        follow: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Reads the variables of api-server. `follow` and `clock`, the seconds since 1970, are for tests.

        Raises:
            ConfigurationError: Names all invalid variables.
        """
        self._environment = dict(environment)
        self.settings = Settings(self._environment)
        self._clock = clock
        self._is_following = follow
        self._revocations = Revocations(self.settings)
        self._auth_server = AuthServer(self.settings, self._revocations)
        self._local = _keys_of(self.settings.secrets)
        self._last_read: tuple[list[str], list[str]] | None = None
        if not self.settings.feed_secrets:
            log.warning("FEED_SECRET is not set: a sign-out takes effect here when the access token expires")
        self._start()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._start)

    def verify(self, token: str) -> Caller:
        """The caller whom `token` describes, if it is genuine, valid now, for this service, and not revoked.

        Raises:
            TokenError: With the reason.
        """
        caller = verify(token, self.settings, self._clock(), self._key)
        # Last, so that a forged token costs no lookup.
        self._revocations.check(caller.claims)
        return caller

    @property
    def waits_for(self) -> str | None:
        """Why valid tokens are not accepted, as a clause that follows the name of the service. None if they are."""
        # With a secret, it waits for the keys no longer than for the feed.
        waits = self._lacks_keys and not (self._local and self.settings.feed_secrets and not self._revocations.is_new)
        return self._revocations.waits_for or ("waits for the public keys of auth-server" if waits else None)

    def close(self) -> None:
        """Stops the thread, within a second."""
        self._is_following = False

    @property
    def _lacks_keys(self) -> bool:
        published = self._auth_server.keys
        return published is None or not (published or self._local)

    def _key(self, kid: str) -> jwt.PyJWK:
        # A secret wins over a published key of the same name.
        key = self._local.get(kid) or (self._auth_server.keys or {}).get(kid)
        if key:
            return key
        self._auth_server.on_unknown_kid()
        # A client would discard a valid token on a 401.
        raise TokenError("temporarily_unavailable", "no keys yet") if self._lacks_keys else invalid_token("unknown key")

    def _start(self) -> None:
        # Threads do not survive a fork (gunicorn --preload). Without them, the child would miss every revocation.
        if self._is_following:
            self._revocations.restart()
            threading.Thread(target=asyncio.run, args=(self._follow(),), name="goptri", daemon=True).start()

    async def _follow(self) -> None:
        following = asyncio.create_task(self._auth_server.follow())
        while self._is_following and not following.done():
            self._reload()
            self._revocations.log_staleness()
            await asyncio.sleep(TICK)
        if not following.cancel():
            # It has ended by itself, so it has failed. Lets the thread fail too.
            following.result()

    def _reload(self) -> None:
        """Reads the files of secrets again. Accepts a change after two equal reads, to ignore a partial write."""
        try:
            new = Settings(self._environment)
        except ConfigurationError as error:
            self._auth_server.warn("the previous secrets stay in use", error)
            return
        last, self._last_read = self._last_read, (new.secrets, new.feed_secrets)
        if last == self._last_read != (self.settings.secrets, self.settings.feed_secrets):
            self.settings.secrets, self.settings.feed_secrets = self._last_read
            self._local = _keys_of(new.secrets)
            log.info("the secrets have changed; these keys are in use: %s", ", ".join(self._local))


def _keys_of(secrets: list[str]) -> dict[str, jwt.PyJWK]:
    return {str(key.key_id): key for key in map(secret_key, secrets)}
