//! Opens a session of an application, within the transaction of its verb.

use auth_domain::{ApplicationSession, ClientId, SessionKey, UserId};
use sqlx::{Error, SqliteConnection};

use crate::rows::{Micros, json};
use crate::session_rows::SnapshotRow;

/// A sign-in.
pub(crate) struct SignIn {
    auth_time: Micros,
    expires_at: Option<Micros>,
}

/// Opens a session without a code.
pub(crate) async fn open(
    transaction: &mut SqliteConnection,
    now: Micros,
    session: &ApplicationSession,
) -> Result<Option<SnapshotRow>, Error> {
    match check_conditions(transaction, now, session).await? {
        Some(sign_in) => insert(transaction, now, sign_in, session).await.map(Some),
        None => Ok(None),
    }
}

/// Checks the conditions under which a session of an application opens. `None`: one does not hold.
///
/// No other connection writes before the commit, so they stay true.
pub(crate) async fn check_conditions(
    transaction: &mut SqliteConnection,
    now: Micros,
    session: &ApplicationSession,
) -> Result<Option<SignIn>, Error> {
    let ApplicationSession { key, client_id, sign_in, .. } = session;
    let owner =
        sqlx::query_scalar!("select id from users where id = ?1 and disabled_at is null", key.user_id.0);
    if owner.fetch_optional(&mut *transaction).await?.is_none()
        || !is_allowed(transaction, key.user_id, client_id).await?
    {
        return Ok(None);
    }
    find_sign_in(transaction, now, SessionKey { user_id: key.user_id, id: *sign_in }).await
}

/// A sign-in that has not expired. `None`: there is none.
async fn find_sign_in(
    transaction: &mut SqliteConnection,
    now: Micros,
    key: SessionKey,
) -> Result<Option<SignIn>, Error> {
    sqlx::query_as!(
        SignIn,
        "select auth_time, expires_at from sessions
         where user_id = ?2 and id = ?3 and handle_hash is not null and (expires_at is null or expires_at > ?1)",
        now,
        key.user_id.0,
        key.id.0,
    )
    .fetch_optional(transaction)
    .await
}

/// Whether the client is registered and enabled, and the user's consent exists or is not needed.
pub(crate) async fn is_allowed(
    transaction: &mut SqliteConnection,
    user: UserId,
    client: &ClientId,
) -> Result<bool, Error> {
    let client = client.as_str();
    let allowed = sqlx::query_scalar!(
        "select id from clients
         where id = ?1 and disabled_at is null
           and (first_party or exists (select 1 from grants where user_id = ?2 and client_id = ?1))",
        client,
        user.0,
    );
    Ok(allowed.fetch_optional(transaction).await?.is_some())
}

pub(crate) async fn insert(
    transaction: &mut SqliteConnection,
    now: Micros,
    sign_in: SignIn,
    session: &ApplicationSession,
) -> Result<SnapshotRow, Error> {
    let parent = session.parent();
    let expires_at = session.lifetime.map(|lifetime| now.after(lifetime)).into_iter();
    let expires_at = expires_at.chain(parent.and(sign_in.expires_at)).min();
    let parent = parent.map(|parent| parent.0);
    let (client_id, scope) = (session.client_id.as_str(), session.scope.as_str());
    let audience = json([session.audience.as_str()]);
    let jti_hash = session.jti_hash.as_bytes().as_slice();
    sqlx::query_as!(
        SnapshotRow,
        r#"insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at,
                                 rotated_at, last_used_at, expires_at, user_agent, ip, parent_id)
           values (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?1, ?1, ?1, ?9, ?10, ?11, ?12)
           returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation,
                     forgiven_generation, rotated_at, previous_rotated_at, last_used_at, expires_at, remember,
                     (select u.email from users u where u.id = sessions.user_id) as "email!: String",
                     (select u.email_verified from users u where u.id = sessions.user_id) as "email_verified!: bool",
                     (select u.roles from users u where u.id = sessions.user_id) as "roles!: String",
                     (select u.disabled_at from users u where u.id = sessions.user_id) as "disabled_at?: Micros",
                     ?1 as "now!: Micros""#,
        now,
        session.key.user_id.0,
        session.key.id.0,
        client_id,
        scope,
        audience,
        sign_in.auth_time,
        jti_hash,
        expires_at,
        session.user_agent,
        session.ip,
        parent,
    )
    .fetch_one(transaction)
    .await
}
