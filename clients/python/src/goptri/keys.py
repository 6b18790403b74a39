"""The keys that verify access tokens. A token's `kid` selects the key, and its `alg` selects nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jwt

from .strict import decode_base64url, encode_base64url, parse_object

MAX_JWKS_BYTES = 128 * 1024
_MAX_KEYS = 64
_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
# The algorithm and the members that identify a key (RFC 7638 §3.2), by `kty` and `crv`.
_KINDS: Mapping[tuple[object, object], tuple[str, tuple[str, ...]]] = {
    ("OKP", "Ed25519"): ("EdDSA", ("crv", "kty", "x")),
    ("EC", "P-256"): ("ES256", ("crv", "kty", "x", "y")),
    ("RSA", None): ("RS256", ("e", "kty", "n")),
}


@dataclass(frozen=True)
class Key:
    """A key and its only algorithm."""

    algorithm: str
    verify: Callable[[bytes, bytes], bool] = field(repr=False)
    """Whether the second argument is a signature of the first."""


def secret_keys(secrets: Iterable[str]) -> dict[str, Key]:
    """HS256 keys by `kid`. The bytes of the text are the key."""
    return dict(_secret_key(secret.encode()) for secret in secrets)


def _secret_key(secret: bytes) -> tuple[str, Key]:
    algorithm = jwt.get_algorithm_by_name("HS256")
    kid = encode_base64url(hashlib.sha256(b"goptri key id\0" + secret).digest()[:12])
    return kid, Key("HS256", lambda signed, signature: algorithm.verify(signed, secret, signature))


def published_keys(document: bytes) -> tuple[dict[str, Key], list[str]]:
    """The usable keys of a JWKS by `kid`, and why others are skipped. A symmetric key is never used.

    Raises:
        ValueError: If the whole set is rejected, with the reason.
    """
    if len(document) > MAX_JWKS_BYTES:
        raise ValueError("it is too long")
    try:
        keys = parse_object(document, 64 * _MAX_KEYS).get("keys")
    except (ValueError, RecursionError):
        keys = None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        raise ValueError("it is not a JWKS; does AUTH_SERVER_URL name auth-server itself?")
    if len(keys) > _MAX_KEYS:
        raise ValueError("it has too many keys")
    if any(_PRIVATE_MEMBERS & key.keys() for key in keys):
        raise ValueError("it has private members, with which any reader can sign tokens; replace these keys now")
    usable: dict[str, Key] = {}
    skipped: list[str] = []
    for jwk in keys:
        try:
            kid, key = _public_key(jwk)
        except (ValueError, jwt.PyJWTError):
            skipped.append("a key that auth-server publishes is not a usable Ed25519, P-256 or RSA key")
            continue
        if kid in usable:
            raise ValueError("it has two keys with the same kid")
        usable[kid] = key
    if skipped and not usable:
        raise ValueError("none of its keys can be used")
    return usable, skipped


def _public_key(jwk: Mapping[str, Any]) -> tuple[str, Key]:
    kind = (jwk.get("kty"), jwk.get("crv"))
    algorithm, names = _KINDS.get(kind, ("", ())) if all(isinstance(part, str | None) for part in kind) else ("", ())
    operations = jwk.get("key_ops", ["verify"])
    if not algorithm or jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig":
        raise ValueError("another algorithm or use")
    if not isinstance(operations, list) or "verify" not in operations:
        raise ValueError("not for verifying")
    members: dict[str, Any] = {name: jwk.get(name) for name in names}
    thumbprint = encode_base64url(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())
    kid = jwk.get("kid", thumbprint)
    if not isinstance(kid, str) or not all(isinstance(value, str) for value in members.values()):
        raise ValueError("a member of the wrong type")
    numbers = {name: decode_base64url(members[name]) for name in names if name in ("e", "n", "x", "y")}
    if algorithm == "RS256":
        _check_rsa(numbers["n"], numbers["e"])
    elif any(len(number) != 32 for number in numbers.values()):
        raise ValueError("a number of the wrong length")
    key = jwt.PyJWK(members, algorithm)
    return kid, Key(algorithm, lambda signed, signature: key.Algorithm.verify(signed, key.key, signature))


def _check_rsa(modulus: bytes, exponent: bytes) -> None:
    # No leading zeros (RFC 7518 §2), so that a key has only one thumbprint.
    if not modulus.startswith(b"\0") and not exponent.startswith(b"\0"):
        n, e = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
        if 2048 <= n.bit_length() <= 8192 and 17 <= e.bit_length() <= 33 and n % 2 == e % 2 == 1:
            return
    raise ValueError("a weak RSA key")


class KeyStore:
    """The keys of a service: its own secrets, and those that auth-server publishes. Readers take no lock."""

    def __init__(self, secrets: Iterable[str], *, awaits_published: bool = False) -> None:
        self._local = secret_keys(secrets)
        self._published: dict[str, Key] | None = None if awaits_published else {}
        self.current = self._local

    def set_secrets(self, secrets: Iterable[str]) -> None:
        """Replaces the secrets."""
        self._local = secret_keys(secrets)
        self._merge()

    def set_published(self, keys: dict[str, Key]) -> None:
        """Replaces the keys that auth-server publishes. Others are not trusted any more."""
        self._published = keys
        self._merge()

    @property
    def waits_for(self) -> str | None:
        """What is missing before every valid token can be verified."""
        if self._published is None:
            return "waits for the public keys of auth-server"
        return None if self.current else "has no key: set ACCESS_TOKEN_SECRET, or give auth-server a key file"

    def _merge(self) -> None:
        # A secret wins against a published key of the same name.
        self.current = {**(self._published or {}), **self._local}
