//! Finds the sign-in of a browser by the handle in its cookie.

use std::sync::Arc;

use auth_domain::{SessionSnapshot, SignInKey, UserId};
use auth_store::{Store, StoreError};
use chrono::TimeDelta;

/// A live sign-in of an enabled user.
#[derive(Debug, Clone)]
pub(crate) struct SignedIn {
    /// How it was found.
    pub(crate) key: SignInKey,
    /// Its session.
    pub(crate) snapshot: SessionSnapshot,
}

impl SignedIn {
    /// The user.
    pub(crate) fn user(&self) -> UserId {
        self.key.session.user_id
    }
}

/// Finds sign-ins.
#[derive(Clone)]
pub(crate) struct FindSignIn {
    pub(crate) store: Arc<dyn Store>,
    /// How long a sign-in may be idle. `None`: no limit.
    pub(crate) idle_lifetime: Option<TimeDelta>,
}

impl FindSignIn {
    /// The sign-in with this handle. `None`: there is none, it has ended, or its user is disabled.
    pub(crate) async fn run(&self, key: &SignInKey) -> Result<Option<SignedIn>, StoreError> {
        let found = self.store.find_sign_in(key).await?;
        let live = found.filter(|found| found.is_live(self.idle_lifetime));
        Ok(live.map(|snapshot| SignedIn { key: key.clone(), snapshot }))
    }
}
