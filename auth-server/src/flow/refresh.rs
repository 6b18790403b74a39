//! A client refreshes: the session is rotated by one statement, or judged by the row that it finds.

use std::sync::Arc;

use auth_domain::{
    ClientId, EndReason, PresentedRefresh, RefreshPolicy, RefreshTokens, RefuseReason, SessionKey,
    SessionSnapshot, Verdict, judge,
};
use auth_store::{ForgiveOutcome, Rotation, Store, TouchOutcome};
use goptri::ProtocolError;

use super::{Failure, IssueTokens, Tokens};

const INVALID_GRANT: ProtocolError = ProtocolError::new(
    400,
    "invalid_grant",
    "The refresh token is malformed, ended, or not this client's; sign in again.",
);

/// How often a rotation is tried when others keep changing the same row.
const TRIES: usize = 4;

/// Refreshes sessions.
#[derive(Clone)]
pub struct Refresh {
    /// Where sessions are kept.
    pub(crate) store: Arc<dyn Store>,
    /// Opens what is presented.
    pub(crate) tokens: RefreshTokens,
    /// Issues the next pair.
    pub(crate) issue: IssueTokens,
    /// How refresh tokens live.
    pub(crate) policy: RefreshPolicy,
}

impl Refresh {
    /// The next pair of tokens, or the same successor once more. A forged token costs no query.
    pub async fn run(&self, token: &str, client_id: ClientId) -> Result<Tokens, Failure> {
        let presented = self.tokens.open(token, client_id).map_err(|refusal| {
            tracing::info!(reason = %refusal, "refresh token refused");
            INVALID_GRANT
        })?;
        let snapshot = self.advance(&presented).await?;
        self.issue.run(&snapshot, presented.jti())
    }

    /// The session after this refresh.
    async fn advance(&self, presented: &PresentedRefresh) -> Result<SessionSnapshot, Failure> {
        for _ in 0..TRIES {
            match self.attempt(presented).await? {
                Rotation::Rotated(snapshot) => return Ok(snapshot),
                Rotation::Unknown => return Err(refused(presented, "there is no such session")),
                Rotation::NotCurrent(found) => {
                    if let Some(snapshot) = self.settle(presented, found).await? {
                        return Ok(snapshot);
                    }
                }
            }
        }
        tracing::warn!(session = %presented.key.id, "the session kept changing under this refresh");
        Err(ProtocolError::UNAVAILABLE.into())
    }

    /// The one statement of the common case; without rotation, a touch stands for it.
    async fn attempt(&self, presented: &PresentedRefresh) -> Result<Rotation, Failure> {
        let idle_lifetime = self.policy.idle_lifetime;
        if self.policy.rotation {
            return Ok(self.store.rotate(presented, idle_lifetime).await?);
        }
        Ok(match self.store.touch(presented, idle_lifetime).await? {
            TouchOutcome::Touched(snapshot) => Rotation::Rotated(snapshot),
            TouchOutcome::NotGood(found) => Rotation::NotCurrent(found),
            TouchOutcome::Unknown => Rotation::Unknown,
        })
    }

    /// Carries out the verdict. `None`: the row changed in between; try again.
    async fn settle(
        &self,
        presented: &PresentedRefresh,
        found: SessionSnapshot,
    ) -> Result<Option<SessionSnapshot>, Failure> {
        match judge(&found, presented, &self.policy) {
            Verdict::SameSuccessor => Ok(Some(found)),
            Verdict::TryAgain => Ok(None),
            Verdict::Forgive => {
                let before = found.session.forgiven_generation;
                match self.store.forgive(presented.key, presented.generation, before).await? {
                    ForgiveOutcome::Forgiven(snapshot) => {
                        tracing::info!(session = %presented.key.id, "a late retry was forgiven");
                        Ok(Some(snapshot))
                    }
                    ForgiveOutcome::Lost => Ok(None),
                }
            }
            Verdict::Refuse(RefuseReason::Newer) => {
                tracing::error!(
                    user = %presented.key.user_id, session = %presented.key.id,
                    "a genuine refresh token is newer than its session: the signing secret is known to others, or the \
                     database was restored from an old copy"
                );
                Err(INVALID_GRANT.into())
            }
            Verdict::Refuse(reason) => {
                tracing::warn!(session = %presented.key.id, ?reason, "refresh token refused; the session lives on");
                Err(INVALID_GRANT.into())
            }
            Verdict::End(reason) => {
                self.end(presented.key, reason).await?;
                Err(INVALID_GRANT.into())
            }
        }
    }

    async fn end(&self, key: SessionKey, reason: EndReason) -> Result<(), Failure> {
        self.store.end_session(key, None).await?;
        match reason {
            EndReason::Theft => tracing::warn!(
                user = %key.user_id, session = %key.id,
                "two hold copies of one chain of refresh tokens; the session is ended. If this client cannot store a new \
                 refresh token, REFRESH_ROTATION=off keeps one"
            ),
            EndReason::Disabled | EndReason::Expired => {
                tracing::info!(user = %key.user_id, session = %key.id, ?reason, "the session is ended");
            }
        }
        Ok(())
    }
}

fn refused(presented: &PresentedRefresh, reason: &str) -> Failure {
    tracing::info!(session = %presented.key.id, reason, "refresh token refused");
    INVALID_GRANT.into()
}
