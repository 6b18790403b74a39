//! Distributes a database over several servers.

use std::sync::Arc;

use auth_store::{DistributionPlan, Store, StoreError};

/// Distributes the tables by user.
#[derive(Clone)]
pub struct Distribute {
    pub(crate) store: Arc<dyn Store>,
}

impl Distribute {
    /// Distributes the database of this store.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Distributes each table that is not distributed yet. Returns what was done.
    ///
    /// # Errors
    /// The database cannot be distributed; the error has a remedy.
    pub async fn run(&self) -> Result<DistributionPlan, StoreError> {
        self.store.distribute().await
    }

    /// What [`run`](Self::run) would do.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn plan(&self) -> Result<DistributionPlan, StoreError> {
        self.store.plan_distribution().await
    }
}
