//! Whether the tables are on one server or distributed by Citus. It decides how the feed is read and whether refreshes
//! are batched.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_store::{Layout, RefreshBatching, StoreError};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::citus_check::{has_citus, is_true};
use crate::connection::ConnectionPool;
use crate::error::is_undefined_table;

/// Whether Citus manages one of these tables. Fails without the extension.
const IS_DISTRIBUTED: &str = "select exists (select from pg_catalog.pg_dist_partition
    where logicalrelid in (to_regclass('sessions'), to_regclass('revocations')))";

/// The layout as it was last found. Clones share it.
///
/// It belongs to the database with one id. It is looked up again after `distribute`, which gives the database another
/// id, and after a failover to a server with another database.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownLayout(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    /// The layout of `found`, which each refresh reads without the lock.
    layout: AtomicU8,
    found: Mutex<Option<Found>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    /// `None`: forced by a test.
    database_id: Option<Uuid>,
    layout: Layout,
}

const UNKNOWN: u8 = 0;
const ONE_SERVER: u8 = 1;
const DISTRIBUTED: u8 = 2;

impl KnownLayout {
    fn get(&self) -> Option<Layout> {
        match self.0.layout.load(Ordering::Relaxed) {
            ONE_SERVER => Some(Layout::OneServer),
            DISTRIBUTED => Some(Layout::Distributed),
            _ => None,
        }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn forced(layout: Layout) -> Self {
        let known = Self::default();
        known.set(Some(Found { database_id: None, layout }));
        known
    }

    /// Forgets the layout, so that it is looked up again.
    pub(crate) fn forget(&self) {
        self.set(None);
    }

    /// Whether the known layout is that of the database with this id. If not, forgets it.
    pub(crate) fn is_of(&self, database_id: Uuid) -> bool {
        let mut known = self.found();
        let is_of = known.is_some_and(|found| found.database_id.is_none_or(|id| id == database_id));
        if !is_of {
            self.replace(&mut known, None);
        }
        is_of
    }

    /// Returns what was known before.
    fn set(&self, found: Option<Found>) -> Option<Found> {
        self.replace(&mut self.found(), found)
    }

    fn replace(&self, known: &mut Option<Found>, found: Option<Found>) -> Option<Found> {
        let layout = match found.map(|found| found.layout) {
            None => UNKNOWN,
            Some(Layout::OneServer) => ONE_SERVER,
            Some(Layout::Distributed) => DISTRIBUTED,
        };
        self.0.layout.store(layout, Ordering::Relaxed);
        std::mem::replace(known, found)
    }

    fn found(&self) -> MutexGuard<'_, Option<Found>> {
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PostgresStore {
    /// The layout, which is looked up at most once for each database.
    pub(crate) async fn find_layout(&self, pool: &ConnectionPool) -> Result<Layout, StoreError> {
        if let Some(layout) = self.known_layout.get() {
            return Ok(layout);
        }
        let (database_id, layout) = pool.with_connection(look_up).await?;
        // A database without tables may still be distributed.
        if let Some(id) = database_id {
            let found = Some(Found { database_id: Some(id), layout });
            if self.known_layout.set(found) != found {
                log(layout, self.batching);
            }
        }
        Ok(layout)
    }

    /// Whether refreshes share statements. Where the layout cannot be found, they do not.
    pub(crate) async fn batches_refreshes(&self) -> bool {
        match self.batching {
            RefreshBatching::Off => false,
            batching => self.find_layout(&self.pool).await.is_ok_and(|layout| batching.applies(layout)),
        }
    }
}

fn log(layout: Layout, batching: RefreshBatching) {
    match layout {
        Layout::OneServer => tracing::info!("the tables are on one server"),
        Layout::Distributed => tracing::info!(
            "the tables are distributed by Citus: the feed is read by time, and refreshes are not batched unless \
             REFRESH_BATCHING=on"
        ),
    }
    if layout == Layout::Distributed && batching == RefreshBatching::On {
        tracing::warn!(
            "REFRESH_BATCHING=on in a distributed database: a batch commits on several nodes in two phases, and fails \
             if one of them does; unset it"
        );
    }
}

/// Reads the id first: if the database is distributed in between, the layout belongs to a later id, and is looked up
/// again.
async fn look_up(connection: &mut PgConnection) -> Result<(Option<Uuid>, Layout), Error> {
    let id = sqlx::query_scalar!("select id from database_id").fetch_optional(&mut *connection).await;
    let id = match id {
        Err(error) if is_undefined_table(&error) => return Ok((None, Layout::OneServer)),
        id => id?,
    };
    let distributed = has_citus(connection).await? && is_true(connection, IS_DISTRIBUTED).await?;
    Ok((id, if distributed { Layout::Distributed } else { Layout::OneServer }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_that_of_one_database() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let known = KnownLayout::default();
        assert!(!known.is_of(one), "before it was found");
        for layout in [Layout::OneServer, Layout::Distributed] {
            assert_eq!(known.set(Some(Found { database_id: Some(one), layout })), None);
            assert!(known.is_of(one));
            assert_eq!(known.get(), Some(layout));
            assert!(!known.is_of(other));
            assert_eq!(known.get(), None, "it must be found again");
        }
    }
}
