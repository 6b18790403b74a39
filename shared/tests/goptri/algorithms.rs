//! The algorithm belongs to the key; what a token says of it is compared, and chooses nothing.

use goptri::TokenError;
use jsonwebtoken::Algorithm;

use test_support::forge::{SECRET, base64url, claims, good, header, mac, refusal, with, with_header};

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
fn a_token_with_the_right_mac_is_refused_under_every_other_algorithm_name() {
    for name in OTHER_NAMES {
        assert_eq!(
            refusal(&with_header(&with(header(), "alg", name))),
            Some(TokenError::WrongAlgorithm),
            "{name:?}"
        );
    }
}

/// JV-01, JV-03
#[test]
fn a_genuine_mac_of_another_hash_is_refused_although_the_secret_is_right() {
    for (name, algorithm) in [("HS384", Algorithm::HS384), ("HS512", Algorithm::HS512)] {
        for (says, expected) in [(name, TokenError::WrongAlgorithm), ("HS256", TokenError::BadSignature)] {
            let signed =
                [with(header(), "alg", says), claims()].map(|part| base64url(part.to_string())).join(".");
            let token = format!("{signed}.{}", mac(algorithm, SECRET, &signed));
            assert_eq!(refusal(&token), Some(expected), "{name} that says it is {says}");
        }
    }
}

/// JV-02
#[test]
fn an_unsigned_token_is_refused_with_and_without_something_in_place_of_the_signature() {
    for name in ["none", "None", "NONE", "nOnE", "noNE", "HS256"] {
        let genuine = with_header(&with(header(), "alg", name));
        let (signed, mac) = genuine.rsplit_once('.').unwrap();
        let expected = if name == "HS256" { TokenError::BadSignature } else { TokenError::WrongAlgorithm };
        for signature in ["", "AA", &base64url([0; 32]), &mac[..24], &base64url(SECRET)] {
            assert_eq!(refusal(&format!("{signed}.{signature}")), Some(expected), "{name} and {signature:?}");
        }
        assert_eq!(refusal(signed), Some(TokenError::NotCompact), "{name} in two segments");
    }
}

/// JV-01
#[test]
fn an_algorithm_that_is_missing_or_no_text_is_refused() {
    let mut missing = header();
    missing.as_object_mut().unwrap().remove("alg");
    let wrong_types = ["null", "true", "256", "[\"HS256\"]", "{\"alg\":\"HS256\"}"]
        .map(|json| with(header(), "alg", serde_json::from_str::<serde_json::Value>(json).unwrap()));
    for header in wrong_types.into_iter().chain([missing]) {
        assert_eq!(refusal(&with_header(&header)), Some(TokenError::Json("header")), "{header}");
    }
    assert_eq!(refusal(&good()), None);
}
