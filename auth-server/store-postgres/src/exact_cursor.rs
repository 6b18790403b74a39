//! The cursor of the feed on one server: exact, because one server numbers all transactions.

use auth_store::{Cursor, RevocationPage, StoreError};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::PostgresStore;
use crate::connection::ConnectionPool;
use crate::entry_key::EntryKey;
use crate::fate::Failure;
use crate::read_feed::ReadPage;
use crate::revocation_rows::RevokedRow;
use crate::rows::corrupt;

/// The position of a cursor in the feed.
///
/// Rows do not commit in the order of `tx`. Only this is certain: a transaction that is still running when
/// a statement begins has a `tx` not below the oldest running one, the *horizon* of that statement. So the feed is read
/// in passes ordered by `(tx, user_id, kind, subject)`, and each pass starts at the horizon that the previous pass saw at its start.
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
    /// The last entry of that transaction that was read.
    entry: EntryKey,
}

impl CursorPosition {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_');
        let place = Self {
            database_id: parts.next()?.parse().ok()?,
            server_epoch: parts.next()?.parse().ok()?,
            horizon: parts.next().filter(|text| !text.is_empty()).map(str::parse).transpose().ok()?,
            tx: parts.next()?.parse().ok()?,
            entry: EntryKey::parse(parts.next()?)?,
        };
        parts.next().is_none().then_some(place)
    }

    fn cursor(&self) -> Cursor {
        let horizon = self.horizon.map(|horizon| horizon.to_string()).unwrap_or_default();
        let Self { database_id, server_epoch, tx, entry, .. } = self;
        Cursor::new(format!("{}_{server_epoch}_{horizon}_{tx}_{entry}", database_id.simple()))
    }
}

/// The result of one read.
struct FeedRead {
    database_id: Uuid,
    server_epoch: i64,
    horizon: u64,
    now: DateTime<Utc>,
    /// Each with the number of its transaction.
    rows: Vec<(String, RevokedRow)>,
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
        // Before all entries.
        let entry = EntryKey::default();
        let next = match rows.last() {
            Some((tx, last)) if more => CursorPosition {
                database_id,
                server_epoch,
                horizon: Some(horizon),
                tx: tx.parse().map_err(|_| corrupt("revocations", last.subject.clone(), "tx"))?,
                entry: EntryKey::of(last),
            },
            _ => CursorPosition { database_id, server_epoch, horizon: None, tx: horizon, entry },
        };
        let entries = rows.into_iter().map(|(_, row)| row.try_into()).collect::<Result<_, _>>()?;
        Ok(RevocationPage { entries, next: next.cursor(), more, now, unread: Vec::new() })
    }
}

impl PostgresStore {
    /// Reads at most `max` entries after a cursor, or from the first entry if this server did not issue the cursor.
    pub(crate) async fn read_by_transaction(
        &self,
        pool: &ConnectionPool,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<ReadPage, StoreError> {
        let asked = after.and_then(|cursor| CursorPosition::parse(cursor.as_str()));
        let found = self.read_from(pool, asked.as_ref(), max).await?;
        let (found, place) = match asked {
            Some(place) if !found.issued(&place) => (self.read_from(pool, None, max).await?, None),
            place => (found, place),
        };
        Ok((found.database_id, found.page(place, max)?))
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
        let (tx, entry) = place.map_or((0, EntryKey::default()), |place| (place.tx, place.entry.clone()));
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
                              c.horizon as "horizon!", c.now as "now!", r.tx::text as "tx?", r.user_id as "user_id?",
                              r.kind as "kind?", r.subject as "subject?", r.created_at as "created_at?",
                              r.expires_at as "expires_at?"
                       from c left join lateral (
                           select tx, user_id, kind, subject, created_at, expires_at from revocations t
                           where (t.tx, t.user_id, t.kind, t.subject) > ($2::text::xid8, $3, $4, $5)
                             and t.expires_at > c.now
                           order by t.tx, t.user_id, t.kind, t.subject limit $6
                       ) r on true
                       order by r.tx, r.user_id, r.kind, r.subject"#,
                    self.clock_offset(),
                    tx.to_string(),
                    entry.user_id,
                    entry.kind,
                    entry.subject,
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
                let (user_id, created_at, expires_at) = (row.user_id?, row.created_at?, row.expires_at?);
                let (kind, subject) = (row.kind?, row.subject?);
                Some((row.tx?, RevokedRow { user_id, kind, subject, created_at, expires_at }))
            })
            .collect();
        Ok(FeedRead { database_id, server_epoch, horizon, now, rows })
    }
}
