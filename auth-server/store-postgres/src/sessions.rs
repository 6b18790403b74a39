//! Sessions.

use async_trait::async_trait;
use auth_domain::{
    Digest, Generation, ListedSession, NewSession, PresentedRefresh, RefreshJti, SessionId, SessionKey,
    SessionSnapshot, UserId,
};
use auth_store::{
    EndOutcome, ForgiveOutcome, OpenOutcome, Rotation, SessionSweep, Sessions, StoreError, TouchOutcome,
};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::PostgresStore;
use crate::end_sessions::{end_all, end_one, lock_user};
use crate::open_session::open;
use crate::session_rows::{ListedSessionRow, load_snapshot};

#[async_trait]
impl Sessions for PostgresStore {
    async fn open_session(&self, session: &NewSession) -> Result<OpenOutcome, StoreError> {
        let session = session.clone();
        let opened = self
            .run_detached(move |store| {
                let session = session.clone();
                async move {
                    store
                        .transact_once(async |transaction| {
                            open(transaction, store.clock_offset(), &session).await
                        })
                        .await
                }
            })
            .await?;
        match opened {
            Some(row) => Ok(OpenOutcome::Opened(row.try_into()?)),
            None => Ok(OpenOutcome::Refused),
        }
    }

    async fn rotate(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError> {
        if self.batches_refreshes().await {
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
            .pool
            .with_connection(async |connection| load_snapshot(connection, self.clock_offset(), key).await)
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
            .pool
            .with_connection(async |connection| {
                sqlx::query_as!(
                    ListedSessionRow,
                    r#"select id, client_id, created_at, last_used_at, expires_at, user_agent, ip,
                              statement_timestamp() + $1::interval as "now!"
                       from sessions where user_id = $2 and id > $3 order by id limit $4"#,
                    self.clock_offset(),
                    user.0,
                    after,
                    i64::from(limit),
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        Ok(rows.into_iter().map(ListedSession::from).collect())
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
        let proof = proof.cloned();
        let outcome = self
            .run_detached(move |store| {
                let proof = proof.clone();
                async move {
                    store
                        .transact(async |transaction| {
                            end_one(transaction, store.clock_offset(), key, proof.as_ref()).await
                        })
                        .await
                }
            })
            .await?;
        if outcome != EndOutcome::WrongProof {
            self.notify_appended();
        }
        Ok(outcome)
    }

    async fn end_sessions_of(&self, user: UserId, except: Option<SessionId>) -> Result<u64, StoreError> {
        let ended = self
            .run_detached(move |store| async move {
                store
                    .transact(async |transaction| {
                        lock_user(transaction, user).await?;
                        end_all(transaction, store.clock_offset(), user, except).await
                    })
                    .await
            })
            .await?;
        self.notify_appended();
        Ok(ended)
    }

    async fn prune_excess(&self, opened: SessionKey, keep: u32) -> Result<u64, StoreError> {
        self.end_excess(opened, keep).await
    }
}
