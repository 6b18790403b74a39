//! Reads the feed of a distributed database, with a [cursor by time](crate::time_cursor).
//!
//! One query reads all nodes and fails if one of them does not answer. Only while it fails, each node is read on a
//! connection of its own, so that the entries of the others arrive.

use std::sync::atomic::{AtomicBool, Ordering};

use auth_store::{Cursor, RevocationPage, RevocationRecord, StoreError};
use chrono::{DateTime, Utc};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::connection::ConnectionPool;
use crate::entry_key::EntryKey;
use crate::fate::Failure;
use crate::nodes::read_each;
use crate::read_feed::ReadPage;
use crate::revocation_rows::RevokedRow;
use crate::time_cursor::{Pass, Reach, RowKey, TimeCursor};

/// Whether the last read of all nodes failed. Clones of the store share it.
#[derive(Debug, Default)]
pub(crate) struct NodesDown(AtomicBool);

/// What belongs to all rows of a read.
struct Head {
    database_id: Uuid,
    now: DateTime<Utc>,
}

/// Which rows to read: up to `max` after `after` that have not expired at `now`.
pub(crate) struct Slice<'a> {
    pub(crate) after: &'a RowKey,
    pub(crate) now: DateTime<Utc>,
    pub(crate) max: u32,
}

/// The rows of the nodes that were read, and the names of the others.
pub(crate) struct Found {
    pub(crate) rows: Vec<RevokedRow>,
    pub(crate) unread: Vec<String>,
}

impl PostgresStore {
    /// Reads the nodes that `reach` says. With [`Reach::EveryNode`], fails if one does not answer.
    pub(crate) async fn read_by_time(
        &self,
        pool: &ConnectionPool,
        after: Option<&Cursor>,
        max: u32,
        reach: Reach,
    ) -> Result<ReadPage, StoreError> {
        let asked = after.and_then(|cursor| TimeCursor::parse(cursor.as_str()));
        let (head, pass, found) = pool
            .with_connection(async |connection| {
                let head = self.head(connection).await?;
                let pass = Pass::resume(asked, head.database_id, head.now, reach);
                let slice = Slice { after: &pass.after, now: head.now, max };
                let found = match reach {
                    Reach::EveryNode => read_all(connection, &slice).await?,
                    Reach::SomeNodes => read_each(connection, &slice).await?,
                };
                Ok::<_, Failure>((head, pass, found))
            })
            .await?;
        page(&head, pass, found, max)
    }

    /// Reads all nodes, or while one is down those that answer. The page names the others.
    pub(crate) async fn follow_by_time(
        &self,
        pool: &ConnectionPool,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<ReadPage, StoreError> {
        let down = &self.nodes_down.0;
        let failed = if down.load(Ordering::Relaxed) {
            None
        } else {
            match self.read_by_time(pool, after, max, Reach::EveryNode).await {
                Err(error @ StoreError::Unavailable(_)) => Some(error),
                result => return result,
            }
        };
        let result = self.read_by_time(pool, after, max, Reach::SomeNodes).await;
        let still_down = result.as_ref().is_ok_and(|(_, page)| !page.unread.is_empty());
        down.store(still_down, Ordering::Relaxed);
        match result {
            // All answer again. Only the query reads what the others missed meanwhile.
            Ok(_) if !still_down => self.read_by_time(pool, after, max, Reach::EveryNode).await,
            // That no node can be read says less than why the query failed.
            result => result.map_err(|error| failed.unwrap_or(error)),
        }
    }

    /// A page without entries, whose cursor is after all entries that are visible now.
    pub(crate) async fn newest_by_time(&self, pool: &ConnectionPool) -> Result<ReadPage, StoreError> {
        let head = pool.with_connection(async |connection| self.head(connection).await).await?;
        let next = TimeCursor::up_to(head.now, head.database_id).cursor();
        Ok((
            head.database_id,
            RevocationPage { entries: Vec::new(), next, more: false, now: head.now, unread: Vec::new() },
        ))
    }

    /// Reads the head. A statement of its own, because this one reads no shard.
    async fn head(&self, connection: &mut PgConnection) -> Result<Head, Failure> {
        let head = sqlx::query!(
            r#"select id as database_id, pg_is_in_recovery() as "standby!",
                      statement_timestamp() + $1::interval as "now!" from database_id"#,
            self.clock_offset(),
        )
        .fetch_one(connection)
        .await?;
        // A standby may lag behind by any amount.
        if head.standby {
            Err(Failure::Standby)
        } else {
            Ok(Head { database_id: head.database_id, now: head.now })
        }
    }
}

async fn read_all(connection: &mut PgConnection, slice: &Slice<'_>) -> Result<Found, Error> {
    let Slice { after, now, max } = slice;
    let rows = sqlx::query_as!(
        RevokedRow,
        "select user_id, kind, subject, created_at, expires_at from revocations
         where (created_at, user_id, kind, subject) > ($1, $2, $3, $4) and expires_at > $5
         order by created_at, user_id, kind, subject limit $6",
        after.created_at,
        after.entry.user_id,
        after.entry.kind,
        after.entry.subject,
        *now,
        i64::from(*max),
    );
    Ok(Found { rows: rows.fetch_all(connection).await?, unread: Vec::new() })
}

fn page(head: &Head, pass: Pass, found: Found, max: u32) -> Result<ReadPage, StoreError> {
    let Found { rows, unread } = found;
    let more = u32::try_from(rows.len()).is_ok_and(|read| read == max) && max > 0;
    let last = rows
        .last()
        .filter(|_| more)
        .map(|row| RowKey { created_at: row.created_at, entry: EntryKey::of(row) });
    let next = pass.next(head.database_id, last);
    let entries = rows.into_iter().map(RevocationRecord::try_from).collect::<Result<_, _>>()?;
    Ok((head.database_id, RevocationPage { entries, next, more, now: head.now, unread }))
}
