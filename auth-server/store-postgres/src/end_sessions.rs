//! Ending all of a person's sessions, within the transaction of whatever ends them.

use auth_domain::{SessionId, UserId};
use auth_store::REVOCATION_LIFETIME;
use sqlx::PgConnection;
use sqlx::postgres::types::PgInterval;

use crate::rows::interval;

/// Locks the person against sign-ins, which share a lock on them: those under way are waited for, and others wait.
/// Whether there is such a person.
pub(crate) async fn lock_user(transaction: &mut PgConnection, user: UserId) -> Result<bool, sqlx::Error> {
    let locked = sqlx::query!("select id from users where id = $1 for update", user.0);
    Ok(locked.fetch_optional(transaction).await?.is_some())
}

/// Ends the sessions of a person who is locked, and says how many there were.
///
/// A statement of its own, so that it sees what the lock waited for. Sessions are locked in the order of their keys, as by
/// everybody who locks several.
pub(crate) async fn end_all(
    transaction: &mut PgConnection,
    shift: PgInterval,
    user: UserId,
    except: Option<SessionId>,
) -> Result<u64, sqlx::Error> {
    let ended = sqlx::query_scalar!(
        r#"with doomed as (
               select user_id, id from sessions
               where user_id = $2 and ($3::uuid is null or id <> $3)
               order by user_id, id for update
           ), gone as (
               delete from sessions s using doomed d where s.user_id = d.user_id and s.id = d.id
               returning s.id
           ), appended as (
               insert into revocations (kind, subject, created_at, expires_at)
               select 'session', gone.id::text, c.now, c.now + $4::interval
               from gone, (select statement_timestamp() + $1::interval as now) c
               order by gone.id
               on conflict (kind, subject) do nothing
           )
           select count(*) as "ended!" from gone"#,
        shift,
        user.0,
        except.map(|id| id.0),
        interval(REVOCATION_LIFETIME),
    )
    .fetch_one(transaction)
    .await?;
    Ok(u64::try_from(ended).unwrap_or_default())
}
