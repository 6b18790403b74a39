//! The users and sessions of the bench, by number, and the tokens that auth-server would issue for them.

use std::sync::Arc;

use auth_domain::{
    ClientId, Digest, Email, Generation, RefreshJti, RefreshTokens, Session, SessionId, SessionKey,
    SessionOwner, SessionSnapshot, UserId, access_claims,
};
use chrono::{TimeDelta, Timelike};
use goptri::clock::{Clock, SystemClock};
use goptri::keys::KeyRing;
use goptri::revocation::{Entry, EntryKind, RevocationSet};
use goptri::token::{NumericDate, TokenType};
use goptri::{AccessClaims, Guard, Scope};
use goptri_settings::{Environment, Plain, RefreshTokenSecret};
use uuid::Uuid;

use crate::Error;

pub(crate) const ACCESS_TOKEN_SECRET: &str = "access-5f2a9c4be1d078365f2a9c4be1d07836";
pub(crate) const REFRESH_TOKEN_SECRET: &str = "refresh-c4be1d078365f2a9c4be1d078365f2a9";
pub(crate) const FEED_SECRET: &str = "feed-8365f2a9c4be1d07be1d078365f2a9c4";
pub(crate) const ISSUER: &str = "http://localhost:4000";
pub(crate) const AUDIENCE: &str = "http://localhost:3000";
pub(crate) const SCOPE: &str = "photos:read photos:write";

/// Sessions per user.
pub(crate) const SESSIONS_EACH: u64 = 5;

/// Ids of sessions and users are a prefix and a number, so that SQL can build them too.
pub(crate) const SESSION_PREFIX: &str = "01900000-0000-7000-8000-";
pub(crate) const USER_PREFIX: &str = "01900000-0000-7000-9000-";

/// The `jti` of a session's refresh tokens is this and the number of the session.
pub(crate) const JTI_PREFIX: &str = "0123456789abcdef-";

/// Longer than any run of the bench.
const LIFETIME: TimeDelta = TimeDelta::hours(3);

/// The session of that number, as a store would return it.
fn snapshot(number: u64, generation: u32) -> Result<SessionSnapshot, Error> {
    let now = SystemClock.now().with_nanosecond(0).unwrap_or_default();
    let user = number / SESSIONS_EACH;
    let session = Session {
        key: SessionKey { user_id: UserId(user_id(user)), id: SessionId(session_id(number)) },
        client_id: ClientId::built_in(),
        scope: Scope::parse(SCOPE)?,
        audience: vec![AUDIENCE.to_owned(), ISSUER.to_owned()],
        auth_time: now,
        jti_hash: Digest::of(&jti(number)),
        generation: Generation::from_number(generation.into()).ok_or("no such generation")?,
        forgiven_generation: None,
        // Before the rows were inserted: a row never accepts a token that is newer.
        rotated_at: now - LIFETIME,
        previous_rotated_at: None,
        last_used_at: now,
        expires_at: None,
        remember: false,
    };
    let owner = SessionOwner {
        email: Email::parse(&email(user)).map_err(|error| error.to_string())?,
        email_verified: true,
        roles: Vec::new(),
        disabled: false,
    };
    Ok(SessionSnapshot { session, owner, now })
}

pub(crate) fn session_id(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number))
}

pub(crate) fn user_id(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_9000_0000_0000_0000 | u128::from(number))
}

pub(crate) fn email(user: u64) -> String {
    format!("user-{user}@example.com")
}

pub(crate) fn jti(session: u64) -> Plain<RefreshJti> {
    Plain::new(format!("{JTI_PREFIX}{session}"))
}

/// Mints refresh tokens as auth-server does.
pub(crate) fn refresh_tokens() -> Result<RefreshTokens, Error> {
    let secret = Plain::<RefreshTokenSecret>::new(REFRESH_TOKEN_SECRET.to_owned());
    Ok(RefreshTokens::new(KeyRing::from_secrets(&secret, &[])?, ISSUER.to_owned(), None))
}

/// The refresh token of a session and generation.
pub(crate) fn refresh_token(tokens: &RefreshTokens, session: u64, generation: u32) -> Result<String, Error> {
    Ok(tokens.mint(&snapshot(session, generation)?.session, &jti(session))?)
}

/// The key ring of the shared secret.
pub(crate) fn access_secret() -> Result<KeyRing, Error> {
    Ok(KeyRing::from_secrets(
        &Plain::<goptri_settings::AccessTokenSecret>::new(ACCESS_TOKEN_SECRET.to_owned()),
        &[],
    )?)
}

fn claims(session: u64) -> Result<AccessClaims, Error> {
    let jti = format!("{:032x}", 0x5eed_0000_0000_0000_0000_0000_0000_0000 | u128::from(session));
    Ok(access_claims(&snapshot(session, 0)?, ISSUER, LIFETIME, jti))
}

/// The access token of a session.
pub(crate) fn access_token(keys: &KeyRing, session: u64) -> Result<String, Error> {
    Ok(keys.sign(TokenType::Access, &claims(session)?)?)
}

/// Access tokens of the first sessions, signed with the shared secret.
///
/// # Errors
/// When they cannot be signed.
pub fn access_tokens(number: u64) -> Result<Vec<String>, Error> {
    let keys = access_secret()?;
    (0..number).map(|session| access_token(&keys, session)).collect()
}

/// What an access token says, for a handler that has none.
///
/// # Panics
/// Never: its parts are constants.
#[expect(clippy::expect_used, reason = "its parts are constants")]
pub fn example_claims() -> AccessClaims {
    claims(10_000).expect("claims of constants")
}

/// A guard as api-server has it, with `ended` entries of other sessions in its revocation set.
///
/// # Errors
/// If the revocation set is full.
pub fn guard(ended: u64) -> Result<Guard, Error> {
    let environment = Environment::from_pairs([("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)]);
    let revocations = RevocationSet::default();
    revocations.set_age(std::time::Duration::ZERO);
    for number in 0..ended {
        revocations.insert(&Entry {
            kind: EntryKind::Session,
            subject: ended_session(number),
            revoked_at: NumericDate::from(SystemClock.now()),
            expires_in: 7_500,
        })?;
    }
    revocations.set_age(std::time::Duration::ZERO);
    Ok(Guard::from_environment(&environment)?.with_revocations(revocations))
}

/// Numbers of sessions without tokens: beyond those of all others.
pub(crate) const FIRST_ENDED: u64 = 1 << 40;

pub(crate) fn ended_session(number: u64) -> String {
    session_id(FIRST_ENDED + number).to_string()
}

/// Requests that callers share.
pub(crate) type Requests = Arc<[Vec<u8>]>;
