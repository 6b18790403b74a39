//! Reads the feed of a distributed database node by node, each on a connection of its own, so that a node that does not
//! answer keeps no entries of the others back.

use chrono::{DateTime, Utc};
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::feed_by_time::{Found, Slice};
use crate::revocation_rows::RevokedRow;

/// Gives a node that does not answer up after one second, instead of after the default of 30 s.
const NODE_SETTINGS: &str = "set local citus.node_connection_timeout = '1s'";

/// Reads the shards of each node in one command. Citus connects to one node after the other, so a command for each shard
/// would wait for a node that hangs as often as it has shards. Not checked at compile time, because a build has no Citus.
const READ_NODES: &str = "
    with shards as (
        select n.nodename, n.nodeport, format(
                   '(select user_id, kind, subject, created_at, expires_at from %s
                     where (created_at, user_id, kind, subject) > (%L::timestamptz, %L::uuid, %L::text, %L::text)
                       and expires_at > %L::timestamptz
                     order by created_at, user_id, kind, subject limit %s)',
                   shard_name(s.logicalrelid, s.shardid), $1::timestamptz, $2::uuid, $3::text, $4::text, $5::timestamptz,
                   $6::bigint) as query
        from pg_catalog.pg_dist_shard s
        join pg_catalog.pg_dist_placement p on p.shardid = s.shardid
        join pg_catalog.pg_dist_node n on n.groupid = p.groupid and n.noderole = 'primary'
        where s.logicalrelid = to_regclass('revocations')
    ), commands as (
        select nodename, nodeport,
               format('select coalesce(json_agg(r), ''[]'') from (%s) r', string_agg(query, ' union all ')) as command
        from shards group by nodename, nodeport
    ), all_commands as (
        select array_agg(nodename) as names, array_agg(nodeport) as ports, array_agg(command) as commands from commands
    )
    select n.success, n.node_name || ':' || n.node_port as node, r.user_id, r.kind, r.subject, r.created_at, r.expires_at
    from all_commands a
    cross join lateral pg_catalog.master_run_on_worker(a.names, a.ports, a.commands, true) n
    left join lateral json_to_recordset(case when n.success then n.result::json else '[]'::json end)
        as r (user_id uuid, kind text, subject text, created_at timestamptz, expires_at timestamptz) on true
    order by r.created_at, r.user_id, r.kind, r.subject";

/// A row of [`READ_NODES`]: of an entry, of a node without entries, or of one that was not read.
#[derive(sqlx::FromRow)]
struct NodeRow {
    success: bool,
    node: String,
    user_id: Option<Uuid>,
    kind: Option<String>,
    subject: Option<String>,
    created_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

/// The rows of the nodes that can be read. Names the others.
pub(crate) async fn read_each(connection: &mut PgConnection, slice: &Slice<'_>) -> Result<Found, Error> {
    let Slice { after, now, max } = slice;
    let mut transaction = sqlx::Connection::begin(connection).await?;
    sqlx::raw_sql(NODE_SETTINGS).execute(&mut *transaction).await?;
    let nodes: Vec<NodeRow> = sqlx::query_as(READ_NODES)
        .bind(after.created_at)
        .bind(after.entry.user_id)
        .bind(&after.entry.kind)
        .bind(&after.entry.subject)
        .bind(now)
        .bind(i64::from(*max))
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    let mut unread: Vec<_> = nodes.iter().filter(|row| !row.success).map(|row| row.node.clone()).collect();
    unread.sort();
    let rows = nodes.into_iter().filter_map(NodeRow::entry).take(*max as usize).collect();
    Ok(Found { rows, unread })
}

impl NodeRow {
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
