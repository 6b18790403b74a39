//! Reads the feed of a distributed database shard by shard, each on a connection of its own, so that a node that does not
//! answer keeps no entries of the others back.

use chrono::{DateTime, Utc};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::feed_by_time::{Found, Slice};
use crate::revocation_rows::RevokedRow;

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

/// The rows of the shards that can be read. Names the nodes of the others.
pub(crate) async fn read_each(connection: &mut PgConnection, slice: &Slice<'_>) -> Result<Found, Error> {
    let Slice { after, now, max } = slice;
    let mut transaction = sqlx::Connection::begin(connection).await?;
    sqlx::raw_sql(SHARD_SETTINGS).execute(&mut *transaction).await?;
    let shards: Vec<ShardRow> = sqlx::query_as(READ_SHARDS)
        .bind(after.created_at)
        .bind(after.entry.user_id)
        .bind(&after.entry.kind)
        .bind(&after.entry.subject)
        .bind(now)
        .bind(i64::from(*max))
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    let mut unread: Vec<_> =
        shards.iter().filter(|row| !row.success).filter_map(|row| row.node.clone()).collect();
    unread.sort();
    unread.dedup();
    let rows = shards.into_iter().filter_map(ShardRow::entry).take(*max as usize).collect();
    Ok(Found { rows, unread })
}

impl ShardRow {
    fn entry(self) -> Option<RevokedRow> {
        Some(RevokedRow {
            user_id: self.user_id?,
            kind: self.kind?,
            subject: self.subject?,
            created_at: self.created_at?,
            expires_at: self.expires_at?,
        })
    }
}
