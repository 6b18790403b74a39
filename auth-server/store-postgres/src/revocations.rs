//! The revocations and the feed that is read from them.

use async_trait::async_trait;
use auth_domain::UserId;
use auth_store::{Cursor, REVOCATION_LIFETIME, RevocationPage, RevocationRecord, Revocations, StoreError};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::PostgresStore;
use crate::connection::ConnectionPool;
use crate::fate::Failure;
use crate::rows::{RevokedRow, corrupt, interval};

#[async_trait]
impl Revocations for PostgresStore {
    async fn revoke_token(&self, _user: Option<UserId>, jti: &str) -> Result<(), StoreError> {
        self.pool
            .with_connection(async |connection| {
                let appended = sqlx::query!(
                    "insert into revocations (kind, subject, created_at, expires_at)
                 select 'token', $2, c.now, c.now + $3::interval
                 from (select statement_timestamp() + $1::interval as now) c
                 on conflict (kind, subject) do nothing",
                    self.clock_offset(),
                    jti,
                    interval(REVOCATION_LIFETIME),
                );
                appended.execute(connection).await
            })
            .await?;
        self.notify_appended();
        Ok(())
    }

    async fn read_revocations(&self, after: Option<&Cursor>, max: u32) -> Result<RevocationPage, StoreError> {
        self.read_after(&self.pool, after, max).await
    }

    async fn follow_revocations(
        &self,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<RevocationPage, StoreError> {
        self.read_after(&self.feed_pool, after, max).await
    }

    async fn newest_revocation(&self) -> Result<Cursor, StoreError> {
        // A limit of 0 reads only the horizon.
        Ok(self.read_from(&self.feed_pool, None, 0).await?.page(None, 0)?.next)
    }

    async fn wait_for_append(&self) {
        self.appended.notified().await;
    }

    async fn sweep_revocations(&self, max: u32) -> Result<u64, StoreError> {
        self.background_pool
            .with_connection(async |connection| {
                let swept = sqlx::query!(
                    r#"delete from revocations where seq in (
                       select seq from revocations
                       where expires_at <= statement_timestamp() + $1::interval
                       order by expires_at limit $2
                       for update skip locked
                   )"#,
                    self.clock_offset(),
                    i64::from(max),
                );
                Ok::<_, sqlx::Error>(swept.execute(connection).await?.rows_affected())
            })
            .await
    }
}

/// The position of a cursor in the feed.
///
/// Rows commit in the order of neither `seq` nor `tx`. Only this is certain: a transaction that is still running when
/// a statement begins has a `tx` not below the oldest running one, the *horizon* of that statement. So the feed is read
/// in passes ordered by `(tx, seq)`, and each pass starts at the horizon that the previous pass saw at its start.
///
/// Transaction numbers belong to one server between two starts. A promoted standby, a restored backup and a server
/// that crashed continue from an earlier number, so their entries may sort before this position.
struct CursorPosition {
    database_id: Uuid,
    /// When the server that issued the cursor last started or recovered from a crash, in microseconds.
    server_epoch: i64,
    /// The horizon at the start of this pass. `None`: a new pass starts here.
    horizon: Option<u64>,
    tx: u64,
    seq: i64,
}

impl CursorPosition {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_');
        let place = Self {
            database_id: parts.next()?.parse().ok()?,
            server_epoch: parts.next()?.parse().ok()?,
            horizon: parts.next().filter(|text| !text.is_empty()).map(str::parse).transpose().ok()?,
            tx: parts.next()?.parse().ok()?,
            seq: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(place)
    }

    fn cursor(&self) -> Cursor {
        let horizon = self.horizon.map(|horizon| horizon.to_string()).unwrap_or_default();
        let Self { database_id, server_epoch, tx, seq, .. } = self;
        Cursor::new(format!("{}_{server_epoch}_{horizon}_{tx}_{seq}", database_id.simple()))
    }
}

/// The result of one read.
struct FeedRead {
    database_id: Uuid,
    server_epoch: i64,
    horizon: u64,
    now: DateTime<Utc>,
    rows: Vec<RevokedRow>,
}

impl FeedRead {
    /// Whether this server issued the position since its last start: another database has another id, another server
    /// or start has another epoch, and within an epoch the horizon never goes back.
    fn issued(&self, place: &CursorPosition) -> bool {
        let reached = place.horizon.unwrap_or(place.tx);
        place.database_id == self.database_id
            && place.server_epoch == self.server_epoch
            && reached <= self.horizon
    }

    fn page(self, place: Option<CursorPosition>, max: u32) -> Result<RevocationPage, StoreError> {
        let Self { database_id, server_epoch, horizon, now, rows } = self;
        let horizon = place.and_then(|place| place.horizon).unwrap_or(horizon);
        let more = u32::try_from(rows.len()).is_ok_and(|read| read == max) && max > 0;
        let next = match rows.last() {
            Some(last) if more => CursorPosition {
                database_id,
                server_epoch,
                horizon: Some(horizon),
                tx: last.tx.parse().map_err(|_| corrupt("revocations", last.seq.to_string(), "tx"))?,
                seq: last.seq,
            },
            _ => CursorPosition { database_id, server_epoch, horizon: None, tx: horizon, seq: i64::MIN },
        };
        let entries = rows.into_iter().map(RevocationRecord::try_from).collect::<Result<_, _>>()?;
        Ok(RevocationPage { entries, next: next.cursor(), more, now })
    }
}

impl PostgresStore {
    async fn read_after(
        &self,
        pool: &ConnectionPool,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<RevocationPage, StoreError> {
        let asked = after.and_then(|cursor| CursorPosition::parse(cursor.as_str()));
        let found = self.read_from(pool, asked.as_ref(), max).await?;
        match asked {
            Some(place) if !found.issued(&place) => self.read_from(pool, None, max).await?.page(None, max),
            place => found.page(place, max),
        }
    }

    /// Reads rows, horizon and server identity in one statement, so that they belong together.
    ///
    /// The epoch is the later of the server's start and the reset of its statistics, because recovery from a crash
    /// restarts all processes but the first and resets the statistics. Resetting them by hand only makes readers start
    /// over.
    async fn read_from(
        &self,
        pool: &ConnectionPool,
        place: Option<&CursorPosition>,
        max: u32,
    ) -> Result<FeedRead, StoreError> {
        let (tx, seq) = place.map_or((0, i64::MIN), |place| (place.tx, place.seq));
        let rows = pool.with_connection(async |connection| {
                let rows = sqlx::query!(
                    r#"with c as (
                           select (select id from database_id) as database_id,
                                  pg_is_in_recovery() as standby,
                                  (extract(epoch from greatest(pg_postmaster_start_time(),
                                                               pg_stat_get_bgwriter_stat_reset_time()))
                                   * 1000000)::bigint as server_epoch,
                                  pg_snapshot_xmin(pg_current_snapshot())::text as horizon,
                                  statement_timestamp() + $1::interval as now
                       )
                       select c.database_id as "database_id!", c.standby as "standby!", c.server_epoch as "server_epoch!",
                              c.horizon as "horizon!", c.now as "now!", r.seq as "seq?", r.tx::text as "tx?",
                              r.kind as "kind?", r.subject as "subject?", r.created_at as "created_at?",
                              r.expires_at as "expires_at?"
                       from c left join lateral (
                           select seq, tx, kind, subject, created_at, expires_at from revocations t
                           where (t.tx, t.seq) > ($2::text::xid8, $3::bigint) and t.expires_at > c.now
                           order by t.tx, t.seq limit $4
                       ) r on true
                       order by r.tx, r.seq"#,
                    self.clock_offset(),
                    tx.to_string(),
                    seq,
                    i64::from(max),
                )
                .fetch_all(connection)
                .await?;
                // A standby may lag behind by any amount.
                if rows.iter().any(|row| row.standby) { Err(Failure::Standby) } else { Ok(rows) }
            })
            .await?;
        let corrupt = || corrupt("database_id", String::new(), "id");
        let first = rows.first().ok_or_else(corrupt)?;
        let (database_id, server_epoch, now) = (first.database_id, first.server_epoch, first.now);
        let horizon = first.horizon.parse().map_err(|_| corrupt())?;
        let rows = rows
            .into_iter()
            .filter_map(|row| {
                Some(RevokedRow {
                    seq: row.seq?,
                    tx: row.tx?,
                    kind: row.kind?,
                    subject: row.subject?,
                    created_at: row.created_at?,
                    expires_at: row.expires_at?,
                })
            })
            .collect();
        Ok(FeedRead { database_id, server_epoch, horizon, now, rows })
    }
}
