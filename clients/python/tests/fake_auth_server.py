"""A small auth-server: it publishes keys, and streams what a test puts into it."""

from __future__ import annotations

import json
import queue
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .tokens import FEED_SECRET


def event(name: str, **data: Any) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()


def revocation(kind: str, subject: str, **changes: Any) -> bytes:
    entry = {"kind": kind, "subject": subject, "revoked_at": 1_800_000_000, "expires_in": 7500, **changes}
    return event("revocations", entries=[entry])


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Fails if the condition does not hold in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.005)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Followers that hang up are expected."""


class TricklingServer:
    """Sends `start`, and then one byte after the other until the client hangs up."""

    def __init__(self, start: bytes) -> None:
        self.connections = 0
        self._server = _Server(("127.0.0.1", 0), self._handler(start))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(fake, start: bytes) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.connections += 1
                self.wfile.write(start)
                while True:
                    self.wfile.write(b"1")
                    time.sleep(0.02)

            def log_message(self, *args: object) -> None: ...

        return Handler


class FakeAuthServer:
    """Streams are fed by `send`. `cut` ends the current one."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.keys: list[dict[str, Any]] = []
        self.secret = FEED_SECRET
        self.status = 200
        self.content_type = "text/event-stream; charset=utf-8"
        self.fetches = 0
        self.streams = 0
        self.requests: list[tuple[str, dict[str, str]]] = []
        self._chunks: queue.Queue[bytes | None] = queue.Queue()
        self._started = time.monotonic()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._server.server_port}/auth"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def send(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self._chunks.put(chunk)

    def cut(self) -> None:
        self._chunks.put(None)

    def heartbeat(self, name: str = "heartbeat", age: float = 0) -> None:
        uptime = round(1000 * (time.monotonic() - self._started))
        self.send(event(name, age_ms=round(1000 * age), uptime_ms=uptime))

    def catch_up(self) -> None:
        self.heartbeat()
        self.heartbeat("caught-up")

    def wait_for_stream(self, number: int) -> None:
        wait_until(lambda: self.streams >= number)

    def wait_for_fetch(self, number: int) -> None:
        wait_until(lambda: self.fetches >= number)

    def close(self) -> None:
        self.cut()
        self._server.shutdown()
        self._server.server_close()

    def _handler(fake) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                fake.requests.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                if self.path == "/auth/.well-known/jwks.json":
                    fake.fetches += 1
                    self._respond(fake.status, "application/jwk-set+json", json.dumps({"keys": fake.keys}).encode())
                elif self.path != "/auth/revocations":
                    self._respond(404, "text/plain", b"")
                elif self.headers["Authorization"] != f"Bearer {fake.secret}":
                    self._respond(401, "application/json", b'{"error":"invalid_token"}')
                elif fake.status != 200:
                    self.send_response(fake.status)
                    self.send_header("Location", "/auth/elsewhere")
                    self.end_headers()
                else:
                    fake.streams += 1
                    self._stream()

            def _respond(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _stream(self) -> None:
                content_type = fake.content_type
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                if "event" not in content_type:
                    return
                while (chunk := fake._chunks.get()) is not None:
                    self.wfile.write(chunk)
                    self.wfile.flush()

            def log_message(self, *args: object) -> None: ...

        return Handler
