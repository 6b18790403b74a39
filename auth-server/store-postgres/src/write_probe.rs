//! Proves that a write is possible.
//!
//! Uses the background connection, so that a busy pool does not delay the probe, nor the probe requests.

use auth_store::StoreError;

use crate::PostgresStore;

impl PostgresStore {
    /// Commits an update. Only a commit proves anything: a transaction on a read-only server gets its number, and one
    /// whose synchronous standby is away hangs at the end.
    pub(crate) async fn commit_probe(&self) -> Result<(), StoreError> {
        self.background_pool
            .with_connection(async |connection| {
                sqlx::query!(
                    "insert into write_probe (probed_at) values (statement_timestamp())
                     on conflict (only_row) do update set probed_at = excluded.probed_at"
                )
                .execute(connection)
                .await
            })
            .await
            .map(drop)
    }
}
