//! The keys of the vectors. They are public: never use one.

use aws_lc_rs::hmac;
use goptri::keys::{Jwks, KeyRing, KeySource, VerifyingKeys};
use goptri_settings::{AccessTokenSecret, Plain};
use serde_json::{Value, json};

/// The shared secrets: the current one, and the one before.
pub(crate) const SECRETS: [&str; 2] = [SECRET, OLD_SECRET];
pub(crate) const SECRET: &str = "public-test-secret-5f2a9c4be1d07836";
pub(crate) const OLD_SECRET: &str = "public-test-secret-8e71d2c5f0a9364b-old";
/// A secret that the service does not have.
pub(crate) const FOREIGN_SECRET: &str = "public-test-secret-27c0b95ed8134af6-foreign";

pub(crate) const ED25519: &str = include_str!("../../../shared/tests/goptri/test_keys/ed25519.pem");
pub(crate) const P256: &str = include_str!("../../../shared/tests/goptri/test_keys/p256.pem");
pub(crate) const RSA: &str = include_str!("../../../shared/tests/goptri/test_keys/rsa.pem");
/// A key that auth-server does not publish.
pub(crate) const FOREIGN_P256: &str = include_str!("../../../shared/tests/goptri/test_keys/p256_other.pem");

/// The public keys as OpenSSL writes them.
pub(crate) const ED25519_PUBLIC: &str =
    include_str!("../../../shared/tests/goptri/test_keys/ed25519_public.pem");
pub(crate) const P256_PUBLIC: &str = include_str!("../../../shared/tests/goptri/test_keys/p256_public.pem");
pub(crate) const RSA_PUBLIC: &str = include_str!("../../../shared/tests/goptri/test_keys/rsa_public.pem");

/// The keys of the service: the secrets, and the published ones.
pub(crate) fn verifying() -> KeySource {
    let [first, others @ ..] = SECRETS.map(plain);
    let source = KeySource::awaiting_published(VerifyingKeys::from_secrets(&first, &others).unwrap());
    let (published, skipped) = Jwks::parse(jwks().to_string().as_bytes()).unwrap();
    assert!(skipped.is_empty());
    source.set_published(published);
    source
}

/// What auth-server publishes.
pub(crate) fn jwks() -> Value {
    let keys = [ED25519, P256, RSA].map(jwk);
    json!({ "keys": keys })
}

pub(crate) fn jwk(pem: &str) -> Value {
    serde_json::to_value(Jwks::from(pair(pem).verifying_keys())).unwrap()["keys"][0].clone()
}

/// The `kid` of a secret or of a private key.
pub(crate) fn kid(key: &str) -> String {
    ring(key).signing_key_name().kid.clone()
}

/// A ring of one secret or one private key.
pub(crate) fn ring(key: &str) -> KeyRing {
    if key.starts_with('-') { pair(key) } else { KeyRing::from_secrets(&plain(key), &[]).unwrap() }
}

fn pair(pem: &str) -> KeyRing {
    KeyRing::from_pem(pem).unwrap()
}

fn plain(secret: &str) -> Plain<AccessTokenSecret> {
    Plain::new(secret.to_owned())
}

/// The MAC with these bytes as the secret.
pub(crate) fn mac(algorithm: &str, secret: &[u8], signed: &str) -> Vec<u8> {
    let algorithm = match algorithm {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        other => panic!("{other} is no MAC"),
    };
    hmac::sign(&hmac::Key::new(algorithm, secret), signed.as_bytes()).as_ref().to_vec()
}
