"""The errors of this package: why a token was rejected, what the client sees, and what is wrong in a configuration."""

from __future__ import annotations

import json
from collections.abc import Sequence


class TokenError(Exception):
    """Why a token was rejected, for the log. Clients see only a `ProtocolError`.

    `reason` is a short name such as `expired`. It never contains a part of the token.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ConfigurationError(ValueError):
    """All that is wrong in a configuration, one line for each problem. Contains no secret."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n  ".join(["invalid configuration:", *problems]))
        self.problems = list(problems)


class ProtocolError(Exception):
    """An error as the client sees it (RFC 6749 §5.2, RFC 6750 §3). The reason of a rejection is only in the log."""

    status: int
    code: str
    description: str
    challenge: str | None = None
    retry_after: int | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.description}"

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers of the response."""
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(self.body)))]
        if self.challenge:
            headers.append(("WWW-Authenticate", self.challenge))
        if self.retry_after is not None:
            headers.append(("Retry-After", str(self.retry_after)))
        return headers

    @property
    def body(self) -> bytes:
        """The body of the response, in JSON."""
        content = {"error": self.code, "error_description": self.description}
        return json.dumps(content, separators=(",", ":")).encode()


class MissingToken(ProtocolError):
    """The request has no token."""

    status, code, challenge = 401, "missing_token", "Bearer"
    description = "This route needs an access token; send it as Authorization: Bearer and the token."


class InvalidToken(ProtocolError):
    """The token is invalid. Every reason gets this response."""

    status, code, challenge = 401, "invalid_token", 'Bearer error="invalid_token"'
    description = "The token is malformed, expired, revoked or for another service."


class InsufficientScope(ProtocolError):
    """The token is valid and lacks one of these scopes, or a role if there are none."""

    status, code = 403, "insufficient_scope"
    description = "The access token lacks the scope or role that this route needs."

    def __init__(self, *scopes: str) -> None:
        scope = f', scope="{" ".join(scopes)}"' if scopes else ""
        self.challenge = f'Bearer error="insufficient_scope"{scope}'


class TwoCredentials(ProtocolError):
    """The request has two `Authorization` headers."""

    status, code = 400, "invalid_request"
    description = "The request has more than one Authorization header; send one."


class CrossSite(ProtocolError):
    """A page that may not use cookies sent the request."""

    status, code = 403, "cross_site_request"
    description = (
        "Requests with cookies that change something must come from a page of this service or of an allowed origin."
    )


class Unavailable(ProtocolError):
    """The token may be valid, but that cannot be decided now."""

    status, code, retry_after = 503, "temporarily_unavailable", 1
    description = "The service is temporarily unavailable; try again after the seconds in the Retry-After header."
