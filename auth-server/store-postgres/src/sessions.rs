//! Sessions.

use async_trait::async_trait;
use auth_domain::{
    Digest, Generation, ListedSession, NewSession, PresentedRefresh, RefreshJti, SessionId, SessionKey,
    SessionSnapshot, UserId,
};
use auth_store::{
    EndOutcome, ForgiveOutcome, OpenOutcome, REVOCATION_LIFETIME, Rotation, SessionSweep, Sessions,
    StoreError, TouchOutcome,
};
use chrono::TimeDelta;
use uuid::Uuid;

use crate::PostgresStore;
use crate::end_sessions::{end_all, lock_user};
use crate::rows::{ListedSessionRow, SnapshotRow, interval, load_snapshot};

#[async_trait]
impl Sessions for PostgresStore {
    async fn open_session(&self, session: &NewSession) -> Result<OpenOutcome, StoreError> {
        // `for share` waits for a concurrent change of the user, and reads the row again after it.
        let opened = self
            .pool.with_connection_once(async |connection| {
                sqlx::query_as!(
                    SnapshotRow,
                    r#"with owner as (
                           select id, email, email_verified, roles, disabled_at, statement_timestamp() + $1::interval as now
                           from users
                           where id = $2 and password_hash = $3 and disabled_at is null
                           for share
                       ), opened as (
                           insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at,
                                                 rotated_at, last_used_at, expires_at, user_agent, ip)
                           select id, $4, $5, $6, $7, now, $8, now, now, now, now + $9::interval, $10, $11 from owner
                           returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                                     forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at
                       )
                       select s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                              s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                              u.email, u.email_verified, u.roles, u.disabled_at, u.now as "now!"
                       from opened s join owner u on u.id = s.user_id"#,
                    self.clock_offset(),
                    session.key.user_id.0,
                    session.verified_hash.as_str(),
                    session.key.id.0,
                    session.client_id.as_str(),
                    session.scope.to_string(),
                    &session.audience,
                    session.jti_hash.as_bytes().as_slice(),
                    session.lifetime.map(interval),
                    session.user_agent.as_deref(),
                    session.ip.as_deref(),
                )
                .fetch_optional(connection)
                .await
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
        self.rotations.rotate(presented, idle_lifetime).await
    }

    async fn touch(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<TouchOutcome, StoreError> {
        let (touched, row) = self
            .pool.with_connection(async |connection| {
                let touched = sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions s
                       set last_used_at = c.now
                       from users u, (select statement_timestamp() + $1::interval as now) c
                       where s.user_id = $2 and s.id = $3 and s.generation >= $4 and s.jti_hash = $5 and s.client_id = $6
                         and (s.expires_at is null or s.expires_at > c.now)
                         and ($7::interval is null or s.last_used_at + $7 > c.now)
                         and u.id = s.user_id and u.disabled_at is null
                       returning s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                                 s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                                 u.email, u.email_verified, u.roles, u.disabled_at, c.now as "now!""#,
                    self.clock_offset(),
                    presented.key.user_id.0,
                    presented.key.id.0,
                    presented.generation.number(),
                    presented.jti_hash.as_bytes().as_slice(),
                    presented.client_id.as_str(),
                    idle_lifetime.map(interval),
                )
                .fetch_optional(&mut *connection)
                .await?;
                match touched {
                    Some(row) => Ok::<_, sqlx::Error>((true, Some(row))),
                    None => Ok((false, load_snapshot(connection, self.clock_offset(), presented.key).await?)),
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
        let forgiven = self
            .pool.with_connection(async |connection| {
                sqlx::query_as!(
                    SnapshotRow,
                    r#"update sessions s
                       set forgiven_generation = $4::bigint, last_used_at = c.now
                       from users u, (select statement_timestamp() + $1::interval as now) c
                       where s.user_id = $2 and s.id = $3 and s.generation = $4::bigint + 1
                         and s.forgiven_generation is not distinct from $5
                         and (s.expires_at is null or s.expires_at > c.now)
                         and u.id = s.user_id and u.disabled_at is null
                       returning s.user_id, s.id, s.client_id, s.scope, s.audience, s.auth_time, s.jti_hash, s.generation,
                                 s.forgiven_generation, s.rotated_at, s.previous_rotated_at, s.last_used_at, s.expires_at,
                                 u.email, u.email_verified, u.roles, u.disabled_at, c.now as "now!""#,
                    self.clock_offset(),
                    key.user_id.0,
                    key.id.0,
                    generation.number(),
                    before.map(Generation::number),
                )
                .fetch_optional(connection)
                .await
            })
            .await?;
        match forgiven {
            Some(row) => Ok(ForgiveOutcome::Forgiven(row.try_into()?)),
            None => Ok(ForgiveOutcome::Lost),
        }
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
        // All parts of the statement see the snapshot from its beginning, except that `delete` waits for a lock and then
        // checks the row again. That is sufficient: a session's `jti` never changes and ids are never reused, so a wrong
        // proof stays wrong; and of concurrent calls exactly one deletes the session, while all of them would record the
        // same revocation.
        let ended = self
            .pool
            .with_connection(async |connection| {
                sqlx::query!(
                    r#"with wrong as (
                           select from sessions where user_id = $2 and id = $3 and jti_hash <> $4
                       ), deleted as (
                           delete from sessions
                           where user_id = $2 and id = $3 and ($4::bytea is null or jti_hash = $4)
                           returning id
                       ), appended as (
                           insert into revocations (kind, subject, created_at, expires_at)
                           select 'session', $5, c.now, c.now + $6::interval
                           from (select statement_timestamp() + $1::interval as now) c
                           where not exists (select from wrong)
                           on conflict (kind, subject) do nothing
                       )
                       select exists (select from deleted) as "ended!", exists (select from wrong) as "wrong!""#,
                    self.clock_offset(),
                    key.user_id.0,
                    key.id.0,
                    proof.map(|digest| digest.as_bytes().as_slice()),
                    key.id.to_string(),
                    interval(REVOCATION_LIFETIME),
                )
                .fetch_one(connection)
                .await
            })
            .await?;
        if !ended.wrong {
            self.notify_appended();
        }
        Ok(match (ended.ended, ended.wrong) {
            (true, _) => EndOutcome::Ended,
            (false, false) => EndOutcome::WasGone,
            (false, true) => EndOutcome::NotGenuine,
        })
    }

    async fn end_sessions_of(&self, user: UserId, except: Option<SessionId>) -> Result<u64, StoreError> {
        self.run_detached(move |store| async move {
            store
                .transact(async |transaction| {
                    lock_user(transaction, user).await?;
                    end_all(transaction, store.clock_offset(), user, except).await
                })
                .await
        })
        .await
    }

    async fn prune_excess(&self, opened: SessionKey, keep: u32) -> Result<u64, StoreError> {
        self.end_excess(opened, keep).await
    }
}
