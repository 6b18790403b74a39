//! The record of what ended.

use async_trait::async_trait;
use auth_store::{Cursor, REVOCATION_LIFETIME, RevocationPage, RevocationRecord, Revocations, StoreError};
use uuid::Uuid;

use crate::SqliteStore;
use crate::rows::{Micros, RevokedRow, corrupt};

#[async_trait]
impl Revocations for SqliteStore {
    async fn revoke_token(&self, jti: &str) -> Result<(), StoreError> {
        self.write(async |connection| {
            let now = self.now();
            let expires_at = now.after(REVOCATION_LIFETIME);
            let appended = sqlx::query!(
                "insert into revocations (kind, subject, created_at, expires_at) values ('token', ?1, ?2, ?3)
                 on conflict (kind, subject) do nothing",
                jti,
                now,
                expires_at,
            );
            appended.execute(connection).await
        })
        .await?;
        self.notify_appended();
        Ok(())
    }

    async fn read_revocations(
        &self,
        after: Option<&Cursor>,
        most: u32,
    ) -> Result<RevocationPage, StoreError> {
        let asked = after.and_then(|cursor| CursorPosition::parse(cursor.as_str()));
        let found = self.read_from(asked.as_ref(), most).await?;
        match asked {
            Some(place) if !found.issued(&place) => self.read_from(None, most).await?.page(None, most),
            place => found.page(place, most),
        }
    }

    /// Reading is never waited for long: each page takes a connection that reads for some milliseconds at most.
    async fn follow_revocations(
        &self,
        after: Option<&Cursor>,
        most: u32,
    ) -> Result<RevocationPage, StoreError> {
        self.read_revocations(after, most).await
    }

    async fn newest_revocation(&self) -> Result<Cursor, StoreError> {
        let FeedRead { database_id, last_seq, .. } = self.read_from(None, 0).await?;
        Ok(CursorPosition { database_id, seq: last_seq }.cursor())
    }

    async fn wait_for_append(&self) {
        self.appended.notified().await;
    }

    async fn sweep_revocations(&self, most: u32) -> Result<u64, StoreError> {
        self.write(async |connection| {
            let now = self.now();
            let swept = sqlx::query!(
                "delete from revocations where seq in (
                     select seq from revocations where expires_at <= ?1 order by expires_at limit ?2
                 )",
                now,
                most,
            );
            Ok(swept.execute(connection).await?.rows_affected())
        })
        .await
    }
}

/// How far somebody has read. One writes at a time, so rows commit in the order of `seq`.
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

/// What two statements saw, the rows first: `last_seq` may already be that of an entry which is on the next page.
struct FeedRead {
    database_id: Uuid,
    /// The highest `seq` that was ever given.
    last_seq: i64,
    now: Micros,
    rows: Vec<RevokedRow>,
}

impl FeedRead {
    /// Whether this database may have given that place: another one has another id, and a copy of this one that was
    /// restored has not come so far, until it has moved on past it: then nothing tells.
    fn issued(&self, place: &CursorPosition) -> bool {
        place.database_id == self.database_id && place.seq <= self.last_seq
    }

    fn page(self, place: Option<CursorPosition>, most: u32) -> Result<RevocationPage, StoreError> {
        let Self { database_id, now, rows, .. } = self;
        let more = u32::try_from(rows.len()).is_ok_and(|read| read == most) && most > 0;
        let seq = rows.last().map(|row| row.seq).or(place.map(|place| place.seq)).unwrap_or_default();
        let next = CursorPosition { database_id, seq };
        let entries = rows.into_iter().map(RevocationRecord::try_from).collect::<Result<_, _>>()?;
        let now = now.time().ok_or_else(|| corrupt("database_id", String::new(), "now"))?;
        Ok(RevocationPage { entries, next: next.cursor(), more, now })
    }
}

impl SqliteStore {
    async fn read_from(&self, place: Option<&CursorPosition>, most: u32) -> Result<FeedRead, StoreError> {
        let seq = place.map_or(0, |place| place.seq);
        self.read(async |connection| {
            let now = self.now();
            let rows = sqlx::query_as!(
                RevokedRow,
                r#"select seq, kind, subject, created_at as "created_at: Micros", expires_at as "expires_at: Micros"
                   from revocations where seq > ?1 and expires_at > ?2 order by seq limit ?3"#,
                seq,
                now,
                most,
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
            Ok(FeedRead { database_id: whole.id, last_seq: whole.last_seq, now, rows })
        })
        .await
    }
}
