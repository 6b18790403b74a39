"""Follows the public keys of auth-server and its revocation feed (docs/feed.md)."""

import asyncio
import json
import logging
import math
import random
import ssl

import httpx2
import jwt

from .revocations import Revocations
from .settings import Settings
from .token import public_key

# In seconds. Those of the feed are until the headers, until the first event, and between two events.
FETCH_TIMEOUT = 10
FEED_TIMEOUTS = (15, 60, 15)
MIN_PAUSE, MAX_PAUSE, MAX_PAUSE_AFTER_ERROR, UNKNOWN_KID_PAUSE = 0.1, 300, 10, 10
MIN_BACKOFF, MAX_BACKOFF = 0.1, 1.5
MAX_JWKS_BYTES = MAX_EVENT_BYTES = 1024 * 1024

log = logging.getLogger("goptri")


class AuthServer:
    """Follows one auth-server: `keys` and the set of revocations are what it has published."""

    def __init__(self, settings: Settings, revocations: Revocations) -> None:
        self.keys: dict[str, jwt.PyJWK] | None = None
        """The public keys by `kid`. None until they are fetched."""
        self._settings = settings
        self._revocations = revocations
        self._clock = revocations.clock
        self._logged: set[str] = set()
        self._backoff = MIN_BACKOFF
        self._fetched_at = -math.inf
        self.expect_new_keys()

    async def follow(self) -> None:
        """Follows both until it is cancelled. Reconnects forever."""
        trusted = ssl.create_default_context()
        if self._settings.ca_file:
            trusted.load_verify_locations(self._settings.ca_file)
        self._client = httpx2.AsyncClient(
            base_url=self._settings.auth_server_url,
            event_hooks={"response": [_check]},
            # A cache must revalidate; otherwise it could return a removed key.
            headers={"Cache-Control": "no-cache"},
            timeout=None,  # noqa: S113
            # No proxy, and by default no redirects: no other server may get the secret or supply keys.
            trust_env=False,
            verify=trusted,
        )
        async with self._client:
            await asyncio.gather(self._follow_keys(), self._follow_feed())

    def expect_new_keys(self) -> None:
        """Fetches the keys now and repeatedly: servers behind one address get new keys at different times."""
        self._pause = MIN_PAUSE
        self._fetch_at = self._clock()

    def on_unknown_kid(self) -> None:
        """Fetches the keys sooner. Any client can send such tokens, so these fetches are rate-limited."""
        self._fetch_at = min(self._fetch_at, self._fetched_at + UNKNOWN_KID_PAUSE)

    def warn(self, what: str, why: object) -> None:
        """Logs each problem once until the feed is connected, so that an outage causes few lines."""
        line = f"{what}: {why}"
        if line not in self._logged:
            log.warning("%s", line)
        self._logged.add(line)

    async def _follow_keys(self) -> None:
        while True:
            if self._clock() >= self._fetch_at:
                self._fetched_at = self._clock()
                self._pause = min(2 * self._pause, MAX_PAUSE)
                # Before the fetch, during which a `keys` event may arrive.
                self._fetch_at = self._fetched_at + self._pause
                try:
                    await self._fetch_keys()
                except Exception as error:
                    self.warn("the public keys cannot be fetched", repr(error))
                    self._fetch_at = self._fetched_at + min(self._pause, MAX_PAUSE_AFTER_ERROR)
            await asyncio.sleep(0.1)

    async def _fetch_keys(self) -> None:
        body = b""
        async with asyncio.timeout(FETCH_TIMEOUT), self._client.stream("GET", "/.well-known/jwks.json") as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_JWKS_BYTES:
                    raise ValueError("they are too long")
        jwks = json.loads(body)["keys"]
        kids = [jwk["kid"] for jwk in jwks if isinstance(jwk, dict) and isinstance(jwk.get("kid"), str)]
        if len(set(kids)) < len(kids):
            raise ValueError("two keys have one kid")
        keys = {}
        for jwk in jwks:
            try:
                keys[jwk["kid"]] = public_key(jwk)
            except ValueError as error:
                self.warn("skipped a public key", error)
        if jwks and not keys:
            raise ValueError("none of them can be used")
        self.keys = keys

    async def _follow_feed(self) -> None:
        while self._settings.feed_secrets:
            try:
                await self._read_feed()
            except Exception as error:
                self.warn("disconnected from the revocation feed", repr(error))
            await asyncio.sleep(self._backoff * random.uniform(0.5, 1))  # noqa: S311
            self._backoff = min(2 * self._backoff, MAX_BACKOFF)

    async def _read_feed(self) -> None:
        """Reads one connection until it ends, and raises why."""
        authorization = f"Bearer {self._settings.feed_secrets[0]}".encode()
        headers = {b"Accept": b"text/event-stream", b"Authorization": authorization}
        until_headers, limit, between_events = FEED_TIMEOUTS
        now = asyncio.get_running_loop().time
        stream = self._client.stream("GET", "/revocations", headers=headers)
        async with asyncio.timeout(until_headers) as timeout, stream as response:
            self._arrival, self._least, self._is_caught_up = self._clock(), math.inf, False
            timeout.reschedule(now() + limit)
            async for event in httpx2.EventSource(response, MAX_EVENT_BYTES):
                silence = self._clock() - self._arrival
                # The timer does not run while the machine is suspended. What is read then is too old to use.
                if silence > limit:
                    raise TimeoutError(f"no event for {silence:.0f} s")
                limit = between_events
                timeout.reschedule(now() + limit)
                self._on_event(event, silence)
        raise ConnectionError("the connection was closed")

    def _on_event(self, event: httpx2.ServerSentEvent, silence: float) -> None:
        self._arrival += silence
        # The two clocks may drift apart by a thousandth, which must not look like a delay.
        self._least += silence / 1000
        match event.event:
            case "revocations":
                for entry in json.loads(event.data)["entries"]:
                    if not self._revocations.insert(entry):
                        self.warn("skipped a revocation", "this version cannot read it")
            case "keys":
                self.expect_new_keys()
            case "heartbeat" | "caught-up":
                times = json.loads(event.data)
                self._on_heartbeat(event.event, times["age_ms"] / 1000, times["uptime_ms"] / 1000)

    def _on_heartbeat(self, name: str, age: float, uptime: float) -> None:
        if min(age, uptime) < 0:
            raise ValueError("a negative time")
        # The smallest offset of this connection: that of the message that spent the least time in buffers.
        self._least = min(self._least, self._arrival - uptime)
        if name == "caught-up":
            self._is_caught_up = True
            self._logged.clear()
            log.info("connected to the revocation feed")
            # A `keys` event may have been missed.
            self.expect_new_keys()
        elif self._is_caught_up:
            self._backoff = MIN_BACKOFF
        if self._is_caught_up:
            self._revocations.known_as_of(self._least + uptime - age)


async def _check(response: httpx2.Response) -> None:
    if response.status_code != 200:
        hint = "; is FEED_SECRET right?" if response.status_code == 401 else ""
        raise ConnectionError(f"auth-server answers {response.status_code}{hint}")
