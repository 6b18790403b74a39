//! Replaces a password hash whose parameters are outdated, after a successful sign-in (PW-02).

use std::sync::Arc;

use auth_domain::{NormalisedPassword, PasswordHash, UserId};
use auth_store::{Store, UpgradeOutcome};

use crate::error::Failure;
use crate::hashing::PasswordHasher;

/// Upgrades password hashes to the current parameters.
#[derive(Clone)]
pub(crate) struct Rehash {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) hasher: PasswordHasher,
}

impl Rehash {
    /// Replaces an outdated hash in the background, through the same queue as every other hash: no response waits for
    /// it. If the queue is full or the server stops, the next sign-in tries again.
    pub(super) fn after_sign_in(&self, user: UserId, password: NormalisedPassword, hash: PasswordHash) {
        if !self.hasher.is_outdated(&hash) {
            return;
        }
        let flow = self.clone();
        tokio::spawn(async move {
            match flow.run(user, password, &hash).await {
                Ok(UpgradeOutcome::Upgraded) => {
                    tracing::info!(%user, "password rehashed with the current parameters");
                }
                Ok(UpgradeOutcome::Lost) => {
                    tracing::debug!(%user, "the password hash was replaced meanwhile");
                }
                Err(error) => tracing::warn!(%user, %error, "the outdated password hash was not replaced"),
            }
        });
    }

    async fn run(
        &self,
        user: UserId,
        password: NormalisedPassword,
        from: &PasswordHash,
    ) -> Result<UpgradeOutcome, Failure> {
        let to = self.hasher.hash(password).await?;
        Ok(self.store.upgrade_hash(user, from, &to).await?)
    }
}
