//! Key pairs for tests, written by OpenSSL. They are public: never use one.

use chrono::TimeDelta;
use goptri::TokenError;
use goptri::keys::KeyRing;
use goptri::token::AccessVerifier;
use serde_json::{Value, json};

pub(crate) use vectors::sign;

use test_support::forge::{AUDIENCE, ISSUER, LEEWAY, NOW, at, base64url, claims};

pub(crate) const ED25519: &str = include_str!("test_keys/ed25519.pem");
pub(crate) const P256: &str = include_str!("test_keys/p256.pem");
pub(crate) const P256_OTHER: &str = include_str!("test_keys/p256_other.pem");
pub(crate) const RSA: &str = include_str!("test_keys/rsa.pem");

/// One of each type: algorithm, private key, and the public key as OpenSSL writes it.
pub(crate) const EACH_TYPE: [(&str, &str, &str); 3] = [
    ("EdDSA", ED25519, include_str!("test_keys/ed25519_public.pem")),
    ("ES256", P256, include_str!("test_keys/p256_public.pem")),
    ("RS256", RSA, include_str!("test_keys/rsa_public.pem")),
];

pub(crate) fn pairs(pem: &str) -> KeyRing {
    KeyRing::from_pem(pem).unwrap()
}

/// The JWK of the first key.
pub(crate) fn jwk(pem: &str) -> Value {
    serde_json::to_value(goptri::keys::Jwks::from(pairs(pem).verifying_keys())).unwrap()["keys"][0].clone()
}

/// The JWKS of these rings.
pub(crate) fn jwks(rings: &[&str]) -> String {
    json!({ "keys": rings.iter().map(|pem| jwk(pem)).collect::<Vec<_>>() }).to_string()
}

pub(crate) fn kid_of(pem: &str) -> String {
    pairs(pem).signing_key_name().kid.clone()
}

/// The error of the token in a service with this ring, if it is rejected.
pub(crate) fn rejection(ring: &KeyRing, token: &str) -> Option<TokenError> {
    let leeway = TimeDelta::seconds(LEEWAY);
    AccessVerifier::new(ring.clone(), ISSUER.into(), AUDIENCE.into(), leeway).verify(token, at(NOW)).err()
}

/// The signing input: a header with this `alg` and `kid`, and valid claims.
pub(crate) fn unsigned(alg: &str, kid: &str) -> String {
    let header = json!({ "typ": "at+jwt", "alg": alg, "kid": kid });
    [header, claims()].map(|part| base64url(part.to_string())).join(".")
}
