"""Verifies access tokens: the signature and every claim (RFC 9068, RFC 8725)."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

import jwt

from .errors import invalid_token
from .settings import Settings
from .strict import decode_base64url, parse_object

MAX_TOKEN_BYTES = 8 * 1024
_COMPACT = re.compile(r"[\w-]*\.[\w-]*\.[\w-]*", re.ASCII)
# RFC 6749 §3.3
_SCOPE = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# The last second of the year 9999.
_MAX_TIME = 253_402_300_799
# Revocations are kept for an hour after a token has expired: a later `iat` could outlive its own.
_MAX_CLOCK_ERROR = 3600
# The only algorithm of each kind of published key. A secret is none of them.
_ALGORITHMS = {("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256", ("RSA", None): "RS256"}


class Caller:
    """The caller of a request: a user who signed in, or a client that acts for itself."""

    def __init__(self, claims: Mapping[str, Any]) -> None:
        self.claims = claims
        """All verified claims of the access token."""
        self.subject: str = claims["sub"]
        """The id of the user, or of the client."""
        self.session_id: str | None = claims.get("sid")
        """The session, which ends when the user signs out. A client has none."""
        self.client_id: str = claims["client_id"]
        self.scopes = tuple(dict.fromkeys(claims["scope"].split()))
        """What the token permits, in the order in which it was granted."""
        self.roles: tuple[str, ...] = tuple(claims.get("roles", ())) if self.session_id else ()
        self.email: str | None = claims.get("email") if self.session_id else None
        """For display only: no decision may depend on it."""
        self.expires_at = int(claims["exp"])
        """In seconds since 1970."""


def secret_key(secret: str) -> jwt.PyJWK:
    """The key of a secret of `ACCESS_TOKEN_SECRET`: the bytes of the text."""
    digest = hashlib.sha256(f"goptri key id\0{secret}".encode()).digest()
    kid, k = (base64.urlsafe_b64encode(data).rstrip(b"=").decode() for data in (digest[:12], secret.encode()))
    return jwt.PyJWK({"kty": "oct", "kid": kid, "k": k}, "HS256")


def public_key(jwk: dict[str, Any]) -> jwt.PyJWK:
    """A published key.

    Raises:
        ValueError: If the key cannot be used.
    """
    try:
        key = jwt.PyJWK(jwk, _ALGORITHMS[jwk["kty"], jwk.get("crv")])
    except (jwt.PyJWTError, LookupError, TypeError) as error:
        raise ValueError("not an Ed25519, P-256 or RSA key") from error
    is_weak = key.algorithm_name == "RS256" and key.key.key_size < 2048
    is_other = jwk.get("alg", key.algorithm_name) != key.algorithm_name or jwk.get("use", "sig") != "sig"
    # With a private key, every reader of the set can sign tokens.
    if is_weak or is_other or "d" in jwk or not isinstance(jwk.get("kid"), str):
        raise ValueError("a weak RSA key, another algorithm or use, a private key, or no kid")
    return key


def verify(token: str, settings: Settings, now: float, key_of: Callable[[str], jwt.PyJWK]) -> Caller:
    """The caller whom `token` describes. Whether it was revoked is not checked.

    Raises:
        TokenError: If the token is not genuine, not valid `now`, in seconds since 1970, or not for this service.
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise invalid_token("too long")
    if not _COMPACT.fullmatch(token):
        raise invalid_token("not compact")
    header, payload, signature = map(decode_base64url, token.split("."))
    key = _key(parse_object(header), key_of)
    if not key.Algorithm.verify(token.rpartition(".")[0].encode(), key.key, signature):
        raise invalid_token("bad signature")
    claims = parse_object(payload)
    _check(claims, settings, now)
    return Caller(claims)


def _key(header: Mapping[str, Any], key_of: Callable[[str], jwt.PyJWK]) -> jwt.PyJWK:
    """The key that `kid` names. Members with which a sender could choose it are ignored: `jwk`, `jku`, `x5u`, `x5c`."""
    if not {"crit", "zip", "enc"}.isdisjoint(header):
        raise invalid_token("extension")
    # Media types are case-insensitive and may begin with "application/" (RFC 7515 §4.1.9).
    if str(header.get("typ")).lower().removeprefix("application/") != "at+jwt":
        raise invalid_token("wrong type")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise invalid_token("missing kid")
    key = key_of(kid)
    if header.get("alg") != key.algorithm_name:
        raise invalid_token("wrong algorithm")
    return key


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and not _CONTROL.search(value)


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(map(_is_text, value))


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MAX_TIME


_CLAIMS: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(("sub", "client_id", "jti", "sid", "email"), _is_text),
    **dict.fromkeys(("exp", "iat", "nbf", "auth_time"), _is_time),
    "scope": lambda value: isinstance(value, str) and bool(_SCOPE.fullmatch(value)),
    "roles": _is_texts,
    "email_verified": lambda value: isinstance(value, bool),
}
_OPTIONAL = {"sid", "email", "nbf", "auth_time", "roles", "email_verified"}


def _check(claims: Mapping[str, Any], settings: Settings, now: float) -> None:
    for name, is_valid in _CLAIMS.items():
        # `null` is never "absent".
        if (name in claims or name not in _OPTIONAL) and not is_valid(claims.get(name)):
            raise invalid_token(f"invalid claim {name}")
    audiences = [claims.get("aud")] if isinstance(claims.get("aud"), str) else claims.get("aud")
    exp, iat, nbf, auth_time = (int(claims.get(name, 0)) for name in ("exp", "iat", "nbf", "auth_time"))
    rules = {
        "wrong issuer": claims.get("iss") != settings.issuer,
        "wrong audience": not _is_texts(audiences) or settings.audience not in audiences,
        # RFC 7519 §4.1.4: a token is rejected "on or after" exp.
        "expired": now - settings.leeway >= exp,
        "not yet valid": nbf > now + settings.leeway,
        "issued in the future": iat > now + settings.leeway + _MAX_CLOCK_ERROR,
        "contradictory times": exp < iat or nbf > exp or auth_time > iat,
        # Otherwise it would be unclear which revocation applies.
        "no session": ("sid" in claims) == (claims["sub"] == claims["client_id"]),
    }
    for reason, is_broken in rules.items():
        if is_broken:
            raise invalid_token(reason)
