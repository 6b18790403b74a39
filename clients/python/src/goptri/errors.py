"""Why a request is rejected, and what is wrong with the settings."""

import json
from collections.abc import Iterable, Sequence

# The status, the challenge and the description of each code.
_RESPONSES = {
    "missing_token": (
        401,
        "Bearer",
        "This route needs an access token; send it as Authorization: Bearer and the token.",
    ),
    "invalid_token": (
        401,
        'Bearer error="invalid_token"',
        "The token is malformed, expired, revoked or for another service.",
    ),
    "insufficient_scope": (
        403,
        'Bearer error="insufficient_scope"',
        "The access token lacks the scope or role that this route needs.",
    ),
    "invalid_request": (400, "", "The request has more than one Authorization header; send one."),
    "cross_site_request": (
        403,
        "",
        "Requests with cookies that change something must come from a page of this service or of an allowed origin.",
    ),
    "temporarily_unavailable": (
        503,
        "",
        "The service is temporarily unavailable; try again after the seconds in the Retry-After header.",
    ),
}


class ConfigurationError(ValueError):
    """All that is wrong in a configuration, one line for each problem. Contains no secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n  ".join(["invalid configuration:", *problems]))
        self.problems = list(problems)


class TokenError(Exception):
    """Why a request is rejected. The text is the reason for the log. It has no part of the token.

    `status`, `headers` and `body` are the response (RFC 6749 §5.2, RFC 6750 §3), which does not depend on the reason.
    """

    def __init__(self, code: str, reason: str | None = None, scopes: Iterable[str] = ()) -> None:
        super().__init__(reason or code)
        self.code = code
        self.status, challenge, description = _RESPONSES[code]
        if scopes:
            challenge += f', scope="{" ".join(scopes)}"'
        content = {"error": code, "error_description": description}
        self.body = json.dumps(content, separators=(",", ":")).encode()
        self.headers = [("Content-Type", "application/json"), ("Content-Length", str(len(self.body)))]
        if challenge:
            self.headers.append(("WWW-Authenticate", challenge))
        if self.status == 503:
            self.headers.append(("Retry-After", "1"))


def invalid_token(reason: str) -> TokenError:
    """The error for a token that is never accepted."""
    return TokenError("invalid_token", reason)
