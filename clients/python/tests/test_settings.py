"""Settings: every invalid one is reported, by the name of its variable and without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from goptri import ConfigurationError
from goptri.settings import Settings

from .tokens import FEED_SECRET, SECRET

OTHER = "8e71d2c5f0a9364b8e71d2c5f0a9364b"


def read(**changes: str) -> Settings:
    return Settings({"ACCESS_TOKEN_SECRET": SECRET, "FEED_SECRET": FEED_SECRET, **changes})


def problems(**changes: str) -> list[str]:
    try:
        read(**changes)
    except ConfigurationError as error:
        assert SECRET not in str(error)
        assert FEED_SECRET not in str(error)
        return str(error).splitlines()[1:]
    return []


def test_the_defaults_are_those_of_api_server() -> None:
    settings = read()
    assert (settings.issuer, settings.audience) == ("http://localhost:4000", "http://localhost:3000")
    assert settings.auth_server_url == "http://localhost:4000"
    assert (settings.leeway, settings.max_staleness, settings.on_stale) == (30, 60, "allow")
    assert settings.session_cookie == "session"
    assert settings.origins == {"http://localhost:4000", "http://localhost:3000"}
    assert read(ISSUER="").issuer == "http://localhost:4000"


def test_several_secrets_verify_and_several_feed_secrets_are_read() -> None:
    settings = read(ACCESS_TOKEN_SECRET=f"{SECRET},{OTHER}", FEED_SECRET=f"{FEED_SECRET},feed-{OTHER}x")
    assert (settings.secrets, settings.feed_secrets) == ([SECRET, OTHER], [FEED_SECRET, f"feed-{OTHER}x"])
    assert SECRET not in repr(settings)
    assert FEED_SECRET not in repr(settings)


def test_all_problems_are_reported_together() -> None:
    found = problems(ISSUER="http://example.com", AUDIENCE="a b", CLOCK_LEEWAY="soon", ON_STALE="x", FEED_SECRET="y")
    assert [line.split()[0] for line in found] == ["ISSUER", "AUDIENCE", "FEED_SECRET", "CLOCK_LEEWAY", "ON_STALE"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ISSUER": "http://10.0.0.1"}, "ISSUER must "),
        ({"ISSUER": "https://example.com/"}, "ISSUER must "),
        ({"ISSUER": "https://example.com?x"}, "ISSUER must "),
        ({"ISSUER": "ftp://localhost"}, "ISSUER must "),
        ({"ISSUER": "login.example.com"}, "ISSUER must "),
        ({"ISSUER": "https://"}, "ISSUER must "),
        ({"ISSUER": "https://example.com:port"}, "ISSUER must "),
        ({"ISSUER": "https://me:pw@example.com"}, "ISSUER must "),
        ({"AUDIENCE": "http://localhost:4000"}, "AUDIENCE must "),
        ({"ACCESS_TOKEN_SECRET": "secret"}, "ACCESS_TOKEN_SECRET must "),
        ({"ACCESS_TOKEN_SECRET": SECRET[:-1]}, "ACCESS_TOKEN_SECRET must "),
        ({"ACCESS_TOKEN_SECRET": f"{SECRET},"}, "ACCESS_TOKEN_SECRET must "),
        ({"ACCESS_TOKEN_SECRET": f"{SECRET}\n"}, "ACCESS_TOKEN_SECRET must "),
        ({"ACCESS_TOKEN_SECRET": f"{SECRET}\x00"}, "ACCESS_TOKEN_SECRET must "),
        ({"FEED_SECRET": f"{FEED_SECRET},short"}, "FEED_SECRET must "),
        ({"FEED_SECRET": SECRET}, "FEED_SECRET must "),
        ({"FEED_SECRET_FILE": "/nowhere"}, "FEED_SECRET must "),
        ({"FEED_SECRET": "", "FEED_SECRET_FILE": "/nowhere"}, "FEED_SECRET must "),
        ({"ACCESS_TOKEN_SECRET": ""}, "ACCESS_TOKEN_SECRET or AUTH_SERVER_URL must be set"),
        ({"AUTH_SERVER_URL": "http://login.example.com"}, "AUTH_SERVER_URL must "),
        ({"AUTH_SERVER_URL": "http://8.8.8.8"}, "AUTH_SERVER_URL must "),
        ({"AUTH_SERVER_URL": "http://172.32.0.1"}, "AUTH_SERVER_URL must "),
        ({"AUTH_SERVER_URL": "http://me:pw@auth"}, "AUTH_SERVER_URL must "),
        ({"AUTH_SERVER_CA_FILE": "/nowhere"}, "AUTH_SERVER_CA_FILE must "),
        ({"AUTH_SERVER_CA_FILE": __file__}, "AUTH_SERVER_CA_FILE must "),
        ({"CLOCK_LEEWAY": "301s"}, "CLOCK_LEEWAY must "),
        ({"CLOCK_LEEWAY": "-1s"}, "CLOCK_LEEWAY must "),
        ({"REVOCATION_MAX_STALENESS": "5s"}, "REVOCATION_MAX_STALENESS must "),
        ({"ON_STALE": "panic"}, "ON_STALE must "),
        ({"SESSION_COOKIE_NAME": "a b"}, "SESSION_COOKIE_NAME must "),
        ({"SESSION_COOKIE_NAME": "refresh"}, "SESSION_COOKIE_NAME must "),
        ({"ISSUER": "https://a.example.com", "SESSION_COOKIE_DOMAIN": ".example.com"}, "SESSION_COOKIE_DOMAIN must "),
        ({"ISSUER": "https://a.example.com", "SESSION_COOKIE_DOMAIN": "com"}, "SESSION_COOKIE_DOMAIN must "),
        ({"CORS_ORIGINS": "null"}, "CORS_ORIGINS must "),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS must "),
        ({"CORS_ORIGINS": "https://a.example,https://b.example/"}, "CORS_ORIGINS must "),
        ({"CORS_ORIGINS": "https://A.example"}, "CORS_ORIGINS must "),
        ({"CORS_ORIGINS": "http://a.example"}, "CORS_ORIGINS must "),
        ({"CORS_ORIGINS": "https://a:pw@a.example"}, "CORS_ORIGINS must "),
    ],
)
def test_each_problem_names_its_variable(changes: dict[str, str], expected: str) -> None:
    found = problems(**changes)
    assert len(found) == 1
    assert found[0].lstrip().startswith(expected)
    assert "pw" not in found[0]


def test_an_auth_server_on_a_private_network_may_use_http() -> None:
    for url in ["https://a.example/auth", "http://[::1]:4000", "http://auth-server:4000", "http://192.168.1.2"]:
        assert read(AUTH_SERVER_URL=url).auth_server_url == url
    for url in ["http://[fd00::1]:4000", "http://auth.goptri.svc.cluster.local", "http://auth.internal"]:
        assert read(AUTH_SERVER_URL=url).auth_server_url == url
    assert read(ACCESS_TOKEN_SECRET="", AUTH_SERVER_URL="http://auth").secrets == []


def test_the_prefix_of_the_cookie_follows_from_issuer_and_domain() -> None:
    https = {"ISSUER": "https://login.example.com", "CORS_ORIGINS": "https://a.example, http://localhost:5173"}
    assert read(**https).session_cookie == "__Host-session"
    assert read(**https, SESSION_COOKIE_NAME="__Host-app").session_cookie == "__Host-app"
    shared = read(**https, SESSION_COOKIE_DOMAIN="example.com", SESSION_COOKIE_NAME="app")
    assert shared.session_cookie == "__Secure-app"
    own = {"https://login.example.com", "http://localhost:3000"}
    assert shared.origins == own | {"https://a.example", "http://localhost:5173"}
    assert read(SESSION_COOKIE_NAME="__Host-app").session_cookie == "app"


def test_a_duration_has_one_number_and_one_unit() -> None:
    table = {"0": 0, "0s": 0, "500ms": 0.5, "30s": 30, "5m": 300}
    assert {text: read(CLOCK_LEEWAY=text).leeway for text in table} == table
    table = {"15m": 900, "1h": 3600, "7d": 604800}
    assert {text: read(REVOCATION_MAX_STALENESS=text).max_staleness for text in table} == table
    for text in [
        "15",
        "m",
        "-1s",
        "1.5h",
        "15 m",
        "15M",
        "99999999999d",
        "9" * 30 + "s",
        "1h30m",
        "\u0661s",
        "1s\n",
    ]:
        for name in ("CLOCK_LEEWAY", "REVOCATION_MAX_STALENESS"):
            assert [line.split()[0] for line in problems(**{name: text})] == [name]


def test_one_line_ending_of_a_file_is_stripped(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    for content in (SECRET, f"{SECRET}\n", f"{SECRET}\r\n"):
        path.write_bytes(content.encode())
        assert read(ACCESS_TOKEN_SECRET="", ACCESS_TOKEN_SECRET_FILE=str(path)).secrets == [SECRET]
    for bad in (
        b"",
        b"\n",
        b"\xef\xbb\xbf" + SECRET.encode(),
        SECRET.encode("utf-16"),
        b"\xff" * 40,
        SECRET.encode() + b"\n\n",
    ):
        path.write_bytes(bad)
        found = problems(ACCESS_TOKEN_SECRET="", ACCESS_TOKEN_SECRET_FILE=str(path))
        assert len(found) == 1
        assert found[0].lstrip().startswith("ACCESS_TOKEN_SECRET")
