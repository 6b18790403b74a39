"""The follower, against a small fake auth-server; and the parts that need no connection."""

from __future__ import annotations

import json
import logging
import os
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from goptri import Caller, Guard, Settings, TokenError
from goptri.connection import Disconnected
from goptri.events import MAX_EVENT_BYTES, EventParser, TransitDelay
from goptri.follower import FeedFollower
from goptri.keys import KeyStore, secret_keys
from goptri.refresher import KeyRefresher
from goptri.revocations import CapacityExceeded, RevocationSet, monotonic

from .fake_auth_server import FakeAuthServer, TricklingServer, event, revocation, wait_until
from .tokens import AUDIENCE, ED25519, FEED_SECRET, ISSUER, NOW, SECRET, SID, certificate, claims, header, jwk, sign

GOOD = sign(claims())
OTHER = "8e71d2c5f0a9364b8e71d2c5f0a9364b"


@pytest.fixture
def auth_server() -> Iterator[FakeAuthServer]:
    server = FakeAuthServer()
    yield server
    server.close()


def following(auth_server: FakeAuthServer, **changes: Any) -> Guard:
    options = {
        "issuer": ISSUER,
        "audience": AUDIENCE,
        "secrets": [SECRET],
        "auth_server_url": auth_server.url,
        "feed_secret": FEED_SECRET,
    }
    return Guard(Settings(**{**options, **changes}), clock=lambda: NOW)


def reason(guard: Guard, token: str = GOOD) -> str | None:
    try:
        guard.verify(token)
    except TokenError as error:
        return error.reason
    return None


def test_a_revocation_takes_effect_on_arrival(auth_server: FakeAuthServer) -> None:
    with following(auth_server) as guard:
        assert reason(guard) == "not_caught_up"
        assert not guard.ready()
        assert guard.waits_for == "waits for the revocation feed: not all revocations are known yet"
        auth_server.catch_up()
        wait_until(guard.ready)
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
        wait_until(guard.ready)
        whole = revocation("session", SID)
        auth_server.send(revocation("token", "first"), whole[:40])
        auth_server.cut()
        auth_server.wait_for_stream(2)
        assert guard.ready(), "the set keeps its entries"
        assert reason(guard) is None
        assert reason(guard, sign(claims(jti="first"))) == "revoked"
        auth_server.send(whole)
        auth_server.catch_up()
        wait_until(lambda: reason(guard) == "revoked")
        wait_until(lambda: "reconnected to the revocation feed: 2 entries" in caplog.text)
        assert caplog.text.count("disconnected from the revocation feed; retrying: the connection was closed") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"secret": "another"}, "rejects the secret (401): the first secret in FEED_SECRET"),
        ({"status": 503}, "answers 503 instead of the feed"),
        ({"status": 302}, "answers 302 instead of the feed"),
        ({"content_type": "text/html"}, "answers 200 without a stream of events"),
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
        assert caplog.text.count("disconnected from the revocation feed") == 1
        assert FEED_SECRET not in caplog.text
        assert not any(path.endswith("/elsewhere") for path, _ in auth_server.requests), "redirects are not followed"
        for name, value in before.items():
            setattr(auth_server, name, value)
        auth_server.catch_up()
        wait_until(guard.ready)


def test_an_auth_server_that_cannot_be_reached_is_tried_until_it_answers(caplog: pytest.LogCaptureFixture) -> None:
    gone = FakeAuthServer()
    gone.close()
    with following(gone) as guard:
        wait_until(lambda: "auth-server cannot be reached: ConnectionRefusedError" in caplog.text)
        assert reason(guard) == "not_caught_up"


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
            wait_until(lambda: "auth-server cannot be reached: SSLCertVerificationError" in caplog.text)
            assert not guard.ready()
        assert not auth_server.requests
        with following(auth_server, auth_server_ca_file=str(ca_file)) as guard:
            auth_server.catch_up()
            wait_until(guard.ready)
    finally:
        auth_server.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("on_stale", ["allow", "refuse"])
def test_a_stale_set_accepts_or_refuses(on_stale: Literal["allow", "refuse"]) -> None:
    clock = Clock()
    revocations = RevocationSet(60, on_stale, clock)

    def accepts() -> bool:
        try:
            revocations.check(SID, "jti", "goptri", NOW)
        except TokenError as error:
            assert error.reason == ("stale" if revocations.age is not None else "not_caught_up")
            return False
        return True

    clock.now += 59
    assert not accepts()
    clock.now += 1
    assert accepts() == (on_stale == "allow"), "never complete, and the time to catch up is over"
    revocations.known_as_of(10)
    assert revocations.age == 10
    assert accepts()
    clock.now += 50
    assert not revocations.is_stale
    clock.now += 0.001
    revocations.known_as_of(1000)
    assert revocations.is_stale, "an older state changes nothing"
    assert accepts() == (on_stale == "allow")
    revocations.known_as_of(0)
    revocations.known_as_of(30)
    assert revocations.age == 0, "the moment never moves back"
    assert accepts()
    revocations.restart()
    assert not accepts()


def test_the_time_to_catch_up_is_no_longer_than_the_limit_of_the_age() -> None:
    clock = Clock()
    short, long = RevocationSet(6, clock=clock), RevocationSet(600, clock=clock)
    clock.now += 6
    assert (short.is_new, long.is_new) == (False, True)
    clock.now += 54
    assert not long.is_new


def test_an_entry_is_kept_until_its_latest_deadline_and_matches_byte_by_byte() -> None:
    clock = Clock()
    revocations = RevocationSet(clock=clock, max_entries=4)
    revocations.known_as_of(0)

    def revoked(**changes: Any) -> bool:
        token = {"session_id": SID, "token_id": "jti", "client_id": "goptri", "issued_at": NOW, **changes}
        try:
            revocations.check(**token)
        except TokenError:
            return True
        return False

    def insert(kind: str, subject: str, expires_in: int, revoked_at: int = NOW) -> bool:
        entry = {"kind": kind, "subject": subject, "revoked_at": revoked_at, "expires_in": expires_in}
        return revocations.insert(entry)

    for expires_in in (10, 20, 5):
        insert("session", SID, expires_in)
    insert("session", SID, 0)
    assert not revoked(session_id=SID.upper(), token_id=SID, client_id=SID)
    clock.now += 19.9
    assert revoked()
    clock.now += 0.1
    assert not revoked()
    insert("client", "goptri", 50, NOW - 1)
    assert not revoked()
    assert revoked(issued_at=NOW - 1)
    insert("client", "goptri", 10, NOW)
    insert("client", "goptri", 10, NOW - 5)
    clock.now += 49
    assert revoked()
    assert not revoked(issued_at=NOW + 1)
    insert("token", "jti", 1)
    assert revoked(client_id="other")
    assert not insert("planet", "x", 9)
    assert revocations.size == 3
    clock.now += 1
    revocations.sweep()
    assert revocations.size == 0
    for number in range(4):
        insert("session", str(number), 9)
    with pytest.raises(CapacityExceeded):
        insert("session", "one more", 9)
    assert revoked(session_id="0"), "a full set keeps its entries"


@pytest.mark.parametrize(
    "change",
    [
        {"subject": 7},
        {"subject": None},
        {"subject": "x" * 8193},
        {"revoked_at": "1"},
        {"revoked_at": -1},
        {"revoked_at": True},
        {"expires_in": -1},
        {"expires_in": 1.5},
        {"expires_in": True},
        {"expires_in": None},
        {"expires_in": 1 << 64},
    ],
)
def test_an_unreadable_entry_is_rejected(change: dict[str, Any]) -> None:
    good = {"kind": "token", "subject": "x", "revoked_at": 1, "expires_in": 1, "new": []}
    assert RevocationSet().insert(good)
    with pytest.raises(ValueError, match="no"):
        RevocationSet().insert({**good, **change})


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
        assert caplog.text.count("skipped revocation entries that are unreadable") == 1
        assert caplog.text.count("skipped revocation entries of a kind") == 1
        for bad in [
            b"event: heartbeat\ndata: {}\n\n",
            b"event: revocations\ndata: []\n\n",
            b"event: caught-up\ndata: x\n\n",
        ]:
            streams = auth_server.streams
            auth_server.send(bad)
            # The thread of the old stream notices the end when it writes.
            auth_server.cut()
            auth_server.wait_for_stream(streams + 1)
        assert caplog.text.count("is malformed") == 3


def test_before_caught_up_a_heartbeat_says_nothing_about_completeness(auth_server: FakeAuthServer) -> None:
    with following(auth_server) as guard:
        auth_server.heartbeat()
        auth_server.send(revocation("token", "seen"))
        wait_until(lambda: guard._revocations is not None and guard._revocations.size == 1)
        assert not guard.ready()
        auth_server.heartbeat("caught-up", age=2.5)
        wait_until(guard.ready)
        assert guard._revocations is not None
        assert 2.5 <= (guard._revocations.age or 0) < 4


def test_silence_ends_a_connection(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goptri.follower._NEXT_TIMEOUT", 0.2)
    with following(auth_server) as guard:
        auth_server.catch_up()
        wait_until(guard.ready)
        wait_until(lambda: "auth-server cannot be reached: TimeoutError" in caplog.text)
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
def test_keys_that_trickle_in_do_not_block_the_refresher(
    start: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goptri.refresher._TIMEOUT", 0.2)
    server = TricklingServer(start)
    refresher = KeyRefresher(Settings(secrets=[SECRET], auth_server_url=server.url), KeyStore([SECRET]), monotonic)
    threading.Thread(target=refresher.run, daemon=True).start()
    try:
        wait_until(lambda: server.connections >= 2, 3)
        assert "cannot be fetched; retrying: TimeoutError" in caplog.text
    finally:
        refresher.stop()
        server.close()


@pytest.mark.parametrize("start", PARTS[:3])
def test_a_head_that_trickles_in_does_not_block_the_follower(
    start: bytes, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_HEAD_TIMEOUT", "_FIRST_TIMEOUT"):
        monkeypatch.setattr(f"goptri.follower.{name}", 0.2)
    server = TricklingServer(start)
    settings = Settings(secrets=[SECRET], auth_server_url=server.url, feed_secret=FEED_SECRET)
    follower = FeedFollower(settings, RevocationSet(), lambda: None)
    threading.Thread(target=follower.run, daemon=True).start()
    try:
        wait_until(lambda: server.connections >= 2, 3)
        assert "auth-server cannot be reached: TimeoutError" in caplog.text
    finally:
        follower.stop()
        server.close()


def test_data_that_is_read_after_a_suspension_is_not_used(
    auth_server: FakeAuthServer, caplog: pytest.LogCaptureFixture
) -> None:
    ahead = 0.0
    revocations = RevocationSet(clock=lambda: monotonic() + ahead)
    settings = Settings(secrets=[SECRET], auth_server_url=auth_server.url, feed_secret=FEED_SECRET)
    follower = FeedFollower(settings, revocations, lambda: None)
    threading.Thread(target=follower.run, daemon=True).start()
    auth_server.send(revocation("token", "seen"))
    wait_until(lambda: revocations.size == 1)
    ahead = 15.5
    auth_server.heartbeat("caught-up")
    auth_server.cut()
    auth_server.wait_for_stream(2)
    assert "retrying: no data for 1" in caplog.text
    assert revocations.age is None
    follower.stop()


def test_a_changed_key_is_fetched_after_the_event(auth_server: FakeAuthServer) -> None:
    token = sign(claims(), header(alg="EdDSA", kid="ed"), ED25519)
    with following(auth_server) as guard:
        auth_server.catch_up()
        wait_until(guard.ready)
        wait_until(lambda: reason(guard, token) == "unknown_key")
        auth_server.keys = [jwk(ED25519)]
        auth_server.send(event("keys"))
        wait_until(lambda: reason(guard, token) is None)
        auth_server.keys = []
        fetches = auth_server.fetches
        auth_server.send(event("keys"))
        # Again and again, because several servers may have one address.
        auth_server.wait_for_fetch(fetches + 3)
        assert reason(guard, token) == "unknown_key", "a key that is no longer published is not trusted"


@pytest.mark.parametrize("secrets", [[SECRET], []])
def test_with_a_secret_a_service_waits_for_keys_no_longer_than_for_the_feed(
    auth_server: FakeAuthServer, monkeypatch: pytest.MonkeyPatch, secrets: list[str]
) -> None:
    monkeypatch.setattr("goptri.refresher.KeyRefresher.run", lambda self: None)
    with following(auth_server, secrets=secrets) as guard:
        auth_server.catch_up()
        wait_until(lambda: guard.waits_for == "waits for the public keys of auth-server")
        assert guard._revocations is not None
        guard._revocations._created -= 60
        assert guard.ready() == bool(secrets)


def test_each_event_about_keys_triggers_a_fetch(auth_server: FakeAuthServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("goptri.refresher._MIN_RETRY", 300.0)
    with following(auth_server) as guard:
        wait_until(lambda: auth_server.fetches == 1)
        auth_server.catch_up()
        wait_until(lambda: auth_server.fetches == 2)
        assert guard.ready()
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
        for keys, status in [([jwk(ED25519, d="x")], 200), ([], 500)]:
            fetches = auth_server.fetches
            auth_server.keys, auth_server.status = keys, status
            auth_server.send(event("keys"))
            auth_server.wait_for_fetch(fetches + 2)
            assert reason(guard, token) is None
        assert "private members" in caplog.text


def test_an_unknown_key_triggers_one_fetch_per_cooldown(
    auth_server: FakeAuthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("goptri.refresher._UNKNOWN_KID_COOLDOWN", 3.0)
    token = sign(claims(), header(alg="EdDSA", kid="ed"), ED25519)
    with following(auth_server, feed_secret=None) as guard:
        wait_until(guard.ready)
        end = monotonic() + 0.5
        while monotonic() < end:
            assert reason(guard, token) == "unknown_key"
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
        "ISSUER": ISSUER,
        "AUDIENCE": AUDIENCE,
        "AUTH_SERVER_URL": auth_server.url,
        "ACCESS_TOKEN_SECRET_FILE": str(access),
        "FEED_SECRET_FILE": str(feed),
    }
    auth_server.secret = "feed-rotated-" + OTHER
    with Guard.from_environment(environment) as guard:
        kids = list(guard._keys.current)
        assert kids == list(secret_keys([SECRET]))
        wait_until(lambda: "rejects the secret" in caplog.text)
        access.write_text("too short")
        wait_until(lambda: "its previous content stays in use" in caplog.text)
        assert list(guard._keys.current) == kids
        access.write_text(f"{OTHER},{SECRET}\r\n")
        feed.write_text(auth_server.secret)
        wait_until(lambda: list(guard._keys.current) == list(secret_keys([OTHER, SECRET])))
        auth_server.catch_up()
        wait_until(guard.ready)
    for secret in (SECRET, OTHER, "too short"):
        assert secret not in caplog.text


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_follows_on_its_own(auth_server: FakeAuthServer) -> None:
    with following(auth_server) as guard:
        auth_server.catch_up()
        wait_until(guard.ready)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                before = reason(guard)
                wait_until(guard.ready)
                os.write(write, json.dumps([before, reason(guard)]).encode())
            finally:
                os._exit(0)
        os.close(write)

        def has_ended() -> bool:
            # Until the child has some: the stream of the parent takes some of these.
            auth_server.catch_up()
            return os.waitpid(child, os.WNOHANG)[0] == child

        wait_until(has_ended)
        assert json.loads(os.read(read, 100)) == ["not_caught_up", None]
        os.close(read)


def test_a_closed_guard_has_no_threads(auth_server: FakeAuthServer) -> None:
    def names() -> set[str]:
        return {thread.name for thread in threading.enumerate() if thread.name.startswith("goptri-")}

    wait_until(lambda: not names())
    guard = following(auth_server)
    auth_server.catch_up()
    wait_until(guard.ready)
    assert names() == {"goptri-feed", "goptri-keys"}
    guard.close()
    wait_until(lambda: not names(), 5)


def test_without_a_feed_the_service_waits_for_the_keys_only(auth_server: FakeAuthServer) -> None:
    with following(auth_server, feed_secret=None) as guard:
        wait_until(guard.ready)
        assert isinstance(guard.verify(GOOD), Caller)
        assert auth_server.streams == 0


STREAMS: list[tuple[bytes, list[tuple[str, str]]]] = [
    (b"event: a\ndata: 1\n\n", [("a", "1")]),
    (b"event: a\r\ndata: 1\r\n\r\n", [("a", "1")]),
    (b"event: a\rdata: 1\r\r", [("a", "1")]),
    (b"event: a\rdata: 1\n\r\n", [("a", "1")]),
    (b"\xef\xbb\xbfevent:a\ndata:1\n\n", [("a", "1")]),
    (b"data: 1\ndata: 2\nevent: a\n\n", [("a", "1\n2")]),
    (b"data:  1 \n\n", [("", " 1 ")]),
    (b"data\n\n", [("", "")]),
    (b"event: a\n\ndata: 1\n\n", [("", "1")]),
    (b"event: a\nevent: b\ndata: 1\n\n", [("b", "1")]),
    (b": a comment\n\n:\n\ndata: 1\n\n", [("", "1")]),
    (b"id: 7\nretry: 1\nDATA: 2\n data: 4\ndata: 1\n\n", [("", "1")]),
    (b"\n\n\n\r\r\r\n\r\n", []),
    (b"event: a\ndata: 1\n", []),
    (b"data: 1\n\ndata: 2", [("", "1")]),
    (b"data: \xff\xe2\x80\xa8\n\n", [("", "\ufffd\u2028")]),
]


@pytest.mark.parametrize(("stream", "expected"), STREAMS)
def test_the_chunks_of_a_stream_do_not_change_its_events(stream: bytes, expected: list[tuple[str, str]]) -> None:
    for size in range(1, len(stream) + 1):
        parser = EventParser()
        chunks = [stream[start : start + size] for start in range(0, len(stream), size)]
        assert [found for chunk in chunks for found in parser.feed(chunk)] == expected, size


@pytest.mark.parametrize("start", [b"data: ", b"x", b"data: x\ndata: "])
def test_an_event_that_is_too_long_ends_the_connection(start: bytes) -> None:
    for piece in (b"x" * 60_000, b"\ndata: " + b"x" * 60_000):
        parser = EventParser()
        list(parser.feed(start))
        with pytest.raises(Disconnected):
            for _ in range(MAX_EVENT_BYTES // 60_000 + 1):
                list(parser.feed(piece))
    assert len(list(EventParser().feed(b"data: " + b"x" * (MAX_EVENT_BYTES - 6) + b"\n\n"))) == 1


def test_time_in_a_buffer_counts_as_age() -> None:
    delay = TransitDelay()
    table = [
        (10.000, 500.0, 0),
        (15.040, 505.0, 0.035),
        (19.990, 510.0, 0),
        (38.990, 515.0, 13.981),
        (38.990, 520.0, 8.981),
        (39.990, 530.0, 0),
    ]
    for arrival, uptime, age in table:
        assert delay.age(0, uptime, arrival) == pytest.approx(age, abs=0.001), arrival
    assert delay.age(0.7, 535.0, 44.99) == pytest.approx(0.7)


def test_drift_of_the_clocks_is_not_taken_for_a_delay() -> None:
    for arrival, uptime in [(5.001, 5.0), (5.0, 5.001)]:
        delay = TransitDelay()
        assert all(delay.age(0, number * uptime, number * arrival) < 0.1 for number in range(50_000))
