"""Verifies access tokens (RFC 9068): the signature, every claim, and the revocation. Does no I/O and takes no lock."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeGuard

from .errors import TokenError
from .keys import KeyStore
from .revocations import RevocationSet
from .strict import decode_base64url, is_text, numeric_date, parse_object

MAX_TOKEN_BYTES = 8 * 1024
_COMPACT = re.compile(r"([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)\.([A-Za-z0-9_-]*)", re.ASCII)
_SCOPE = re.compile(r"(?:[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*)?")
# How far a verifier's clock may be behind: a token from further in the future could outlive its own revocation.
_MAX_CLOCK_ERROR = 3600


@dataclass(frozen=True)
class Caller:
    """The caller of a request, as a verified access token describes them: a user, or a client that acts for itself."""

    subject: str
    """The id of the user, or of the client."""
    client_id: str
    session_id: str | None
    """The session (`sid`), which ends when the user signs out. A client has none."""
    token_id: str
    scope: str
    """What the token permits: words separated by single spaces."""
    roles: tuple[str, ...]
    email: str | None
    """For display only: no decision may depend on it."""
    expires_at: int
    issued_at: int
    claims: Mapping[str, Any] = field(repr=False, hash=False)
    """All claims, also those that this package does not know."""

    @property
    def scopes(self) -> frozenset[str]:
        """The words of the scope."""
        return frozenset(self.scope.split())

    def has_scope(self, scope: str) -> bool:
        """Whether the token permits this. The comparison is exact."""
        return scope in self.scope.split()

    def has_role(self, role: str) -> bool:
        """Whether the user has this role. A client has no roles."""
        return role in self.roles


@dataclass(frozen=True)
class Verifier:
    """Verifies access tokens of one issuer for one audience. `clock` returns the seconds since 1970."""

    issuer: str
    audience: str
    leeway: float
    keys: KeyStore
    revocations: RevocationSet | None
    clock: Callable[[], float]

    def verify(self, token: str) -> Caller:
        """The caller whom `token` describes, if it is genuine, valid now, for this service, and not revoked.

        Raises:
            TokenError: With the reason.
        """
        caller = self._caller(self._claims(token))
        self.check_times(caller)
        if self.revocations is not None:
            # Last, so that a forged token costs no lookup.
            self.revocations.check(caller.session_id, caller.token_id, caller.client_id, caller.issued_at)
        return caller

    def check_times(self, caller: Caller) -> None:
        """Checks the times of verified claims again.

        Raises:
            TokenError: With the reason.
        """
        now, claims = self.clock(), caller.claims
        # RFC 7519 §4.1.4: a token is rejected "on or after" exp.
        if now - self.leeway >= caller.expires_at:
            raise TokenError("expired")
        if "nbf" in claims and now + self.leeway < numeric_date(claims["nbf"]):
            raise TokenError("not_yet_valid")
        if now + self.leeway < caller.issued_at - _MAX_CLOCK_ERROR:
            raise TokenError("issued_in_the_future")

    def _claims(self, token: str) -> Mapping[str, Any]:
        """The payload of `token`, once type, key and signature are verified."""
        if len(token) > MAX_TOKEN_BYTES:
            raise TokenError("too_long")
        segments = _COMPACT.fullmatch(token)
        if not segments:
            raise TokenError("not_compact")
        try:
            header, payload, signature = (decode_base64url(segment) for segment in segments.groups())
        except ValueError:
            raise TokenError("base64") from None
        parsed = _parse(header)
        if not {"crit", "zip", "enc"}.isdisjoint(parsed):
            raise TokenError("extension")
        typ, kid = parsed.get("typ"), parsed.get("kid")
        # Media types are case-insensitive and may begin with "application/" (RFC 7515 §4.1.9).
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") != "at+jwt":
            raise TokenError("wrong_type")
        if not isinstance(kid, str):
            raise TokenError("missing_kid")
        key = self.keys.current.get(kid)
        if key is None:
            raise TokenError("keys_unavailable" if self.keys.waits_for else "unknown_key")
        if parsed.get("alg") != key.algorithm:
            raise TokenError("wrong_algorithm")
        if not key.verify(token.rpartition(".")[0].encode("ascii"), signature):
            raise TokenError("bad_signature")
        return _parse(payload)

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        if claims.get("iss") != self.issuer:
            raise TokenError("wrong_issuer")
        audiences = claims.get("aud")
        audiences = [audiences] if isinstance(audiences, str) else audiences
        if not _is_list_of_text(audiences) or self.audience not in audiences:
            raise TokenError("wrong_audience")
        for name in ("sub", "client_id", "jti", "sid", "email"):
            # `null` is never "absent".
            if (name in claims or name not in ("sid", "email")) and not is_text(claims.get(name)):
                raise TokenError("invalid_claim")
        scope, roles = claims.get("scope"), claims.get("roles", [])
        if not isinstance(scope, str) or not _SCOPE.fullmatch(scope) or not _is_list_of_text(roles):
            raise TokenError("invalid_claim")
        if not isinstance(claims.get("email_verified", False), bool):
            raise TokenError("invalid_claim")
        exp, iat = _check_order(claims)
        sid, is_client = claims.get("sid"), claims["sub"] == claims["client_id"]
        # Otherwise it would be unclear which revocation applies.
        if (sid is None) != is_client:
            raise TokenError("no_session")
        return Caller(
            subject=claims["sub"],
            client_id=claims["client_id"],
            session_id=sid,
            token_id=claims["jti"],
            scope=" ".join(dict.fromkeys(scope.split())),
            roles=() if is_client else tuple(roles),
            email=None if is_client else claims.get("email"),
            expires_at=exp,
            issued_at=iat,
            claims=MappingProxyType(claims),
        )


def _parse(data: bytes) -> dict[str, Any]:
    try:
        return parse_object(data)
    except (ValueError, RecursionError) as error:
        reason = str(error)
        raise TokenError(reason if reason in ("duplicate_member", "too_many_members") else "json") from None


def _is_list_of_text(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and all(is_text(value) for value in values)


def _check_order(claims: Mapping[str, Any]) -> tuple[int, int]:
    """`exp` and `iat`, if the times are numbers and do not contradict each other."""
    try:
        exp, iat = numeric_date(claims.get("exp")), numeric_date(claims.get("iat"))
        nbf, auth_time = numeric_date(claims.get("nbf", 0)), numeric_date(claims.get("auth_time", 0))
    except ValueError:
        raise TokenError("json") from None
    if exp < iat or nbf > exp or auth_time > iat:
        raise TokenError("invalid_claim")
    return exp, iat
