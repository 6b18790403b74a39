//! Checks whether this server can answer requests.

use std::sync::Arc;

use auth_store::{Readiness, Store, StoreError};

/// Checks the database.
#[derive(Clone)]
pub struct CheckReadiness {
    pub(crate) store: Arc<dyn Store>,
}

impl CheckReadiness {
    /// Whether the database answers and has all migrations.
    pub async fn run(&self) -> Result<Readiness, StoreError> {
        self.store.ready().await
    }
}
