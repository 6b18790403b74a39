//! A password that was right is hashed anew, when passwords are hashed better by now than when it was set (PW-02).

use std::sync::Arc;

use auth_domain::{NormalizedPassword, PasswordHash, UserId};
use auth_store::{Store, UpgradeOutcome};

use super::Failure;
use crate::hashing::PasswordHasher;

/// Keeps hashes as good as today's.
#[derive(Clone)]
pub(crate) struct Rehash {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hasher: PasswordHasher,
}

impl Rehash {
    /// Replaces a hash that is outdated, once the answer is on its way: nobody waits twice as long for it. It takes its
    /// turn like every other; if there is no place, or the server stops, the next sign-in tries again.
    pub(super) fn after_sign_in(&self, user: UserId, password: NormalizedPassword, hash: PasswordHash) {
        if !self.hasher.is_outdated(&hash) {
            return;
        }
        let flow = self.clone();
        tokio::spawn(async move {
            match flow.run(user, password, &hash).await {
                Ok(UpgradeOutcome::Upgraded) => {
                    tracing::info!(%user, "the password is hashed as it is today");
                }
                Ok(UpgradeOutcome::Lost) => {
                    tracing::debug!(%user, "the password's hash was replaced meanwhile");
                }
                Err(error) => tracing::warn!(%user, %error, "the password's hash stays as it was"),
            }
        });
    }

    async fn run(
        &self,
        user: UserId,
        password: NormalizedPassword,
        from: &PasswordHash,
    ) -> Result<UpgradeOutcome, Failure> {
        let to = self.hasher.hash(password).await?;
        Ok(self.store.upgrade_hash(user, from, &to).await?)
    }
}
