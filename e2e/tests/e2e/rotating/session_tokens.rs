//! Refresh tokens of sessions that are opened without hashing passwords.

use std::sync::Arc;

use auth_domain::{
    ClientId, Digest, Email, NewSession, NewUser, PasswordHash, RefreshTokens, SessionId, SessionKey, UserId,
};
use auth_store::{AddUserOutcome, OpenOutcome, RunningServers, Store};
use chrono::TimeDelta;
use goptri::clock::{Clock, SystemClock};
use goptri::keys::KeyRing;
use goptri::token::{Audience, NumericDate, TokenType};
use goptri::{AccessClaims, Caller, Scope, User};
use goptri_settings::{Plain, RefreshTokenSecret};
use store_postgres::PostgresStore;
use uuid::Uuid;

pub(super) const ISSUER: &str = "http://localhost:4000";
pub(super) const AUDIENCE: &str = "http://localhost:3000";

/// The owner of the sessions.
const USER: UserId = UserId(Uuid::from_u128(1));
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg";

/// The refresh tokens of `number` new sessions of one user.
pub(crate) async fn open(url: &str, refresh_secret: &str, sessions: usize) -> Vec<String> {
    let store: Arc<dyn Store> = Arc::new(PostgresStore::connect(url, 4).unwrap());
    store.migrate(RunningServers::Possible).await.unwrap();
    let user = NewUser {
        id: USER,
        email: Email::parse("everybody@example.com").unwrap(),
        email_verified: true,
        password_hash: PasswordHash::from_phc(HASH.to_owned()),
        roles: Vec::new(),
    };
    assert!(matches!(store.add_user(&user).await, Ok(AddUserOutcome::Added(_))));
    let secret = Plain::<RefreshTokenSecret>::new(refresh_secret.to_owned());
    let tokens = RefreshTokens::new(KeyRing::from_secrets(&secret, &[]).unwrap(), ISSUER.to_owned(), None);
    let mut opened = Vec::new();
    for number in 1..=sessions {
        opened.push(open_one(store.as_ref(), &tokens, number).await);
    }
    store.close().await;
    opened
}

async fn open_one(store: &dyn Store, tokens: &RefreshTokens, number: usize) -> String {
    let jti = Plain::new(format!("jti-of-session-{number}"));
    let session = NewSession {
        key: SessionKey { user_id: USER, id: SessionId(session_id(number)) },
        verified_hash: PasswordHash::from_phc(HASH.to_owned()),
        client_id: ClientId::built_in(),
        scope: Scope::default(),
        audience: vec![AUDIENCE.to_owned(), ISSUER.to_owned()],
        jti_hash: Digest::of(&jti),
        lifetime: None,
        user_agent: None,
        ip: None,
        remember: false,
        handle_hash: None,
    };
    match store.open_session(&session).await {
        Ok(OpenOutcome::Opened(snapshot)) => tokens.mint(&snapshot.session, &jti).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn session_id(number: usize) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | number as u128)
}

/// An access token of a session, signed with any ring. There is no session 0.
pub(crate) fn access_token(ring: &KeyRing, session: usize) -> String {
    let now = SystemClock.now();
    let user = User::new(USER.to_string(), session_id(session).to_string());
    let audience = Audience([AUDIENCE.into(), ISSUER.into()].into());
    let mut claims = AccessClaims::new(ISSUER, audience, Caller::User(user));
    claims.exp = NumericDate::from(now + TimeDelta::minutes(15));
    claims.iat = NumericDate::from(now);
    claims.jti = "made-outside".into();
    ring.sign(TokenType::Access, &claims).unwrap()
}
