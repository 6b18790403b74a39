//! Parsing a JWKS (RFC 7517): which keys are used, and which are skipped.

use goptri::keys::{Jwks, JwksError, PublicKeyError, VerifyingKeys};
use goptri::token::TokenType;
use serde_json::{Value, json};

use crate::test_keys::{ED25519, P256, P256_OTHER, RSA, jwk, kid_of, pairs};
use test_support::forge::{base64url, claims, with, without};

pub(crate) fn read(set: &Value) -> Result<(VerifyingKeys, Vec<PublicKeyError>), JwksError> {
    Jwks::parse(set.to_string().as_bytes())
}

/// Asserts that only this key of the set, first or last, is skipped, and with this error.
fn left_out(bad: &Value, expected: PublicKeyError) {
    let good = pairs(ED25519);
    let token = good.sign(TokenType::Access, &claims()).unwrap();
    for keys in [json!([bad, jwk(ED25519)]), json!([jwk(ED25519), bad])] {
        let (keys, faults) = read(&json!({ "keys": keys })).unwrap();
        assert_eq!(faults, [expected], "{bad}");
        assert_eq!(&keys, good.verifying_keys(), "{bad}");
        assert!(keys.verify::<Value>(TokenType::Access, &token).is_ok(), "{bad}");
        let shown = format!("{:?} {}", faults[0], faults[0]);
        let long = bad.as_object().unwrap().values().filter_map(Value::as_str).filter(|text| text.len() > 9);
        assert!(!long.into_iter().any(|text| shown.contains(text)), "{shown}");
    }
}

fn with_n(n: &[u8]) -> Value {
    with(jwk(RSA), "n", base64url(n))
}

fn with_e(e: &[u8]) -> Value {
    with(jwk(RSA), "e", base64url(e))
}

#[test]
fn keys_of_each_type_are_used_under_the_kid_of_the_jwks() {
    for pem in [ED25519, P256, RSA] {
        let bare = ["alg", "use", "kid"].into_iter().fold(jwk(pem), without);
        let wordy =
            with(with(jwk(pem), "key_ops", json!(["verify", "sign"])), "made-up", json!({ "a": [1] }));
        let certified = with(with(jwk(pem), "x5c", json!(["MIIB"])), "x5u", "https://evil.example/c.pem");
        for named in [jwk(pem), wordy, certified, bare] {
            let (keys, left_out) = read(&json!({ "keys": [named], "more": 1 })).unwrap();
            assert_eq!(
                (left_out, keys.names().next().unwrap().kid.clone()),
                (vec![], kid_of(pem)),
                "{named}"
            );
        }
        let (keys, _) = read(&json!({ "keys": [with(jwk(pem), "kid", "2011-04-29")] })).unwrap();
        assert_eq!(keys.names().next().unwrap().kid, "2011-04-29");
        assert_ne!(&keys, pairs(pem).verifying_keys());
    }
    let (none, left_out) = read(&json!({ "keys": [] })).unwrap();
    assert!(none.is_empty() && left_out.is_empty());
}

/// JV-24
#[test]
fn an_rsa_key_that_is_too_short_too_long_or_weak_is_skipped() {
    let ones = |bytes: usize| vec![0xff; bytes];
    let table = [
        (with_n(&ones(128)), PublicKeyError::Length { bits: 1024 }),
        (with_n(&[&[0x7f][..], &ones(255)].concat()), PublicKeyError::Length { bits: 2047 }),
        (with_n(&[&[1][..], &ones(1024)].concat()), PublicKeyError::Length { bits: 8193 }),
        (with_n(&ones(2048)), PublicKeyError::Length { bits: 16384 }),
        (with_e(&[1]), PublicKeyError::WeakExponent),
        (with_e(&[3]), PublicKeyError::WeakExponent),
        (with_e(&[17]), PublicKeyError::WeakExponent),
        (with_e(&[0xff, 0xff]), PublicKeyError::WeakExponent),
        (with_e(&[1, 0, 0]), PublicKeyError::WeakExponent),
        (with_e(&[1, 0, 2]), PublicKeyError::WeakExponent),
        (with_e(&[4, 0, 0, 0, 1]), PublicKeyError::WeakExponent),
        (with_e(&ones(256)), PublicKeyError::WeakExponent),
        (with_n(&[&ones(255)[..], &[0xfe]].concat()), PublicKeyError::InvalidNumbers),
        // RFC 7518 §2 requires the shortest encoding; otherwise one key would have two thumbprints.
        (with_n(&[]), PublicKeyError::Malformed),
        (with_n(&[0; 256]), PublicKeyError::Malformed),
        (with_n(&[&[0][..], &ones(256)].concat()), PublicKeyError::Malformed),
        (with_n(&[&[0; 128][..], &ones(128)].concat()), PublicKeyError::Malformed),
        (with_e(&[]), PublicKeyError::Malformed),
        (with_e(&[0, 1, 0, 1]), PublicKeyError::Malformed),
    ];
    for (bad, expected) in table {
        left_out(&bad, expected);
    }
}

/// 65537 to the power of 128: 2049 bits, and a power of the generator modulo every prime.
fn power_of_65537() -> Vec<u8> {
    let mut little_endian = vec![1_u8];
    for _ in 0..128 {
        let shifted: Vec<u8> = [&[0, 0], little_endian.as_slice()].concat();
        let mut carry = 0;
        little_endian = shifted
            .iter()
            .enumerate()
            .map(|(at, high)| {
                let sum = u16::from(*high) + u16::from(*little_endian.get(at).unwrap_or(&0)) + carry;
                carry = sum >> 8;
                sum.to_le_bytes()[0]
            })
            .collect();
        if carry > 0 {
            little_endian.push(1);
        }
    }
    little_endian.into_iter().rev().collect()
}

/// JV-24: the moduli are k·M + (65537^a mod M) for both primes, with M the product of the first 126 primes, and a plain
/// power.
#[test]
fn a_key_vulnerable_to_roca_is_skipped() {
    let made = include_str!("test_keys/roca_modulus.txt").trim_end();
    left_out(&with(jwk(RSA), "n", made), PublicKeyError::Roca);
    let power = power_of_65537();
    assert_eq!((power.len(), power[0]), (257, 1));
    left_out(&with_n(&power), PublicKeyError::Roca);
}

/// JV-24
#[test]
fn a_key_of_an_unsupported_curve_type_algorithm_or_use_is_skipped() {
    let [ed, ec, rsa] = [ED25519, P256, RSA].map(jwk);
    let ec = || ec.clone();
    let table = [
        (with(ec(), "crv", "P-384"), PublicKeyError::Unsupported),
        (with(ec(), "crv", "P-521"), PublicKeyError::Unsupported),
        (with(ec(), "crv", "secp256k1"), PublicKeyError::Unsupported),
        (with(ec(), "crv", "p-256"), PublicKeyError::Unsupported),
        (with(ec(), "crv", "Ed25519"), PublicKeyError::Unsupported),
        (with(ec(), "crv", 256), PublicKeyError::Unsupported),
        (without(ec(), "crv"), PublicKeyError::Unsupported),
        (with(ed.clone(), "crv", "Ed448"), PublicKeyError::Unsupported),
        (with(ed.clone(), "crv", "X25519"), PublicKeyError::Unsupported),
        (with(ed.clone(), "crv", "P-256"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "kty", "EC"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "kty", "rsa"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "kty", "AKP"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "kty", "oct"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "kty", json!(null)), PublicKeyError::Unsupported),
        (with(rsa.clone(), "kty", json!(["RSA"])), PublicKeyError::Unsupported),
        (without(rsa.clone(), "kty"), PublicKeyError::Unsupported),
        (json!({}), PublicKeyError::Unsupported),
        (with(rsa.clone(), "alg", "RS512"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "alg", "PS256"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "alg", "HS256"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "alg", "RSA-OAEP"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "alg", "none"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "alg", json!(null)), PublicKeyError::Unsupported),
        (with(ec(), "alg", "ES384"), PublicKeyError::Unsupported),
        (with(ec(), "alg", "ECDH-ES"), PublicKeyError::Unsupported),
        (with(ed.clone(), "alg", "ES256"), PublicKeyError::Unsupported),
        (with(rsa.clone(), "use", "enc"), PublicKeyError::NotForVerifying),
        (with(ec(), "use", "SIG"), PublicKeyError::NotForVerifying),
        (with(ec(), "use", json!(null)), PublicKeyError::NotForVerifying),
        (with(ed.clone(), "use", json!(["sig"])), PublicKeyError::NotForVerifying),
        (with(rsa.clone(), "key_ops", json!([])), PublicKeyError::NotForVerifying),
        (with(rsa.clone(), "key_ops", json!(["sign"])), PublicKeyError::NotForVerifying),
        (with(rsa.clone(), "key_ops", json!(["encrypt", "wrapKey"])), PublicKeyError::NotForVerifying),
        (with(ed.clone(), "key_ops", "verify"), PublicKeyError::NotForVerifying),
        (with(with(ed, "use", "enc"), "key_ops", json!(["verify"])), PublicKeyError::NotForVerifying),
    ];
    for (bad, expected) in table {
        left_out(&with(bad, "kid", "bad"), expected);
    }
}

/// JV-24
#[test]
fn a_key_with_missing_or_invalid_members_is_skipped() {
    let zeros = base64url([0; 32]);
    let [ec, other] = [P256, P256_OTHER].map(jwk);
    for (pem, members) in [(ED25519, &["x"][..]), (P256, &["x", "y"]), (RSA, &["n", "e"])] {
        for member in members {
            // A `kid` of its own, because the set must not have one twice.
            let bad = || with(jwk(pem), "kid", "bad");
            left_out(&without(bad(), member), PublicKeyError::Malformed);
            let text = bad()[*member].as_str().unwrap().to_owned();
            for wrong in [json!(null), json!(7), json!([text]), json!({ "x": text }), json!(true)] {
                left_out(&with(bad(), member, wrong), PublicKeyError::Malformed);
            }
            for wrong in [
                format!("{text}="),
                format!("{text}=="),
                format!(" {text}"),
                format!("{text}\n"),
                format!("{}+", &text[1..]),
                format!("{}/", &text[1..]),
                "\u{fffd}".to_owned(),
            ] {
                left_out(&with(bad(), member, wrong), PublicKeyError::Malformed);
            }
        }
    }
    let bad = |pem| with(jwk(pem), "kid", "bad");
    let x = ec["x"].as_str().unwrap();
    for (bad, expected) in [
        (with(bad(ED25519), "x", base64url([7; 31])), PublicKeyError::Malformed),
        (with(bad(ED25519), "x", base64url([7; 33])), PublicKeyError::Malformed),
        (with(bad(ED25519), "x", ""), PublicKeyError::Malformed),
        (with(bad(P256), "x", base64url([7; 31])), PublicKeyError::Malformed),
        (with(bad(P256), "y", base64url([7; 33])), PublicKeyError::Malformed),
        // x and y have 64 bytes together.
        (with(with(bad(P256), "x", base64url([7; 31])), "y", base64url([7; 33])), PublicKeyError::Malformed),
        (with(bad(P256), "y", other["y"].clone()), PublicKeyError::InvalidNumbers),
        (with(bad(P256), "y", x), PublicKeyError::InvalidNumbers),
        (with(with(bad(P256), "x", zeros.as_str()), "y", zeros.as_str()), PublicKeyError::InvalidNumbers),
        (with(bad(P256), "x", base64url([0xff; 32])), PublicKeyError::InvalidNumbers),
    ] {
        left_out(&bad, expected);
    }
    // An invalid `kid`.
    for kid in [json!(null), json!(7), json!(["a"]), json!({})] {
        left_out(&with(jwk(P256), "kid", kid), PublicKeyError::Malformed);
    }
}
