//! Explains what the database says about a token, for an operator. Changes nothing.

use std::sync::Arc;

use auth_domain::{EndReason, PresentedRefresh, RefreshPolicy, RefuseReason, SessionKey, Verdict, judge};
use auth_store::{RevocationKind, Store, StoreError};

/// The most revocations that are read at a time.
const PAGE: u32 = 1_000;

/// Looks up the session of a token.
#[derive(Clone)]
pub struct InspectToken {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) policy: RefreshPolicy,
}

/// Why a valid token is rejected all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RejectedBecause {
    /// Signed out, ended by the operator, or swept after it expired.
    #[error("its session has ended")]
    SessionEnded,
    /// The user may not sign in.
    #[error("its user is disabled")]
    UserDisabled,
    /// Idle for too long, or too old.
    #[error("its session has expired")]
    SessionExpired,
    /// `token revoke`.
    #[error("it was revoked by its id (jti)")]
    TokenRevoked,
    /// Replaced more than once.
    #[error(
        "it was replaced by newer refresh tokens; presenting it again counts as theft and ends the session"
    )]
    Replaced,
    /// Signed, but not the session's.
    #[error("its session has another refresh token; was the database restored from a backup?")]
    OtherToken,
    /// Of another client.
    #[error("it belongs to another client")]
    OtherClient,
}

impl InspectToken {
    /// Why services reject this access token. `None`: its session is live.
    pub async fn access(
        &self,
        key: SessionKey,
        jti: Option<&str>,
    ) -> Result<Option<RejectedBecause>, StoreError> {
        let Some(found) = self.store.find_session(key).await? else {
            return Ok(Some(RejectedBecause::SessionEnded));
        };
        if found.owner.disabled {
            return Ok(Some(RejectedBecause::UserDisabled));
        }
        if found.session.is_over(found.now, self.policy.idle_lifetime) {
            return Ok(Some(RejectedBecause::SessionExpired));
        }
        match jti {
            Some(jti) if self.is_revoked(jti).await? => Ok(Some(RejectedBecause::TokenRevoked)),
            _ => Ok(None),
        }
    }

    /// Why a refresh with this token would fail. `None`: it would succeed.
    pub async fn refresh(&self, presented: &PresentedRefresh) -> Result<Option<RejectedBecause>, StoreError> {
        let Some(found) = self.store.find_session(presented.key).await? else {
            return Ok(Some(RejectedBecause::SessionEnded));
        };
        Ok(match judge(&found, presented, &self.policy) {
            Verdict::TryAgain | Verdict::SameSuccessor | Verdict::Forgive => None,
            Verdict::End(EndReason::Disabled) => Some(RejectedBecause::UserDisabled),
            Verdict::End(EndReason::Expired) => Some(RejectedBecause::SessionExpired),
            Verdict::RetryAfter(_) | Verdict::End(EndReason::Theft) => Some(RejectedBecause::Replaced),
            Verdict::Refuse(RefuseReason::OtherClient) => Some(RejectedBecause::OtherClient),
            Verdict::Refuse(RefuseReason::OtherToken | RefuseReason::BeganLater | RefuseReason::Newer) => {
                Some(RejectedBecause::OtherToken)
            }
        })
    }

    async fn is_revoked(&self, jti: &str) -> Result<bool, StoreError> {
        let mut after = None;
        loop {
            let page = self.store.read_revocations(after.as_ref(), PAGE).await?;
            if page.entries.iter().any(|entry| entry.kind == RevocationKind::Token && entry.subject == jti) {
                return Ok(true);
            }
            if !page.more {
                return Ok(false);
            }
            after = Some(page.next);
        }
    }
}
