//! The key determines the algorithm: the `alg` of a token must equal it and selects nothing.

use goptri::TokenError;
use jsonwebtoken::Algorithm;

use test_support::forge::{SECRET, base64url, claims, good, header, mac, rejection, with, with_header};

const OTHER_NAMES: [&str; 31] = [
    "none",
    "None",
    "NONE",
    "nOnE",
    "noNE",
    "none ",
    "\0none",
    "",
    "hs256",
    "Hs256",
    "HS-256",
    "HS256 ",
    " HS256",
    "HS256\0",
    "HS384",
    "HS512",
    "HS1",
    "RS256",
    "rs256",
    "RS384",
    "RS512",
    "PS256",
    "ES256",
    "ES384",
    "ES256K",
    "EdDSA",
    "Ed25519",
    "dir",
    "A128KW",
    "PBES2-HS256+A128KW",
    "HMACSHA256",
];

/// JV-01, JV-03
#[test]
fn a_valid_mac_under_any_other_alg_is_rejected() {
    for name in OTHER_NAMES {
        assert_eq!(
            rejection(&with_header(&with(header(), "alg", name))),
            Some(TokenError::WrongAlgorithm),
            "{name:?}"
        );
    }
}

/// JV-01, JV-03
#[test]
fn a_mac_by_the_right_secret_with_another_hash_is_rejected() {
    for (name, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        for (says, expected) in [(name, TokenError::WrongAlgorithm), ("HS256", TokenError::BadSignature)] {
            let signed =
                [with(header(), "alg", says), claims()].map(|part| base64url(part.to_string())).join(".");
            let token = format!("{signed}.{}", mac(algorithm, SECRET, &signed));
            assert_eq!(rejection(&token), Some(expected), "{name} that says it is {says}");
        }
    }
}

/// JV-02
#[test]
fn an_unsigned_token_is_rejected_whatever_its_signature_segment_contains() {
    for name in ["none", "None", "NONE", "nOnE", "noNE", "HS256"] {
        let genuine = with_header(&with(header(), "alg", name));
        let (signed, mac) = genuine.rsplit_once('.').unwrap();
        let expected = if name == "HS256" { TokenError::BadSignature } else { TokenError::WrongAlgorithm };
        for signature in ["", "AA", &base64url([0; 32]), &mac[..24], &base64url(SECRET)] {
            assert_eq!(
                rejection(&format!("{signed}.{signature}")),
                Some(expected),
                "{name} and {signature:?}"
            );
        }
        assert_eq!(rejection(signed), Some(TokenError::NotCompact), "{name} in two segments");
    }
}

/// JV-01
#[test]
fn a_missing_alg_or_one_that_is_not_a_string_is_rejected() {
    let mut missing = header();
    missing.as_object_mut().unwrap().remove("alg");
    let wrong_types = ["null", "true", "256", "[\"HS256\"]", "{\"alg\":\"HS256\"}"]
        .map(|json| with(header(), "alg", serde_json::from_str::<serde_json::Value>(json).unwrap()));
    for header in wrong_types.into_iter().chain([missing]) {
        assert_eq!(rejection(&with_header(&header)), Some(TokenError::Json("header")), "{header}");
    }
    assert_eq!(rejection(&good()), None);
}
