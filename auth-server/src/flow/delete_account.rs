//! Deletes the caller's own account: the password must be right, and all sessions end.

use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::Password;
use auth_store::Store;
use goptri_settings::Plain;

use super::{Account, ChangePassword};
use crate::error::{ChangePasswordRefused, Failure};

/// Deletes accounts for their users.
#[derive(Clone)]
pub(crate) struct DeleteAccount {
    pub(crate) store: Arc<dyn Store>,
    /// Verifies the password.
    pub(crate) passwords: ChangePassword,
}

impl DeleteAccount {
    /// Deletes the account, its sessions, and its consents to applications. The limits for wrong passwords are those of
    /// [`ChangePassword`].
    pub(crate) async fn run(
        &self,
        account: &Account,
        from: IpAddr,
        password: &Plain<Password>,
    ) -> Result<(), Failure<ChangePasswordRefused>> {
        self.passwords.confirm(account, from, password).await?;
        let user = account.session().user_id;
        let outcome = self.store.delete_user(user).await?;
        tracing::info!(%user, ?outcome, "user deleted by its user");
        Ok(())
    }
}
