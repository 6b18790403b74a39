//! Invalid JWKS documents, and the one that a key ring publishes.

use std::collections::BTreeSet;

use goptri::keys::{Jwks, JwksError, MAX_JWKS_BYTES, MAX_KEYS, PublicKeyError};
use goptri::token::TokenType;
use serde_json::{Value, json};

use crate::jwks_keys::read;
use crate::test_keys::{ED25519, P256, P256_OTHER, RSA, jwk, jwks, kid_of, pairs};
use test_support::forge::{OTHER_SECRET, SECRET, base64url, claims, ring, with, without};

/// Asserts that the whole document is rejected, with its valid keys.
fn refused(set: &[u8], expected: JwksError) {
    let fault = Jwks::parse(set).unwrap_err();
    assert_eq!(fault, expected, "{}", String::from_utf8_lossy(&set[..set.len().min(300)]));
    assert!(!fault.to_string().contains("hunter2"), "{fault}");
}

/// OI-03: every reader of such a set can sign tokens, so none of its keys is trusted.
#[test]
fn a_private_member_in_any_key_makes_the_jwks_invalid() {
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        for pem in [ED25519, P256, RSA] {
            for value in [json!("hunter2"), json!(null), json!([]), json!("")] {
                let bad = with(with(jwk(pem), "kid", "bad"), member, value);
                for keys in [json!([bad, jwk(P256_OTHER)]), json!([jwk(P256_OTHER), bad])] {
                    let set = json!({ "keys": keys }).to_string();
                    refused(set.as_bytes(), JwksError::PrivateMembers);
                }
            }
        }
        // Also in a key that would be skipped.
        let unknown = json!({ "kty": "of tomorrow", "use": "enc", member: "hunter2" });
        let set = json!({ "keys": [jwk(P256), unknown] }).to_string();
        refused(set.as_bytes(), JwksError::PrivateMembers);
    }
    let secret =
        json!({ "keys": [{ "kty": "oct", "k": base64url(test_support::forge::SECRET), "alg": "HS256" }] });
    let fault = read(&secret).unwrap_err();
    assert_eq!(fault, JwksError::PrivateMembers);
    assert!(fault.to_string().contains("any reader can sign tokens; replace these keys now"), "{fault}");
}

/// JV-06, OI-03: the `kid` of a token would be ambiguous.
#[test]
fn two_keys_with_one_kid_make_the_jwks_invalid() {
    let same = |pem: &str| with(jwk(pem), "kid", "same");
    for keys in [
        json!([jwk(P256), jwk(P256)]),
        json!([same(P256), same(RSA)]),
        json!([same(P256), jwk(ED25519), same(P256)]),
        // One of them is not usable.
        json!([same(P256), with(same(RSA), "use", "enc")]),
        json!([{ "kty": "of tomorrow", "kid": "same" }, same(P256)]),
        // One is named by its thumbprint.
        json!([without(jwk(P256), "kid"), jwk(P256)]),
        json!([jwk(P256), without(jwk(P256), "kid")]),
        json!([without(jwk(P256), "kid"), without(jwk(P256), "kid")]),
        json!([without(jwk(P256), "kid"), with(jwk(RSA), "kid", kid_of(P256))]),
    ] {
        let set = json!({ "keys": keys }).to_string();
        refused(set.as_bytes(), JwksError::DuplicateKid);
    }
}

/// JV-24: a set with only weak keys is an error, while an empty set removes all keys.
#[test]
fn a_jwks_without_a_usable_key_is_rejected() {
    let short = with(jwk(RSA), "n", base64url([0xff; 128]));
    let set = json!({ "keys": [short, with(jwk(P256), "use", "enc")] }).to_string();
    refused(set.as_bytes(), JwksError::NoneUsable(PublicKeyError::Length { bits: 1_024 }));
    assert!(Jwks::parse(br#"{"keys":[]}"#).unwrap().0.is_empty());
}

/// HTML of a proxy, a truncated response, another document, or ambiguous JSON.
#[test]
fn a_document_that_is_not_a_jwks_is_rejected() {
    let (good, alone) = (jwks(&[P256, RSA]), jwk(P256).to_string());
    let doubled = good.replacen("\"kty\":\"EC\"", "\"kty\":\"EC\",\"kty\":\"RSA\"", 1);
    let spelled = good.replacen("\"kty\":\"EC\"", "\"kty\":\"EC\",\"k\\u0074y\":\"EC\"", 1);
    assert_ne!((doubled.len(), spelled.len()), (good.len(), good.len()));
    let utf16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let not_utf8 = good.replace("RSA", "R\u{1}A").into_bytes();
    let not_utf8: Vec<u8> = not_utf8.into_iter().map(|byte| if byte == 1 { 0xff } else { byte }).collect();
    let deep = format!("{{\"keys\":[],\"more\":{}{}}}", "[".repeat(200), "]".repeat(200));
    let table: [&[u8]; 26] = [
        b"",
        b" ",
        b"null",
        b"7",
        b"\"hunter2\"",
        b"[]",
        alone.as_bytes(),
        b"[{\"keys\":[]}]",
        b"{}",
        br#"{"keys":null}"#,
        br#"{"keys":{}}"#,
        br#"{"keys":"hunter2"}"#,
        br#"{"keys":[null]}"#,
        br#"{"keys":["hunter2"]}"#,
        br#"{"keys":[[]]}"#,
        br#"{"Keys":[]}"#,
        br#"{"keys":[],"keys":[]}"#,
        br#"{"keys":[]} hunter2"#,
        br#"{"keys":[{"kid":"\ud800"}]}"#,
        b"<!doctype html><title>hunter2</title>",
        b"\xef\xbb\xbf{\"keys\":[]}",
        doubled.as_bytes(),
        spelled.as_bytes(),
        &utf16,
        &not_utf8,
        deep.as_bytes(),
    ];
    for set in table {
        refused(set, JwksError::NotASet);
    }
    for cut in 0..good.len() {
        refused(&good.as_bytes()[..cut], JwksError::NotASet);
    }
    let fault = JwksError::NotASet.to_string();
    assert!(fault.contains("does AUTH_SERVER_URL name auth-server itself?"), "{fault}");
}

/// JV-06: the number of keys and the size of the document are limited.
#[test]
fn a_jwks_of_the_maximum_size_is_accepted_and_a_larger_one_is_rejected() {
    let many = |number: usize| {
        let keys = (0..number).map(|number| with(jwk(P256), "kid", number.to_string()));
        json!({ "keys": keys.collect::<Vec<_>>() })
    };
    assert_eq!(read(&many(MAX_KEYS)).unwrap().0.len(), MAX_KEYS);
    refused(many(MAX_KEYS + 1).to_string().as_bytes(), JwksError::TooManyKeys);
    // Also if none of them is usable.
    let none = json!({ "keys": vec![json!({}); MAX_KEYS + 1] });
    refused(none.to_string().as_bytes(), JwksError::TooManyKeys);

    let good = jwks(&[P256]);
    let of_length = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    assert_eq!(Jwks::parse(of_length(MAX_JWKS_BYTES).as_bytes()).unwrap().0.len(), 1);
    for length in [MAX_JWKS_BYTES + 1, 10 << 20] {
        refused(of_length(length).as_bytes(), JwksError::TooLong);
        refused(&vec![b'['; length], JwksError::TooLong);
    }
}

/// OI-03
#[test]
fn a_key_ring_publishes_public_members_only_and_no_secret() {
    let secrets = ring(&[SECRET, OTHER_SECRET]);
    let all = pairs(&[ED25519, P256, RSA, P256_OTHER].concat()).with_verifying_keys(secrets.verifying_keys());
    let text = serde_json::to_string(&Jwks::from(all.verifying_keys())).unwrap();
    let set: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(set.as_object().unwrap().keys().collect::<Vec<_>>(), ["keys"]);
    let keys = set["keys"].as_array().unwrap();
    let mut kids = BTreeSet::new();
    for key in keys {
        let (alg, members): (_, &[&str]) = match key["kty"].as_str().unwrap() {
            "OKP" => ("EdDSA", &["alg", "crv", "kid", "kty", "use", "x"]),
            "EC" => ("ES256", &["alg", "crv", "kid", "kty", "use", "x", "y"]),
            "RSA" => ("RS256", &["alg", "e", "kid", "kty", "n", "use"]),
            other => panic!("{other} is published"),
        };
        let shown: BTreeSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(shown, members.iter().copied().collect(), "{key}");
        assert_eq!((key["alg"].as_str(), key["use"].as_str()), (Some(alg), Some("sig")), "{key}");
        assert!(kids.insert(key["kid"].as_str().unwrap()), "{key}");
    }
    let expected = [ED25519, P256, RSA, P256_OTHER].map(kid_of);
    assert_eq!(kids, expected.iter().map(String::as_str).collect());
    for secret in [SECRET, OTHER_SECRET] {
        assert!(!text.contains(secret) && !text.contains(&base64url(secret)), "{text}");
        assert!(!text.contains(&test_support::forge::kid(secret)), "not even what it is called: {text}");
    }
    let nothing = serde_json::to_string(&Jwks::from(secrets.verifying_keys())).unwrap();
    assert_eq!(nothing, r#"{"keys":[]}"#);
}

#[test]
fn a_published_jwks_parses_to_the_same_verifying_keys() {
    let blocks = [ED25519, P256, RSA, P256_OTHER];
    let ring = pairs(&blocks.concat());
    let text = serde_json::to_vec(&Jwks::from(ring.verifying_keys())).unwrap();
    let (keys, left_out) = Jwks::parse(&text).unwrap();
    assert_eq!((&keys, left_out), (ring.verifying_keys(), vec![]));
    for pem in blocks {
        let token = pairs(pem).sign(TokenType::Access, &claims()).unwrap();
        assert!(keys.verify::<Value>(TokenType::Access, &token).is_ok());
    }
}
