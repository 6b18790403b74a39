//! What nobody needs to remember any more is deleted, a slice at a time.

use std::sync::Arc;
use std::time::Duration;

use auth_domain::SessionKey;
use auth_store::Store;
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
        let (mut all, mut place, mut looked_at) = (Swept::default(), None, 0);
        loop {
            let (some, sessions) = self.some(&mut place, SLICES_AT_A_TIME).await?;
            all.records += some.records;
            all.sessions += some.sessions;
            looked_at += sessions;
            if place.is_none() && some.records < u64::from(SLICE * SLICES_AT_A_TIME) {
                return Ok(all);
            }
            seen(looked_at);
        }
    }

    /// Sweeps so many slices of each table, of the sessions those after `place`, which is moved to the last one. At the
    /// end of them it begins anew. Also says how many sessions it looked at, but for a last slice that was not full.
    async fn some(&self, place: &mut Option<SessionKey>, slices: u32) -> Result<(Swept, u64), Failure> {
        let (mut swept, mut looked_at) = (Swept::default(), 0);
        for _ in 0..slices {
            let records = self.store.sweep_revocations(SLICE).await?;
            swept.records += records;
            if records < u64::from(SLICE) {
                break;
            }
        }
        for _ in 0..slices {
            let slice = self.store.sweep_sessions(*place, SLICE, self.idle_lifetime).await?;
            swept.sessions += slice.swept;
            *place = slice.last;
            if place.is_none() {
                break;
            }
            looked_at += u64::from(SLICE);
        }
        Ok((swept, looked_at))
    }

    /// Sweeps now and then, for as long as the server runs.
    pub(crate) async fn run_now_and_then(self) {
        let mut place = None;
        loop {
            match self.some(&mut place, SLICES_AT_A_TIME).await {
                Ok((swept, _)) if swept == Swept::default() => {}
                Ok((swept, _)) => tracing::debug!(swept.records, swept.sessions, "swept"),
                Err(failure) => {
                    tracing::warn!(%failure, "sweeping stopped half-way; the next try is in a minute");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use auth_domain::{Email, NewSession, NewUser, PasswordHash, SessionId, UserId};
    use goptri::ManualClock;
    use goptri_settings::Plain;
    use store_sqlite::SqliteStore;
    use uuid::Uuid;

    use super::*;

    #[actix_web::test]
    async fn each_go_begins_where_the_one_before_it_stopped() {
        let (folder, clock) = (tempfile::tempdir().unwrap(), ManualClock::default());
        let url = format!("sqlite://{}", folder.path().join("goptri.db").display());
        let store: Arc<dyn Store> = Arc::new(SqliteStore::connect(&url, Arc::new(clock.clone())).unwrap());
        store.migrate().await.unwrap();
        let hash = PasswordHash::from_phc("$argon2id$".to_owned());
        let user_id = UserId(Uuid::from_u128(1));
        let person = NewUser {
            id: user_id,
            email: Email::parse("ann@example.com").unwrap(),
            email_verified: false,
            password_hash: hash.clone(),
            roles: Vec::new(),
        };
        store.add_user(&person).await.unwrap();
        for number in 1..=2_100 {
            let key = SessionKey { user_id, id: SessionId(Uuid::from_u128(number)) };
            let lifetime = (number % 2 == 0).then(TimeDelta::zero);
            let session = NewSession::for_test(key, hash.clone(), &Plain::new(number.to_string()));
            store.open_session(&NewSession { lifetime, ..session }).await.unwrap();
        }
        clock.advance(TimeDelta::hours(3));
        let sweep = Sweep { store, idle_lifetime: None };
        let mut place = None;
        let mut swept = Vec::new();
        for _ in 0..4 {
            let (some, looked_at) = sweep.some(&mut place, 1).await.unwrap();
            swept.push((some.sessions, looked_at));
        }
        assert_eq!(swept, [(500, 1_000), (500, 1_000), (50, 0), (0, 1_000)]);
    }
}
