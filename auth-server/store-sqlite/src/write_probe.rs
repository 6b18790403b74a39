//! Proves that a write is possible.
//!
//! On a connection of its own, which gives up soon when another one holds the write lock: a check of readiness must not
//! wait behind other writes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_store::StoreError;
use chrono::TimeDelta;
use sqlx::sqlite::SqliteConnectOptions;

use crate::SqliteStore;
use crate::connection::ConnectionPool;
use crate::error::is_busy;
use crate::rows::Micros;

/// How long the probe waits for the write lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// While the lock is busy, a commit within this time proves that writes are possible.
const COMMIT_COUNTS_FOR: TimeDelta = TimeDelta::seconds(10);

/// The connection of the probe, and the last commit that it noticed. Clones share both.
#[derive(Debug, Clone)]
pub(crate) struct WriteProbe {
    pub(crate) connection: ConnectionPool,
    last_commit: Arc<Mutex<LastCommit>>,
}

impl WriteProbe {
    pub(crate) fn new(writer: &ConnectionPool, options: SqliteConnectOptions) -> Self {
        let connection = writer.beside(options.busy_timeout(BUSY_TIMEOUT), 1);
        Self { connection, last_commit: Arc::default() }
    }

    fn last_commit<T>(&self, edit: impl FnOnce(&mut LastCommit) -> T) -> T {
        edit(&mut self.last_commit.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl SqliteStore {
    /// Commits an update. Only a commit proves anything: it is where SQLite finds out that the disk is full.
    pub(crate) async fn commit_probe(&self) -> Result<(), StoreError> {
        self.notice_commits().await?;
        let now = self.now();
        let written = self
            .probe
            .connection
            .with_connection(async |connection| {
                sqlx::query!(
                    "insert into write_probe (probed_at) values (?1)
                     on conflict (only_row) do update set probed_at = excluded.probed_at",
                    now
                )
                .execute(connection)
                .await
            })
            .await;
        match written {
            Ok(_) => {
                self.probe.last_commit(|last| last.at = Some(now));
                Ok(())
            }
            Err(error) if is_busy(&error) => {
                self.notice_commits().await?;
                let now = self.now();
                if self.probe.last_commit(|last| last.is_recent(now)) { Ok(()) } else { Err(error) }
            }
            Err(error) => {
                self.probe.last_commit(|last| *last = LastCommit::default());
                Err(error)
            }
        }
    }

    /// Looks for commits by other connections, of any process, since the last look.
    async fn notice_commits(&self) -> Result<(), StoreError> {
        let version: i64 = self
            .probe
            .connection
            .with_connection(async |connection| {
                sqlx::query_scalar("pragma data_version").fetch_one(connection).await
            })
            .await?;
        let now = self.now();
        self.probe.last_commit(|last| last.notice(version, now));
        Ok(())
    }
}

/// The last commit that the probe made or noticed.
#[derive(Debug, Clone, Copy, Default)]
struct LastCommit {
    /// `pragma data_version`, which changes when another connection has committed. Each connection counts for itself.
    version: Option<i64>,
    at: Option<Micros>,
}

impl LastCommit {
    fn notice(&mut self, version: i64, now: Micros) {
        if self.version.replace(version).is_some_and(|before| before != version) {
            self.at = Some(now);
        }
    }

    fn is_recent(self, now: Micros) -> bool {
        self.at.is_some_and(|at| at.after(COMMIT_COUNTS_FOR).0 >= now.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_commit_within_ten_seconds_counts() {
        const SECOND: i64 = 1_000_000;
        let mut last = LastCommit::default();
        last.notice(7, Micros(0));
        assert!(!last.is_recent(Micros(0)), "the first look proves no commit");
        last.notice(7, Micros(SECOND));
        assert!(!last.is_recent(Micros(SECOND)), "nothing was committed");
        last.notice(8, Micros(2 * SECOND));
        last.notice(8, Micros(3 * SECOND));
        for (seconds, recent) in [(2, true), (12, true), (13, false)] {
            assert_eq!(last.is_recent(Micros(seconds * SECOND)), recent, "{seconds}");
        }
    }
}
