//! The port to revocations.

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::StoreError;
use auth_domain::UserId;

/// How long a revocation is kept: the longest allowed lifetime of an access token (an hour), plus an hour of clock error,
/// plus the maximal leeway. By then all access tokens of the session have expired, whatever is configured.
pub const REVOCATION_LIFETIME: TimeDelta = TimeDelta::minutes(125);

/// Stores revocations, each until all access tokens that it revokes have expired.
#[async_trait]
pub trait Revocations: Send + Sync + 'static {
    /// Revokes one access token by its `jti`. `user` is the user whose token it is; `None`: it is a client's own. A second
    /// call changes nothing.
    async fn revoke_token(&self, user: Option<UserId>, jti: &str) -> Result<(), StoreError>;

    /// At most `max` unexpired entries after the cursor. Without a cursor, or with one that this database did not issue,
    /// reads from the first.
    ///
    /// Reading from `next` to `next` misses no entry, however late and in whatever order transactions commit, but may
    /// return an entry twice. A Postgres server does not accept a cursor from before its last start or crash, or from
    /// another server. SQLite detects a restored backup only until it has grown past the cursor; start without a cursor
    /// after restoring one.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the server is a standby, which may lag behind.
    async fn read_revocations(&self, after: Option<&Cursor>, max: u32) -> Result<RevocationPage, StoreError>;

    /// Like [`read_revocations`](Self::read_revocations), but does not wait for a connection that other verbs use. For
    /// the one task that reads on behalf of all subscribers.
    async fn follow_revocations(
        &self,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<RevocationPage, StoreError>;

    /// The cursor after all entries that are committed now. For the task that calls
    /// [`follow_revocations`](Self::follow_revocations).
    async fn newest_cursor(&self) -> Result<Cursor, StoreError>;

    /// Waits until this store has appended an entry since the last wait. For one task: of several, each append wakes one.
    ///
    /// Does not notice what other servers append; only reading does.
    async fn wait_for_append(&self);

    /// Deletes at most `max` expired entries, the oldest first. Returns how many.
    async fn sweep_revocations(&self, max: u32) -> Result<u64, StoreError>;
}

/// A position in the feed. Opaque: only the store that issued it can interpret it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// A cursor from a store or a client.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text of the cursor.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Some entries of the feed, and a cursor to the next ones.
#[derive(Debug, Clone, PartialEq)]
pub struct RevocationPage {
    /// The entries, in no particular order.
    pub entries: Vec<RevocationRecord>,
    /// A cursor after these entries.
    pub next: Cursor,
    /// Whether there may be more entries now.
    pub more: bool,
    /// The database's clock at the time of reading.
    pub now: DateTime<Utc>,
    /// The names of the nodes of a distributed database that could not be read. Always empty, except from
    /// [`follow_revocations`](Revocations::follow_revocations).
    pub unread: Vec<String>,
}

/// An entry of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationRecord {
    /// What was revoked.
    pub kind: RevocationKind,
    /// The id of the session, the `jti` of the token, or the id of the client.
    pub subject: String,
    /// When it was revoked.
    pub created_at: DateTime<Utc>,
    /// When the entry expires, because no access token that it revokes is valid any more.
    pub expires_at: DateTime<Utc>,
}

/// What tells an entry from all others: what was revoked, and when.
pub type RevocationId = (RevocationKind, String, DateTime<Utc>);

impl RevocationRecord {
    /// Identifies the entry.
    pub fn id(&self) -> RevocationId {
        (self.kind, self.subject.clone(), self.created_at)
    }
}

/// What can be revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RevocationKind {
    /// A session, with all its access tokens.
    Session,
    /// One access token.
    Token,
    /// A client: all its access tokens that were issued before.
    Client,
}

impl RevocationKind {
    /// Parses the stored name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "session" => Some(Self::Session),
            "token" => Some(Self::Token),
            "client" => Some(Self::Client),
            _ => None,
        }
    }
}
