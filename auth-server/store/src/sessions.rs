//! What is asked about sessions.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::StoreError;
use auth_domain::{
    Digest, Generation, ListedSession, NewSession, PresentedRefresh, RefreshJti, SessionId, SessionKey,
    SessionSnapshot, UserId,
};

/// How many sessions one [`prune_excess`](Sessions::prune_excess) ends at most: the one who signs in waits for it.
pub const MAX_PRUNED_PER_SIGN_IN: u32 = 200;

/// The sessions. Each that ends is put on record.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Opens a session, if its person is enabled and still has the password hash that was verified.
    ///
    /// A password change or a disabling at the same time either comes first, and nothing opens, or finds the
    /// session and ends it.
    async fn open_session(&self, session: &NewSession) -> Result<OpenOutcome, StoreError>;

    /// Advances the session by one generation, if everything matches: key, generation, `jti`, client, neither
    /// expired nor idle for `idle_lifetime`, person enabled. One conditional statement: of any number at the
    /// same time exactly one rotates.
    async fn rotate(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError>;

    /// Counts a use of the session without advancing it, if everything matches as for [`rotate`](Self::rotate), but
    /// that the generation may also be an older one: for those who do not rotate.
    async fn touch(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<TouchOutcome, StoreError>;

    /// Notes that the late retry of `generation` was forgiven, if the session still is as it was judged: the
    /// current generation is the one after, and the youngest forgiven one is `before`. Counts as use.
    async fn forgive(
        &self,
        key: SessionKey,
        generation: Generation,
        before: Option<Generation>,
    ) -> Result<ForgiveOutcome, StoreError>;

    /// The session as it is, ended by time or not. `None`: it is not there.
    async fn find_session(&self, key: SessionKey) -> Result<Option<SessionSnapshot>, StoreError>;

    /// A person's sessions in the order of their ids, ended by time or not, the first `limit` of those after `after`.
    async fn list_sessions(
        &self,
        user: UserId,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<ListedSession>, StoreError>;

    /// Looks at the next `most` sessions after `after`, in the order of their keys, and deletes those that ended by time,
    /// absolute or idle, at least [`REVOCATION_LIFETIME`](super::REVOCATION_LIFETIME) ago: no access token of theirs lives, so nothing is recorded.
    ///
    /// A session that somebody else works on is left for the next time: a sweep waits for nobody.
    async fn sweep_sessions(
        &self,
        after: Option<SessionKey>,
        most: u32,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<SessionSweep, StoreError>;

    /// Ends a session: deletes it and appends to `revocations`, both or neither. Appends also when it is gone.
    ///
    /// With a `proof`, only if the session's `jti` is that one; otherwise nothing changes.
    async fn end_session(
        &self,
        key: SessionKey,
        proof: Option<&Digest<RefreshJti>>,
    ) -> Result<EndOutcome, StoreError>;

    /// Ends all sessions of a person but the one excepted, each as [`end_session`](Self::end_session) does, all of them
    /// or none, and says how many there were.
    ///
    /// Waits for a sign-in that is under way and ends its session too.
    async fn end_sessions_of(&self, user: UserId, except: Option<SessionId>) -> Result<u64, StoreError>;

    /// Ends what the person of `opened` has beyond `most` sessions, ended by time or not: those that were not used for
    /// longest, but never `opened` itself. Each as [`end_session`](Self::end_session) does, all of them or none,
    /// [`MAX_PRUNED_PER_SIGN_IN`] at the most. Says how many there were.
    ///
    /// A session that somebody else works on is left for the next time. Of any number at once none ends more than is
    /// beyond `most`.
    async fn prune_excess(&self, opened: SessionKey, most: u32) -> Result<u64, StoreError>;
}

/// The answer of [`Sessions::open_session`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an answer is taken apart where it arrives, and never kept")]
pub enum OpenOutcome {
    /// Open, as stored.
    Opened(SessionSnapshot),
    /// The person is gone or disabled, or has another password by now. Nothing changed.
    Refused,
}

/// The answer of [`Sessions::rotate`].
#[derive(Debug, Clone, PartialEq)]
pub enum Rotation {
    /// Rotated: the session as it is now.
    Rotated(SessionSnapshot),
    /// Nothing changed: the session as it is now, to be judged.
    NotCurrent(SessionSnapshot),
    /// There is no such session.
    Unknown,
}

/// The answer of [`Sessions::touch`].
#[derive(Debug, Clone, PartialEq)]
pub enum TouchOutcome {
    /// Counted: the session as it is now.
    Touched(SessionSnapshot),
    /// Nothing changed: the session as it is now, to be judged.
    NotGood(SessionSnapshot),
    /// There is no such session.
    Unknown,
}

/// The answer of [`Sessions::forgive`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "an answer is taken apart where it arrives, and never kept")]
pub enum ForgiveOutcome {
    /// Noted: the session as it is now.
    Forgiven(SessionSnapshot),
    /// The session is not as it was judged any more. Nothing changed.
    Lost,
}

/// The answer of [`Sessions::sweep_sessions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSweep {
    /// So many were deleted.
    pub swept: u64,
    /// The last one looked at: where the next slice begins. `None`: there is none after it.
    pub last: Option<SessionKey>,
}

/// The answer of [`Sessions::end_session`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndOutcome {
    /// It was there and is gone.
    Ended,
    /// It was gone already.
    WasGone,
    /// The proof is not the session's. Nothing changed.
    NotGenuine,
}
