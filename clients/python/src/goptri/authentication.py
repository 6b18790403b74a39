"""Authenticates one request, independent of any web framework: its credential, its sender, its response headers."""

import logging
from collections.abc import Iterable, Mapping, Sequence

from .errors import TokenError, invalid_token
from .guard import Guard
from .strict import decode_base64, parse_object
from .token import Caller

MAX_COOKIE_BYTES = 4096


class Authentication:
    """The authentication of one request. The token is verified once, when a caller is first asked for."""

    def __init__(self, guard: Guard, method: str, headers: Mapping[str, Sequence[str]]) -> None:
        """`headers` has the values of each header by its name in lower case, decoded as ISO 8859-1."""
        self._guard = guard
        self._method = method
        self._headers = headers
        self._caller: Caller | None = None
        self._cookies: list[str] | None = None

    def caller(self, *scopes: str, role: str | None = None) -> Caller:
        """The caller, if the access token is valid and has these scopes and this role.

        Raises:
            TokenError: The response to send instead.
        """
        try:
            if self._caller is None:
                self._caller = self._guard.verify(self._token())
            if not set(scopes) <= set(self._caller.scopes) or role not in (None, *self._caller.roles):
                raise TokenError("insufficient_scope", scopes=scopes)
        except TokenError as error:
            logging.getLogger("goptri").info("request rejected: %s", error)
            raise
        return self._caller

    def optional_caller(self) -> Caller | None:
        """The caller, or None without a valid access token.

        Raises:
            TokenError: If that cannot be decided, or the request is not acceptable in any case.
        """
        try:
            return self.caller()
        except TokenError as error:
            if error.status != 401:
                raise
            return None

    def mark(self, headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """The headers of the response, with those that keep the response to a cookie out of caches."""
        marked = list(headers)
        if self._cookies:
            marked = [(name, value) for name, value in marked if name.lower() != "cache-control"]
            marked.append(("cache-control", "private, no-store"))
        if self._cookies is not None:
            marked.append(("vary", "Sec-Fetch-Site, Origin, Cookie"))
        return marked

    def _token(self) -> str:
        """The access token in the `Authorization` header or, only if there is none, in the session cookie."""
        authorization = self._headers.get("authorization", ())
        if len(authorization) > 1:
            raise TokenError("invalid_request")
        scheme, _, token = authorization[0].partition(" ") if authorization else ("", "", "")
        if scheme.lower() == "bearer":
            return token.strip(" ")
        name = f"{self._guard.settings.session_cookie}="
        # Browsers take other white space for a part of the name.
        pairs = (pair.strip(" \t") for header in self._headers.get("cookie", ()) for pair in header.split(";"))
        self._cookies = [pair.removeprefix(name) for pair in pairs if pair.startswith(name) and not authorization]
        if not self._cookies:
            raise TokenError("missing_token")
        if len(self._cookies) > 1:
            raise invalid_token("two cookies")
        # Before the cookie is decoded, so that a foreign page does not learn whether it is valid.
        if not self._may_use_cookies():
            raise TokenError("cross_site_request")
        return _decode(self._cookies[0])

    def _may_use_cookies(self) -> bool:
        """Whether the request is safe, or its sender may use cookies. A header that occurs twice counts as absent."""
        fetch_site, origin = (tuple(self._headers.get(name, ())) for name in ("sec-fetch-site", "origin"))
        # A page can read the WebSocket that it opens with GET, whatever its origin.
        is_safe = self._method in ("GET", "HEAD", "OPTIONS") and "sec-websocket-version" not in self._headers
        return (
            is_safe
            or fetch_site in (("same-origin",), ("none",))
            or (len(origin) == 1 and origin[0] in self._guard.settings.origins)
        )


def _decode(cookie: str) -> str:
    """The access token in a session cookie: base64 of `{"jwt":"…"}`, without escapes."""
    json = decode_base64(cookie) if len(cookie) <= MAX_COOKIE_BYTES else b""
    token = parse_object(json).get("jwt")
    if not isinstance(token, str) or f'"{token}"'.encode() not in json:
        raise invalid_token("malformed cookie")
    return token
