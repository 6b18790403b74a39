//! Reads the feed as the layout of the tables demands: by transaction on one server, by time in a distributed database.

use auth_store::{Cursor, Layout, RevocationPage, StoreError};
use uuid::Uuid;

use crate::PostgresStore;
use crate::connection::ConnectionPool;
use crate::time_cursor::Reach;

/// The page, and the id of the database that it is from.
pub(crate) type ReadPage = (Uuid, RevocationPage);

/// What to read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// Up to this number of entries after the cursor.
    Page(Option<&'a Cursor>, u32),
    /// Up to this number of entries after the cursor, from the nodes that answer.
    PageOfSomeNodes(Option<&'a Cursor>, u32),
    /// No entry, only the cursor after all of them.
    Newest,
}

impl PostgresStore {
    pub(crate) async fn read_feed(
        &self,
        pool: &ConnectionPool,
        wanted: Wanted<'_>,
    ) -> Result<RevocationPage, StoreError> {
        loop {
            let layout = self.find_layout(pool).await?;
            let (database_id, page) = match (layout, wanted) {
                (Layout::OneServer, Wanted::Page(after, max) | Wanted::PageOfSomeNodes(after, max)) => {
                    self.read_by_transaction(pool, after, max).await?
                }
                // A limit of 0 reads only the horizon.
                (Layout::OneServer, Wanted::Newest) => self.read_by_transaction(pool, None, 0).await?,
                (Layout::Distributed, Wanted::Page(after, max)) => {
                    self.read_by_time(pool, after, max, Reach::EveryNode).await?
                }
                (Layout::Distributed, Wanted::PageOfSomeNodes(after, max)) => {
                    self.follow_by_time(pool, after, max).await?
                }
                (Layout::Distributed, Wanted::Newest) => self.newest_by_time(pool).await?,
            };
            // The tables were distributed meanwhile, or another database answers: the layout is looked up again.
            if self.known_layout.is_of(database_id) {
                return Ok(page);
            }
        }
    }
}
