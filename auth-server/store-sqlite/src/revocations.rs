//! The revocations and the feed that is read from them.

use async_trait::async_trait;
use auth_domain::UserId;
use auth_store::{Cursor, RevocationPage, RevocationRecord, Revocations, StoreError};
use uuid::Uuid;

use crate::SqliteStore;
use crate::end_sessions::append;
use crate::revocation_rows::RevokedRow;
use crate::rows::{Micros, corrupt};

#[async_trait]
impl Revocations for SqliteStore {
    async fn revoke_token(&self, user: Option<UserId>, jti: &str) -> Result<(), StoreError> {
        let user = user.map_or(Uuid::nil(), |user| user.0);
        self.writer
            .with_connection(async |connection| append(connection, user, "token", jti, self.now()).await)
            .await?;
        self.notify_appended();
        Ok(())
    }

    async fn read_revocations(&self, after: Option<&Cursor>, max: u32) -> Result<RevocationPage, StoreError> {
        let asked = after.and_then(|cursor| CursorPosition::parse(cursor.as_str()));
        let found = self.read_from(asked.as_ref(), max).await?;
        match asked {
            Some(place) if !found.issued(&place) => self.read_from(None, max).await?.page(None, max),
            place => found.page(place, max),
        }
    }

    /// Uses the common readers: a page takes one of them for a few milliseconds at most.
    async fn follow_revocations(
        &self,
        after: Option<&Cursor>,
        max: u32,
    ) -> Result<RevocationPage, StoreError> {
        self.read_revocations(after, max).await
    }

    async fn newest_cursor(&self) -> Result<Cursor, StoreError> {
        let FeedRead { database_id, last_seq, .. } = self.read_from(None, 0).await?;
        Ok(CursorPosition { database_id, seq: last_seq }.cursor())
    }

    async fn wait_for_append(&self) {
        self.appended.notified().await;
    }

    async fn sweep_revocations(&self, max: u32) -> Result<u64, StoreError> {
        self.writer
            .with_connection(async |connection| {
                let now = self.now();
                let swept = sqlx::query!(
                    "delete from revocations where seq in (
                     select seq from revocations where expires_at <= ?1 order by expires_at limit ?2
                 )",
                    now,
                    max,
                );
                Ok::<_, sqlx::Error>(swept.execute(connection).await?.rows_affected())
            })
            .await
    }
}

/// The position of a cursor in the feed. Rows commit in the order of `seq`, because one connection writes at a time.
struct CursorPosition {
    database_id: Uuid,
    seq: i64,
}

impl CursorPosition {
    fn parse(text: &str) -> Option<Self> {
        let (database_id, seq) = text.split_once('_')?;
        Some(Self { database_id: database_id.parse().ok()?, seq: seq.parse().ok()? })
    }

    fn cursor(&self) -> Cursor {
        Cursor::new(format!("{}_{}", self.database_id.simple(), self.seq))
    }
}

/// The result of one read. `last_seq` is read after the rows and may belong to an entry on the next page.
struct FeedRead {
    database_id: Uuid,
    /// The highest `seq` that was ever assigned.
    last_seq: i64,
    now: Micros,
    rows: Vec<RevokedRow>,
}

impl FeedRead {
    /// Whether this database can have issued the position: another database has another id, and a restored backup has
    /// not assigned the position's `seq`, until it has grown past it.
    fn issued(&self, place: &CursorPosition) -> bool {
        place.database_id == self.database_id && place.seq <= self.last_seq
    }

    fn page(self, place: Option<CursorPosition>, max: u32) -> Result<RevocationPage, StoreError> {
        let Self { database_id, now, rows, .. } = self;
        let more = u32::try_from(rows.len()).is_ok_and(|read| read == max) && max > 0;
        let seq = rows.last().map(|row| row.seq).or(place.map(|place| place.seq)).unwrap_or_default();
        let next = CursorPosition { database_id, seq };
        let entries = rows.into_iter().map(RevocationRecord::try_from).collect::<Result<_, _>>()?;
        let now = now.time().ok_or_else(|| corrupt("database_id", String::new(), "now"))?;
        Ok(RevocationPage { entries, next: next.cursor(), more, now, unread: Vec::new() })
    }
}

impl SqliteStore {
    async fn read_from(&self, place: Option<&CursorPosition>, max: u32) -> Result<FeedRead, StoreError> {
        let seq = place.map_or(0, |place| place.seq);
        self.readers.with_connection(async |connection| {
            let now = self.now();
            let rows = sqlx::query_as!(
                RevokedRow,
                r#"select seq, kind, subject, created_at as "created_at: Micros", expires_at as "expires_at: Micros"
                   from revocations where seq > ?1 and expires_at > ?2 order by seq limit ?3"#,
                seq,
                now,
                max,
            )
            .fetch_all(&mut *connection)
            .await?;
            let whole = sqlx::query!(
                r#"select id as "id: Uuid",
                          (select coalesce(max(s.seq), 0) from sqlite_sequence s where s.name = 'revocations') as "last_seq!: i64"
                   from database_id"#
            )
            .fetch_one(connection)
            .await?;
            Ok::<_, sqlx::Error>(FeedRead { database_id: whole.id, last_seq: whole.last_seq, now, rows })
        })
        .await
    }
}
