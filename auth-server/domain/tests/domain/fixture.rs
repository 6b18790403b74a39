//! A session, its user, and the keys of both kinds of token.

use auth_domain::{
    ClientId, Digest, Email, Generation, RefreshJti, RefreshTokens, Role, Session, SessionId, SessionKey,
    SessionOwner, SessionSnapshot, UserId,
};
use chrono::{DateTime, TimeDelta, Utc};
use goptri::Scope;
use goptri::keys::KeyRing;
use goptri::token::{AccessVerifier, UnverifiedJws};
use goptri_settings::{AccessTokenSecret, Plain};
use serde_json::Value;

pub(crate) const ISSUER: &str = "https://auth.example";
pub(crate) const AUDIENCE: &str = "https://api.example";
pub(crate) const USER: &str = "0190b0a0-0000-7000-8000-000000000001";
pub(crate) const SESSION: &str = "0190b0a0-0000-7000-8000-000000000002";
pub(crate) const ACCESS_SECRET: &str = "5f2a9c4be1d078365f2a9c4be1d07836";
pub(crate) const REFRESH_SECRET: &str = "8e71d2c5f0a9364b8e71d2c5f0a9364b";
pub(crate) const JTI: &str = "c3a5e90b7d1f48266c2be4f0915d37a8";

/// The database's time, in seconds since 1970.
pub(crate) const NOW: i64 = 1_800_000_000;
/// When the current generation began.
pub(crate) const ROTATED: i64 = NOW - 100;

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap()
}

pub(crate) fn jti() -> Plain<RefreshJti> {
    Plain::new(JTI.to_owned())
}

pub(crate) fn ring(secret: &str) -> KeyRing {
    KeyRing::from_secrets(&Plain::<AccessTokenSecret>::new(secret.to_owned()), &[]).unwrap()
}

pub(crate) fn verifier(secret: &str) -> AccessVerifier {
    AccessVerifier::new(ring(secret), ISSUER.to_owned(), AUDIENCE.to_owned(), TimeDelta::seconds(30))
}

pub(crate) fn refresh_tokens(idle_lifetime: Option<TimeDelta>) -> RefreshTokens {
    RefreshTokens::new(ring(REFRESH_SECRET), ISSUER.to_owned(), idle_lifetime)
}

pub(crate) fn session() -> Session {
    Session {
        key: SessionKey { user_id: UserId(USER.parse().unwrap()), id: SessionId(SESSION.parse().unwrap()) },
        client_id: ClientId::built_in(),
        scope: Scope::parse("photos:read photos:write").unwrap(),
        audience: vec![AUDIENCE.to_owned(), ISSUER.to_owned()],
        auth_time: at(NOW - 5_000),
        jti_hash: Digest::of(&jti()),
        generation: Generation::from_number(7).unwrap(),
        forgiven_generation: None,
        rotated_at: at(ROTATED),
        previous_rotated_at: Some(at(ROTATED - 900)),
        last_used_at: at(NOW - 50),
        expires_at: None,
        remember: false,
    }
}

pub(crate) fn snapshot() -> SessionSnapshot {
    let owner = SessionOwner {
        email: Email::parse("Ann@example.com").unwrap(),
        email_verified: true,
        roles: vec![Role::parse("admin").unwrap(), Role::parse("editor").unwrap()],
        disabled: false,
    };
    SessionSnapshot { session: session(), owner, now: at(NOW) }
}

/// The claims of a token on the wire.
pub(crate) fn wire(token: &str) -> Value {
    serde_json::from_str(&UnverifiedJws::parse(token).unwrap().payload_json().unwrap()).unwrap()
}
