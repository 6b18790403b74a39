"""Parses base64 and JSON strictly, so that no other parser reads a token differently.

Python's parsers accept more: `NaN`, `1e999`, lone surrogates, the last of two equal members, base64 with foreign
characters or with bits left over. Here, these raise a `TokenError`.
"""

import base64
import itertools
import json
import re
from typing import Any

from .errors import invalid_token

# Of all objects together. An object in another one counts too.
MAX_MEMBERS = 64
_MAX_DEPTH = 127
# Possessive, and with an optional end of a string: it never reads a character twice.
_NO_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"?|[^\[\]{}]')


def parse_object(data: bytes) -> dict[str, Any]:
    """Parses `data`, which must be one JSON object in UTF-8."""
    left = MAX_MEMBERS + 1

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal left
        left -= 1 + len(pairs)
        members = dict(pairs)
        if left < 0 or len(members) < len(pairs):
            raise invalid_token("duplicate member" if left >= 0 else "too many members")
        return members

    try:
        text = data.decode()
        if not text.startswith("{") or _depth(text) > _MAX_DEPTH:
            raise invalid_token("json")
        value: dict[str, Any] = json.loads(text, object_pairs_hook=unique, parse_int=_integer)
        # Fails for an infinite number, and for a surrogate without its other half.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise invalid_token("json") from None
    return value


def _depth(text: str) -> int:
    if text.count("[") + text.count("{") <= _MAX_DEPTH:
        return 0
    return max(itertools.accumulate(1 if bracket in "[{" else -1 for bracket in _NO_BRACKETS.sub("", text)))


def _integer(text: str) -> int | float:
    # Above 64 bits a float: `int` has a limit of digits that a program can change.
    return int(text) if len(text) < 20 else float(text)


def decode_base64(text: str, altchars: bytes = b"+/") -> bytes:
    """The bytes of a base64 text with padding (RFC 4648 §4)."""
    try:
        data = base64.b64decode(text, altchars)
    except ValueError:
        data = b""
    if base64.b64encode(data, altchars).decode() != text:
        raise invalid_token("base64")
    return data


def decode_base64url(text: str) -> bytes:
    """The bytes of a base64url text without padding (RFC 7515 §2)."""
    return decode_base64(text + "=" * (-len(text) % 4), b"-_")
