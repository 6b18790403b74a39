//! What nobody needs to remember any more is deleted, a slice at a time.

use std::sync::Arc;
use std::time::Duration;

use auth_domain::store::Store;

use super::Failure;

/// So many rows go at a time: nobody waits long for a slice.
const SLICE: u32 = 1_000;

/// How often a server sweeps.
const PAUSE: Duration = Duration::from_mins(1);

/// Sweeps the record of ended sessions.
#[derive(Clone)]
pub struct Sweep {
    pub(crate) store: Arc<dyn Store>,
}

impl Sweep {
    /// Deletes all records whose time is over, and says how many those were.
    pub async fn run(&self) -> Result<u64, Failure> {
        let mut swept = 0;
        loop {
            let slice = self.store.sweep_revocations(SLICE).await?;
            swept += slice;
            if slice < u64::from(SLICE) {
                return Ok(swept);
            }
        }
    }

    /// Sweeps now and then, for as long as the server runs.
    pub(crate) async fn run_now_and_then(self) {
        loop {
            match self.run().await {
                Ok(0) => {}
                Ok(swept) => tracing::debug!(swept, "records of ended sessions swept"),
                Err(failure) => {
                    tracing::warn!(%failure, "nothing could be swept; the next try is in a minute");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
