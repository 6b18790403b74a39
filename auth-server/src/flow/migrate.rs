//! Brings a database up to date: its schema, then the keys of e-mail addresses, which SQL cannot compute.

use std::fmt;
use std::sync::Arc;

use auth_domain::{EmailKey, StoredEmail, UserId};
use auth_store::{RunningServers, SetKeyOutcome, Store, StoreError};

/// Users per statement.
const PAGE: u32 = 500;

/// Migrates a database. Several servers may do so at the same time, and any of them may stop in the middle.
#[derive(Clone)]
pub struct Migrate {
    pub(crate) store: Arc<dyn Store>,
}

/// A user who cannot sign in with the address that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableAddress {
    /// The user.
    pub user: StoredEmail,
    /// Why.
    pub reason: UnusableBecause,
}

/// Why a user cannot sign in with the stored address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusableBecause {
    /// An older user has another spelling of the same address, and its key.
    OlderUser(UserId),
    /// The present rules reject it.
    Refused,
}

impl fmt::Display for UnusableBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OlderUser(older) => {
                write!(f, "the older user {older} has the same address in another spelling")
            }
            Self::Refused => f.write_str("it has characters that are no longer accepted"),
        }
    }
}

impl Migrate {
    /// Migrates the database on this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Migrates while other servers may be running, and computes the keys if the stored ones are of earlier rules. Logs
    /// each address that cannot be used.
    pub async fn run(&self) -> Result<(), StoreError> {
        self.store.migrate(RunningServers::Possible).await?;
        if self.store.email_key_version().await? < EmailKey::VERSION {
            self.compute_keys().await?;
        }
        Ok(())
    }

    /// Migrates, and computes all keys in any case. Returns the addresses that cannot be used.
    pub async fn run_and_recompute_keys(
        &self,
        servers: RunningServers,
    ) -> Result<Vec<UnusableAddress>, StoreError> {
        self.store.migrate(servers).await?;
        self.compute_keys().await
    }

    async fn compute_keys(&self) -> Result<Vec<UnusableAddress>, StoreError> {
        let (mut unusable, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.stored_emails(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.user_id);
            for user in page {
                unusable.extend(self.compute_key(user).await?);
            }
        }
        for UnusableAddress { user, reason } in &unusable {
            tracing::warn!(user = %user.user_id, %reason, "this user cannot sign in with the stored address");
        }
        self.store.record_email_key_version(EmailKey::VERSION).await?;
        Ok(unusable)
    }

    /// Stores the key of the user's address. If a younger user has that key, the two swap keys, and no user can sign in
    /// with the key that the younger one gets. Returns the user who cannot sign in, except a younger one whose turn is
    /// still to come.
    async fn compute_key(&self, user: StoredEmail) -> Result<Option<UnusableAddress>, StoreError> {
        if !user.is_accepted() {
            return Ok(Some(UnusableAddress { user, reason: UnusableBecause::Refused }));
        }
        let Some(key) = user.changed_key() else { return Ok(None) };
        // Another round is needed if another server or the operator has changed one of the users meanwhile.
        loop {
            if self.store.set_email_key(user.user_id, &user.key, &key).await? != SetKeyOutcome::Taken {
                return Ok(None);
            }
            match self.store.email_with_key(&key).await? {
                Some(holder) if holder.is_older_than(&user) => {
                    let reason = UnusableBecause::OlderUser(holder.user_id);
                    return Ok(Some(UnusableAddress { user, reason }));
                }
                Some(younger) if self.store.swap_email_keys(&user, &younger).await? => {
                    let reason = UnusableBecause::OlderUser(user.user_id);
                    let is_to_come = younger.user_id > user.user_id;
                    return Ok((!is_to_come).then_some(UnusableAddress { user: younger, reason }));
                }
                Some(_) | None => {}
            }
        }
    }
}
