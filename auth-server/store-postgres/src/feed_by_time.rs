//! Reads the feed of a distributed database, with a [cursor by time](crate::time_cursor).
//!
//! One query reads all shards and fails if one of them does not answer. Only while it fails, each shard is read on a
//! connection of its own, so that the entries of the others arrive.

use std::sync::atomic::{AtomicBool, Ordering};

use auth_store::{Cursor, RevocationKind, RevocationPage, RevocationRecord, StoreError};
use chrono::{DateTime, Utc};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::connection::ConnectionPool;
use crate::entry_key::EntryKey;
use crate::fate::Failure;
use crate::read_feed::Read;
use crate::rows::corrupt;
use crate::time_cursor::{Pass, Reach, RowKey, TimeCursor};

/// Within one second, a node that does not answer is given up, instead of after the default of 30 s.
const SHARD_SETTINGS: &str = "set local citus.node_connection_timeout = '1s'";

/// Reads each shard. Citus formats the command once more with the name of the shard, hence the doubled percent signs.
/// Not checked at compile time, because a build has no Citus.
const READ_SHARDS: &str = "
    select s.success, r.user_id, r.kind, r.subject, r.created_at, r.expires_at,
           (select string_agg(n.nodename || ':' || n.nodeport, ', ')
            from pg_catalog.pg_dist_placement p join pg_catalog.pg_dist_node n on n.groupid = p.groupid
            where p.shardid = s.shardid and n.noderole = 'primary') as node
    from run_command_on_shards('revocations', format(
             'select coalesce(json_agg(r), ''[]'') from (
                  select user_id, kind, subject, created_at, expires_at from %%s
                  where (created_at, user_id, kind, subject) > (%L::timestamptz, %L::uuid, %L::text, %L::text)
                    and expires_at > %L::timestamptz
                  order by created_at, user_id, kind, subject limit %s) r',
             $1::timestamptz, $2::uuid, replace($3::text, '%', '%%'), replace($4::text, '%', '%%'), $5::timestamptz,
             $6::bigint)) s
    left join lateral json_to_recordset(case when s.success then s.result::json else '[]'::json end)
        as r (user_id uuid, kind text, subject text, created_at timestamptz, expires_at timestamptz) on true
    order by r.created_at, r.user_id, r.kind, r.subject";

/// Whether the last read of all shards failed. Clones of the store share it.
#[derive(Debug, Default)]
pub(crate) struct ShardsDown(AtomicBool);

/// What belongs to all rows of a read.
struct Head {
    database_id: Uuid,
    now: DateTime<Utc>,
}

/// A row of `revocations`.
#[derive(sqlx::FromRow)]
struct TimedRow {
    user_id: Uuid,
    kind: String,
    subject: String,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
}

/// A row of [`READ_SHARDS`]: of an entry, of a shard without entries, or of one that was not read.
#[derive(sqlx::FromRow)]
struct ShardRow {
    success: bool,
    node: Option<String>,
    user_id: Option<Uuid>,
    kind: Option<String>,
    subject: Option<String>,
    created_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

impl PostgresStore {
    /// All nodes, or an error.
    pub(crate) async fn read_by_time(
        &self,
        pool: &ConnectionPool,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<Read, StoreError> {
        let asked = after.and_then(|cursor| TimeCursor::parse(cursor.as_str()));
        let (head, pass, rows) = pool
            .with_connection(async |connection| {
                let head = self.head(connection).await?;
                let pass = Pass::after(asked, head.database_id, head.now, Reach::EveryNode);
                let rows = read_all(connection, &pass.after, head.now, max).await?;
                Ok::<_, Failure>((head, pass, rows))
            })
            .await?;
        page(&head, pass, rows, max)
    }

    /// All nodes, or those that answer while one is down. The page names the others.
    pub(crate) async fn follow_by_time(
        &self,
        pool: &ConnectionPool,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<Read, StoreError> {
        let down = &self.shards_down.0;
        let failed = if down.load(Ordering::Relaxed) {
            None
        } else {
            match self.read_by_time(pool, after, max).await {
                Err(error @ StoreError::Unavailable(_)) => Some(error),
                result => return result,
            }
        };
        let result = self.read_shards(pool, after, max).await;
        let still_down = result.as_ref().is_ok_and(|(_, page)| !page.unread.is_empty());
        down.store(still_down, Ordering::Relaxed);
        match result {
            // All answer again. Only the query reads what the others missed meanwhile.
            Ok(_) if !still_down => self.read_by_time(pool, after, max).await,
            // That no shard can be read says less than why the query failed.
            result => result.map_err(|error| failed.unwrap_or(error)),
        }
    }

    async fn read_shards(
        &self,
        pool: &ConnectionPool,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<Read, StoreError> {
        let asked = after.and_then(|cursor| TimeCursor::parse(cursor.as_str()));
        let (head, pass, shards) = pool
            .with_connection(async |connection| {
                let head = self.head(connection).await?;
                let pass = Pass::after(asked, head.database_id, head.now, Reach::SomeNodes);
                let shards = read_each(connection, &pass.after, head.now, max).await?;
                Ok::<_, Failure>((head, pass, shards))
            })
            .await?;
        let mut unread: Vec<_> =
            shards.iter().filter(|row| !row.success).filter_map(|row| row.node.clone()).collect();
        unread.sort();
        unread.dedup();
        let rows = shards.into_iter().filter_map(ShardRow::entry).take(max as usize).collect();
        let (database_id, page) = page(&head, pass, rows, max)?;
        Ok((database_id, RevocationPage { unread, ..page }))
    }

    /// No entry: the cursor after all that are visible now.
    pub(crate) async fn newest_by_time(&self, pool: &ConnectionPool) -> Result<Read, StoreError> {
        let head = pool.with_connection(async |connection| self.head(connection).await).await?;
        let next = TimeCursor::up_to(head.now, head.database_id).cursor();
        Ok((
            head.database_id,
            RevocationPage { entries: Vec::new(), next, more: false, now: head.now, unread: Vec::new() },
        ))
    }

    /// In a statement of its own, which reads no shard.
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

async fn read_all(
    connection: &mut PgConnection,
    after: &RowKey,
    now: DateTime<Utc>,
    max: u32,
) -> Result<Vec<TimedRow>, Error> {
    sqlx::query_as!(
        TimedRow,
        "select user_id, kind, subject, created_at, expires_at from revocations
         where (created_at, user_id, kind, subject) > ($1, $2, $3, $4) and expires_at > $5
         order by created_at, user_id, kind, subject limit $6",
        after.created_at,
        after.entry.user_id,
        after.entry.kind,
        after.entry.subject,
        now,
        i64::from(max),
    )
    .fetch_all(connection)
    .await
}

async fn read_each(
    connection: &mut PgConnection,
    after: &RowKey,
    now: DateTime<Utc>,
    max: u32,
) -> Result<Vec<ShardRow>, Error> {
    let mut transaction = sqlx::Connection::begin(connection).await?;
    sqlx::raw_sql(SHARD_SETTINGS).execute(&mut *transaction).await?;
    let rows = sqlx::query_as(READ_SHARDS)
        .bind(after.created_at)
        .bind(after.entry.user_id)
        .bind(&after.entry.kind)
        .bind(&after.entry.subject)
        .bind(now)
        .bind(i64::from(max))
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(rows)
}

fn page(head: &Head, pass: Pass, rows: Vec<TimedRow>, max: u32) -> Result<Read, StoreError> {
    let more = u32::try_from(rows.len()).is_ok_and(|read| read == max) && max > 0;
    let last = rows.last().filter(|_| more).map(TimedRow::key);
    let next = pass.next(head.database_id, last);
    let entries = rows.into_iter().map(RevocationRecord::try_from).collect::<Result<_, _>>()?;
    Ok((head.database_id, RevocationPage { entries, next, more, now: head.now, unread: Vec::new() }))
}

impl ShardRow {
    fn entry(self) -> Option<TimedRow> {
        Some(TimedRow {
            user_id: self.user_id?,
            kind: self.kind?,
            subject: self.subject?,
            created_at: self.created_at?,
            expires_at: self.expires_at?,
        })
    }
}

impl TryFrom<TimedRow> for RevocationRecord {
    type Error = StoreError;

    fn try_from(row: TimedRow) -> Result<Self, StoreError> {
        let TimedRow { kind, subject, created_at, expires_at, .. } = row;
        let kind =
            RevocationKind::parse(&kind).ok_or_else(|| corrupt("revocations", subject.clone(), "kind"))?;
        Ok(Self { kind, subject, created_at, expires_at })
    }
}

impl TimedRow {
    fn key(&self) -> RowKey {
        let Self { created_at, user_id, kind, subject, .. } = self;
        let entry = EntryKey { user_id: *user_id, kind: kind.clone(), subject: subject.clone() };
        RowKey { created_at: *created_at, entry }
    }
}
