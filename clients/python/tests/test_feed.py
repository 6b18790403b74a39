"""The follower, against a small fake auth-server; and the parts that need no connection."""

from __future__ import annotations

import json
import logging
import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from goptri import Guard, TokenError
from goptri.auth_server import MAX_EVENT_BYTES, AuthServer
from goptri.revocations import Revocations, boot_clock
from goptri.settings import Settings
from goptri.token import secret_key

from .fake_auth_server import FakeAuthServer, TricklingServer, event, revocation, wait_until
from .tokens import ED25519, ENVIRONMENT, FEED_SECRET, NOW, SECRET, SID, certificate, claims, header, jwk, sign

NOT_CAUGHT_UP = "waits for the revocation feed"
GOOD = sign(claims())
OTHER = "8e71d2c5f0a9364b8e71d2c5f0a9364b"


@pytest.fixture
def auth_server() -> Iterator[FakeAuthServer]:
    server = FakeAuthServer()
    yield server
    server.close()


@contextmanager
def closing(guard: Guard) -> Iterator[Guard]:
    try:
        yield guard
    finally:
        guard.close()
        wait_until(lambda: not threads(), 2)


def threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "goptri"]


def following(auth_server: FakeAuthServer | TricklingServer, **changes: str) -> AbstractContextManager[Guard]:
    environment = {**ENVIRONMENT, "AUTH_SERVER_URL": auth_server.url, "FEED_SECRET": FEED_SECRET, **changes}
    return closing(Guard(environment, clock=lambda: NOW))


def wait_until_ready(guard: Guard) -> None:
    wait_until(lambda: guard.waits_for is None)


def reason(guard: Guard, token: str = GOOD) -> str | None:
    try:
        guard.verify(token)
    except TokenError as error:
        return str(error)
    return None


def test_a_revocation_takes_effect_on_arrival(auth_server: FakeAuthServer) -> None:
    with following(auth_server) as guard:
        assert reason(guard) == NOT_CAUGHT_UP
        assert guard.waits_for
        assert guard.waits_for == NOT_CAUGHT_UP
        auth_server.catch_up()
        wait_until_ready(guard)
        assert reason(guard) is None
        auth_server.send(revocation("session", SID))
        wait_until(lambda: reason(guard) == "revoked")
        assert reason(guard, sign(claims(sid="another"))) is None
    path, headers = next(request for request in auth_server.requests if request[0].endswith("/revocations"))
    assert path == "/auth/revocations"
    assert headers["accept"] == "text/event-stream"
    assert headers["authorization"] == f"Bearer {FEED_SECRET}"


def test_a_connection_that_is_cut_within_an_event_is_opened_again(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="goptri")
    with following(auth_server) as guard:
        auth_server.catch_up()
        wait_until_ready(guard)
        whole = revocation("session", SID)
        auth_server.send(revocation("token", "first"), whole[:40])
        auth_server.cut()
        auth_server.wait_for_stream(2)
        assert guard.waits_for is None, "the set keeps its entries"
        assert reason(guard) is None
        assert reason(guard, sign(claims(jti="first"))) == "revoked"
        auth_server.send(whole)
        auth_server.catch_up()
        wait_until(lambda: reason(guard) == "revoked")
        wait_until(lambda: "connected to the revocation feed\n" in caplog.text)
        assert caplog.text.count("disconnected from the revocation feed: ") == 1
        assert "the connection was closed" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"secret": "another"}, "auth-server answers 401; is FEED_SECRET right?"),
        ({"status": 503}, "auth-server answers 503"),
        ({"status": 302}, "auth-server answers 302"),
        ({"content_type": "text/html"}, "Expected response with content type"),
    ],
)
def test_a_response_that_is_no_feed_is_logged_once_and_tried_again(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture, change: dict[str, Any], message: str
) -> None:
    before = {name: getattr(auth_server, name) for name in change}
    for name, value in change.items():
        setattr(auth_server, name, value)
    with following(auth_server) as guard:
        wait_until(lambda: sum(path.endswith("/revocations") for path, _ in auth_server.requests) > 2)
        assert message in caplog.text
        assert caplog.text.count("disconnected from the revocation feed: ") == 1
        assert FEED_SECRET not in caplog.text
        assert not any(path.endswith("/elsewhere") for path, _ in auth_server.requests), "redirects are not followed"
        for name, value in before.items():
            setattr(auth_server, name, value)
        auth_server.catch_up()
        wait_until_ready(guard)


def test_an_auth_server_that_cannot_be_reached_is_tried_until_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    gone = FakeAuthServer()
    gone.close()
    with following(gone) as guard:
        wait_until(lambda: "disconnected from the revocation feed: ConnectError" in caplog.text)
        assert reason(guard) == NOT_CAUGHT_UP


def test_the_certificate_of_auth_server_is_checked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    trusted, key = certificate()
    ca_file, key_file = tmp_path / "ca.pem", tmp_path / "key.pem"
    ca_file.write_bytes(trusted)
    key_file.write_bytes(key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(ca_file, key_file)
    auth_server = FakeAuthServer(tls)
    try:
        with following(auth_server) as guard:
            wait_until(lambda: "CERTIFICATE_VERIFY_FAILED" in caplog.text)
            assert guard.waits_for
        assert not auth_server.requests
        with following(auth_server, AUTH_SERVER_CA_FILE=str(ca_file)) as guard:
            auth_server.catch_up()
            wait_until_ready(guard)
    finally:
        auth_server.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def revocations_of(clock: Clock, **changes: str) -> Revocations:
    return Revocations(Settings({**ENVIRONMENT, "FEED_SECRET": FEED_SECRET, **changes}), clock)


def rejection(revocations: Revocations, **changes: Any) -> str | None:
    try:
        revocations.check(claims(jti="jti", **changes))
    except TokenError as error:
        return str(error)
    return None


@pytest.mark.parametrize("on_stale", ["allow", "refuse"])
def test_a_stale_set_accepts_or_refuses(on_stale: str, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    revocations = revocations_of(clock, ON_STALE=on_stale)
    is_refusing = on_stale == "refuse"
    clock.now += 59
    assert rejection(revocations)
    clock.now += 1
    assert bool(rejection(revocations)) == is_refusing, "never complete, and the time to catch up is over"
    revocations.known_as_of(clock.now - 10)
    assert revocations.age == 10
    assert not rejection(revocations)
    clock.now += 50
    assert not rejection(revocations)
    revocations.log_staleness()
    assert not caplog.text
    clock.now += 0.001
    revocations.known_as_of(clock.now - 1000)
    assert bool(rejection(revocations)) == is_refusing, "an older state changes nothing"
    for _ in range(2):
        revocations.log_staleness()
    assert caplog.text.count(f"the revocations are stale; ON_STALE is {on_stale}") == 1
    revocations.known_as_of(clock.now)
    revocations.known_as_of(clock.now - 30)
    assert revocations.age == 0, "the moment never moves back"
    assert not rejection(revocations)
    revocations.log_staleness()
    assert "the revocations are current again" in caplog.text
    revocations.restart()
    assert rejection(revocations)


def test_the_time_to_catch_up_is_no_longer_than_the_limit_of_the_age() -> None:
    clock = Clock()
    short, long = (revocations_of(clock, REVOCATION_MAX_STALENESS=limit) for limit in ("6s", "10m"))
    clock.now += 6
    assert (short.is_new, long.is_new) == (False, True)
    clock.now += 54
    assert not long.is_new


def test_an_entry_is_kept_until_its_latest_deadline_and_matches_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    revocations = revocations_of(clock)
    revocations.known_as_of(clock.now)

    def insert(kind: str, subject: str, expires_in: int, revoked_at: int = NOW) -> bool:
        entry = {"kind": kind, "subject": subject, "revoked_at": revoked_at, "expires_in": expires_in}
        return revocations.insert(entry)

    for expires_in in (10, 20, 5):
        insert("session", SID, expires_in)
    insert("session", SID, 0)
    assert not rejection(revocations, sid=SID.upper(), client_id=SID)
    clock.now += 19.9
    assert rejection(revocations) == "revoked"
    clock.now += 0.1
    assert not rejection(revocations)
    insert("client", "goptri", 50, NOW - 1)
    assert not rejection(revocations)
    assert rejection(revocations, iat=NOW - 1 + 0.9)
    insert("client", "goptri", 10, NOW)
    insert("client", "goptri", 10, NOW - 5)
    clock.now += 49
    assert rejection(revocations)
    assert not rejection(revocations, iat=NOW + 1)
    insert("token", "jti", 1)
    assert rejection(revocations, client_id="other")
    assert len(revocations._entries) == 3
    clock.now += 1
    monkeypatch.setattr("goptri.revocations.MAX_ENTRIES", 1100)
    for number in range(1100):
        insert("session", str(number), 9)
    assert len(revocations._entries) == 1100, "expired entries were removed"
    with pytest.raises(OverflowError):
        insert("session", "one more", 9)
    assert rejection(revocations, sid="0"), "a full set keeps its entries"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "planet"},
        {"subject": 7},
        {"subject": None},
        {"revoked_at": "1"},
        {"revoked_at": -1},
        {"expires_in": -1},
        {"expires_in": 1.5},
        {"expires_in": 10**400},
        {"expires_in": None},
    ],
)
def test_an_unreadable_entry_is_rejected(change: dict[str, Any]) -> None:
    good = {"kind": "token", "subject": "x", "revoked_at": 1, "expires_in": 1, "new": []}
    assert revocations_of(Clock()).insert(good)
    assert not revocations_of(Clock()).insert({**good, **change})


def test_what_a_later_version_may_add_is_ignored_and_unreadable_entries_are_skipped(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    with following(auth_server) as guard:
        auth_server.send(event("new"), b": a comment\nid: 1\nretry: 5\n\n", revocation("planet", "x"))
        entries = [
            None,
            7,
            {},
            {"kind": "session"},
            {"kind": "session", "subject": SID, "revoked_at": 1, "expires_in": 9},
        ]
        auth_server.send(event("revocations", entries=entries, more=1))
        auth_server.catch_up()
        wait_until(lambda: reason(guard) == "revoked")
        assert caplog.text.count("skipped a revocation: ") == 1
        for bad in [
            b"event: heartbeat\ndata: {}\n\n",
            b"event: revocations\ndata: []\n\n",
            b"event: caught-up\ndata: x\n\n",
            event("heartbeat", age_ms=-1, uptime_ms=1),
        ]:
            streams = auth_server.streams
            auth_server.send(bad)
            # The thread of the old stream notices the end when it writes.
            auth_server.cut()
            auth_server.wait_for_stream(streams + 1)
        assert "negative time" in caplog.text


def test_before_caught_up_a_heartbeat_says_nothing_about_completeness(auth_server: FakeAuthServer) -> None:
    with following(auth_server) as guard:
        auth_server.heartbeat()
        auth_server.send(revocation("token", "seen"))
        wait_until(lambda: len(guard._revocations._entries) == 1)
        assert guard.waits_for
        auth_server.heartbeat("caught-up", age=2.5)
        wait_until_ready(guard)
        assert 2.5 <= guard._revocations.age < 4


def test_silence_ends_a_connection(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goptri.auth_server.FEED_TIMEOUTS", (15, 60, 0.2))
    with following(auth_server) as guard:
        auth_server.catch_up()
        wait_until_ready(guard)
        wait_until(lambda: "disconnected from the revocation feed: TimeoutError" in caplog.text)
        auth_server.cut()
        wait_until(lambda: auth_server.streams >= 2)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
PARTS = [
    b"",
    HEAD + b"X: ",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
    HEAD + b"Content-Length: 9999\r\n\r\n",
    HEAD + b"\r\n",
]


@pytest.mark.parametrize("start", PARTS)
def test_keys_and_heads_that_trickle_in_do_not_block(
    start: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goptri.auth_server.FETCH_TIMEOUT", 0.2)
    monkeypatch.setattr("goptri.auth_server.FEED_TIMEOUTS", (0.2, 0.2, 0.2))
    server = TricklingServer(start)
    try:
        with following(server):
            wait_until(lambda: server.connections >= 4, 3)
            assert "the public keys cannot be fetched: TimeoutError" in caplog.text
            assert "disconnected from the revocation feed: TimeoutError" in caplog.text
    finally:
        server.close()


def test_events_that_are_read_after_a_suspension_are_not_used(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    with following(auth_server) as guard:
        auth_server.send(revocation("token", "seen"))
        wait_until(lambda: len(guard._revocations._entries) == 1)
        guard._auth_server._clock = lambda: boot_clock() + 15.5
        auth_server.heartbeat("caught-up")
        auth_server.cut()
        auth_server.wait_for_stream(2)
        assert "no event for 1" in caplog.text
        assert guard.waits_for


def test_a_changed_key_is_fetched_after_the_event(auth_server: FakeAuthServer) -> None:
    token = sign(claims(), header(alg="EdDSA", kid="ed"), ED25519)
    with following(auth_server) as guard:
        auth_server.catch_up()
        wait_until_ready(guard)
        wait_until(lambda: reason(guard, token) == "unknown key")
        auth_server.keys = [jwk(ED25519)]
        auth_server.send(event("keys"))
        wait_until(lambda: reason(guard, token) is None)
        auth_server.keys = []
        fetches = auth_server.fetches
        auth_server.send(event("keys"))
        # Again and again, because several servers may have one address.
        auth_server.wait_for_fetch(fetches + 3)
        assert reason(guard, token) == "unknown key", "a key that is no longer published is not trusted"


@pytest.mark.parametrize("secret", [SECRET, ""])
def test_with_a_secret_a_service_waits_for_keys_no_longer_than_for_the_feed(secret: str) -> None:
    environment = {**ENVIRONMENT, "ACCESS_TOKEN_SECRET": secret, "AUTH_SERVER_URL": "http://auth"}
    guard = Guard({**environment, "FEED_SECRET": FEED_SECRET}, follow=False)
    guard._revocations.known_as_of(boot_clock())
    assert guard.waits_for == "waits for the public keys of auth-server"
    guard._revocations._created -= 60
    assert (guard.waits_for is None) == bool(secret)


def test_each_event_about_keys_triggers_a_fetch(auth_server: FakeAuthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goptri.auth_server.MIN_PAUSE", 300.0)
    with following(auth_server) as guard:
        wait_until(lambda: auth_server.fetches == 1)
        auth_server.catch_up()
        wait_until(lambda: auth_server.fetches == 2)
        assert guard.waits_for is None
        auth_server.send(event("keys"))
        wait_until(lambda: auth_server.fetches == 3)


def test_keys_stay_in_use_while_they_cannot_be_fetched(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    auth_server.keys = [jwk(ED25519)]
    token = sign(claims(), header(alg="EdDSA", kid="ed"), ED25519)
    with following(auth_server) as guard:
        auth_server.catch_up()
        wait_until(lambda: reason(guard, token) is None)
        answers: list[tuple[list[dict[str, Any]], int]] = [([jwk(ED25519, crv="Ed448")], 200), ([{}], 200), ([], 500)]
        for keys, status in answers:
            fetches = auth_server.fetches
            auth_server.keys, auth_server.status = keys, status
            auth_server.send(event("keys"))
            auth_server.wait_for_fetch(fetches + 2)
            assert reason(guard, token) is None
        assert "none of them can be used" in caplog.text


def test_a_key_that_cannot_be_used_is_skipped(auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture) -> None:
    auth_server.keys = [{"kty": "EC", "crv": "P-521", "kid": "later"}, jwk(ED25519)]
    with following(auth_server) as guard:
        wait_until(lambda: guard._auth_server.keys)
        assert list(guard._auth_server.keys or ()) == ["ed"]
        assert "skipped a public key" in caplog.text


@pytest.mark.parametrize("more", [{"alg": "EdDSA"}, {"crv": "Ed448"}])
def test_a_key_set_with_one_kid_twice_is_not_used(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture, more: dict[str, Any]
) -> None:
    auth_server.keys = [jwk(ED25519), jwk(ED25519, **more)]
    with following(auth_server) as guard:
        wait_until(lambda: "two keys have one kid" in caplog.text)
        assert guard._auth_server.keys is None


def test_a_key_set_that_is_too_long_is_not_used(auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture) -> None:
    auth_server.keys = [jwk(ED25519, more="x" * 1024 * 1024)]
    with following(auth_server) as guard:
        wait_until(lambda: "they are too long" in caplog.text)
        assert guard._auth_server.keys is None


def test_an_unknown_key_triggers_one_fetch_per_cooldown(
    auth_server: FakeAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goptri.auth_server.UNKNOWN_KID_PAUSE", 3.0)
    monkeypatch.setattr("goptri.auth_server.MIN_PAUSE", 300.0)
    token = sign(claims(), header(alg="EdDSA", kid="ed"), ED25519)
    with following(auth_server, FEED_SECRET="") as guard:
        wait_until_ready(guard)
        end = boot_clock() + 0.5
        while boot_clock() < end:
            assert reason(guard, token) == "unknown key"
        assert auth_server.fetches == 1
        auth_server.keys = [jwk(ED25519)]
        wait_until(lambda: reason(guard, token) is None)
        assert auth_server.fetches == 2


def test_files_of_secrets_are_read_again_when_they_change(
    auth_server: FakeAuthServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="goptri")
    access, feed = tmp_path / "access", tmp_path / "feed"
    access.write_text(SECRET + "\n")
    feed.write_text("feed-" + OTHER)
    environment = {
        **ENVIRONMENT,
        "AUTH_SERVER_URL": auth_server.url,
        "ACCESS_TOKEN_SECRET": "",
        "ACCESS_TOKEN_SECRET_FILE": str(access),
        "FEED_SECRET_FILE": str(feed),
    }
    auth_server.secret = "feed-rotated-" + OTHER
    with closing(Guard(environment)) as guard:
        kids = list(guard._local)
        assert kids == [secret_key(SECRET).key_id]
        wait_until(lambda: "is FEED_SECRET right?" in caplog.text)
        access.write_text("too short")
        wait_until(lambda: "the previous secrets stay in use" in caplog.text)
        assert list(guard._local) == kids
        access.write_text(f"{OTHER},{SECRET}\r\n")
        feed.write_text(auth_server.secret)
        wait_until(lambda: list(guard._local) == [secret_key(OTHER).key_id, *kids])
        auth_server.catch_up()
        wait_until_ready(guard)
    for secret in (SECRET, OTHER, "too short"):
        assert secret not in caplog.text


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_follows_on_its_own(auth_server: FakeAuthServer) -> None:
    with following(auth_server) as guard:
        auth_server.catch_up()
        wait_until_ready(guard)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                before = reason(guard)
                wait_until_ready(guard)
                os.write(write, json.dumps([before, reason(guard)]).encode())
            finally:
                os._exit(0)
        os.close(write)

        def has_ended() -> bool:
            # Until the child has some: the stream of the parent takes some of these.
            auth_server.catch_up()
            return os.waitpid(child, os.WNOHANG)[0] == child

        wait_until(has_ended)
        assert json.loads(os.read(read, 100)) == [NOT_CAUGHT_UP, None]
        os.close(read)


def test_a_closed_guard_has_no_thread(auth_server: FakeAuthServer) -> None:
    with following(auth_server) as guard:
        auth_server.catch_up()
        wait_until_ready(guard)
        assert threads() == ["goptri"]
    assert not threads()


def test_without_a_feed_the_service_waits_for_the_keys_only(auth_server: FakeAuthServer) -> None:
    with following(auth_server, FEED_SECRET="") as guard:
        wait_until_ready(guard)
        assert reason(guard) is None
        assert auth_server.streams == 0


@pytest.mark.parametrize("start", [b"data: ", b"x", b"data: x\ndata: "])
def test_an_event_that_is_too_long_ends_the_connection(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture, start: bytes
) -> None:
    with following(auth_server):
        auth_server.send(start, b"x" * MAX_EVENT_BYTES)
        wait_until(lambda: "byte limit" in caplog.text)
        auth_server.cut()
        auth_server.wait_for_stream(2)


def test_events_are_read_whatever_their_chunks_and_line_ends(auth_server: FakeAuthServer) -> None:
    with following(auth_server) as guard:
        for number, end in enumerate([b"\n", b"\r\n"]):
            for byte in revocation("token", str(number)).replace(b"\n", end):
                auth_server.send(bytes([byte]))
        wait_until(lambda: len(guard._revocations._entries) == 2)


class Connected:
    """A connection that has caught up, and whose heartbeats a test sends."""

    def __init__(self) -> None:
        self._clock = Clock()
        self._revocations = revocations_of(self._clock)
        self._auth_server = AuthServer(self._revocations._settings, self._revocations)
        self._auth_server._arrival, self._auth_server._least = self._clock.now, float("inf")
        self._auth_server._is_caught_up = True

    def age(self, arrival: float, uptime: float) -> float:
        """The age after a heartbeat that arrives then."""
        silence, self._clock.now = arrival - self._clock.now, arrival
        self._revocations.restart()
        data = json.dumps({"age_ms": 0, "uptime_ms": uptime * 1000})
        self._auth_server._on_event(httpx2.ServerSentEvent("heartbeat", data), silence)
        return self._revocations.age


def test_time_in_a_buffer_counts_as_age() -> None:
    connected = Connected()
    table = [
        (10.000, 500.0, 0),
        (15.040, 505.0, 0.035),
        (19.990, 510.0, 0),
        (38.990, 515.0, 13.981),
        (38.990, 520.0, 8.981),
        (39.990, 530.0, 0),
    ]
    for arrival, uptime, age in table:
        assert connected.age(1000 + arrival, uptime) == pytest.approx(age, abs=0.001), arrival


def test_drift_of_the_clocks_is_not_taken_for_a_delay() -> None:
    for arrival, uptime in [(5.001, 5.0), (5.0, 5.001)]:
        connected = Connected()
        assert all(connected.age(1000 + number * arrival, number * uptime) < 0.1 for number in range(50_000))
