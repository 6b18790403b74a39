//! The account that a request acts on: the user of a live session, which a valid token alone does not prove.

use std::sync::Arc;

use auth_domain::{
    PresentedRefresh, RefreshPolicy, SessionKey, SessionOwner, SessionSnapshot, Verdict, judge,
};
use auth_store::Store;

use crate::error::{Failure, SessionEnded};

/// A user and the live session in which they act. Only [`FindAccount`] creates one.
#[derive(Debug)]
pub struct Account {
    key: SessionKey,
    owner: SessionOwner,
}

impl Account {
    /// The session in which the user acts.
    pub fn session(&self) -> SessionKey {
        self.key
    }

    /// The user.
    pub fn owner(&self) -> &SessionOwner {
        &self.owner
    }
}

/// Finds the account of a live session.
#[derive(Clone)]
pub struct FindAccount {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) policy: RefreshPolicy,
}

impl FindAccount {
    /// The account of the session that a valid access token names. A disabled user's sessions count as ended.
    pub async fn by_session(&self, key: SessionKey) -> Result<Account, Failure<SessionEnded>> {
        let found = self.store.find_session(key).await?;
        account(key, found.filter(|found| found.is_live(self.policy.idle_lifetime)))
    }

    /// The account of the session that a signed refresh token names, if a refresh with it would succeed. The session
    /// is not refreshed.
    pub async fn by_refresh_token(
        &self,
        presented: &PresentedRefresh,
    ) -> Result<Account, Failure<SessionEnded>> {
        let found = self.store.find_session(presented.key).await?;
        let live = |found: &SessionSnapshot| match judge(found, presented, &self.policy) {
            Verdict::TryAgain | Verdict::SameSuccessor | Verdict::Forgive => true,
            Verdict::Refuse(_) | Verdict::RetryAfter(_) | Verdict::End(_) => false,
        };
        account(presented.key, found.filter(live))
    }
}

fn account(key: SessionKey, found: Option<SessionSnapshot>) -> Result<Account, Failure<SessionEnded>> {
    if let Some(found) = found {
        return Ok(Account { key, owner: found.owner });
    }
    tracing::info!(user = %key.user_id, session = %key.id, reason = %SessionEnded, "access rejected");
    Err(SessionEnded.into())
}
