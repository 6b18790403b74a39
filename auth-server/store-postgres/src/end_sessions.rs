//! Ends all sessions of a user, within the transaction of a verb.

use auth_domain::{SessionId, UserId};
use auth_store::REVOCATION_LIFETIME;
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;

use crate::rows::interval;

/// Locks a user against sign-ins, which take a shared lock: waits for those in progress, and later ones wait. Returns
/// whether the user exists.
pub(crate) async fn lock_user(transaction: &mut PgConnection, user: UserId) -> Result<bool, sqlx::Error> {
    let locked = sqlx::query!("select id from users where id = $1 for update", user.0);
    Ok(locked.fetch_optional(transaction).await?.is_some())
}

/// Ends the sessions of a locked user. Returns how many.
///
/// A statement of its own, so that its snapshot includes the sign-ins that the lock waited for. Locks sessions in the
/// order of their keys, as every statement does that locks several.
pub(crate) async fn end_all(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: UserId,
    except: Option<SessionId>,
) -> Result<u64, sqlx::Error> {
    let ended = sqlx::query_scalar!(
        r#"with chosen as (
               select user_id, id from sessions
               where user_id = $2 and ($3::uuid is null or id <> $3)
               order by user_id, id for update
           ), deleted as (
               delete from sessions s using chosen d where s.user_id = d.user_id and s.id = d.id
               returning s.id
           ), appended as (
               insert into revocations (kind, subject, created_at, expires_at)
               select 'session', deleted.id::text, c.now, c.now + $4::interval
               from deleted, (select statement_timestamp() + $1::interval as now) c
               order by deleted.id
               on conflict (kind, subject) do nothing
           )
           select count(*) as "ended!" from deleted"#,
        clock_offset,
        user.0,
        except.map(|id| id.0),
        interval(REVOCATION_LIFETIME),
    )
    .fetch_one(transaction)
    .await?;
    Ok(u64::try_from(ended).unwrap_or_default())
}
