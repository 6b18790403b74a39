//! A session: one login on one device, and the one persisted record of one refresh token.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use goptri::Scope;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Digest, Email, PasswordHash, RefreshJti, Role, UserId};

/// How many sessions a person has at most: more than anybody has devices, and few enough to be ended in one statement
/// within the time that one is given, so that no thief can open more than their owner can end.
pub const MAX_SESSIONS: u32 = 1_000;

/// Names a session among its user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The primary key: whose, and which. Both halves are in every token, so a session is found by one look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// Whose.
    pub user_id: UserId,
    /// Which.
    pub id: SessionId,
}

/// How often the refresh token of a session has been replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(u32);

impl Generation {
    /// That of the token that a sign-in gives.
    pub const FIRST: Self = Self(0);

    /// As a number, for a store.
    pub fn number(self) -> i64 {
        i64::from(self.0)
    }

    /// From a store's number. `None`: out of range.
    pub fn from_number(number: i64) -> Option<Self> {
        u32::try_from(number).ok().map(Self)
    }

    /// How many generations this one is older than `newer`; negative when it is the newer one.
    pub fn generations_behind(self, newer: Self) -> i64 {
        newer.number() - self.number()
    }
}

/// An OAuth client's name; `goptri` for a sign-in without OAuth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// The client of a sign-in without OAuth.
    pub fn first_party() -> Self {
        Self(goptri::token::FIRST_PARTY_CLIENT.to_owned())
    }

    /// As a store kept it or a token names it.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its key; the id is fresh.
    pub key: SessionKey,
    /// The hash that the password was verified against: if it has changed since, nothing is opened.
    pub verified_hash: PasswordHash,
    /// For which client.
    pub client_id: ClientId,
    /// What its access tokens allow.
    pub scope: Scope,
    /// For whom its access tokens are.
    pub audience: Vec<String>,
    /// Digest of the `jti` that its refresh tokens carry.
    pub jti_hash: Digest<RefreshJti>,
    /// It ends so long after its opening, whatever happens. `None`: never.
    pub lifetime: Option<TimeDelta>,
    /// What the browser calls itself, cut to a sensible length, for the list of devices.
    pub user_agent: Option<String>,
    /// Where the sign-in came from, for the list of devices.
    pub ip: Option<String>,
}

#[cfg(feature = "testing")]
impl NewSession {
    /// One as a test opens it: without a password, and with nothing that most do not ask about.
    pub fn for_test(
        key: SessionKey,
        verified_hash: PasswordHash,
        jti: &goptri_settings::Plain<RefreshJti>,
    ) -> Self {
        Self {
            key,
            verified_hash,
            client_id: ClientId::first_party(),
            scope: Scope::default(),
            audience: Vec::new(),
            jti_hash: Digest::of(jti),
            lifetime: None,
            user_agent: None,
            ip: None,
        }
    }
}

/// A session as stored, as far as refreshing needs it.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    /// Whose, and which.
    pub key: SessionKey,
    /// For which client.
    pub client_id: ClientId,
    /// What its access tokens allow.
    pub scope: Scope,
    /// For whom its access tokens are.
    pub audience: Vec<String>,
    /// When the person last signed in.
    pub auth_time: DateTime<Utc>,
    /// Digest of the `jti` that its refresh tokens carry.
    pub jti_hash: Digest<RefreshJti>,
    /// The generation of the current refresh token.
    pub generation: Generation,
    /// The youngest generation whose late retry was forgiven.
    pub forgiven_generation: Option<Generation>,
    /// When the current generation began.
    pub rotated_at: DateTime<Utc>,
    /// When it was last refreshed.
    pub last_used_at: DateTime<Utc>,
    /// When it ends whatever happens. `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
}

impl Session {
    /// Whether it has ended by time: it is past its end, or was not used for `idle_lifetime`. An end that is now is over.
    pub fn is_over(&self, now: DateTime<Utc>, idle_lifetime: Option<TimeDelta>) -> bool {
        is_over(self.expires_at, self.last_used_at, now, idle_lifetime)
    }
}

/// A session as its owner sees it in the list of devices.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedSession {
    /// Which.
    pub id: SessionId,
    /// For which client.
    pub client_id: ClientId,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it was last refreshed.
    pub last_used_at: DateTime<Utc>,
    /// When it ends whatever happens. `None`: never.
    pub expires_at: Option<DateTime<Utc>>,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// Where the sign-in came from.
    pub ip: Option<String>,
    /// The database's clock when this was read.
    pub now: DateTime<Utc>,
}

impl ListedSession {
    /// As [`Session::is_over`].
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
    let idle_end = idle_lifetime.map(|idle| last_used_at + idle);
    expires_at.is_some_and(|end| end <= now) || idle_end.is_some_and(|end| end <= now)
}

/// What tokens say about the person of a session.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionOwner {
    /// Where to write to them.
    pub email: Email,
    /// Whether the address was shown to be theirs.
    pub email_verified: bool,
    /// What they may do.
    pub roles: Vec<Role>,
    /// Whether they may not sign in any more.
    pub disabled: bool,
}

/// A session, its owner, and the database's time at the moment at which both were read.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionSnapshot {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub owner: SessionOwner,
    /// The database's clock; what tokens are dated by.
    pub now: DateTime<Utc>,
}
