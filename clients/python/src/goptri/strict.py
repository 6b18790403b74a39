"""Parses JSON and base64 strictly, so that every text has one meaning (RFC 7515 §4, RFC 7519 §4).

Python's parsers accept more: `NaN`, `Infinity`, `1e999`, lone surrogates, the last of two equal members, base64 with
foreign characters or with bits left over.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from typing import Any

MAX_MEMBERS = 64
"""The most members of a token's header or claims. Nested objects' members count; each nested object counts one more."""

_MAX_DEPTH = 127
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"')
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


def parse_object(data: bytes, max_members: int = MAX_MEMBERS) -> dict[str, Any]:
    """Parses `data`, which must be one JSON object in UTF-8.

    Raises:
        ValueError: For anything else, and for duplicate members at any depth.
    """
    text = data.decode("utf-8")
    if not text.startswith("{"):
        raise ValueError("not an object")
    if text.count("[") + text.count("{") > _MAX_DEPTH and _depth(text) > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    left = max_members + 1

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal left
        left -= 1 + len(pairs)
        members = dict(pairs)
        if left < 0 or len(members) < len(pairs):
            raise ValueError("duplicate_member" if left >= 0 else "too_many_members")
        return members

    value: dict[str, Any] = json.loads(
        text, object_pairs_hook=unique, parse_constant=_reject, parse_float=_finite, parse_int=_integer
    )
    if _SURROGATE_ESCAPE.search(text):
        # Raises UnicodeEncodeError, a ValueError, for a surrogate without its other half.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _depth(text: str) -> int:
    depth = deepest = 0
    for character in _STRINGS.sub("", text):
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest


def _reject(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("a number out of range")
    return number


def _integer(text: str) -> int | float:
    # As a float above 64 bits: `int` takes quadratic time, and has a limit of digits that a program can change.
    return int(text) if len(text) < 20 else _finite(text)


def decode_base64url(text: str) -> bytes:
    """The bytes of a base64url text without padding (RFC 7515 §2). Each byte sequence has one encoding only.

    Raises:
        ValueError: For any other text.
    """
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(data) != text:
        raise ValueError("not strict base64url")
    return data


def encode_base64url(data: bytes) -> str:
    """The base64url of `data`, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_base64(text: str) -> bytes:
    """The bytes of a base64 text with padding (RFC 4648 §4).

    Raises:
        ValueError: For any other text.
    """
    data = binascii.a2b_base64(text)
    if base64.b64encode(data).decode("ascii") != text:
        raise ValueError("not strict base64")
    return data


def is_text(value: object) -> bool:
    """Whether a claim may have this value: a text that is not blank and has no control characters."""
    return isinstance(value, str) and bool(value.strip()) and not _CONTROL.search(value)


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

MAX_TIME = 253_402_300_799
"""The last second of the year 9999."""


def numeric_date(value: object) -> int:
    """Whole seconds since 1970 (RFC 7519 §2). Fractions are truncated.

    Raises:
        ValueError: If it is not a number, or out of range. `True` is not a number in JSON.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_TIME:
        raise ValueError("not a time")
    return int(value)


def unsigned(value: object) -> int:
    """A whole number of at most 64 bits.

    Raises:
        ValueError: For any other value.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 64:
        raise ValueError("not an unsigned number")
    return value
