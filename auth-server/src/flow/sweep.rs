//! What nobody needs to remember any more is deleted, a slice at a time.

use std::sync::Arc;
use std::time::Duration;

use auth_domain::SessionKey;
use auth_domain::store::Store;
use chrono::TimeDelta;

use super::Failure;

/// So many rows are looked at in one statement: nobody waits long for a slice.
const SLICE: u32 = 1_000;

/// How often a server sweeps.
const PAUSE: Duration = Duration::from_mins(1);

/// So many slices of each table at the most in one go of a server, which begins the next one where it stopped: whatever
/// there is to do, the database has time for others.
const SLICES_AT_A_TIME: u32 = 100;

/// Sweeps the record of ended sessions, and the sessions that ended by time.
#[derive(Clone)]
pub struct Sweep {
    pub(crate) store: Arc<dyn Store>,
    /// A session ends when it was not refreshed for so long. `None`: never.
    pub(crate) idle_lifetime: Option<TimeDelta>,
}

/// How much was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Records of ended sessions.
    pub records: u64,
    /// Sessions that ended by time.
    pub sessions: u64,
}

impl Sweep {
    /// Deletes all that can go. `seen` is told now and then how many sessions were looked at.
    pub async fn run(&self, mut seen: impl FnMut(u64)) -> Result<Swept, Failure> {
        let mut swept = Swept::default();
        let mut slices = 0;
        let mut after = None;
        loop {
            let (some, last) = self.some(after, SLICES_AT_A_TIME).await?;
            swept.records += some.records;
            swept.sessions += some.sessions;
            after = last;
            slices += u64::from(SLICES_AT_A_TIME);
            if after.is_none() && some.records < u64::from(SLICE) * u64::from(SLICES_AT_A_TIME) {
                return Ok(swept);
            }
            seen(slices * u64::from(SLICE));
        }
    }

    /// So many slices of each table: how much was deleted, and after which session to go on. `None`: from the first.
    async fn some(
        &self,
        mut after: Option<SessionKey>,
        slices: u32,
    ) -> Result<(Swept, Option<SessionKey>), Failure> {
        let mut swept = Swept::default();
        for _ in 0..slices {
            let records = self.store.sweep_revocations(SLICE).await?;
            swept.records += records;
            if records < u64::from(SLICE) {
                break;
            }
        }
        for _ in 0..slices {
            let slice = self.store.sweep_sessions(after, SLICE, self.idle_lifetime).await?;
            swept.sessions += slice.swept;
            after = slice.last;
            if after.is_none() {
                break;
            }
        }
        Ok((swept, after))
    }

    /// Sweeps now and then, for as long as the server runs.
    pub(crate) async fn run_now_and_then(self) {
        let mut after = None;
        loop {
            match self.some(after, SLICES_AT_A_TIME).await {
                Ok((swept, last)) => {
                    after = last;
                    if swept != Swept::default() {
                        tracing::debug!(swept.records, swept.sessions, "swept");
                    }
                }
                Err(failure) => {
                    tracing::warn!(%failure, "sweeping stopped half-way; the next try is in a minute");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
