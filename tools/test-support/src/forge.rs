//! Makes tokens of any bytes with the right signature, so that only what a test is about is wrong.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use goptri::TokenError;
use goptri::clock::ManualClock;
use goptri::keys::KeyRing;
use goptri::token::{AccessVerifier, TokenType, UnverifiedJws};
use goptri_settings::{AccessTokenSecret, Plain};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

pub const SECRET: &str = "5f2a9c4be1d078365f2a9c4be1d07836";
pub const OTHER_SECRET: &str = "8e71d2c5f0a9364b8e71d2c5f0a9364b";
pub const ISSUER: &str = "https://auth.example";
pub const AUDIENCE: &str = "https://api.example";
pub const USER: &str = "0190b0a0-0000-7000-8000-000000000001";

/// When every test happens, in seconds since 1970.
pub const NOW: i64 = 1_800_000_000;
pub const LEEWAY: i64 = 30;
/// When the tokens of the tests were issued: so early that the machine's clock accepts them too.
pub const ISSUED: i64 = 1_700_000_000;

pub fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

/// A clock that is stopped at `NOW`.
pub fn stopped_clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::stopped_at(at(NOW)))
}

pub fn plain(secret: &str) -> Plain<AccessTokenSecret> {
    Plain::new(secret.to_owned())
}

/// A ring of these secrets; the first signs.
pub fn ring(secrets: &[&str]) -> KeyRing {
    let others: Vec<_> = secrets[1..].iter().map(|secret| plain(secret)).collect();
    KeyRing::from_secrets(&plain(secrets[0]), &others).unwrap()
}

/// The `kid` by which a ring names this secret.
pub fn kid(secret: &str) -> String {
    let token = ring(&[secret]).sign(TokenType::Access, &json!({})).unwrap();
    let header: Value = serde_json::from_str(UnverifiedJws::parse(&token).unwrap().header_json()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

pub fn verifier() -> AccessVerifier {
    verifier_with(&[SECRET])
}

pub fn verifier_with(secrets: &[&str]) -> AccessVerifier {
    AccessVerifier::new(ring(secrets), ISSUER.into(), AUDIENCE.into(), TimeDelta::seconds(LEEWAY))
}

/// A header with nothing wrong.
pub fn header() -> Value {
    json!({ "alg": "HS256", "typ": "at+jwt", "kid": kid(SECRET) })
}

/// A user's claims with nothing wrong.
pub fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": USER, "aud": AUDIENCE, "exp": NOW + 900, "iat": ISSUED, "jti": "7c0d",
        "client_id": "goptri", "scope": "photos:read", "sid": "0190b0a0-0000-7000-8000-000000000002",
        "email": "ann@example.com", "email_verified": true, "roles": ["editor"], "auth_time": ISSUED - 60,
    })
}

pub fn with(mut object: Value, member: &str, value: impl Into<Value>) -> Value {
    object[member] = value.into();
    object
}

pub fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member).unwrap();
    object
}

/// The object as text, with a member whose value is this text, JSON or not.
pub fn with_raw(object: Value, member: &str, raw: &str) -> String {
    with(object, member, "@raw@").to_string().replace("\"@raw@\"", raw)
}

pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The MAC over any text.
pub fn mac(algorithm: Algorithm, secret: &str, signed: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::crypto::sign(signed.as_bytes(), &key, algorithm).unwrap()
}

/// These two segments, as they are, and their right MAC.
pub fn seal(header: &str, payload: &str) -> String {
    let signed = format!("{header}.{payload}");
    format!("{signed}.{}", mac(Algorithm::HS256, SECRET, &signed))
}

/// A token of these bytes with its right MAC.
pub fn forge(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    seal(&base64url(header), &base64url(payload))
}

pub fn token(header: &Value, claims: &Value) -> String {
    forge(header.to_string(), claims.to_string())
}

pub fn with_header(header: &Value) -> String {
    token(header, &claims())
}

pub fn with_claims(claims: &Value) -> String {
    token(&header(), claims)
}

/// A token with nothing wrong.
pub fn good() -> String {
    with_claims(&claims())
}

/// Why the token is rejected; `None` when it passes.
pub fn rejection(token: &str) -> Option<TokenError> {
    verifier().verify(token, at(NOW)).err()
}

/// One token for each reason there is to reject one.
pub fn one_for_each_rejection() -> Vec<(TokenError, String)> {
    let good = good();
    let (signed, _) = good.rsplit_once('.').unwrap();
    vec![
        (TokenError::TooLong, with_claims(&with(claims(), "pad", "x".repeat(9000)))),
        (TokenError::NotCompact, "nonsense".to_owned()),
        (TokenError::Base64, seal("A", "e30")),
        (TokenError::Json("header"), forge("[]", "{}")),
        (TokenError::Json("payload"), forge(header().to_string(), "[]")),
        (TokenError::DuplicateMember("payload"), forge(header().to_string(), r#"{"a":1,"a":1}"#)),
        (TokenError::Extension, with_header(&with(header(), "crit", json!(["exp"])))),
        (TokenError::WrongType, with_header(&with(header(), "typ", "rt+jwt"))),
        (TokenError::MissingKid, with_header(&without(header(), "kid"))),
        (TokenError::UnknownKey, with_header(&with(header(), "kid", kid(OTHER_SECRET)))),
        (TokenError::WrongAlgorithm, with_header(&with(header(), "alg", "none"))),
        (TokenError::BadSignature, format!("{signed}.{}", mac(Algorithm::HS256, OTHER_SECRET, signed))),
        (TokenError::WrongIssuer, with_claims(&with(claims(), "iss", "https://evil.example"))),
        (TokenError::WrongAudience, with_claims(&with(claims(), "aud", "https://other.example"))),
        (TokenError::Expired, with_claims(&with(claims(), "exp", NOW - 900))),
        (TokenError::NotYetValid, with_claims(&with(claims(), "nbf", NOW + 900))),
        (TokenError::IssuedInTheFuture, with_claims(&with(claims(), "iat", NOW + 86_400))),
        (TokenError::InvalidClaim("sub"), with_claims(&with(claims(), "sub", ""))),
        (TokenError::NoSession, with_claims(&without(claims(), "sid"))),
    ]
}

#[test]
fn a_forged_token_with_nothing_wrong_passes() {
    let claims = verifier().verify(&good(), at(NOW)).unwrap();
    let user = claims.user().unwrap();
    assert_eq!((user.id.as_str(), user.roles.as_slice()), (USER, ["editor".to_owned()].as_slice()));
}

#[test]
fn each_rejection_has_its_token() {
    for (expected, token) in one_for_each_rejection() {
        assert_eq!(rejection(&token), Some(expected), "{token}");
    }
}
