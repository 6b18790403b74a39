"""Settings: every invalid one is reported, by the name of its variable and without a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from goptri import ConfigurationError, Settings
from goptri.settings import parse_duration

from .tokens import FEED_SECRET, SECRET

OTHER = "8e71d2c5f0a9364b8e71d2c5f0a9364b"


def read(**changes: str) -> Settings:
    return Settings.from_environment({"ACCESS_TOKEN_SECRET": SECRET, "FEED_SECRET": FEED_SECRET, **changes})


def problems(**changes: str) -> list[str]:
    try:
        read(**changes)
    except ConfigurationError as error:
        assert SECRET not in str(error)
        assert FEED_SECRET not in str(error)
        return error.problems
    return []


def test_the_defaults_are_those_of_api_server() -> None:
    settings = read()
    assert (settings.issuer, settings.audience) == ("http://localhost:4000", "http://localhost:3000")
    assert settings.auth_server_url == "http://localhost:4000"
    assert (settings.clock_leeway, settings.max_staleness, settings.on_stale) == (30, 60, "allow")
    assert settings.session_cookie == "session"
    assert settings.origins == {"http://localhost:4000", "http://localhost:3000"}
    assert read(ISSUER="").issuer == "http://localhost:4000"


def test_several_secrets_verify_and_the_first_feed_secret_is_presented() -> None:
    settings = read(ACCESS_TOKEN_SECRET=f"{SECRET},{OTHER}", FEED_SECRET=f"{FEED_SECRET},feed-{OTHER}x")
    assert (settings.secrets, settings.feed_secret) == ([SECRET, OTHER], FEED_SECRET)
    assert SECRET not in repr(settings)
    assert FEED_SECRET not in repr(settings)


def test_all_problems_are_reported_together() -> None:
    found = problems(ISSUER="http://example.com", AUDIENCE="a b", CLOCK_LEEWAY="soon", ON_STALE="x", FEED_SECRET="y")
    assert sorted(line.split(" ")[0] for line in found) == [
        "AUDIENCE",
        "CLOCK_LEEWAY",
        "FEED_SECRET",
        "ISSUER",
        "ON_STALE",
    ]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ISSUER": "http://example.com"}, "ISSUER is 'http://example.com'; plain http"),
        ({"ISSUER": "http://10.0.0.1"}, "ISSUER is 'http://10.0.0.1'; plain http"),
        ({"ISSUER": "https://example.com/"}, "ISSUER is 'https://example.com/'; it has no query"),
        ({"ISSUER": "https://example.com?x"}, "ISSUER is 'https://example.com?x'; it has no query"),
        ({"ISSUER": "ftp://localhost"}, "ISSUER is 'ftp://localhost'; it starts with https://"),
        ({"ISSUER": "login.example.com"}, "ISSUER is 'login.example.com'; it starts with https://"),
        ({"ISSUER": "https://"}, "ISSUER is 'https://'; it starts with"),
        ({"ISSUER": "https://example.com:port"}, "ISSUER is 'https://example.com:port', which is not a URL"),
        ({"ISSUER": "https://me:pw@example.com"}, "ISSUER is a URL with a user or a password in it"),
        ({"AUDIENCE": "http://localhost:4000"}, "AUDIENCE is the same as ISSUER"),
        ({"ACCESS_TOKEN_SECRET": "secret"}, "ACCESS_TOKEN_SECRET is a well-known default"),
        ({"ACCESS_TOKEN_SECRET": "changeme" * 5}, "ACCESS_TOKEN_SECRET is a well-known default"),
        ({"ACCESS_TOKEN_SECRET": SECRET[:-1]}, "ACCESS_TOKEN_SECRET is 31 bytes long"),
        ({"ACCESS_TOKEN_SECRET": f"{SECRET},"}, "ACCESS_TOKEN_SECRET is 0 bytes long"),
        ({"ACCESS_TOKEN_SECRET": f"{SECRET}\n"}, "ACCESS_TOKEN_SECRET contains white space"),
        ({"ACCESS_TOKEN_SECRET": "ab" * 20}, "ACCESS_TOKEN_SECRET repeats"),
        ({"ACCESS_TOKEN_SECRET": f"{SECRET},{SECRET}"}, "ACCESS_TOKEN_SECRET has the same secret twice"),
        ({"FEED_SECRET": SECRET}, "FEED_SECRET is identical to ACCESS_TOKEN_SECRET"),
        ({"FEED_SECRET": f"{FEED_SECRET},short"}, "FEED_SECRET is 5 bytes long"),
        ({"FEED_SECRET_FILE": "/nowhere"}, "FEED_SECRET and FEED_SECRET_FILE are both set"),
        ({"FEED_SECRET": "", "FEED_SECRET_FILE": "/nowhere"}, "FEED_SECRET_FILE names the file '/nowhere'"),
        ({"ACCESS_TOKEN_SECRET": ""}, "ACCESS_TOKEN_SECRET is not set, nor is AUTH_SERVER_URL"),
        ({"AUTH_SERVER_URL": "http://login.example.com"}, "AUTH_SERVER_URL is 'http://login.example.com'; plain http"),
        ({"AUTH_SERVER_URL": "http://8.8.8.8"}, "AUTH_SERVER_URL is 'http://8.8.8.8'; plain http"),
        ({"AUTH_SERVER_URL": "http://172.32.0.1"}, "AUTH_SERVER_URL is 'http://172.32.0.1'; plain http"),
        ({"AUTH_SERVER_URL": "http://me:pw@auth"}, "AUTH_SERVER_URL is a URL with a user"),
        ({"AUTH_SERVER_CA_FILE": "/nowhere"}, "AUTH_SERVER_CA_FILE names the file '/nowhere'"),
        ({"AUTH_SERVER_CA_FILE": __file__}, "AUTH_SERVER_CA_FILE names the file"),
        ({"CLOCK_LEEWAY": "301s"}, "CLOCK_LEEWAY is not from 0 to 5m"),
        ({"CLOCK_LEEWAY": "-1s"}, "CLOCK_LEEWAY is '-1s'; a duration"),
        ({"REVOCATION_MAX_STALENESS": "5s"}, "REVOCATION_MAX_STALENESS must be longer than 5s"),
        ({"ON_STALE": "panic"}, "ON_STALE is 'panic'; write allow or refuse"),
        ({"SESSION_COOKIE_NAME": "a b"}, "SESSION_COOKIE_NAME is 'a b'"),
        ({"SESSION_COOKIE_NAME": "refresh"}, "SESSION_COOKIE_NAME is 'refresh'"),
        (
            {"ISSUER": "https://a.example", "SESSION_COOKIE_NAME": "__Secure-x"},
            "SESSION_COOKIE_NAME is '__Secure-x'; with",
        ),
        ({"SESSION_COOKIE_DOMAIN": "example.com"}, "SESSION_COOKIE_DOMAIN needs an https ISSUER"),
        (
            {"ISSUER": "https://a.example.com", "SESSION_COOKIE_DOMAIN": "ample.com"},
            "SESSION_COOKIE_DOMAIN is 'ample.com'",
        ),
        ({"ISSUER": "https://a.example.com", "SESSION_COOKIE_DOMAIN": "com"}, "SESSION_COOKIE_DOMAIN is 'com'"),
        ({"ISSUER": "https://a.example.com", "SESSION_COOKIE_DOMAIN": ".example.com"}, "SESSION_COOKIE_DOMAIN is"),
        ({"CORS_ORIGINS": "null"}, "CORS_ORIGINS contains 'null'"),
        ({"CORS_ORIGINS": "*"}, "CORS_ORIGINS contains '*'"),
        ({"CORS_ORIGINS": "https://a.example,https://b.example/"}, "CORS_ORIGINS contains 'https://b.example/'"),
        ({"CORS_ORIGINS": "https://a.example:443"}, "CORS_ORIGINS contains 'https://a.example:443'"),
        ({"CORS_ORIGINS": "https://A.example"}, "CORS_ORIGINS contains 'https://A.example'"),
        ({"CORS_ORIGINS": "http://a.example"}, "CORS_ORIGINS contains 'http://a.example'; plain http"),
        ({"CORS_ORIGINS": "https://a:pw@a.example"}, "CORS_ORIGINS contains a URL with a user"),
    ],
)
def test_each_problem_has_its_sentence(changes: dict[str, str], expected: str) -> None:
    found = problems(**changes)
    assert len(found) == 1
    assert found[0].startswith(expected)
    assert "pw" not in found[0]


def test_an_auth_server_on_a_private_network_may_use_http() -> None:
    for url in ["https://a.example/auth", "http://[::1]:4000", "http://auth-server:4000", "http://192.168.1.2"]:
        assert read(AUTH_SERVER_URL=url).auth_server_url == url
    for url in ["http://[fd00::1]:4000", "http://auth.goptri.svc.cluster.local", "http://auth.internal"]:
        assert read(AUTH_SERVER_URL=url).auth_server_url == url
    assert read(ACCESS_TOKEN_SECRET="", AUTH_SERVER_URL="http://auth").secrets == ()


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
    table = {"0": 0, "0s": 0, "500ms": 0.5, "30s": 30, "15m": 900, "1h": 3600, "7d": 604800}
    assert {text: parse_duration(text) for text in table} == table
    for text in [
        "",
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
        with pytest.raises(ValueError, match="a duration is written like"):
            parse_duration(text)


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
        assert found[0].startswith("ACCESS_TOKEN_SECRET")
