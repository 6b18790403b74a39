"""Authenticates one request, independent of any web framework: its credential, its sender, its response headers."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from . import errors
from .errors import ProtocolError, TokenError
from .strict import decode_base64, parse_object
from .verifier import Caller

if TYPE_CHECKING:
    from .guard import Guard

MAX_COOKIE_BYTES = 4096
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_VARY = "Sec-Fetch-Site, Origin, Cookie"

log = logging.getLogger("goptri")


class Authentication:
    """The authentication of one request. The token is verified once, when a caller is first asked for."""

    def __init__(self, guard: Guard, method: str, headers: Mapping[str, Sequence[str]]) -> None:
        """`headers` has the values of each header by its name in lower case, decoded as ISO 8859-1."""
        self._guard = guard
        self._method = method
        self._headers = headers
        self._result: Caller | ProtocolError | None = None
        self._carrier: Literal["header", "cookie", "nothing"] = "nothing"

    def caller(self, *scopes: str, role: str | None = None) -> Caller:
        """The caller, if the access token is valid and has these scopes and this role.

        Raises:
            ProtocolError: The response to send instead.
        """
        if self._result is None:
            try:
                self._result = self._authenticate()
            except ProtocolError as error:
                self._result = error.with_traceback(None)
        if isinstance(self._result, ProtocolError):
            raise self._result.with_traceback(None)
        caller = self._result
        if not all(map(caller.has_scope, scopes)) or (role is not None and not caller.has_role(role)):
            raise errors.InsufficientScope(*scopes)
        return caller

    def optional_caller(self) -> Caller | None:
        """The caller, or None without a valid access token.

        Raises:
            ProtocolError: If that cannot be decided, or the request is not acceptable in any case.
        """
        try:
            return self.caller()
        except ProtocolError as error:
            if error.status != 401:
                raise
            return None

    def mark(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers of the response, with those that keep the response to a cookie out of caches (CK-05)."""
        marked = list(headers)
        if self._result is None or self._carrier == "header":
            return marked
        if self._carrier == "cookie":
            marked = [(name, value) for name, value in marked if name.lower() != "cache-control"]
            marked.append(("cache-control", "private, no-store"))
        return [*marked, ("vary", _VARY)]

    def _authenticate(self) -> Caller:
        try:
            return self._guard.verify(self._token())
        except TokenError as error:
            log.info("access token rejected: %s", error.reason)
            undecided = error.reason in ("stale", "not_caught_up", "keys_unavailable")
            # Without the cause: the token is in its frames.
            raise errors.Unavailable if undecided else errors.InvalidToken from None

    def _token(self) -> str:
        """The access token in the `Authorization` header or, only if there is none, in the session cookie."""
        authorization = self._headers.get("authorization", ())
        if len(authorization) > 1:
            self._carrier = "header"
            raise errors.TwoCredentials
        if authorization:
            scheme, _, token = authorization[0].partition(" ")
            if scheme.lower() != "bearer":
                raise errors.MissingToken
            self._carrier = "header"
            return token.strip(" ")
        cookies = find_cookies(self._headers.get("cookie", ()), self._guard.settings.session_cookie)
        if not cookies:
            raise errors.MissingToken
        self._carrier = "cookie"
        if len(cookies) > 1:
            raise TokenError("two_cookies")
        # Before the cookie is verified, so that a foreign page does not learn whether it is valid.
        if not self._may_use_cookies():
            log.info("cookies rejected: the request comes from a page of another origin")
            raise errors.CrossSite
        return token_of_cookie(cookies[0])

    def _may_use_cookies(self) -> bool:
        """Whether the request is safe, or its sender may use cookies. A header that occurs twice counts as absent."""
        fetch_site, origin = self._headers.get("sec-fetch-site", ()), self._headers.get("origin", ())
        return (
            self._method in _SAFE_METHODS
            or (len(fetch_site) == 1 and fetch_site[0] in ("same-origin", "none"))
            or (len(origin) == 1 and origin[0] in self._guard.settings.origins)
        )


def find_cookies(headers: Iterable[str], name: str) -> list[str]:
    """The values of all cookies of this name. Names are compared byte by byte, as browsers protect a prefixed name."""
    pairs = (pair.strip(" \t") for header in headers for pair in header.split(";"))
    return [pair[len(name) + 1 :] for pair in pairs if pair.startswith(f"{name}=")]


def token_of_cookie(value: str) -> str:
    """The access token in the value of a session cookie: base64 of `{"jwt":"…"}`.

    Raises:
        TokenError: For any other value.
    """
    try:
        if len(value) > MAX_COOKIE_BYTES:
            raise ValueError("too long")
        json = decode_base64(value)
        token = parse_object(json)["jwt"]
        # Without escapes, so that each token has one encoding.
        if not isinstance(token, str) or f'"{token}"'.encode() not in json:
            raise ValueError("no jwt")
    except (ValueError, KeyError, RecursionError):
        raise TokenError("malformed_cookie") from None
    return token
