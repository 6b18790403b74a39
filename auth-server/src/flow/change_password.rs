//! Changes the caller's own password: the current one must be right, and the user's other sessions end.

use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{
    NewPassword, NormalisedPassword, Password, PasswordHash, PasswordRules, PasswordSetter, SessionKey,
};
use auth_store::{ChangeOutcome, Store};
use goptri_settings::Plain;

use super::{Account, record_attempt};
use crate::error::{ChangePasswordRefused, Failure};
use crate::hashing::PasswordHasher;
use crate::throttle::Throttle;

/// Changes passwords for their users.
#[derive(Clone)]
pub struct ChangePassword {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hasher: PasswordHasher,
    pub(crate) rules: PasswordRules,
    pub(crate) throttle: Throttle,
}

impl ChangePassword {
    /// Sets the new password and ends all sessions except the caller's (PW-09).
    ///
    /// The same limits as at sign-in apply, so that a stolen access token does not help to guess the password (PW-11).
    pub async fn run(
        &self,
        account: &Account,
        from: IpAddr,
        current: &Plain<Password>,
        new: &Plain<Password>,
    ) -> Result<(), Failure<ChangePasswordRefused>> {
        let changed = self.attempt(account, from, current, new).await;
        if let Err(Failure::Refused(refused)) = &changed {
            let user = account.session().user_id;
            tracing::info!(%user, ip = %from, reason = %refused, "password change rejected");
        }
        changed
    }

    /// Verifies the caller's password, within the same limits.
    pub(crate) async fn confirm(
        &self,
        account: &Account,
        from: IpAddr,
        current: &Plain<Password>,
    ) -> Result<(), Failure<ChangePasswordRefused>> {
        let attempt = self.throttle.count_attempt(account.owner().email.key().as_str(), from);
        let attempt = attempt.map_err(ChangePasswordRefused::TooManyAttempts)?;
        let flow = Self { hasher: self.hasher.for_client(from), ..self.clone() };
        let confirmed = async {
            let current = NormalisedPassword::of(current).ok_or(ChangePasswordRefused::WrongPassword)?;
            flow.verify(account, &current).await.map(|_| ())
        };
        record_attempt(attempt, confirmed.await)
    }

    async fn attempt(
        &self,
        account: &Account,
        from: IpAddr,
        current: &Plain<Password>,
        new: &Plain<Password>,
    ) -> Result<(), Failure<ChangePasswordRefused>> {
        let email = &account.owner().email;
        let new = self.rules.check(new, email).map_err(ChangePasswordRefused::from)?;
        let attempt = self.throttle.count_attempt(email.key().as_str(), from);
        let attempt = attempt.map_err(ChangePasswordRefused::TooManyAttempts)?;
        let flow = Self { hasher: self.hasher.for_client(from), ..self.clone() };
        record_attempt(attempt, flow.change(account, current, new).await)
    }

    async fn change(
        &self,
        account: &Account,
        current: &Plain<Password>,
        new: NormalisedPassword,
    ) -> Result<(), Failure<ChangePasswordRefused>> {
        let current = NormalisedPassword::of(current).ok_or(ChangePasswordRefused::WrongPassword)?;
        let mut verified_hash = self.verify(account, &current).await?;
        let hash = self.hasher.hash(new).await?;
        let SessionKey { user_id, id: session } = account.session();
        loop {
            let setter = PasswordSetter::SessionOwner { verified_hash: verified_hash.clone(), session };
            let password = NewPassword { user_id, hash: hash.clone(), setter };
            if let ChangeOutcome::Changed { ended_sessions } = self.store.set_password(&password).await? {
                tracing::info!(user = %user_id, ended_sessions, "password changed by its user");
                return Ok(());
            }
            // A concurrent sign-in may have rehashed the same password; otherwise the session has ended.
            let stored_hash = self.verify(account, &current).await?;
            if stored_hash == verified_hash {
                return Err(ChangePasswordRefused::SessionEnded.into());
            }
            verified_hash = stored_hash;
        }
    }

    /// The stored hash, if it is that of the current password.
    async fn verify(
        &self,
        account: &Account,
        current: &NormalisedPassword,
    ) -> Result<PasswordHash, Failure<ChangePasswordRefused>> {
        let user_id = account.session().user_id;
        let credentials = self.store.credentials(&account.owner().email.key()).await?;
        let hash = credentials.filter(|found| found.user_id == user_id).and_then(|found| found.password_hash);
        let matches = self.hasher.verify(current.clone(), hash.as_ref()).await?;
        Ok(hash.filter(|_| matches).ok_or(ChangePasswordRefused::WrongPassword)?)
    }
}
