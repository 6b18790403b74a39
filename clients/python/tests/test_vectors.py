"""The vectors of all languages: the verdict on each token, and the reason of api-server's own verifier."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from goptri import TokenError
from goptri.authentication import Authentication
from goptri.errors import InvalidToken
from goptri.guard import Guard
from goptri.keys import KeyStore, published_keys
from goptri.revocations import RevocationSet
from goptri.settings import Settings
from goptri.verifier import Verifier

FILE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "vectors.json").read_text())
VECTORS: list[dict[str, Any]] = FILE["vectors"]


def test_there_are_vectors_of_both_verdicts() -> None:
    verdicts = [vector["verdict"] for vector in VECTORS]
    assert verdicts.count("accepted") > 20
    assert verdicts.count("rejected") > 100
    assert len({vector["name"] for vector in VECTORS}) == len(VECTORS)


def verifier(now: float) -> Verifier:
    keys = KeyStore(FILE["secrets"], awaits_published=True)
    published, skipped = published_keys(json.dumps(FILE["jwks"]).encode())
    assert not skipped
    keys.set_published(published)
    revocations = RevocationSet()
    revocations.known_as_of(0)
    for entry in FILE["revocations"]:
        assert revocations.insert(entry)
    return Verifier(FILE["issuer"], FILE["audience"], FILE["leeway"], keys, revocations, lambda: now)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_the_verdict_is_that_of_api_server(vector: dict[str, Any]) -> None:
    guard = Guard(Settings(issuer=FILE["issuer"], audience=FILE["audience"], secrets=FILE["secrets"]))
    guard._verifier = verifier(vector["now"])
    request = Authentication(guard, "GET", {"authorization": [f"Bearer {vector['token']}"]})
    if vector["verdict"] == "accepted":
        caller = request.caller()
        seen = {
            "sub": caller.subject,
            "email": caller.email,
            "roles": list(caller.roles),
            "scope": caller.scope,
            "sid": caller.session_id,
            "exp": caller.expires_at,
        }
        assert {name: value for name, value in seen.items() if value is not None} == vector["claims"]
        return
    assert vector["verdict"] == "rejected"
    with pytest.raises(InvalidToken):
        request.caller()
    with pytest.raises(TokenError) as error:
        guard.verify(vector["token"])
    assert (error.value.reason == "revoked") == (vector["reason"] == "revoked")
