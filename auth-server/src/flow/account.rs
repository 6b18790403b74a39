//! Who acts on their own account: the person of a session that is live, and not only of a token that is good.

use std::sync::Arc;

use auth_domain::{
    PresentedRefresh, RefreshPolicy, SessionKey, SessionOwner, SessionSnapshot, Verdict, judge,
};
use auth_store::Store;
use goptri::ProtocolError;

use super::Failure;

/// A person and the session in which they act. Only [`FindAccount`] makes one.
#[derive(Debug)]
pub struct Account {
    key: SessionKey,
    owner: SessionOwner,
}

impl Account {
    /// The session in which they act.
    pub fn session(&self) -> SessionKey {
        self.key
    }

    /// What is known of them.
    pub fn owner(&self) -> &SessionOwner {
        &self.owner
    }
}

/// Looks up live sessions.
#[derive(Clone)]
pub struct FindAccount {
    /// Where sessions are kept.
    pub(crate) store: Arc<dyn Store>,
    /// When a session has ended by time.
    pub(crate) policy: RefreshPolicy,
}

impl FindAccount {
    /// The account of the session that a genuine access token names.
    ///
    /// # Errors
    /// The session has ended, or its person is disabled: the token is as good as none.
    pub async fn by_session(&self, key: SessionKey) -> Result<Account, Failure> {
        let found = self.store.find_session(key).await?;
        let live = |found: &SessionSnapshot| {
            !found.owner.disabled && !found.session.is_over(found.now, self.policy.idle_lifetime)
        };
        account(key, found.filter(live))
    }

    /// The account of the session that a genuine refresh token names, if a refresh with it would succeed.
    ///
    /// # Errors
    /// It would not. The session, if there is one, stays as it is.
    pub async fn by_refresh_token(&self, presented: &PresentedRefresh) -> Result<Account, Failure> {
        let found = self.store.find_session(presented.key).await?;
        let live = |found: &SessionSnapshot| match judge(found, presented, &self.policy) {
            Verdict::TryAgain | Verdict::SameSuccessor | Verdict::Forgive => true,
            Verdict::Refuse(_) | Verdict::End(_) => false,
        };
        account(presented.key, found.filter(live))
    }
}

fn account(key: SessionKey, found: Option<SessionSnapshot>) -> Result<Account, Failure> {
    if let Some(found) = found {
        return Ok(Account { key, owner: found.owner });
    }
    tracing::info!(user = %key.user_id, session = %key.id, "refused: the session has ended");
    Err(ProtocolError::INVALID_TOKEN.into())
}
