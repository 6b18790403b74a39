//! Somebody changes their own password: they know the old one, and their other sessions end.

use std::sync::Arc;

use auth_domain::{
    NewPassword, NormalizedPassword, Password, PasswordHash, PasswordRules, PasswordSetter, SessionKey,
};
use auth_store::{ChangeOutcome, Store};
use goptri::ProtocolError;
use goptri_server::ClientAddress;
use goptri_settings::Plain;

use super::{Account, Failure, password_rejected};
use crate::hashing::PasswordHasher;
use crate::throttle::Throttle;

/// Not a 401: the access token is good, and refreshing it would not help.
const WRONG_PASSWORD: ProtocolError =
    ProtocolError::new(403, "invalid_credentials", "The current password is wrong.");

/// Changes passwords for their owners.
#[derive(Clone)]
pub struct ChangePassword {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hasher: PasswordHasher,
    pub(crate) rules: PasswordRules,
    pub(crate) throttle: Throttle,
}

impl ChangePassword {
    /// Sets the new password and ends all sessions but the one in which the person acts (PW-09).
    ///
    /// Who holds somebody's access token guesses their password no faster here than at sign-in (PW-11).
    pub async fn run(
        &self,
        account: &Account,
        from: ClientAddress,
        current: &Plain<Password>,
        new: &Plain<Password>,
    ) -> Result<(), Failure> {
        let email = &account.owner().email;
        let new = self.rules.check(new, email).map_err(password_rejected)?;
        let attempt = self.throttle.attempt(email.key().as_str(), from).inspect_err(|too_many| {
            tracing::info!(ip = %from, reason = %too_many.scope, "password change refused");
        })?;
        attempt.record_outcome(self.change(account, current, new).await)
    }

    async fn change(
        &self,
        account: &Account,
        current: &Plain<Password>,
        new: NormalizedPassword,
    ) -> Result<(), Failure> {
        let current = NormalizedPassword::of(current).ok_or(WRONG_PASSWORD)?;
        let mut verified_hash = self.verified(account, &current).await?;
        let hash = self.hasher.hash(new).await?;
        let SessionKey { user_id, id: session } = account.session();
        loop {
            let setter = PasswordSetter::SessionOwner { verified_hash: verified_hash.clone(), session };
            let changing =
                self.store.set_password(&NewPassword { user_id, hash: hash.clone(), setter }).await?;
            if let ChangeOutcome::Changed { ended_sessions } = changing {
                tracing::info!(user = %user_id, ended_sessions, "password changed by its owner");
                return Ok(());
            }
            // A sign-in at the same time may have stored the same password anew; otherwise the session has ended.
            let stored_hash = self.verified(account, &current).await?;
            if stored_hash == verified_hash {
                tracing::info!(%session, "password change refused: the session has ended");
                return Err(ProtocolError::INVALID_TOKEN.into());
            }
            verified_hash = stored_hash;
        }
    }

    /// The hash that is stored, if the current password is what they say it is.
    async fn verified(
        &self,
        account: &Account,
        current: &NormalizedPassword,
    ) -> Result<PasswordHash, Failure> {
        let user_id = account.session().user_id;
        let credentials = self.store.credentials(&account.owner().email.key()).await?;
        let hash = credentials.filter(|found| found.user_id == user_id).and_then(|found| found.password_hash);
        let good = self.hasher.verify(current.clone(), hash.as_ref()).await?;
        hash.filter(|_| good).ok_or_else(|| {
            tracing::info!(user = %user_id, "password change refused: another current password");
            WRONG_PASSWORD.into()
        })
    }
}
