//! Key pairs for tests, written by OpenSSL. They are public: never use one.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384,
    RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
};
use chrono::TimeDelta;
use goptri::TokenError;
use goptri::keys::KeyRing;
use goptri::token::AccessVerifier;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

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
    serde_json::to_value(goptri::keys::Jwks::from(pairs(pem).verifying())).unwrap()["keys"][0].clone()
}

/// The JWKS of these rings.
pub(crate) fn jwks(rings: &[&str]) -> String {
    json!({ "keys": rings.iter().map(|pem| jwk(pem)).collect::<Vec<_>>() }).to_string()
}

pub(crate) fn kid_of(pem: &str) -> String {
    pairs(pem).signing_key_name().kid.clone()
}

/// The error of the token in a service with this ring, if it is rejected.
pub(crate) fn refusal(ring: &KeyRing, token: &str) -> Option<TokenError> {
    let leeway = TimeDelta::seconds(LEEWAY);
    AccessVerifier::new(ring.clone(), ISSUER.into(), AUDIENCE.into(), leeway).verify(token, at(NOW)).err()
}

/// The signing input: a header with this `alg` and `kid`, and valid claims.
pub(crate) fn unsigned(alg: &str, kid: &str) -> String {
    let header = json!({ "typ": "at+jwt", "alg": alg, "kid": kid });
    [header, claims()].map(|part| base64url(part.to_string())).join(".")
}

/// Signs with this algorithm and key, whatever the header says.
pub(crate) fn sign(algorithm: &str, pem: &str, signed: &str) -> Vec<u8> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let (der, message, random) = (der.secret_pkcs8_der(), signed.as_bytes(), SystemRandom::new());
    let with_rsa = |encoding: &'static dyn RsaEncoding| {
        let pair = rsa::KeyPair::from_pkcs8(der).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &random, message, &mut signature).unwrap();
        signature
    };
    match algorithm {
        "EdDSA" => Ed25519KeyPair::from_pkcs8(der).unwrap().sign(message).as_ref().to_vec(),
        "ES256" => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).unwrap();
            pair.sign(&random, message).unwrap().as_ref().to_vec()
        }
        "RS256" => with_rsa(&RSA_PKCS1_SHA256),
        "RS384" => with_rsa(&RSA_PKCS1_SHA384),
        "RS512" => with_rsa(&RSA_PKCS1_SHA512),
        "PS256" => with_rsa(&RSA_PSS_SHA256),
        other => panic!("{other} is not among those that a test needs"),
    }
}
