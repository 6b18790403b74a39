"""Forges tokens for tests."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import ipaddress
import json
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from goptri.token import secret_key

ISSUER = "https://auth.example"
AUDIENCE = "https://api.example"
NOW = 1_800_000_000
SECRET = "5f2a9c4be1d078365f2a9c4be1d07836"
FEED_SECRET = "feed-8e71d2c5f0a9364b8e71d2c5f0a9364b"
KID = str(secret_key(SECRET).key_id)
ENVIRONMENT = {"ISSUER": ISSUER, "AUDIENCE": AUDIENCE, "ACCESS_TOKEN_SECRET": SECRET}
SID = "0193b3a4-0000-7000-8000-000000000002"

ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = ec.derive_private_key(0xC0FFEE, ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims with changes. `...` removes one."""
    good = {
        "iss": ISSUER,
        "sub": "0193b3a4-0000-7000-8000-000000000001",
        "aud": AUDIENCE,
        "exp": NOW + 900,
        "iat": NOW,
        "jti": "30a68cd6d2a075b57fc91dcd23288183",
        "client_id": "goptri",
        "scope": "invoices:read invoices:write",
        "sid": SID,
        "email": "ann@example.com",
        "roles": ["accountant"],
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def header(**changes: Any) -> dict[str, Any]:
    good = {"typ": "at+jwt", "alg": "HS256", "kid": KID}
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def sign(payload: dict[str, Any] | str | bytes, head: dict[str, Any] | str | None = None, key: Any = SECRET) -> str:
    """A token. Texts are used as they are."""

    def segment(part: dict[str, Any] | str | bytes) -> str:
        text = json.dumps(part, separators=(",", ":")) if isinstance(part, dict) else part
        return base64url(text.encode() if isinstance(text, str) else text)

    signed = f"{segment(header() if head is None else head)}.{segment(payload)}"
    return f"{signed}.{base64url(signature(signed.encode(), key))}"


def signature(signed: bytes, key: Any) -> bytes:
    match key:
        case str():
            return hmac.digest(key.encode(), signed, hashlib.sha256)
        case ed25519.Ed25519PrivateKey():
            return key.sign(signed)
        case ec.EllipticCurvePrivateKey():
            r, s = decode_dss_signature(key.sign(signed, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        case rsa.RSAPrivateKey():
            return key.sign(signed, PKCS1v15(), hashes.SHA256())
    raise TypeError(type(key))


def certificate() -> tuple[bytes, bytes]:
    """A certificate for 127.0.0.1 that signs itself, and its key, in PEM."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "auth-server")])
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    builder = x509.CertificateBuilder(name, name, P256.public_key(), 1, start, start + datetime.timedelta(days=1))
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = builder.add_extension(host, False).sign(P256, hashes.SHA256())
    key = P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return signed.public_bytes(Encoding.PEM), key


def jwk(key: Any, **changes: Any) -> dict[str, Any]:
    """The public JWK of a key, with changes."""

    def number(value: int) -> str:
        return base64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    match key.public_key():
        case ed25519.Ed25519PublicKey() as public:
            members = {"kty": "OKP", "crv": "Ed25519", "x": base64url(public.public_bytes_raw()), "kid": "ed"}
        case ec.EllipticCurvePublicKey() as public:
            point = public.public_numbers()
            x, y = base64url(point.x.to_bytes(32, "big")), base64url(point.y.to_bytes(32, "big"))
            members = {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "ec"}
        case rsa.RSAPublicKey() as public:
            numbers = public.public_numbers()
            members = {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), "kid": "rsa"}
    return {name: value for name, value in {**members, **changes}.items() if value is not ...}
