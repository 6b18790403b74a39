//! Key rings: the first key signs, all verify, and the `kid` reveals nothing about a secret.

use goptri::TokenError;
use goptri::keys::KeyRing;
use goptri::token::TokenType;
use goptri_settings::WeakSecret;
use jsonwebtoken::Algorithm;
use serde_json::Value;
use sha2::{Digest, Sha256};

use test_support::forge::{
    NOW, OTHER_SECRET, SECRET, at, base64url, claims, good, header, kid, mac, plain, ring, verifier_with,
    with,
};

const THIRD_SECRET: &str = "c3a5e90b7d1f48266c2be4f0915d37a8";

fn rejection(secrets: &[&str], token: &str) -> Option<TokenError> {
    verifier_with(secrets).verify(token, at(NOW)).err()
}

#[test]
fn the_first_secret_signs_and_all_verify() {
    let rings: [&[&str]; 3] = [&[SECRET], &[SECRET, OTHER_SECRET], &[SECRET, OTHER_SECRET, THIRD_SECRET]];
    for signing in rings {
        let token = ring(signing).sign(TokenType::Access, &claims()).unwrap();
        let verifying: [&[&str]; 4] = [
            &[SECRET],
            &[SECRET, OTHER_SECRET],
            &[OTHER_SECRET, SECRET],
            &[THIRD_SECRET, OTHER_SECRET, SECRET],
        ];
        for secrets in verifying {
            assert_eq!(rejection(secrets, &token), None, "{} keys, {} keys", signing.len(), secrets.len());
        }
        let without: [&[&str]; 2] = [&[OTHER_SECRET], &[THIRD_SECRET, OTHER_SECRET]];
        for secrets in without {
            assert_eq!(rejection(secrets, &token), Some(TokenError::UnknownKey), "{} keys", secrets.len());
        }
    }
}

/// Add, wait, reorder, wait, remove: no token is rejected during these steps.
#[test]
fn a_secret_is_rotated_without_rejecting_valid_tokens() {
    let steps: [&[&str]; 4] = [&[SECRET], &[SECRET, OTHER_SECRET], &[OTHER_SECRET, SECRET], &[OTHER_SECRET]];
    for pair in steps.windows(2) {
        let before = ring(pair[0]).sign(TokenType::Access, &claims()).unwrap();
        let after = ring(pair[1]).sign(TokenType::Access, &claims()).unwrap();
        // Servers restart one by one; before the last step, the tokens of the old secret have expired.
        assert_eq!(rejection(pair[0], &after), None);
        let removed = !pair[1].contains(&pair[0][0]);
        assert_eq!(rejection(pair[1], &before), removed.then_some(TokenError::UnknownKey));
    }
}

#[test]
fn a_token_signed_with_another_secret_is_rejected() {
    let signed = [header(), claims()].map(|part| base64url(part.to_string())).join(".");
    let longer = format!("{SECRET}0");
    for secret in [OTHER_SECRET, "", &SECRET[1..], &SECRET.to_uppercase(), &longer, &kid(SECRET)] {
        let token = format!("{signed}.{}", mac(Algorithm::HS256, secret, &signed));
        assert_eq!(rejection(&[SECRET, OTHER_SECRET], &token), Some(TokenError::BadSignature), "{secret:?}");
    }
}

/// JV-03: no other key is tried.
#[test]
fn a_token_is_verified_only_with_the_key_of_its_kid() {
    let header = with(header(), "kid", kid(OTHER_SECRET));
    let token = test_support::forge::with_header(&header);
    assert_eq!(rejection(&[SECRET, OTHER_SECRET], &token), Some(TokenError::BadSignature));
}

/// JV-23
#[test]
fn a_weak_secret_is_rejected_at_every_position_in_the_ring() {
    let table = [
        ("", WeakSecret::TooShort { bytes: 0 }),
        (&SECRET[1..], WeakSecret::TooShort { bytes: 31 }),
        ("secret", WeakSecret::Known),
        ("changemechangemechangemechangemechangeme", WeakSecret::Known),
        ("correct horse battery staple and a half", WeakSecret::Passphrase),
        ("00000000000000000000000000000000", WeakSecret::Repetitive),
    ];
    for (weak, expected) in table {
        let (weak, good) = (plain(weak), plain(SECRET));
        assert_eq!(KeyRing::from_secrets(&weak, &[]).err(), Some(expected));
        assert_eq!(KeyRing::from_secrets(&good, std::slice::from_ref(&weak)).err(), Some(expected));
        assert_eq!(KeyRing::from_secrets(&good, &[plain(OTHER_SECRET), weak]).err(), Some(expected));
    }
}

#[test]
fn the_kid_of_a_secret_is_stable_and_reveals_nothing_about_it() {
    let token = ring(&[SECRET, OTHER_SECRET]).sign(TokenType::Access, &claims()).unwrap();
    let header: Value =
        serde_json::from_str(goptri::token::UnverifiedJws::parse(&token).unwrap().header_json()).unwrap();
    assert_eq!(header["kid"], kid(SECRET));
    assert_ne!(kid(SECRET), kid(OTHER_SECRET));

    let name = kid(SECRET);
    assert!(name.len() >= 16, "names must not collide: {name}");
    assert!(!(0..=SECRET.len() - 4).any(|at| name.contains(&SECRET[at..at + 4])), "{name}");
    // A plain hash of the secret could also appear elsewhere and be matched.
    assert!(!base64url(Sha256::digest(SECRET)).contains(&name[..8]), "{name}");
    assert!(!good().contains(SECRET));
}

#[test]
fn a_signed_token_is_a_compact_jws_with_three_header_members() {
    let token = ring(&[SECRET]).sign(TokenType::Access, &claims()).unwrap();
    let header: Value =
        serde_json::from_str(goptri::token::UnverifiedJws::parse(&token).unwrap().header_json()).unwrap();
    assert_eq!(header, test_support::forge::header());
    let (signed, signature) = token.rsplit_once('.').unwrap();
    assert_eq!(signature, mac(Algorithm::HS256, SECRET, signed));
}
