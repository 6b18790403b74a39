//! Sessions.

use async_trait::async_trait;
use auth_domain::{
    Digest, Generation, ListedSession, NewSession, PresentedRefresh, RefreshJti, SessionId, SessionKey,
    SessionSnapshot, UserId,
};
use auth_store::{
    EndOutcome, ForgiveOutcome, Layout, OpenOutcome, Rotation, SessionSweep, Sessions, StoreError,
    TouchOutcome,
};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::SqliteStore;
use crate::end_sessions::{end_all, end_one};
use crate::rows::Micros;
use crate::session_rows::{ListedSessionRow, load_snapshot};

#[async_trait]
impl Sessions for SqliteStore {
    async fn open_session(&self, session: &NewSession) -> Result<OpenOutcome, StoreError> {
        self.open(session).await
    }

    async fn rotate(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError> {
        if self.batching.applies(Layout::OneServer) {
            self.rotations.rotate(presented, idle_lifetime).await
        } else {
            self.rotations.rotate_alone(presented, idle_lifetime).await
        }
    }

    async fn touch(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<TouchOutcome, StoreError> {
        self.touch_session(presented, idle_lifetime).await
    }

    async fn forgive(
        &self,
        key: SessionKey,
        generation: Generation,
        before: Option<Generation>,
    ) -> Result<ForgiveOutcome, StoreError> {
        self.forgive_retry(key, generation, before).await
    }

    async fn find_session(&self, key: SessionKey) -> Result<Option<SessionSnapshot>, StoreError> {
        let found = self
            .readers
            .with_connection(async |connection| load_snapshot(connection, self.now(), key).await)
            .await?;
        found.map(SessionSnapshot::try_from).transpose()
    }

    async fn list_sessions(
        &self,
        user: UserId,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<ListedSession>, StoreError> {
        // The nil UUID sorts before all others, and no session has it.
        let after = after.map_or(Uuid::nil(), |session| session.0);
        let rows = self
            .readers.with_connection(async |connection| {
                let now = self.now();
                sqlx::query_as!(
                    ListedSessionRow,
                    r#"select user_id, id, client_id, created_at, last_used_at, expires_at, user_agent, ip, ?1 as "now!: Micros"
                       from sessions where user_id = ?2 and id > ?3 order by id limit ?4"#,
                    now,
                    user.0,
                    after,
                    limit,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        rows.into_iter().map(ListedSession::try_from).collect()
    }

    async fn sweep_sessions(
        &self,
        after: Option<SessionKey>,
        max: u32,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<SessionSweep, StoreError> {
        self.sweep_slice(after, max, idle_lifetime).await
    }

    async fn end_session(
        &self,
        key: SessionKey,
        proof: Option<&Digest<RefreshJti>>,
    ) -> Result<EndOutcome, StoreError> {
        let proof = proof.map(|digest| digest.as_bytes().as_slice());
        let ended = self.writer.transact(async |transaction| {
            // No other connection writes before the commit, so the reads below stay valid.
            let wrong = sqlx::query_scalar!(
                r#"select exists (select 1 from sessions where user_id = ?1 and id = ?2 and jti_hash <> ?3) as "wrong!: bool""#,
                key.user_id.0,
                key.id.0,
                proof,
            )
            .fetch_one(&mut *transaction)
            .await?;
            if wrong {
                return Ok(EndOutcome::WrongProof);
            }
            let ended = end_one(transaction, self.now(), key.user_id, key.id.0).await?;
            Ok(if ended > 0 { EndOutcome::Ended } else { EndOutcome::WasGone })
        })
        .await?;
        if ended != EndOutcome::WrongProof {
            self.notify_appended();
        }
        Ok(ended)
    }

    async fn end_sessions_of(&self, user: UserId, except: Option<SessionId>) -> Result<u64, StoreError> {
        let ended = self
            .writer
            .transact(async |transaction| end_all(transaction, self.now(), user, except).await)
            .await?;
        self.notify_appended();
        Ok(ended)
    }

    async fn prune_excess(&self, opened: SessionKey, keep: u32) -> Result<u64, StoreError> {
        self.end_excess(opened, keep).await
    }
}
