"""The vectors of all languages: the verdict on each token, and the reason of api-server's own verifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goptri import Authentication, Guard, TokenError
from goptri.token import public_key

from .tokens import FEED_SECRET

FILE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors.json").read_text())
VECTORS: list[dict[str, Any]] = FILE["vectors"]


def test_there_are_vectors_of_both_verdicts() -> None:
    verdicts = [vector["verdict"] for vector in VECTORS]
    assert verdicts.count("accepted") > 20
    assert verdicts.count("rejected") > 100
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS)


ENVIRONMENT = {
    "ISSUER": FILE["issuer"],
    "AUDIENCE": FILE["audience"],
    "ACCESS_TOKEN_SECRET": ",".join(FILE["secrets"]),
    "FEED_SECRET": FEED_SECRET,
    "CLOCK_LEEWAY": f"{FILE['leeway']}s",
}


def guard(now: float) -> Guard:
    the_guard = Guard(ENVIRONMENT, follow=False, clock=lambda: now)
    the_guard._auth_server.keys = {jwk["kid"]: public_key(jwk) for jwk in FILE["jwks"]["keys"]}
    the_guard._revocations.known_as_of(the_guard._revocations.clock())
    for entry in FILE["revocations"]:
        assert the_guard._revocations.insert(entry)
    return the_guard


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_verdict_is_that_of_api_server(vector: dict[str, Any]) -> None:
    request = Authentication(guard(vector["now"]), "GET", {"authorization": [f"Bearer {vector['token']}"]})
    if vector["verdict"] == "accepted":
        caller = request.caller()
        seen = {
            "sub": caller.subject,
            "email": caller.email,
            "roles": list(caller.roles),
            "scope": " ".join(caller.scopes),
            "sid": caller.session_id,
            "exp": caller.expires_at,
        }
        assert {name: value for name, value in seen.items() if value is not None} == vector["claims"]
        return
    assert vector["verdict"] == "rejected"
    with pytest.raises(TokenError) as error:
        request.caller()
    assert error.value.code == "invalid_token"
    assert (str(error.value) == "revoked") == (vector["reason"] == "revoked")
