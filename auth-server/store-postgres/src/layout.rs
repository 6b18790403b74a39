//! Whether the tables are on one server or distributed by Citus. It decides how the feed is read and whether refreshes
//! are batched.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_store::{Layout, RefreshBatching, StoreError};
use sqlx::{Error, PgConnection, Row};
use uuid::Uuid;

use crate::PostgresStore;
use crate::connection::ConnectionPool;
use crate::error::is_undefined_table;

/// Whether the database has the extension, in any schema.
const HAS_CITUS: &str = "select exists (select from pg_catalog.pg_extension where extname = 'citus')";

/// Whether Citus manages one of these tables. Fails without the extension.
const IS_DISTRIBUTED: &str = "select exists (select from pg_catalog.pg_dist_partition
    where logicalrelid in (to_regclass('sessions'), to_regclass('revocations')))";

/// The layout as it was last found. Clones share it.
///
/// It belongs to one database: after `distribute`, which gives the database another id, and behind another server after
/// a failover, it is found again.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownLayout(Arc<Mutex<Option<Found>>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    /// `None`: forced by a test.
    database_id: Option<Uuid>,
    layout: Layout,
}

impl KnownLayout {
    fn found(&self) -> MutexGuard<'_, Option<Found>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self) -> Option<Layout> {
        self.found().map(|found| found.layout)
    }

    #[cfg(feature = "testing")]
    pub(crate) fn forced(layout: Layout) -> Self {
        Self(Arc::new(Mutex::new(Some(Found { database_id: None, layout }))))
    }

    /// The layout is looked up again.
    pub(crate) fn forget(&self) {
        *self.found() = None;
    }

    /// Whether the known layout is that of the database with this id. If not, forgets it.
    pub(crate) fn is_of(&self, database_id: Uuid) -> bool {
        let mut known = self.found();
        let is_of = known.is_some_and(|found| found.database_id.is_none_or(|id| id == database_id));
        if !is_of {
            *known = None;
        }
        is_of
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
            let before = std::mem::replace(&mut *self.known_layout.found(), found);
            if before != found {
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

/// The id is read first: if the database is distributed in between, the layout belongs to a later id, and is found
/// again.
async fn look_up(connection: &mut PgConnection) -> Result<(Option<Uuid>, Layout), Error> {
    let id = sqlx::query_scalar!("select id from database_id").fetch_optional(&mut *connection).await;
    let id = match id {
        Err(error) if is_undefined_table(&error) => return Ok((None, Layout::OneServer)),
        id => id?,
    };
    let distributed = truth(connection, HAS_CITUS).await? && truth(connection, IS_DISTRIBUTED).await?;
    Ok((id, if distributed { Layout::Distributed } else { Layout::OneServer }))
}

/// The result of a question. The text is not checked at compile time, because a build has no Citus.
async fn truth(connection: &mut PgConnection, question: &'static str) -> Result<bool, Error> {
    sqlx::raw_sql(question).fetch_one(connection).await?.try_get(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_is_that_of_one_database() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let known = KnownLayout::default();
        assert!(!known.is_of(one), "before it was found");
        *known.found() = Some(Found { database_id: Some(one), layout: Layout::OneServer });
        assert!(known.is_of(one));
        assert_eq!(known.get(), Some(Layout::OneServer));
        assert!(!known.is_of(other));
        assert_eq!(known.get(), None, "it must be found again");
    }
}
