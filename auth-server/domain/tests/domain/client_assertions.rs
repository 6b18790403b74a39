//! Authentication of clients: secrets, and assertions signed by a key of the client.

use auth_domain::{AssertionVerifier, ClientAssertion, ClientId, InvalidAssertion, client_named_by};
use chrono::TimeDelta;
use goptri::TokenError;
use goptri::keys::{Jwks, KeyRing};
use goptri::token::TokenType;
use goptri_settings::Plain;
use serde_json::{Value, json};

use crate::fixture::{ACCESS_SECRET, ISSUER, NOW, at, ring};

const CLIENT_KEY: &str = include_str!("../../../../shared/tests/goptri/test_keys/ed25519.pem");
const OTHER_KEY: &str = include_str!("../../../../shared/tests/goptri/test_keys/p256.pem");

fn keys(pem: &str) -> KeyRing {
    KeyRing::from_pem(pem).unwrap()
}

fn jwks(pem: &str) -> String {
    serde_json::to_string(&Jwks::from(keys(pem).verifying_keys())).unwrap()
}

fn printer() -> ClientId {
    ClientId::new("printer".to_owned())
}

fn claims() -> Value {
    json!({ "iss": "printer", "sub": "printer", "aud": ISSUER, "exp": NOW + 60, "jti": "a1" })
}

/// The claims with one changed; `null` leaves it out.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    match value {
        Value::Null => claims.as_object_mut().unwrap().remove(name),
        value => claims.as_object_mut().unwrap().insert(name.to_owned(), value),
    };
    claims
}

fn signed(ring: &KeyRing, typ: TokenType, claims: &Value) -> Plain<ClientAssertion> {
    Plain::new(ring.sign(typ, claims).unwrap())
}

fn verify(assertion: &Plain<ClientAssertion>) -> Result<(), InvalidAssertion> {
    let audiences = vec![ISSUER.to_owned(), format!("{ISSUER}/token")];
    let verifier = AssertionVerifier { audiences, leeway: TimeDelta::seconds(30) };
    verifier.verify(assertion, &printer(), &jwks(CLIENT_KEY), at(NOW))
}

fn verify_claims(claims: &Value) -> Result<(), InvalidAssertion> {
    verify(&signed(&keys(CLIENT_KEY), TokenType::ClientAssertion, claims))
}

/// RFC 7523 §3
#[test]
fn an_assertion_passes_only_with_the_claims_of_the_client_for_this_server_and_for_five_minutes() {
    let json = Err(InvalidAssertion::Token(TokenError::Json("payload")));
    for (claims, expected) in [
        (claims(), Ok(())),
        (with("aud", json!(format!("{ISSUER}/token"))), Ok(())),
        (with("aud", json!([ISSUER, format!("{ISSUER}/token")])), Ok(())),
        (with("iat", json!(NOW)), Ok(())),
        (with("exp", json!(NOW + 330)), Ok(())),
        (with("exp", json!(NOW - 29)), Ok(())),
        (with("iss", json!("scanner")), Err(InvalidAssertion::OtherClient)),
        (with("sub", json!("scanner")), Err(InvalidAssertion::OtherClient)),
        (with("sub", json!("Printer")), Err(InvalidAssertion::OtherClient)),
        (with("aud", json!("https://other.example")), Err(InvalidAssertion::Audience)),
        (with("aud", json!(format!("{ISSUER}/"))), Err(InvalidAssertion::Audience)),
        (with("aud", json!([ISSUER, "https://other.example"])), Err(InvalidAssertion::Audience)),
        (with("aud", json!([])), Err(InvalidAssertion::Audience)),
        (with("exp", json!(NOW - 30)), Err(InvalidAssertion::Expired)),
        (with("exp", json!(NOW + 331)), Err(InvalidAssertion::TooLong)),
        (with("exp", json!(format!("{NOW}"))), json),
        (with("nbf", json!(NOW + 31)), Err(InvalidAssertion::NotYetValid)),
        (with("iat", json!(NOW + 31)), Err(InvalidAssertion::NotYetValid)),
        (with("jti", json!("")), Err(InvalidAssertion::Jti)),
        (with("jti", json!("a\n")), Err(InvalidAssertion::Jti)),
        (with("jti", json!(7)), json),
    ] {
        assert_eq!(verify_claims(&claims), expected, "{claims}");
    }
    for required in ["iss", "sub", "aud", "exp", "jti"] {
        assert_eq!(verify_claims(&with(required, Value::Null)), json, "{required}");
    }
}

/// JV-01, JV-04, JV-21
#[test]
fn an_assertion_passes_only_with_the_clients_own_key_and_as_no_other_type_of_token() {
    let typ = TokenType::ClientAssertion;
    let cases = [
        (keys(OTHER_KEY), typ, TokenError::UnknownKey),
        (ring(ACCESS_SECRET), typ, TokenError::UnknownKey),
        (keys(CLIENT_KEY), TokenType::Access, TokenError::WrongType),
        (keys(CLIENT_KEY), TokenType::Refresh, TokenError::WrongType),
    ];
    for (ring, typ, expected) in cases {
        assert_eq!(verify(&signed(&ring, typ, &claims())), Err(expected.into()), "{typ:?}");
    }
    let genuine = signed(&keys(CLIENT_KEY), typ, &claims());
    let (signed, _) = genuine.expose().rsplit_once('.').unwrap();
    let none = |header: Value| {
        let header = goptri::token::encode_base64url(header.to_string());
        let payload = goptri::token::encode_base64url(claims().to_string());
        format!("{header}.{payload}.")
    };
    for (forged, expected) in [
        (format!("{signed}.{}", "A".repeat(86)), TokenError::BadSignature),
        (format!("{signed}."), TokenError::BadSignature),
        (none(json!({ "alg": "none" })), TokenError::WrongAlgorithm),
        (none(json!({ "alg": "HS256" })), TokenError::WrongAlgorithm),
        (none(json!({ "alg": "EdDSA", "jwk": { "kty": "oct", "k": "AA" } })), TokenError::BadSignature),
        (String::new(), TokenError::NotCompact),
    ] {
        assert_eq!(verify(&Plain::new(forged)), Err(expected.into()));
    }
    assert_eq!(verify(&genuine), Ok(()));
}

#[test]
fn an_assertion_names_its_client_before_it_is_verified() {
    let named =
        |claims: &Value| client_named_by(&signed(&keys(OTHER_KEY), TokenType::ClientAssertion, claims));
    assert_eq!(named(&claims()), Some(printer()));
    for (name, value) in [("sub", Value::Null), ("sub", json!("")), ("sub", json!("a\0b")), ("sub", json!(7))]
    {
        assert_eq!(named(&with(name, value)), None);
    }
    assert_eq!(client_named_by(&Plain::new("no token".to_owned())), None);
}

#[test]
fn the_id_of_a_client_is_printable_and_at_most_100_characters() {
    for good in ["printer", "a", "with space", "https://client.example/", &"x".repeat(100)] {
        assert_eq!(ClientId::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", "a\0", "a\n", "\u{e9}", &"x".repeat(101)] {
        assert_eq!(ClientId::parse(bad), None, "{bad:?}");
    }
}
