"""Why a request is rejected, and what is wrong with the settings."""

import json
from collections.abc import Iterable

_DESCRIPTIONS = {
    "missing_token": "This route needs an access token; send it as Authorization: Bearer and the token.",
    "invalid_token": "The token is malformed, expired, revoked or for another service.",
    "insufficient_scope": "The access token lacks the scope or role that this route needs.",
    "invalid_request": "The request has more than one Authorization header; send one.",
    "cross_site_request": "Requests with cookies that change something must come from a page of this service or of an "
    "allowed origin.",
    "temporarily_unavailable": "The service is temporarily unavailable; try again after the seconds in the Retry-After "
    "header.",
}
# Others have 403.
_STATUSES = {"missing_token": 401, "invalid_token": 401, "invalid_request": 400, "temporarily_unavailable": 503}


class ConfigurationError(ValueError):
    """Names all variables that are invalid, one in a line. Contains no secret."""


class TokenError(Exception):
    """Why a request is rejected. The text is the reason for the log. It has no part of the token.

    `status`, `headers` and `body` are the response (RFC 6749 §5.2, RFC 6750 §3), which does not depend on the reason.
    """

    def __init__(self, code: str, reason: str | None = None, scopes: Iterable[str] = ()) -> None:
        super().__init__(reason or code)
        self.code = code
        self.status = _STATUSES.get(code, 403)
        content = {"error": code, "error_description": _DESCRIPTIONS[code]}
        self.body = json.dumps(content, separators=(",", ":")).encode()
        self.headers = [("Content-Type", "application/json"), ("Content-Length", str(len(self.body)))]
        if code in ("missing_token", "invalid_token", "insufficient_scope"):
            error = "" if code == "missing_token" else f' error="{code}"'
            scope = f', scope="{" ".join(scopes)}"' if scopes else ""
            self.headers.append(("WWW-Authenticate", f"Bearer{error}{scope}"))
        if self.status == 503:
            self.headers.append(("Retry-After", "1"))


def invalid_token(reason: str) -> TokenError:
    """The error for a token that is never accepted."""
    return TokenError("invalid_token", reason)
