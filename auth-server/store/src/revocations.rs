//! What is asked about the record of what ended.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::StoreError;

/// How long an entry of `revocations` lives: as long as the longest-lived access token that is allowed (an hour), an
/// hour of clock error, and the most leeway. Access tokens of the session have run out by then, whatever is configured.
pub const REVOCATION_LIFETIME: TimeDelta = TimeDelta::minutes(125);

/// The record of what ended, kept until no access token can know better.
#[async_trait]
pub trait Revocations: Send + Sync + 'static {
    /// Puts one access token on record by its `jti`, once.
    async fn revoke_token(&self, jti: &str) -> Result<(), StoreError>;

    /// Live entries that were committed and that `after` has not delivered, `most` of them at the most; without a
    /// cursor, or with one that this database never gave, all from the first.
    ///
    /// Following `next` from page to page misses no entry, however late its transaction commits and in whatever order;
    /// it may give one again. A cursor ends with what gave it: a server of Postgres that was replaced by another one,
    /// started anew, or has crashed. SQLite knows a file that was restored from a copy only until that has moved on past
    /// the cursor, so whoever keeps one must then start over without it.
    ///
    /// A server that may be behind another one is not read: it is not available.
    async fn read_revocations(&self, after: Option<&Cursor>, most: u32)
    -> Result<RevocationPage, StoreError>;

    /// The same, for the one who follows on behalf of all others: whatever else this store is asked at the same time, this
    /// does not wait for it.
    async fn follow_revocations(
        &self,
        after: Option<&Cursor>,
        most: u32,
    ) -> Result<RevocationPage, StoreError>;

    /// A cursor that delivers what is committed from now on, and nothing that was before. For the one who follows.
    async fn newest_revocation(&self) -> Result<Cursor, StoreError>;

    /// Waits until this store has put something on record since it was last waited for. For one who waits: of several,
    /// each end wakes one.
    ///
    /// What other servers put there is only seen by reading.
    async fn wait_for_append(&self);

    /// Deletes entries whose time is over, the oldest first and `most` of them at the most, and says how many. Several
    /// may sweep at the same time: none waits for another.
    async fn sweep_revocations(&self, most: u32) -> Result<u64, StoreError>;
}

/// How far somebody has read. Opaque: only the store that gave it knows what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// As a store wrote it or a client sent it back.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Some entries, and what comes after them.
#[derive(Debug, Clone, PartialEq)]
pub struct RevocationPage {
    /// In some order.
    pub entries: Vec<RevocationRecord>,
    /// Delivers what comes after them.
    pub next: Cursor,
    /// Whether there may be more right now.
    pub more: bool,
    /// The database's clock when this was read.
    pub now: DateTime<Utc>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRecord {
    /// Names the entry for good.
    pub seq: i64,
    /// What kind of thing ended.
    pub kind: RevocationKind,
    /// Which one: a session's id, a token's `jti`, a client's id.
    pub subject: String,
    /// When it ended.
    pub created_at: DateTime<Utc>,
    /// Until when anybody must know.
    pub expires_at: DateTime<Utc>,
}

/// What can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RevocationKind {
    /// A session: all its access tokens.
    Session,
    /// One access token.
    Token,
    /// A client: all its access tokens that were issued until then.
    Client,
}

impl RevocationKind {
    /// As a store keeps it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "session" => Some(Self::Session),
            "token" => Some(Self::Token),
            "client" => Some(Self::Client),
            _ => None,
        }
    }
}
