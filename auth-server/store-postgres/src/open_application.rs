//! Opens a session of an application, within the transaction of its verb.

use auth_domain::{ApplicationSession, ClientId, SessionKey, UserId};
use chrono::{DateTime, Utc};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};

use crate::rows::interval;
use crate::session_rows::{OpenedRow, OwnerRow, SnapshotRow};

/// What a session of an application is opened with.
pub(crate) struct Opening {
    /// When the client was found enabled. It dates the session.
    pub(crate) now: DateTime<Utc>,
    owner: OwnerRow,
    sign_in: SignIn,
}

/// A sign-in that this transaction has locked.
struct SignIn {
    auth_time: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

/// A client that is registered and enabled.
struct EnabledClient {
    now: DateTime<Utc>,
    first_party: bool,
}

/// Opens a session without a code.
pub(crate) async fn open(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    session: &ApplicationSession,
) -> Result<Option<SnapshotRow>, Error> {
    match check_conditions(transaction, clock_offset, session).await? {
        Some(opening) => insert(transaction, opening, session).await.map(Some),
        None => Ok(None),
    }
}

/// Checks the conditions under which a session of an application opens. `None`: one does not hold.
///
/// Locks the user and the sign-in. A verb that ends either of them or withdraws the consent waits for the commit, and then
/// finds the session.
pub(crate) async fn check_conditions(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    session: &ApplicationSession,
) -> Result<Option<Opening>, Error> {
    let ApplicationSession { key, client_id, sign_in, .. } = session;
    let owner = sqlx::query_as!(
        OwnerRow,
        "select email, email_verified, roles, disabled_at from users where id = $1 and disabled_at is null for share",
        key.user_id.0,
    );
    let Some(owner) = owner.fetch_optional(&mut *transaction).await? else { return Ok(None) };
    let sign_in = SessionKey { user_id: key.user_id, id: *sign_in };
    let Some(sign_in) = lock_sign_in(transaction, clock_offset, sign_in).await? else {
        return Ok(None);
    };
    let now = allowed_at(transaction, clock_offset, key.user_id, client_id).await?;
    Ok(now.map(|now| Opening { now, owner, sign_in }))
}

/// Locks a sign-in that has not expired, against its end and its renewal. `None`: there is none.
async fn lock_sign_in(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    key: SessionKey,
) -> Result<Option<SignIn>, Error> {
    sqlx::query_as!(
        SignIn,
        "select auth_time, expires_at from sessions
         where user_id = $2 and id = $3 and handle_hash is not null
           and (expires_at is null or expires_at > statement_timestamp() + $1::interval)
         for share",
        clock_offset,
        key.user_id.0,
        key.id.0,
    )
    .fetch_optional(transaction)
    .await
}

/// A time at which the client was registered and enabled, if the user's consent exists or is not needed. `None`: one of
/// these conditions does not hold.
///
/// It is the time at which the first statement began, before it looked: a verb that disables the client afterwards does so
/// later. The caller has locked the user, so that the second statement finds a withdrawal that the lock waited for, and
/// later ones wait.
pub(crate) async fn allowed_at(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: UserId,
    client: &ClientId,
) -> Result<Option<DateTime<Utc>>, Error> {
    let enabled = sqlx::query_as!(
        EnabledClient,
        r#"select statement_timestamp() + $1::interval as "now!", first_party
           from clients where id = $2 and disabled_at is null"#,
        clock_offset,
        client.as_str(),
    );
    let Some(enabled) = enabled.fetch_optional(&mut *transaction).await? else { return Ok(None) };
    if enabled.first_party {
        return Ok(Some(enabled.now));
    }
    let grant = sqlx::query_scalar!(
        "select client_id from grants where user_id = $1 and client_id = $2",
        user.0,
        client.as_str(),
    );
    Ok(grant.fetch_optional(transaction).await?.map(|_| enabled.now))
}

/// Inserts the session. In Postgres, `least` ignores null.
pub(crate) async fn insert(
    transaction: &mut PgConnection,
    opening: Opening,
    session: &ApplicationSession,
) -> Result<SnapshotRow, Error> {
    let Opening { now, owner, sign_in } = opening;
    let parent = session.parent();
    let opened = sqlx::query_as!(
        OpenedRow,
        "insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at, rotated_at,
                               last_used_at, expires_at, user_agent, ip, parent_id)
         values ($2, $3, $4, $5, $6, $7, $8, $1, $1, $1, least($1::timestamptz + $9::interval, $10::timestamptz), $11, $12, $13)
         returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation, forgiven_generation,
                   rotated_at, previous_rotated_at, last_used_at, expires_at, remember",
        now,
        session.key.user_id.0,
        session.key.id.0,
        session.client_id.as_str(),
        session.scope.as_str(),
        std::slice::from_ref(&session.audience),
        sign_in.auth_time,
        session.jti_hash.as_bytes().as_slice(),
        session.lifetime.map(interval),
        parent.and(sign_in.expires_at),
        session.user_agent.as_deref(),
        session.ip.as_deref(),
        parent.map(|parent| parent.0),
    )
    .fetch_one(transaction)
    .await?;
    Ok(SnapshotRow::opened(opened, owner, now))
}
