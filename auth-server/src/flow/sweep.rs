//! Deletes expired entries of the feed, sessions that ended by time, and old codes and pushed requests, in slices.

use std::sync::Arc;
use std::time::Duration;

use auth_domain::SessionKey;
use auth_store::{Store, StoreError};
use chrono::TimeDelta;

use crate::error::CauseChain;

/// Rows per statement, so that no other statement waits long for a slice.
const SLICE: u32 = 1_000;

/// Between two passes of a server.
const SWEEP_INTERVAL: Duration = Duration::from_mins(1);

/// Slices of each table per pass. The next pass continues where this one stopped, so the database always has time for
/// other work.
const MAX_SLICES_PER_PASS: u32 = 100;

/// Sweeps all tables whose rows expire.
#[derive(Clone)]
pub struct Sweep {
    pub(crate) store: Arc<dyn Store>,
    /// Sessions that were idle for longer have ended. `None`: no limit.
    pub(crate) idle_lifetime: Option<TimeDelta>,
}

/// How much was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Expired entries of the feed.
    pub records: u64,
    /// Sessions that ended by time.
    pub sessions: u64,
    /// Authorization codes that expired long enough ago.
    pub codes: u64,
    /// Pushed authorization requests that can no longer be used.
    pub requests: u64,
}

/// A table whose oldest rows are deleted first.
#[derive(Debug, Clone, Copy)]
enum Table {
    Revocations,
    Codes,
    Pushed,
}

impl Sweep {
    /// Deletes everything that can be deleted. Calls `progress` with the number of sessions examined so far.
    pub async fn run(&self, mut progress: impl FnMut(u64)) -> Result<Swept, StoreError> {
        let (mut total, mut position, mut examined) = (Swept::default(), None, 0);
        loop {
            let (swept, sessions) = self.pass(&mut position, MAX_SLICES_PER_PASS).await?;
            total.records += swept.records;
            total.sessions += swept.sessions;
            total.codes += swept.codes;
            total.requests += swept.requests;
            examined += sessions;
            let most = swept.records.max(swept.codes).max(swept.requests);
            if position.is_none() && most < u64::from(SLICE * MAX_SLICES_PER_PASS) {
                return Ok(total);
            }
            progress(examined);
        }
    }

    /// Sweeps at most `max_slices` slices of each table. Sessions start after `position`, which moves to the last one
    /// examined, or back to the start at their end. Also returns how many sessions were examined, not counting a last
    /// slice that was not full.
    async fn pass(
        &self,
        position: &mut Option<SessionKey>,
        max_slices: u32,
    ) -> Result<(Swept, u64), StoreError> {
        let mut swept = Swept {
            records: self.slices(Table::Revocations, max_slices).await?,
            codes: self.slices(Table::Codes, max_slices).await?,
            requests: self.slices(Table::Pushed, max_slices).await?,
            sessions: 0,
        };
        let mut examined = 0;
        for _ in 0..max_slices {
            let slice = self.store.sweep_sessions(*position, SLICE, self.idle_lifetime).await?;
            swept.sessions += slice.swept;
            *position = slice.last;
            if position.is_none() {
                break;
            }
            examined += u64::from(SLICE);
        }
        Ok((swept, examined))
    }

    /// Sweeps slices of a table until one is not full. Returns how many rows were deleted.
    async fn slices(&self, table: Table, max_slices: u32) -> Result<u64, StoreError> {
        let mut swept = 0;
        for _ in 0..max_slices {
            let slice = match table {
                Table::Revocations => self.store.sweep_revocations(SLICE).await?,
                Table::Codes => self.store.sweep_codes(SLICE).await?,
                Table::Pushed => self.store.sweep_pushed_requests(SLICE).await?,
            };
            swept += slice;
            if slice < u64::from(SLICE) {
                break;
            }
        }
        Ok(swept)
    }

    /// Sweeps every minute, for as long as the server runs.
    pub(crate) async fn run_periodically(self) {
        let mut position = None;
        loop {
            match self.pass(&mut position, MAX_SLICES_PER_PASS).await {
                Ok((swept, _)) if swept == Swept::default() => {}
                Ok((swept, _)) => {
                    let Swept { records, sessions, codes, requests } = swept;
                    tracing::debug!(records, sessions, codes, requests, "swept");
                }
                Err(error) => {
                    let error = CauseChain(&error);
                    tracing::warn!(%error, "the sweep failed; the next one starts in a minute");
                }
            }
            tokio::time::sleep(SWEEP_INTERVAL).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::{Email, NewSession, NewUser, PasswordHash, SessionId, UserId};
    use goptri::clock::ManualClock;
    use goptri_settings::Plain;
    use store_sqlite::SqliteStore;
    use uuid::Uuid;

    use super::*;

    #[actix_web::test]
    async fn a_pass_continues_where_the_previous_one_stopped() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
        let url = format!("sqlite://{}", folder.path().join("goptri.db").display());
        let store: Arc<dyn Store> = Arc::new(SqliteStore::connect(&url, Arc::new(clock.clone())).unwrap());
        store.migrate(auth_store::RunningServers::Possible).await.unwrap();
        let hash = PasswordHash::from_phc("$argon2id$".to_owned());
        let user_id = UserId(Uuid::from_u128(1));
        let user = NewUser {
            id: user_id,
            email: Email::parse("ann@example.com").unwrap(),
            email_verified: false,
            password_hash: hash.clone(),
            roles: Vec::new(),
        };
        store.add_user(&user).await.unwrap();
        let key_of = |number| SessionKey { user_id, id: SessionId(Uuid::from_u128(number)) };
        for number in 1..=2_103 {
            let key = key_of(number);
            let lifetime = (number % 2 == 0).then(TimeDelta::zero);
            let session = NewSession::for_test(key, hash.clone(), &Plain::new(number.to_string()));
            store.open_session(&NewSession { lifetime, ..session }).await.unwrap();
        }
        for number in 2_101..=2_103 {
            store.end_session(key_of(number), None).await.unwrap();
        }
        clock.advance(TimeDelta::hours(3));
        let sweep = Sweep { store, idle_lifetime: None };
        let mut position = None;
        let mut swept = Vec::new();
        for _ in 0..4 {
            let (pass, examined) = sweep.pass(&mut position, 1).await.unwrap();
            swept.push((pass.records, pass.sessions, examined));
        }
        assert_eq!(swept, [(3, 500, 1_000), (0, 500, 1_000), (0, 50, 0), (0, 0, 1_000)]);
    }
}
