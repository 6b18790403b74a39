//! Opens a session, within the transaction of its verb.

use auth_domain::NewSession;
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};

use crate::rows::interval;
use crate::session_rows::{OpenedRow, OwnerRow, SnapshotRow};

/// Opens a session if its user is enabled and has the verified password hash.
///
/// `for share` waits for a concurrent change of the user and reads the row again after it. A later change waits for the
/// commit, and then finds the session.
pub(crate) async fn open(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    session: &NewSession,
) -> Result<Option<SnapshotRow>, Error> {
    let owner = sqlx::query_as!(
        OwnerRow,
        "select email, email_verified, roles, disabled_at from users
         where id = $1 and password_hash = $2 and disabled_at is null
         for share",
        session.key.user_id.0,
        session.verified_hash.as_str(),
    );
    let Some(owner) = owner.fetch_optional(&mut *transaction).await? else { return Ok(None) };
    let opened = sqlx::query_as!(
        OpenedRow,
        "insert into sessions (user_id, id, client_id, scope, audience, auth_time, jti_hash, created_at, rotated_at,
                               last_used_at, expires_at, user_agent, ip, remember, handle_hash)
         values ($2, $3, $4, $5, $6, statement_timestamp() + $1::interval, $7, statement_timestamp() + $1::interval,
                 statement_timestamp() + $1::interval, statement_timestamp() + $1::interval,
                 statement_timestamp() + $1::interval + $8::interval, $9, $10, $11, $12)
         returning user_id, id, client_id, scope, audience, auth_time, jti_hash, generation, forgiven_generation,
                   rotated_at, previous_rotated_at, last_used_at, expires_at, remember",
        clock_offset,
        session.key.user_id.0,
        session.key.id.0,
        session.client_id.as_str(),
        session.scope.to_string(),
        &session.audience,
        session.jti_hash.as_bytes().as_slice(),
        session.lifetime.map(interval),
        session.user_agent.as_deref(),
        session.ip.as_deref(),
        session.remember,
        session.handle_hash.as_ref().map(|digest| digest.as_bytes().as_slice()),
    )
    .fetch_one(transaction)
    .await?;
    let now = opened.auth_time;
    Ok(Some(SnapshotRow::opened(opened, owner, now)))
}
