//! The claims and the expiry of access tokens.

use auth_domain::{ClientId, access_claims};
use chrono::TimeDelta;
use goptri::token::TokenType;
use serde_json::json;

use crate::fixture::{
    ACCESS_SECRET, AUDIENCE, ISSUER, NOW, SESSION, USER, at, ring, snapshot, verifier, wire,
};

const LIFETIME: TimeDelta = TimeDelta::minutes(15);

#[test]
fn an_access_token_contains_exactly_these_claims() {
    let claims = access_claims(&snapshot(), ISSUER, LIFETIME, "a1b2".to_owned());
    let token = ring(ACCESS_SECRET).sign(TokenType::Access, &claims).unwrap();
    assert_eq!(
        wire(&token),
        json!({
            "iss": ISSUER, "sub": USER, "aud": [AUDIENCE, ISSUER], "exp": NOW + 900, "iat": NOW, "jti": "a1b2",
            "client_id": "goptri", "scope": "photos:read photos:write", "sid": SESSION, "email": "Ann@example.com",
            "email_verified": true, "roles": ["admin", "editor"], "auth_time": NOW - 5_000,
        })
    );
    assert_eq!(verifier(ACCESS_SECRET).verify(&token, at(NOW)), Ok(claims));
}

#[test]
fn the_token_of_an_application_has_neither_address_nor_roles() {
    let mut snapshot = snapshot();
    snapshot.session.client_id = ClientId::new("printer".to_owned());
    let claims = access_claims(&snapshot, ISSUER, LIFETIME, "a1b2".to_owned());
    let wire = serde_json::to_value(&claims).unwrap();
    for claim in ["email", "email_verified", "roles"] {
        assert_eq!(wire.get(claim), None, "{claim}");
    }
    assert_eq!(
        (&wire["client_id"], &wire["sub"], &wire["sid"]),
        (&json!("printer"), &json!(USER), &json!(SESSION))
    );
}

#[test]
fn a_single_audience_is_a_string_and_an_empty_list_of_roles_is_omitted() {
    let mut snapshot = snapshot();
    snapshot.session.audience = vec![AUDIENCE.to_owned()];
    snapshot.owner.roles.clear();
    snapshot.owner.email_verified = false;
    let claims = access_claims(&snapshot, ISSUER, LIFETIME, "a1b2".to_owned());
    let wire = serde_json::to_value(&claims).unwrap();
    assert_eq!(
        (&wire["aud"], wire.get("roles"), &wire["email_verified"]),
        (&json!(AUDIENCE), None, &json!(false))
    );
}

/// The database dates it, so a server with a wrong clock cannot mint one that lives longer.
#[test]
fn an_access_token_expires_after_its_lifetime_and_never_after_its_session() {
    let table = [
        (None, 900),
        (Some(901), 900),
        (Some(900), 900),
        (Some(899), 899),
        (Some(1), 1),
        (Some(0), 0),
        (Some(-5), -5),
        (Some(31_536_000), 900),
    ];
    for (session_ends, expected) in table {
        let mut snapshot = snapshot();
        snapshot.session.expires_at = session_ends.map(|after| at(NOW + after));
        let claims = access_claims(&snapshot, ISSUER, LIFETIME, "a1b2".to_owned());
        assert_eq!(claims.exp.seconds(), NOW + expected, "the session ends after {session_ends:?} seconds");
        assert_eq!(claims.iat.seconds(), NOW);
    }
}

#[test]
fn after_the_clock_was_set_back_the_sign_in_is_not_dated_later_than_the_token() {
    let mut snapshot = snapshot();
    snapshot.session.auth_time = at(NOW + 3 * 3_600);
    let claims = access_claims(&snapshot, ISSUER, LIFETIME, "a1b2".to_owned());
    assert_eq!(claims.user().unwrap().auth_time, Some(claims.iat));
    let token = ring(ACCESS_SECRET).sign(TokenType::Access, &claims).unwrap();
    assert_eq!(verifier(ACCESS_SECRET).verify(&token, at(NOW)), Ok(claims));
}

#[test]
fn a_fraction_of_a_second_never_prolongs_a_token() {
    let mut snapshot = snapshot();
    snapshot.now = at(NOW) + TimeDelta::milliseconds(999);
    let claims = access_claims(&snapshot, ISSUER, LIFETIME, "a1b2".to_owned());
    assert_eq!((claims.iat.seconds(), claims.exp.seconds()), (NOW, NOW + 900));
    snapshot.session.expires_at = Some(at(NOW + 60) + TimeDelta::milliseconds(999));
    assert_eq!(access_claims(&snapshot, ISSUER, LIFETIME, "a1b2".to_owned()).exp.seconds(), NOW + 60);
}
