"""The settings of a `Guard`, which are those of api-server (docs/configuration.md)."""

import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .errors import ConfigurationError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LOCAL = r"localhost|127\.0\.0\.1|\[::1\]"
_PRIVATE = r"(10|127|169\.254|192\.168|172\.(1[6-9]|2\d|3[01]))(\.\d+)+|\[f[cde][0-9a-f]{2}:[0-9a-f:]+\]"
# Names that resolve in a private network only.
_NEARBY = rf"{_LOCAL}|{_PRIVATE}|[\w-]+|[\w.-]+\.(localhost|local|internal)"
_ORIGIN = rf"(https://[a-z0-9.-]+|http://({_LOCAL}))(:\d+)?"
_COOKIE = "(__(Host|Secure)-)?(?!__|refresh$)[A-Za-z0-9_-]{1,64}"
_DOMAIN = r"([a-z0-9-]+\.)+[a-z][a-z0-9-]*"


class Settings:
    """The values of environment variables.

    Raises:
        ConfigurationError: Names all variables that are invalid.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        problems: list[str] = []

        def read(name: str, default: Any, parse: Callable[[str], Any], meaning: str) -> Any:
            try:
                text = _text(environment, name)
                return default if text is None else parse(text)
            except (OSError, ValueError):
                problems.append(f"{name} must be {meaning}")
                return default

        secrets = "secrets of at least 32 bytes, either in the variable or in a readable file"
        self.issuer: str = read("ISSUER", "http://localhost:4000", _url(_LOCAL), "an https URL, or http on localhost")
        self.audience: str = read("AUDIENCE", "http://localhost:3000", _matching(r"\S+"), "a name without white space")
        self.secrets: list[str] = read("ACCESS_TOKEN_SECRET", [], _secrets, secrets)
        self.feed_secrets: list[str] = read("FEED_SECRET", [], _secrets, secrets)
        url = read("AUTH_SERVER_URL", "", _url(_NEARBY), "an https URL, or http on a private network")
        self.ca_file: str | None = read("AUTH_SERVER_CA_FILE", None, _ca_file, "a file with certificates in PEM")
        self.leeway: float = read("CLOCK_LEEWAY", 30.0, _seconds(0, 300), "a duration like 30s, at most 5m")
        staleness = "a duration like 60s, longer than 5s"
        self.max_staleness: float = read("REVOCATION_MAX_STALENESS", 60.0, _seconds(5.001, 1e9), staleness)
        self.on_stale: str = read("ON_STALE", "allow", _matching("allow|refuse"), "allow or refuse")
        cookie = read("SESSION_COOKIE_NAME", "session", _matching(_COOKIE), "up to 64 letters, digits, - and _")
        domain = read("SESSION_COOKIE_DOMAIN", "", _matching(_DOMAIN), "a domain such as example.com")
        origins = read("CORS_ORIGINS", [], _origins, "https origins, or http on localhost, separated by commas")
        if not (problems or self.secrets or url):
            problems.append("ACCESS_TOKEN_SECRET or AUTH_SERVER_URL must be set")
        if self.audience == self.issuer:
            problems.append("AUDIENCE must not be the same as ISSUER")
        if not set(self.secrets).isdisjoint(self.feed_secrets):
            problems.append("FEED_SECRET must not be one of ACCESS_TOKEN_SECRET")
        if problems:
            raise ConfigurationError("\n  ".join(["invalid configuration:", *problems]))
        self.auth_server_url = url or self.issuer
        prefix = "" if self.issuer.startswith("http:") else "__Secure-" if domain else "__Host-"
        self.session_cookie = prefix + re.sub("^__(Host|Secure)-", "", cookie)
        """The name of the session cookie, with the prefix that follows from the other settings."""
        own = (re.match("https?://[^/]+", url) for url in (self.issuer, self.audience))
        self.origins = {*origins, *(origin[0] for origin in own if origin)}
        """The origins whose pages may send unsafe requests with the session cookie."""


def _text(environment: Mapping[str, str], name: str) -> str | None:
    """An empty value counts as not set. One line ending of a file is stripped."""
    text, path = environment.get(name) or None, environment.get(f"{name}_FILE")
    if not path or not name.endswith("SECRET"):
        return text
    if text:
        raise ValueError("both are set")
    return re.sub(r"\r?\n\Z", "", Path(path).read_bytes().decode())


def _matching(pattern: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError("no match")
        return text

    return parse


def _secrets(text: str) -> list[str]:
    secrets = text.split(",")
    if any(len(secret.encode()) < 32 or " " in secret or not secret.isprintable() for secret in secrets):
        raise ValueError("no secret")
    return secrets


def _url(http_hosts: str) -> Callable[[str], str]:
    host = r"[\w.-]+|\[[0-9a-f:]+\]"
    return _matching(rf"(https://({host})|http://({http_hosts}))(:\d+)?(/[^\s@?#]*[^\s@?#/])?")


def _ca_file(path: str) -> str | None:
    ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    return path


def _seconds(least: float, most: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        duration = re.fullmatch("([0-9]{1,9})(ms|s|m|h|d)", "0s" if text == "0" else text)
        seconds = int(duration[1]) * _UNITS[duration[2]] if duration else -1
        if not least <= seconds <= most:
            raise ValueError("no duration, or too short or long")
        return seconds

    return parse


def _origins(text: str) -> list[str]:
    return [_matching(_ORIGIN)(origin.strip()) for origin in text.split(",")]
