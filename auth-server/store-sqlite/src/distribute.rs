//! SQLite is one file on one server.

use async_trait::async_trait;
use auth_store::{Distribution, DistributionPlan, Layout, StoreError};

use crate::SqliteStore;

const ONE_FILE: &str = "SQLite is one file and cannot be distributed; set DATABASE_URL to the coordinator of \
                        PostgreSQL with Citus";

#[async_trait]
impl Distribution for SqliteStore {
    async fn layout(&self) -> Result<Layout, StoreError> {
        Ok(Layout::OneServer)
    }

    async fn plan_distribution(&self) -> Result<DistributionPlan, StoreError> {
        Err(StoreError::Unsuitable(ONE_FILE.into()))
    }

    async fn distribute(&self) -> Result<DistributionPlan, StoreError> {
        Err(StoreError::Unsuitable(ONE_FILE.into()))
    }
}
