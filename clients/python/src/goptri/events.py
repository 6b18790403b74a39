"""Parses a stream of server-sent events, and estimates how long a message was under way."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .connection import Disconnected

MAX_EVENT_BYTES = 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\r|\n")


class EventParser:
    """Parses a stream of server-sent events (WHATWG HTML standard, §9.2.6) in bounded memory."""

    def __init__(self) -> None:
        self._line = b""
        self._is_first = True
        self._name = ""
        self._data: list[str] = []
        self._size = 0
        self._after_cr = False

    def feed(self, chunk: bytes) -> Iterator[tuple[str, str]]:
        """The name and the data of each event that `chunk` completes."""
        if self._after_cr:
            chunk = chunk.removeprefix(b"\n")
        self._after_cr = chunk.endswith(b"\r")
        *lines, self._line = _LINE_END.split(self._line + chunk)
        for line in lines:
            yield from self._end_line(line)
        if len(self._line) + self._size > MAX_EVENT_BYTES:
            raise Disconnected("an event is longer than auth-server's events can be")

    def _end_line(self, line: bytes) -> Iterator[tuple[str, str]]:
        self._size += len(line)
        if self._size > MAX_EVENT_BYTES:
            raise Disconnected("an event is longer than auth-server's events can be")
        if not line:
            if self._data:
                yield self._name, "\n".join(self._data)
            self._name, self._data, self._size = "", [], 0
            return
        if self._is_first:
            line = line.removeprefix(b"\xef\xbb\xbf")
        self._is_first = False
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)


class TransitDelay:
    """Estimates how long a message spent in buffers, relative to the fastest message of its connection."""

    def __init__(self) -> None:
        self._least: tuple[float, float] | None = None

    def age(self, age: float, uptime: float, now: float) -> float:
        """The age of the state that a heartbeat describes, when it is read at `now`. All in seconds."""
        offset = now - uptime
        # The two clocks may drift apart by a thousandth, which must not look like a delay.
        expected = offset if self._least is None else self._least[0] + (now - self._least[1]) / 1000
        if offset <= expected:
            self._least = offset, now
        return age + max(0.0, offset - expected)
