//! The port to sessions.

use async_trait::async_trait;
use chrono::TimeDelta;

use super::StoreError;
use auth_domain::{
    Digest, Generation, ListedSession, NewSession, PresentedRefresh, RefreshJti, SessionId, SessionKey,
    SessionSnapshot, UserId,
};

/// The most sessions that one [`prune_excess`](Sessions::prune_excess) ends, because a sign-in waits for it.
pub const MAX_PRUNED_PER_SIGN_IN: u32 = 200;

/// Stores sessions. Ending one records a revocation.
#[async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// Opens a session if its user is enabled and still has the verified password hash.
    ///
    /// A concurrent change of the password, or a concurrent [`disable_user`](super::Users::disable_user), either comes
    /// first, so that no session opens, or ends the session.
    async fn open_session(&self, session: &NewSession) -> Result<OpenOutcome, StoreError>;

    /// Advances a session by one generation if key, generation, `jti` and client match, the generation did not begin before
    /// the token says, the session has neither expired nor been idle for `idle_lifetime`, and its user is enabled. If
    /// `presented.remember` is set, it also sets the session's `remember`. One conditional statement: of concurrent calls
    /// exactly one rotates.
    async fn rotate(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError>;

    /// Records a use of a session without advancing it, under the conditions of [`rotate`](Self::rotate), except that
    /// the generation may be an older one, whenever it began. For servers with rotation switched off.
    async fn touch(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<TouchOutcome, StoreError>;

    /// Records that a late retry of `generation` was forgiven, if the session has not changed since it was judged: the
    /// current generation is the next one, and the latest forgiven one is `before`. Counts as a use.
    async fn forgive(
        &self,
        key: SessionKey,
        generation: Generation,
        before: Option<Generation>,
    ) -> Result<ForgiveOutcome, StoreError>;

    /// The session, also an expired one. `None`: there is none.
    async fn find_session(&self, key: SessionKey) -> Result<Option<SessionSnapshot>, StoreError>;

    /// The first `limit` sessions of a user after `after`, ordered by id, expired ones included.
    async fn list_sessions(
        &self,
        user: UserId,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<ListedSession>, StoreError>;

    /// Examines the next `max` sessions after `after`, ordered by key, and deletes those that expired or became idle at
    /// least [`REVOCATION_LIFETIME`](super::REVOCATION_LIFETIME) ago. Their access tokens have expired, so no revocation
    /// is recorded. If a deleted session is a sign-in, the sessions of applications that belong to it also end, each as
    /// [`end_session`](Self::end_session) does, because they may still be in use. They count as swept.
    ///
    /// Skips locked sessions; the next sweep finds them.
    async fn sweep_sessions(
        &self,
        after: Option<SessionKey>,
        max: u32,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<SessionSweep, StoreError>;

    /// Ends a session: deletes it and records a revocation, both or neither. Records it even if the session is gone.
    ///
    /// With a `proof`, only if the session's `jti` has that digest. If the session is a sign-in, the sessions of
    /// applications that belong to it also end, and its unspent codes are deleted.
    async fn end_session(
        &self,
        key: SessionKey,
        proof: Option<&Digest<RefreshJti>>,
    ) -> Result<EndOutcome, StoreError>;

    /// Ends all sessions of a user except `except` and the sessions of applications that belong to it, all or none, each as
    /// [`end_session`](Self::end_session) does. Returns how many.
    ///
    /// Waits for concurrent sign-ins and for codes that are being spent, and ends their sessions too.
    async fn end_sessions_of(&self, user: UserId, except: Option<SessionId>) -> Result<u64, StoreError>;

    /// Ends the least recently used sessions of the user of `opened`, so that at most `keep` remain; expired ones
    /// count. Ends all of them or none, each as [`end_session`](Self::end_session) does. Returns how many ended.
    ///
    /// Chooses at most [`MAX_PRUNED_PER_SIGN_IN`] sessions, and never `opened` or its sign-in. If a chosen session is a
    /// sign-in, the sessions that belong to it end too. Skips locked sessions. Concurrent calls together choose no more
    /// than the excess.
    async fn prune_excess(&self, opened: SessionKey, keep: u32) -> Result<u64, StoreError>;
}

/// The result of [`Sessions::open_session`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a result is consumed where it arrives")]
pub enum OpenOutcome {
    /// Opened, as stored.
    Opened(SessionSnapshot),
    /// The user was deleted or disabled, or has another password. Nothing changed.
    Refused,
}

/// The result of [`Sessions::rotate`].
#[derive(Debug, Clone, PartialEq)]
pub enum Rotation {
    /// Rotated. The session as it is now.
    Rotated(SessionSnapshot),
    /// Nothing changed, because a condition does not hold. The current session, to be judged.
    NotCurrent(SessionSnapshot),
    /// Nothing changed now, but the statement was sent before, got no answer, and may have rotated then. The current
    /// session, to be judged with [`judge_unclear`](auth_domain::judge_unclear).
    Resent(SessionSnapshot),
    /// There is no such session.
    Unknown,
}

impl Rotation {
    /// Nothing changed; `resent` says whether the statement was sent before.
    pub fn not_current(found: SessionSnapshot, resent: bool) -> Self {
        if resent { Self::Resent(found) } else { Self::NotCurrent(found) }
    }
}

/// The result of [`Sessions::touch`].
#[derive(Debug, Clone, PartialEq)]
pub enum TouchOutcome {
    /// Recorded. The session as it is now.
    Touched(SessionSnapshot),
    /// Nothing changed, because a condition does not hold. The current session, to be judged.
    NotTouched(SessionSnapshot),
    /// There is no such session.
    Unknown,
}

/// The result of [`Sessions::forgive`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a result is consumed where it arrives")]
pub enum ForgiveOutcome {
    /// Recorded. The session as it is now.
    Forgiven(SessionSnapshot),
    /// The session has changed since it was judged. Nothing changed.
    Lost,
}

/// The result of [`Sessions::sweep_sessions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSweep {
    /// How many sessions were deleted.
    pub swept: u64,
    /// The last session that was examined; pass it as `after` next. `None`: there are no more.
    pub last: Option<SessionKey>,
}

/// The result of [`Sessions::end_session`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndOutcome {
    /// The session was deleted.
    Ended,
    /// There was no such session.
    WasGone,
    /// The session's `jti` has another digest. Nothing changed.
    WrongProof,
}
