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
use crate::rows::{ListedSessionRow, Micros, SnapshotRow, json, load_snapshot, micros};

#[async_trait]
impl Sessions for SqliteStore {
    async fn open_session(&self, session: &NewSession) -> Result<OpenOutcome, StoreError> {
        let (hash, client_id, scope) =
            (session.verified_hash.as_str(), session.client_id.as_str(), session.scope.to_string());
        let audience = json(session.audience.iter().map(String::as_str));
        let jti_hash = session.jti_hash.as_bytes().as_slice();
        let (user_agent, ip) = (session.user_agent.as_deref(), session.ip.as_deref());
        let mut opened = self
            .writer.with_connection_once(async |connection| {
                let now = self.now();
                let expires_at = session.lifetime.map(|lifetime| now.after(lifetime));
                sqlx::query_as!(
                    SnapshotRow,
                    r#"insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at,
                                             rotated_at, last_used_at, expires_at, user_agent, ip)
                       select u.id, ?4, ?5, ?6, ?7, ?1, ?8, ?1, ?1, ?1, ?9, ?10, ?11
                       from users u
                       where u.id = ?2 and u.password_hash = ?3 and u.disabled_at is null
                       returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                                 forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at,
                                 (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                                 (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                                 (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                                 (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                                 ?1 as "now!: Micros""#,
                    now,
                    session.key.user_id.0,
                    hash,
                    session.key.id.0,
                    client_id,
                    scope,
                    audience,
                    jti_hash,
                    expires_at,
                    user_agent,
                    ip,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        match opened.pop() {
            Some(row) => Ok(OpenOutcome::Opened(row.try_into()?)),
            None => Ok(OpenOutcome::Refused),
        }
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
        let (generation, client_id) = (presented.generation.number(), presented.client_id.as_str());
        let jti_hash = presented.jti_hash.as_bytes().as_slice();
        let idle_lifetime = idle_lifetime.map(micros);
        let (touched, row) = self
            .writer.with_connection(async |connection| {
                let now = self.now();
                let mut touched = sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions
                       set last_used_at = ?1
                       where user_id = ?2 and id = ?3 and generation >= ?4 and jti_hash = ?5 and client_id = ?6
                         and (expires_at is null or expires_at > ?1)
                         and (?7 is null or last_used_at + ?7 > ?1)
                         and exists (select 1 from users u where u.id = sessions.user_id and u.disabled_at is null)
                       returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                                 forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at,
                                 (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                                 (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                                 (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                                 (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                                 ?1 as "now!: Micros""#,
                    now,
                    presented.key.user_id.0,
                    presented.key.id.0,
                    generation,
                    jti_hash,
                    client_id,
                    idle_lifetime,
                )
                .fetch_all(&mut *connection)
                .await?;
                match touched.pop() {
                    Some(row) => Ok::<_, sqlx::Error>((true, Some(row))),
                    None => Ok((false, load_snapshot(connection, self.now(), presented.key).await?)),
                }
            })
            .await?;
        match row {
            Some(row) if touched => Ok(TouchOutcome::Touched(row.try_into()?)),
            Some(row) => Ok(TouchOutcome::NotGood(row.try_into()?)),
            None => Ok(TouchOutcome::Unknown),
        }
    }

    async fn forgive(
        &self,
        key: SessionKey,
        generation: Generation,
        before: Option<Generation>,
    ) -> Result<ForgiveOutcome, StoreError> {
        let (generation, before) = (generation.number(), before.map(Generation::number));
        let mut forgiven = self
            .writer.with_connection(async |connection| {
                let now = self.now();
                sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions
                       set forgiven_generation = ?4, last_used_at = ?1
                       where user_id = ?2 and id = ?3 and generation = ?4 + 1
                         and forgiven_generation is not distinct from ?5
                         and (expires_at is null or expires_at > ?1)
                         and exists (select 1 from users u where u.id = sessions.user_id and u.disabled_at is null)
                       returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                                 forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at,
                                 (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                                 (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                                 (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                                 (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                                 ?1 as "now!: Micros""#,
                    now,
                    key.user_id.0,
                    key.id.0,
                    generation,
                    before,
                )
                .fetch_all(connection)
                .await
            })
            .await?;
        match forgiven.pop() {
            Some(row) => Ok(ForgiveOutcome::Forgiven(row.try_into()?)),
            None => Ok(ForgiveOutcome::Lost),
        }
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
                return Ok(EndOutcome::NotGenuine);
            }
            let ended = end_one(transaction, self.now(), key.user_id, key.id.0).await?;
            Ok(if ended { EndOutcome::Ended } else { EndOutcome::WasGone })
        })
        .await?;
        if ended != EndOutcome::NotGenuine {
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
