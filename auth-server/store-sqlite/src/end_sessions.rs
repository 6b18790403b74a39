//! Ends sessions of a user, within the transaction of a verb.

use auth_domain::{SessionId, UserId};
use auth_store::REVOCATION_LIFETIME;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::rows::{Micros, micros};

/// Ends the sessions of a user. Returns how many. Within a transaction that writes.
pub(crate) async fn end_all(
    transaction: &mut SqliteConnection,
    now: Micros,
    user: UserId,
    except: Option<SessionId>,
) -> Result<u64, sqlx::Error> {
    let except = except.map(|id| id.0);
    let chosen = sqlx::query_scalar!(
        "select id from sessions where user_id = ?1 and (?2 is null or id <> ?2) order by user_id, id",
        user.0,
        except,
    )
    .fetch_all(&mut *transaction)
    .await?;
    end_each(transaction, now, user, chosen).await
}

/// Ends these sessions of a user. Returns how many. Within a transaction that writes.
pub(crate) async fn end_each(
    transaction: &mut SqliteConnection,
    now: Micros,
    user: UserId,
    chosen: Vec<Uuid>,
) -> Result<u64, sqlx::Error> {
    let mut ended = 0;
    for id in chosen {
        ended += u64::from(end_one(transaction, now, user, id).await?);
    }
    Ok(ended)
}

/// Ends a session, and records it even if the session is gone. Returns whether it existed. Within a transaction that
/// writes.
pub(crate) async fn end_one(
    transaction: &mut SqliteConnection,
    now: Micros,
    user: UserId,
    id: Uuid,
) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query_scalar!(
        "delete from sessions where user_id = ?1 and id = ?2 returning last_used_at",
        user.0,
        id,
    );
    let last_used = deleted.fetch_all(&mut *transaction).await?.pop();
    // The session's tokens are dated by its last use.
    let now = last_used.map_or(now, |last_used| last_used.max(now));
    append(transaction, user.0, "session", &id.to_string(), now).await?;
    Ok(last_used.is_some())
}

/// Records a revocation, unless it is recorded already. `user` is the nil UUID where there is none.
///
/// It is dated `now` or, if that is later, like the newest entry. The clock is the machine's: an entry that was dated while
/// the clock was set back would expire too early once the clock is corrected.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    user: Uuid,
    kind: &str,
    subject: &str,
    now: Micros,
) -> Result<(), sqlx::Error> {
    let lifetime = micros(REVOCATION_LIFETIME);
    let appended = sqlx::query!(
        "insert into revocations (user_id, kind, subject, created_at, expires_at)
         select ?5, ?1, ?2, c.now, c.now + ?4
         from (select max(?3, coalesce((select created_at from revocations order by seq desc limit 1), ?3)) as now) c
         where true
         on conflict (user_id, kind, subject) do nothing",
        kind,
        subject,
        now,
        lifetime,
        user,
    );
    appended.execute(connection).await.map(|_| ())
}
