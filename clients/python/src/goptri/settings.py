"""The settings of a service, from environment variables or from code. All errors are reported together."""

from __future__ import annotations

import functools
import ipaddress
import re
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from .errors import ConfigurationError

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_KNOWN = re.compile(
    "secret|asdf|change[-_]?me|password|test|default|example|0123456789|1234567890|your-256-bit-secret"
    "|a-string-secret-at-least-256-bits-long|your_secret_key|supersecret"
)
_PRIVATE_NETWORKS = "127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 169.254.0.0/16 ::1/128 fc00::/7 fe80::/10"
_PRIVATE = [ipaddress.ip_network(network) for network in _PRIVATE_NETWORKS.split()]
_MAX_FILE_BYTES = 1 << 20


@dataclass(frozen=True)
class Settings:
    """What a service must know to verify tokens. docs/configuration.md describes each variable.

    Raises:
        ConfigurationError: If a value is invalid, with the name of its environment variable.
    """

    issuer: str = "http://localhost:4000"
    audience: str = "http://localhost:3000"
    secrets: Sequence[str] = field(default=(), repr=False)
    """The secrets of auth-server (`ACCESS_TOKEN_SECRET`), with which a token may be signed."""
    auth_server_url: str | None = None
    """Where the feed and the public keys are. None: neither is used."""
    auth_server_ca_file: str | None = None
    feed_secret: str | None = field(default=None, repr=False)
    """The secret of the feed (`FEED_SECRET`). None: a sign-out takes effect when the access token expires."""
    clock_leeway: float = 30.0
    """In seconds, as all durations here."""
    max_staleness: float = 60.0
    on_stale: Literal["allow", "refuse"] = "allow"
    session_cookie_name: str = "session"
    session_cookie_domain: str | None = None
    cors_origins: Sequence[str] = ()

    def __post_init__(self) -> None:
        if problems := list(self._problems()):
            raise ConfigurationError(problems)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Reads the variables of `api-server`, and for the two secrets also `NAME_FILE`.

        Raises:
            ConfigurationError: If a variable is invalid.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []

        def read(variable: str, name: str, parse: Callable[[str], Any] = str) -> None:
            # An empty value counts as not set.
            try:
                text = _secret(environment, variable) if "SECRET" in variable else environment.get(variable)
                if text:
                    values[name] = parse(text)
            except ValueError as error:
                problems.append(f"{variable}{error}")

        read("ISSUER", "issuer")
        read("AUDIENCE", "audience")
        read("ACCESS_TOKEN_SECRET", "secrets", lambda text: text.split(","))
        read("FEED_SECRET", "feed_secret", _first_secret)
        read("AUTH_SERVER_URL", "auth_server_url")
        read("AUTH_SERVER_CA_FILE", "auth_server_ca_file")
        read("CLOCK_LEEWAY", "clock_leeway", parse_duration)
        read("REVOCATION_MAX_STALENESS", "max_staleness", parse_duration)
        read("ON_STALE", "on_stale")
        read("SESSION_COOKIE_NAME", "session_cookie_name")
        read("SESSION_COOKIE_DOMAIN", "session_cookie_domain")
        read("CORS_ORIGINS", "cors_origins", lambda text: [part.strip() for part in text.split(",")])
        if not problems and "secrets" not in values and "auth_server_url" not in values:
            problems.append("ACCESS_TOKEN_SECRET is not set, nor is AUTH_SERVER_URL; set one of them")
        values.setdefault("auth_server_url", values.get("issuer", cls.issuer))
        try:
            settings = cls(**values)
        except ConfigurationError as error:
            raise ConfigurationError(problems + error.problems) from None
        if problems:
            raise ConfigurationError(problems)
        return settings

    @functools.cached_property
    def origins(self) -> frozenset[str]:
        """The origins whose pages may send unsafe requests with the session cookie."""
        own = filter(None, map(origin_of, (self.issuer, self.audience)))
        return frozenset([*own, *self.cors_origins])

    @functools.cached_property
    def session_cookie(self) -> str:
        """The name of the session cookie. Its prefix follows from the other settings."""
        return self._cookie_prefix + _without_prefix(self.session_cookie_name)

    @functools.cached_property
    def tls_context(self) -> ssl.SSLContext:
        """Trusts the certificates of the system and of `auth_server_ca_file`, which is read once."""
        context = ssl.create_default_context()
        if self.auth_server_ca_file:
            context.load_verify_locations(self.auth_server_ca_file)
        return context

    @property
    def _cookie_prefix(self) -> str:
        if self.issuer.startswith("http:"):
            return ""
        return "__Secure-" if self.session_cookie_domain else "__Host-"

    def _problems(self) -> list[str]:
        # A problem of ISSUER, which is the default, is reported once.
        has_own_url = self.auth_server_url is not None and self.auth_server_url != self.issuer
        weakness = next(filter(None, map(_weakness, self.secrets)), "")
        if not weakness and len(set(self.secrets)) < len(self.secrets):
            weakness = "has the same secret twice"
        feed = "" if self.feed_secret is None else _weakness(self.feed_secret)
        if self.feed_secret in self.secrets:
            feed = "is identical to ACCESS_TOKEN_SECRET"
        found = {
            "ISSUER": _url_problem(self.issuer, _is_local),
            "AUDIENCE": "is the same as ISSUER" if self.audience == self.issuer else _audience_problem(self.audience),
            "ACCESS_TOKEN_SECRET": weakness or ("" if self.secrets or self.auth_server_url else "is not set"),
            "FEED_SECRET": feed or ("needs AUTH_SERVER_URL" if self.feed_secret and not self.auth_server_url else ""),
            "AUTH_SERVER_URL": _url_problem(self.auth_server_url or "", _is_private) if has_own_url else "",
            "AUTH_SERVER_CA_FILE": self._ca_problem(),
            "CLOCK_LEEWAY": "" if 0 <= self.clock_leeway <= 300 else "is not from 0 to 5m",
            "REVOCATION_MAX_STALENESS": "" if self.max_staleness > 5 else "must be longer than 5s",
            "ON_STALE": "" if self.on_stale in ("allow", "refuse") else f"is {self.on_stale!r}; write allow or refuse",
            "SESSION_COOKIE_NAME": self._cookie_problem(),
            "SESSION_COOKIE_DOMAIN": self._domain_problem(),
            "CORS_ORIGINS": next(filter(None, map(_origin_problem, self.cors_origins)), ""),
        }
        return [f"{variable} {problem}" for variable, problem in found.items() if problem]

    def _ca_problem(self) -> str:
        try:
            if self.auth_server_ca_file:
                _ = self.tls_context
        except (OSError, ValueError):
            return f"names the file {self.auth_server_ca_file!r}, which has no certificates in PEM"
        return ""

    def _cookie_problem(self) -> str:
        base = _without_prefix(self.session_cookie_name)
        if not re.fullmatch("(?!__)[A-Za-z0-9_-]{1,64}", base) or base == "refresh":
            return f"is {self.session_cookie_name!r}; a name has 1 to 64 letters, digits, hyphens and underscores"
        if self._cookie_prefix and self.session_cookie_name not in (base, self.session_cookie):
            return f"is {self.session_cookie_name!r}; with these settings it is {self.session_cookie}"
        return ""

    def _domain_problem(self) -> str:
        domain = self.session_cookie_domain
        if domain is None:
            return ""
        if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*", domain):
            return f"is {domain!r}, which is no domain such as example.com"
        if self.issuer.startswith("http:"):
            return "needs an https ISSUER"
        inside = f".{_host(self.issuer)}".endswith(f".{domain}")
        return "" if inside else f"is {domain!r}; the host of ISSUER is not in that domain"


def _without_prefix(cookie: str) -> str:
    return re.sub("^(__Host-|__Secure-)", "", cookie)


def parse_duration(text: str) -> float:
    """Seconds of `500ms`, `30s`, `15m`, `1h`, `7d` or `0`.

    Raises:
        ValueError: A clause that follows the name of the variable.
    """
    found = re.fullmatch("([0-9]{1,12})(ms|s|m|h|d)", text) if text != "0" else re.fullmatch("(0)()", text)
    seconds = int(found[1]) * _UNITS.get(found[2], 0) if found else float("inf")
    if seconds > 100 * 365 * 86400:
        raise ValueError(f" is {text!r}; a duration is written like 30s, 15m, 1h or 7d")
    return seconds


def _first_secret(text: str) -> str:
    secrets = text.split(",")
    if weakness := next(filter(None, map(_weakness, secrets)), ""):
        raise ValueError(f" {weakness}")
    return secrets[0]


def files_of_secrets(environment: Mapping[str, str]) -> dict[str, bytes | None]:
    """The current contents of the files that `NAME_FILE` variables of secrets name. None: cannot be read."""
    paths = filter(None, (environment.get("ACCESS_TOKEN_SECRET_FILE"), environment.get("FEED_SECRET_FILE")))
    return {path: _contents(path) for path in paths}


def _contents(path: str) -> bytes | None:
    try:
        with Path(path).open("rb") as file:
            return file.read(_MAX_FILE_BYTES)
    except OSError:
        return None


def _secret(environment: Mapping[str, str], variable: str) -> str | None:
    text, path = environment.get(variable), environment.get(f"{variable}_FILE")
    if text and path:
        raise ValueError(f" and {variable}_FILE are both set; set only one of them")
    if not path:
        return text
    contents = _contents(path)
    if contents is None:
        raise ValueError(f"_FILE names the file {path!r}, which cannot be read")
    text = contents.decode("utf-8", "replace")
    # U+FFFD stands for bytes that are not UTF-8.
    if text.startswith("\ufeff") or "\ufffd" in text or "\0" in text:
        raise ValueError(f"_FILE names the file {path!r}; save it as UTF-8 without a byte order mark")
    # One trailing line ending is stripped.
    text = text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text
    if not text:
        raise ValueError(f"_FILE names the file {path!r}, which is empty")
    return text


def _weakness(secret: str) -> str:
    """Why the text is rejected as a secret. Quotes nothing of it."""
    size, lower = len(secret.encode("utf-8", "surrogateescape")), secret.lower()
    if 4 * len(_KNOWN.sub("", lower)) <= len(lower) and lower:
        return "is a well-known default; `auth-server secrets` prints good ones"
    if size < 32:
        return f"is {size} bytes long; it needs at least 32. `auth-server secrets` prints good ones"
    if any(character.isspace() or not character.isprintable() for character in secret):
        return "contains white space or control characters"
    return "repeats a few characters; `auth-server secrets` prints good ones" if len(set(secret)) < 8 else ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _is_local(host: str) -> bool:
    return host in ("localhost", "127.0.0.1", "::1")


def _is_private(host: str) -> bool:
    """Whether the host is an address of a private network, or a name that resolves only in one."""
    try:
        return any(ipaddress.ip_address(host) in network for network in _PRIVATE)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal"))


def _url_problem(text: str, allows_http: Callable[[str], bool]) -> str:
    if "@" in text:
        # Not quoted: it may contain a password.
        return "is a URL with a user or a password in it; leave them out"
    try:
        url = urlsplit(text)
        host, _ = url.hostname, url.port
    except ValueError:
        return f"is {text!r}, which is not a URL"
    if url.scheme not in ("http", "https") or not host:
        return f"is {text!r}; it starts with https://"
    if url.scheme == "http" and not allows_http(host):
        return f"is {text!r}; plain http is for localhost and private networks only, use https"
    if "?" in text or "#" in text or text.endswith("/") or re.search(r"[\s\x00-\x1f\x7f]", text):
        return f"is {text!r}; it has no query, fragment or white space, and no slash at its end"
    return ""


def _audience_problem(text: str) -> str:
    is_name = text and not any(character.isspace() or not character.isprintable() for character in text)
    return "" if is_name else f"is {text!r}; it is one name without white space"


def origin_of(text: str) -> str | None:
    """The origin of an http or https URL as browsers send it, or None if it is no such URL."""
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
        host = host and (f"[{host}]" if ":" in host else host.encode("idna").decode("ascii"))
    except ValueError:
        return None
    default = {"http": 80, "https": 443}.get(url.scheme)
    if not host or default is None:
        return None
    return f"{url.scheme}://{host}" + ("" if port in (None, default) else f":{port}")


def _origin_problem(text: str) -> str:
    if "@" in text:
        return "contains a URL with a user or a password in it"
    if text in ("null", "*") or origin_of(text) != text:
        return f"contains {text!r}, which is no origin such as https://app.example.com"
    is_https = text.startswith("https:") or _is_local(_host(text))
    return "" if is_https else f"contains {text!r}; plain http is for localhost only, use https"
