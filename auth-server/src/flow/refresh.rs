//! Refreshes a session: one statement rotates it, or the row it finds is judged.

use std::sync::Arc;

use auth_domain::{
    ClientId, EndReason, PresentedRefresh, RefreshPolicy, RefreshTokens, RefuseReason, SessionSnapshot,
    Verdict, judge, judge_unclear,
};
use auth_store::{ForgiveOutcome, Rotation, Store, TouchOutcome};
use chrono::TimeDelta;
use goptri::Scope;

use super::{IssueTokens, IssuedTokens, SessionCounters};
use crate::error::{Failure, RefreshRefused};
use crate::suspension::Suspensions;

/// How often a rotation is tried while other requests keep changing the row.
const MAX_TRIES: usize = 4;

/// Refreshes sessions.
#[derive(Clone)]
pub struct Refresh {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tokens: RefreshTokens,
    pub(crate) issue: IssueTokens,
    pub(crate) policy: RefreshPolicy,
    pub(crate) counters: SessionCounters,
    pub(crate) suspensions: Suspensions,
}

impl Refresh {
    /// The next pair of tokens, or the same successor again. A forged token costs no query. With `remember`, the
    /// session is remembered from now on.
    pub async fn run(
        &self,
        token: &str,
        client_id: ClientId,
        remember: bool,
    ) -> Result<IssuedTokens, Failure<RefreshRefused>> {
        let (snapshot, presented) = self.refresh(token, client_id, remember).await?;
        Ok(self.issue.run(&snapshot, presented.jti())?)
    }

    /// As [`run`](Self::run), for an application. `narrow` returns the scope of the access token; the session keeps its
    /// own.
    pub(crate) async fn for_application(
        &self,
        token: &str,
        client_id: ClientId,
        narrow: impl FnOnce(&Scope) -> Scope,
    ) -> Result<IssuedTokens, Failure<RefreshRefused>> {
        let (mut snapshot, presented) = self.refresh(token, client_id, false).await?;
        snapshot.session.scope = narrow(&snapshot.session.scope);
        Ok(self.issue.run(&snapshot, presented.jti())?)
    }

    /// The session after this refresh, and the token that was presented.
    async fn refresh(
        &self,
        token: &str,
        client_id: ClientId,
        remember: bool,
    ) -> Result<(SessionSnapshot, PresentedRefresh), Failure<RefreshRefused>> {
        let refreshed = self.verify_and_advance(token, client_id, remember).await;
        refreshed.inspect_err(|failure| self.counters.refresh_failed(failure))
    }

    async fn verify_and_advance(
        &self,
        token: &str,
        client_id: ClientId,
        remember: bool,
    ) -> Result<(SessionSnapshot, PresentedRefresh), Failure<RefreshRefused>> {
        let mut presented = self.tokens.verify(token, client_id).map_err(|error| {
            tracing::info!(reason = %error, "refresh token rejected");
            RefreshRefused::Token(error)
        })?;
        presented.remember = remember;
        let snapshot = self.advance(&presented).await.inspect_err(|failure| {
            if let Failure::Refused(refused) = failure {
                log_refusal(&presented, refused);
            }
        })?;
        Ok((snapshot, presented))
    }

    /// The session after this refresh.
    async fn advance(
        &self,
        presented: &PresentedRefresh,
    ) -> Result<SessionSnapshot, Failure<RefreshRefused>> {
        for _ in 0..MAX_TRIES {
            let (found, verdict) = match self.rotate(presented).await? {
                Rotation::Rotated(snapshot) => {
                    self.counters.refreshed("rotated");
                    return Ok(snapshot);
                }
                Rotation::Unknown => return Err(RefreshRefused::UnknownSession.into()),
                Rotation::NotCurrent(found) if self.suspensions.may_have_delayed_a_request() => {
                    let verdict = judge_unclear(&found, presented, &self.policy);
                    (found, verdict.ok_or(RefreshRefused::MayBeOld)?)
                }
                Rotation::NotCurrent(found) => {
                    let verdict = judge(&found, presented, &self.policy);
                    (found, verdict)
                }
                Rotation::Resent(found) => {
                    let verdict = judge_unclear(&found, presented, &self.policy);
                    (found, verdict.ok_or(RefreshRefused::Unclear)?)
                }
            };
            if let Some(snapshot) = self.settle(presented, found, verdict).await? {
                return Ok(snapshot);
            }
        }
        Err(RefreshRefused::Contended.into())
    }

    /// The one statement of the common case. With `REFRESH_ROTATION=off` it only counts the use.
    async fn rotate(&self, presented: &PresentedRefresh) -> Result<Rotation, Failure<RefreshRefused>> {
        let idle_lifetime = self.policy.idle_lifetime;
        if self.policy.rotation {
            return Ok(self.store.rotate(presented, idle_lifetime).await?);
        }
        Ok(match self.store.touch(presented, idle_lifetime).await? {
            TouchOutcome::Touched(snapshot) => Rotation::Rotated(snapshot),
            TouchOutcome::NotTouched(found) => Rotation::NotCurrent(found),
            TouchOutcome::Unknown => Rotation::Unknown,
        })
    }

    /// Carries out the verdict on the row. `None`: the row changed meanwhile, so try again.
    async fn settle(
        &self,
        presented: &PresentedRefresh,
        found: SessionSnapshot,
        verdict: Verdict,
    ) -> Result<Option<SessionSnapshot>, Failure<RefreshRefused>> {
        match verdict {
            Verdict::SameSuccessor => {
                self.counters.refreshed("same_successor");
                Ok(Some(found))
            }
            Verdict::TryAgain => Ok(None),
            Verdict::Forgive => self.forgive(presented, &found).await,
            Verdict::Refuse(reason) => Err(RefreshRefused::Session(reason).into()),
            Verdict::RetryAfter(rest) => Err(RefreshRefused::Overtaken { retry_after: seconds(rest) }.into()),
            Verdict::End(reason) => {
                self.store.end_session(presented.key, None).await?;
                Err(RefreshRefused::Ended(reason).into())
            }
        }
    }

    async fn forgive(
        &self,
        presented: &PresentedRefresh,
        found: &SessionSnapshot,
    ) -> Result<Option<SessionSnapshot>, Failure<RefreshRefused>> {
        let before = found.session.forgiven_generation;
        Ok(match self.store.forgive(presented.key, presented.generation, before).await? {
            ForgiveOutcome::Forgiven(snapshot) => {
                self.counters.refreshed("forgiven");
                tracing::info!(session = %presented.key.id, "late retry forgiven");
                Some(snapshot)
            }
            ForgiveOutcome::Lost => None,
        })
    }
}

/// Whole seconds, rounded up.
fn seconds(rest: TimeDelta) -> u32 {
    let whole = rest.num_seconds() + i64::from(rest.subsec_nanos() > 0);
    u32::try_from(whole).unwrap_or(u32::MAX)
}

fn log_refusal(presented: &PresentedRefresh, refused: &RefreshRefused) {
    let (user, session) = (presented.key.user_id, presented.key.id);
    match refused {
        RefreshRefused::Ended(EndReason::Theft) => tracing::warn!(
            %user, %session,
            "refresh token theft: two clients use copies of one chain of refresh tokens; the session was ended. If \
             this client cannot store a new refresh token, REFRESH_ROTATION=off keeps one for the whole session"
        ),
        RefreshRefused::Session(RefuseReason::Newer | RefuseReason::BeganLater) => tracing::error!(
            %user, %session,
            "a signed refresh token is newer than its session, or dated later: the signing secret leaked, or the \
             database was restored from a backup"
        ),
        RefreshRefused::Session(_)
        | RefreshRefused::Overtaken { .. }
        | RefreshRefused::Contended
        | RefreshRefused::Unclear
        | RefreshRefused::MayBeOld => {
            tracing::warn!(%session, reason = %refused, "refresh token rejected; the session lives on");
        }
        RefreshRefused::Ended(_) | RefreshRefused::UnknownSession | RefreshRefused::Token(_) => {
            tracing::info!(%user, %session, reason = %refused, "refresh token rejected");
        }
    }
}
