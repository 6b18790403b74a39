//! Signs out at the pages: ends the sign-in of a browser, and with it the sessions of the applications in it.

use std::sync::Arc;

use auth_domain::SignInKey;
use auth_store::{Store, StoreError};

use super::super::SessionCounters;

/// Ends sign-ins.
#[derive(Clone)]
pub(crate) struct EndSignIn {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) counters: SessionCounters,
}

impl EndSignIn {
    /// Ends the sign-in with this handle, if there is one.
    pub(crate) async fn run(&self, key: &SignInKey) -> Result<(), StoreError> {
        if self.store.find_sign_in(key).await?.is_none() {
            return Ok(());
        }
        let outcome = self.store.end_session(key.session, None).await?;
        self.counters.signed_out(false);
        tracing::info!(user = %key.session.user_id, session = %key.session.id, ?outcome, "signed out");
        Ok(())
    }
}
