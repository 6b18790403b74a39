"""What the vectors do not have, because it is about Python: its parsers accept more than JSON and base64 allow."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from goptri import Guard, TokenError
from goptri.strict import decode_base64url
from goptri.token import public_key, secret_key

from .tokens import (
    AUDIENCE,
    ED25519,
    ENVIRONMENT,
    FEED_SECRET,
    ISSUER,
    KID,
    NOW,
    P256,
    RSA,
    SECRET,
    SID,
    base64url,
    claims,
    header,
    jwk,
    sign,
)


def guard(now: float = NOW, **changes: str) -> Guard:
    the_guard = Guard({**ENVIRONMENT, **changes}, follow=False, clock=lambda: now)
    the_guard._auth_server.keys = {key["kid"]: public_key(key) for key in (jwk(ED25519), jwk(P256), jwk(RSA))}
    return the_guard


def reason(token: str, now: float = NOW) -> str | None:
    try:
        guard(now).verify(token)
    except TokenError as error:
        assert error.code == "invalid_token"
        return str(error)
    return None


def test_a_good_token_describes_its_caller() -> None:
    caller = guard().verify(sign(claims(scope="invoices:read invoices:write invoices:read", more=1)))
    assert (caller.subject, caller.session_id, caller.email) == (claims()["sub"], SID, "ann@example.com")
    assert caller.scopes == ("invoices:read", "invoices:write")
    assert caller.roles == ("accountant",)
    assert caller.claims["more"] == 1
    client = guard().verify(sign(claims(sub="goptri", sid=..., email="x@y.z")))
    assert (client.subject, client.session_id, client.roles, client.email) == ("goptri", None, (), None)


@pytest.mark.parametrize("key", [ED25519, P256, RSA])
def test_a_published_key_verifies_with_its_only_algorithm(key: Any) -> None:
    public = jwk(key)
    algorithm = {"ed": "EdDSA", "ec": "ES256", "rsa": "RS256"}[public["kid"]]
    good = sign(claims(), header(alg=algorithm, kid=public["kid"]), key)
    assert reason(good) is None
    signed, _, signature = good.rpartition(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    assert reason(f"{signed}.{flipped}") == "bad signature"
    assert reason(f"{signed}.") == "bad signature"
    # An HMAC with the public key as the secret.
    assert reason(sign(claims(), header(kid=public["kid"]), json.dumps(public))) == "wrong algorithm"


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ('"more":NaN', "json"),
        ('"more":Infinity', "json"),
        ('"more":-Infinity', "json"),
        ('"more":1e999', "json"),
        ('"more":-1e999', "json"),
        (f'"more":{"9" * 400}', "json"),
        (f'"more":{"9" * 5000}', "json"),
        (f'"more":{"9" * 300}', None),
        ('"more":"\\ud800"', "json"),
        ('"more":["\\uDC00\\uD800"]', "json"),
        ('"\\ud800":1', "json"),
        ('"more":"\\ud83d\\ude00"', None),
        ('"more":"\\\\ud800"', None),
        ('"more":{"a":1,"a":1}', "duplicate member"),
        ('"more":[{"a":1,"\\u0061":1}]', "duplicate member"),
        ('"\\u0073ub":"other"', "duplicate member"),
        ('"more":' + "[" * 126 + "]" * 126, None),
        ('"more":' + "[" * 127 + "]" * 127, "json"),
        ('"more":' + "[" * 2500 + "]" * 2500, "json"),
        ('"more":"' + "[" * 200 + '"', None),
        ('"more":"\\"' + "[" * 200 + '"', None),
        ('"more":' + '{"a":' * 30 + "1" + "}" * 30, "too many members"),
        ("".join(f'"m{n}":1,' for n in range(53)) + '"more":1', "too many members"),
        ("".join(f'"m{n}":1,' for n in range(52)) + '"more":1', None),
        ("".join(f'"m{n}":1,' for n in range(50)) + '"more":{"a":1}', None),
        ("".join(f'"m{n}":1,' for n in range(51)) + '"more":{"a":1}', "too many members"),
        ('"more":"\t"', "json"),
        ("'more':1", "json"),
        ('"more":01', "json"),
        ('"more":1,', "json"),
        ('"more":\u0661', "json"),
        ('"more":1 // x', "json"),
    ],
)
def test_json_that_python_reads_differently(payload: str, expected: str | None) -> None:
    good = json.dumps(claims(), separators=(",", ":"))
    assert reason(sign(good[:-1] + "," + payload + "}")) == expected


@pytest.mark.parametrize(
    "payload", [b"\xef\xbb\xbf{}", b" {}", b"[]", b'"x"', b"{}x", b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}']
)
def test_a_payload_is_one_object_in_utf_8(payload: bytes) -> None:
    assert reason(sign(payload)) == "json"


@pytest.mark.parametrize("end", ["", "\\"])
def test_a_header_with_many_brackets_and_quotes_costs_no_time(end: str) -> None:
    head = '{"a":' + "[" * 130 + '"' + '\\"' * 2600 + end
    began = time.perf_counter()
    assert reason(sign(claims(), head)) == "json"
    assert time.perf_counter() - began < 0.1


@pytest.mark.parametrize("name", ["exp", "iat", "nbf", "auth_time"])
@pytest.mark.parametrize("value", [True, False, None, "1800000000", -1, 1e12, 253402300800, 10**19, [], {}])
def test_only_a_number_in_range_is_a_time(name: str, value: object) -> None:
    assert reason(sign(claims(**{name: value}))) == f"invalid claim {name}"


def test_fractions_of_times_are_truncated() -> None:
    assert reason(sign(claims(exp=NOW + 0.9)), now=NOW + 29.9) is None
    assert reason(sign(claims(exp=NOW + 0.9)), now=NOW + 30) == "expired"
    assert reason(sign(claims(iat=-0.0, exp=NOW))) is None


@pytest.mark.parametrize(
    "change",
    [
        {"sub": 1},
        {"sub": " \u3000"},
        {"jti": ""},
        {"client_id": "a\x00"},
        {"client_id": None},
        {"sid": "\x85a"},
        {"sid": None},
        {"email": "a\nb"},
        {"email": None},
        {"email_verified": 1},
        {"email_verified": None},
        {"roles": None},
        {"roles": "admin"},
        {"roles": ["admin", 1]},
        {"roles": [""]},
        {"scope": None},
        {"scope": ...},
        {"scope": ["a"]},
        {"scope": "a  b"},
        {"scope": "a\n"},
        {"scope": "b\u00f6se"},
        {"sid": ...},
        {"sub": "goptri"},
        {"iss": ISSUER + "/"},
        {"aud": AUDIENCE + "/"},
        {"aud": []},
        {"aud": None},
        {"aud": {AUDIENCE: 1}},
        {"aud": [AUDIENCE, 1]},
        {"exp": NOW - 1},
        {"nbf": NOW + 901},
        {"auth_time": NOW + 1},
    ],
    ids=str,
)
def test_a_claim_of_another_type_or_value_is_rejected(change: dict[str, Any]) -> None:
    assert reason(sign(claims())) is None
    assert reason(sign(claims(**change))) is not None


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (header(typ="application/AT+JWT"), None),
        (header(jwk=jwk(ED25519), jku="https://evil.example", x5c=[], b64=False), None),
        (header(typ="application/application/at+jwt"), "wrong type"),
        (header(typ="JWT"), "wrong type"),
        (header(typ=["at+jwt"]), "wrong type"),
        (header(typ=...), "wrong type"),
        (header(kid=...), "missing kid"),
        (header(kid=["x"]), "missing kid"),
        (header(kid=SECRET), "unknown key"),
        (header(alg="none"), "wrong algorithm"),
        (header(alg="HS512"), "wrong algorithm"),
        (header(alg=["HS256"]), "wrong algorithm"),
        (header(alg=...), "wrong algorithm"),
        (header(crit=["b64"]), "extension"),
        (header(crit=None), "extension"),
        (header(zip="DEF"), "extension"),
        (header(enc=None), "extension"),
        ('{"typ":"at+jwt","alg":"HS256","kid":"x","kid":"%s"}' % KID, "duplicate member"),
        ("[]", "json"),
    ],
)
def test_the_header_names_the_key_and_nothing_else(head: dict[str, Any] | str, expected: str | None) -> None:
    assert reason(sign(claims(), head)) == expected


def test_a_token_has_only_one_encoding() -> None:
    good = sign(claims())
    start, payload, signature = good.split(".")
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 43 characters carry 256 bits and two more, which must be 0.
    twin = signature[:-1] + last[last.index(signature[-1]) + 1]
    for other in [
        f"{start}.{payload}.{twin}",
        good + "=",
        good + "\n",
        good + " ",
        good + ".",
        f"{start}.{payload}",
        f"{start}.{payload}..{signature}",
        f"{start}.{payload}\n.{signature}",
        f"{start}.{payload}.{signature}\u00e9",
        f"{start}.{payload}.{signature[:-3]}",
        good.replace(".", "\u3002"),
        "",
        "..",
        ".",
    ]:
        assert reason(other) is not None, other
    assert reason(sign(claims(more="x" * 8192))) == "too long"


def test_both_forms_of_an_es256_signature_are_revoked() -> None:
    the_guard = guard(FEED_SECRET=FEED_SECRET)
    revocations = the_guard._revocations
    revocations.known_as_of(revocations.clock())
    token = sign(claims(), header(alg="ES256", kid="ec"), P256)
    signed, _, signature = token.rpartition(".")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    raw = decode_base64url(signature)
    twin = f"{signed}.{base64url(raw[:32] + (order - int.from_bytes(raw[32:], 'big')).to_bytes(32, 'big'))}"
    assert the_guard.verify(token).claims == the_guard.verify(twin).claims
    revocations.insert({"kind": "session", "subject": SID, "revoked_at": NOW, "expires_in": 60})
    for form in (token, twin):
        with pytest.raises(TokenError, match="revoked"):
            the_guard.verify(form)


@pytest.mark.parametrize(
    "unusable",
    [
        {"kty": "oct", "k": base64url(SECRET.encode()), "kid": "x"},
        {"kty": "oct", "k": base64url(SECRET.encode()), "kid": "x", "alg": "HS256"},
        {"kty": "EC", "crv": "P-521", "kid": "later"},
        jwk(ED25519, kid=...),
        jwk(ED25519, crv="Ed448"),
        jwk(ED25519, alg="HS256"),
        jwk(ED25519, x="AAAA"),
        jwk(ED25519, kty=["OKP"]),
        jwk(ED25519, kty=...),
        jwk(P256, x=jwk(P256)["y"]),
        jwk(RSA, n=jwk(RSA)["n"][:300]),
        jwk(RSA, alg="RS512"),
        jwk(RSA, use="enc"),
        jwk(ED25519, d=base64url(ED25519.private_bytes_raw())),
    ],
)
def test_a_published_key_that_is_not_safe_is_not_used(unusable: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not an Ed25519|a weak RSA key"):
        public_key(unusable)


def test_an_unknown_key_is_undecided_until_keys_were_fetched() -> None:
    waiting = guard()
    waiting._auth_server.keys = None
    token = sign(claims(), header(alg="EdDSA", kid="ed"), ED25519)
    assert waiting.verify(sign(claims())).subject
    with pytest.raises(TokenError, match="no keys yet"):
        waiting.verify(token)
    waiting._auth_server.keys = {}
    with pytest.raises(TokenError, match="unknown key"):
        waiting.verify(token)


def test_without_any_key_no_token_is_decided() -> None:
    keyless = Guard({**ENVIRONMENT, "ACCESS_TOKEN_SECRET": "", "AUTH_SERVER_URL": ISSUER}, follow=False)
    for is_fetched in (False, True):
        keyless._auth_server.keys = {} if is_fetched else None
        assert keyless.waits_for == "waits for the public keys of auth-server"
        with pytest.raises(TokenError, match="no keys yet"):
            keyless.verify(sign(claims()))


def test_a_secret_wins_against_a_published_key_of_its_name() -> None:
    the_guard = guard()
    the_guard._auth_server.keys = {KID: public_key(jwk(ED25519, kid=KID))}
    assert the_guard.verify(sign(claims())).subject


def test_no_key_shows_its_secret() -> None:
    assert SECRET not in repr(secret_key(SECRET)) + repr(guard()) + repr(guard().settings)
