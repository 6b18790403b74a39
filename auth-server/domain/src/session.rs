//! A session: one sign-in on one device, and the persisted record of one chain of refresh tokens.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use goptri::Scope;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Digest, Email, PasswordHash, RefreshJti, Role, SignInHandle, User, UserId};

/// The most sessions of one user: more than a user has devices, and few enough to end them in one statement within its
/// timeout, so that an attacker cannot open more sessions than the owner can end.
pub const MAX_SESSIONS: u32 = 1_000;

/// Identifies a session of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The primary key of a session. Every token contains both halves, so a session is found with one look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// The user.
    pub user_id: UserId,
    /// The session among the user's.
    pub id: SessionId,
}

/// The number of a session's refresh token: how often it has been rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(u32);

impl Generation {
    /// The generation of the token that a sign-in returns.
    pub const FIRST: Self = Self(0);

    /// The number that a store keeps.
    pub fn number(self) -> i64 {
        i64::from(self.0)
    }

    /// The generation with a stored number. `None`: out of range.
    pub fn from_number(number: i64) -> Option<Self> {
        u32::try_from(number).ok().map(Self)
    }

    /// How many generations this one is behind `newer`; negative if it is the newer one.
    pub fn generations_behind(self, newer: Self) -> i64 {
        newer.number() - self.number()
    }
}

/// The most characters of a client's id.
const MAX_CLIENT_ID: usize = 100;

/// The id of an OAuth client; `goptri` is the built-in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// The built-in client `goptri`, for a sign-in without OAuth.
    pub fn built_in() -> Self {
        Self(goptri::token::BUILT_IN_CLIENT.to_owned())
    }

    /// An id from a store or a token.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// An id that a request presents: 1 to 100 characters of printable ASCII (RFC 6749, appendix A.1). `None`: no
    /// client has such an id.
    pub fn parse(text: &str) -> Option<Self> {
        let is_valid =
            (1..=MAX_CLIENT_ID).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        is_valid.then(|| Self(text.to_owned()))
    }

    /// Whether it is the built-in client. Registered applications may be first-party too.
    pub fn is_built_in(&self) -> bool {
        self.0 == goptri::token::BUILT_IN_CLIENT
    }

    /// The text of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A session to open.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its key; the id is fresh.
    pub key: SessionKey,
    /// The hash against which the password was verified. If it has changed since, no session opens.
    pub verified_hash: PasswordHash,
    /// The client.
    pub client_id: ClientId,
    /// The scope of its access tokens.
    pub scope: Scope,
    /// The audience of its access tokens.
    pub audience: Vec<String>,
    /// The digest of the `jti` in its refresh tokens.
    pub jti_hash: Digest<RefreshJti>,
    /// It ends this long after it was opened. `None`: never.
    pub lifetime: Option<TimeDelta>,
    /// The `User-Agent` header, shortened, for the list of sessions.
    pub user_agent: Option<String>,
    /// The address of the client, for the list of sessions.
    pub ip: Option<String>,
    /// Whether the browser keeps the session's cookies after it is closed.
    pub remember: bool,
    /// The digest of the handle in the cookie of a sign-in at the pages of this server. `None`: it has tokens instead.
    pub handle_hash: Option<Digest<SignInHandle>>,
}

impl NewSession {
    /// The session as a store would open it at `now`.
    pub fn at_opening(&self, user: User, now: DateTime<Utc>) -> SessionSnapshot {
        let User { email, email_verified, roles, disabled_at, .. } = user;
        let session = Session {
            key: self.key,
            client_id: self.client_id.clone(),
            scope: self.scope.clone(),
            audience: self.audience.clone(),
            auth_time: now,
            jti_hash: self.jti_hash.clone(),
            generation: Generation::FIRST,
            forgiven_generation: None,
            rotated_at: now,
            previous_rotated_at: None,
            last_used_at: now,
            expires_at: self.lifetime.map(|lifetime| now + lifetime),
            remember: self.remember,
        };
        let owner = SessionOwner { email, email_verified, roles, disabled: disabled_at.is_some() };
        SessionSnapshot { session, owner, now }
    }
}

#[cfg(feature = "testing")]
impl NewSession {
    /// A session for tests, with the fewest possible attributes.
    pub fn for_test(
        key: SessionKey,
        verified_hash: PasswordHash,
        jti: &goptri_settings::Plain<RefreshJti>,
    ) -> Self {
        Self {
            key,
            verified_hash,
            client_id: ClientId::built_in(),
            scope: Scope::default(),
            audience: Vec::new(),
            jti_hash: Digest::of(jti),
            lifetime: None,
            user_agent: None,
            ip: None,
            remember: false,
            handle_hash: None,
        }
    }
}

/// A stored session, without what only the list of sessions shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Its key.
    pub key: SessionKey,
    /// The client.
    pub client_id: ClientId,
    /// The scope of its access tokens.
    pub scope: Scope,
    /// The audience of its access tokens.
    pub audience: Vec<String>,
    /// When the user signed in.
    pub auth_time: DateTime<Utc>,
    /// The digest of the `jti` in its refresh tokens.
    pub jti_hash: Digest<RefreshJti>,
    /// The generation of the current refresh token.
    pub generation: Generation,
    /// The latest generation of which a late retry was forgiven.
    pub forgiven_generation: Option<Generation>,
    /// When the current generation began.
    pub rotated_at: DateTime<Utc>,
    /// When the generation before it began. `None`: there was none, or an earlier version, which did not record it,
    /// rotated the session.
    pub previous_rotated_at: Option<DateTime<Utc>>,
    /// When it was last refreshed.
    pub last_used_at: DateTime<Utc>,
    /// When it ends, however it is used. `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether the browser keeps the session's cookies after it is closed.
    pub remember: bool,
}

impl Session {
    /// Whether it has expired or was not used for `idle_lifetime`. At the exact end, it is over.
    pub fn is_over(&self, now: DateTime<Utc>, idle_lifetime: Option<TimeDelta>) -> bool {
        is_over(self.expires_at, self.last_used_at, now, idle_lifetime)
    }
}

/// The longest that browsers keep a cookie (RFC 6265bis §5.5).
const MAX_REMEMBERED: TimeDelta = TimeDelta::days(400);

/// A session in its owner's list of sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedSession {
    /// Its id among the user's sessions.
    pub id: SessionId,
    /// The client.
    pub client_id: ClientId,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it was last refreshed.
    pub last_used_at: DateTime<Utc>,
    /// When it ends, however it is used. `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// The `User-Agent` header of the sign-in.
    pub user_agent: Option<String>,
    /// The address of the client at sign-in.
    pub ip: Option<String>,
    /// The database's clock when this was read.
    pub now: DateTime<Utc>,
}

impl ListedSession {
    /// See [`Session::is_over`].
    pub fn is_over(&self, idle_lifetime: Option<TimeDelta>) -> bool {
        is_over(self.expires_at, self.last_used_at, self.now, idle_lifetime)
    }
}

fn is_over(
    expires_at: Option<DateTime<Utc>>,
    last_used_at: DateTime<Utc>,
    now: DateTime<Utc>,
    idle_lifetime: Option<TimeDelta>,
) -> bool {
    end(expires_at, last_used_at, idle_lifetime).is_some_and(|end| end <= now)
}

/// When a session ends unless it is used before. `None`: never.
fn end(
    expires_at: Option<DateTime<Utc>>,
    last_used_at: DateTime<Utc>,
    idle_lifetime: Option<TimeDelta>,
) -> Option<DateTime<Utc>> {
    let idle_end = idle_lifetime.map(|idle| last_used_at + idle);
    expires_at.into_iter().chain(idle_end).min()
}

/// What access tokens contain about the user of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionOwner {
    /// The e-mail address.
    pub email: Email,
    /// Whether the address was verified.
    pub email_verified: bool,
    /// The roles.
    pub roles: Vec<Role>,
    /// Whether sign-in is blocked.
    pub disabled: bool,
}

/// A session and its owner, as read at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSnapshot {
    /// The session.
    pub session: Session,
    /// Its owner.
    pub owner: SessionOwner,
    /// The database's clock at that moment. It dates tokens.
    pub now: DateTime<Utc>,
}

impl SessionSnapshot {
    /// Whether requests of the session are accepted: it is not over, and its owner is not disabled.
    pub fn is_live(&self, idle_lifetime: Option<TimeDelta>) -> bool {
        !self.owner.disabled && !self.session.is_over(self.now, idle_lifetime)
    }

    /// How long the browser keeps the session's cookies: until the session ends unless it is used before, and at most
    /// 400 days. `None`: until the browser is closed.
    pub fn remembered_for(&self, idle_lifetime: Option<TimeDelta>) -> Option<TimeDelta> {
        let Session { remember, expires_at, last_used_at, .. } = self.session;
        let end = end(expires_at, last_used_at, idle_lifetime);
        remember.then(|| end.map_or(MAX_REMEMBERED, |end| (end - self.now).min(MAX_REMEMBERED)))
    }
}
