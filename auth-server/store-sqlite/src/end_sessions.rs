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
        "select id from sessions
         where user_id = ?1 and (?2 is null or (id <> ?2 and parent_id is distinct from ?2))
         order by user_id, id",
        user.0,
        except,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let ended = end_each(transaction, now, user, chosen).await?;
    let delete = sqlx::query!(
        "delete from codes where user_id = ?1 and spent_for is null and (?2 is null or sign_in_id <> ?2)",
        user.0,
        except,
    );
    delete.execute(transaction).await?;
    Ok(ended)
}

/// Ends the sessions of applications that belong to a sign-in of a user, and deletes its unspent codes. Returns how many
/// sessions. Within a transaction that writes.
pub(crate) async fn end_children(
    transaction: &mut SqliteConnection,
    now: Micros,
    user: UserId,
    sign_in: Uuid,
) -> Result<u64, sqlx::Error> {
    let children = sqlx::query_scalar!(
        "select id from sessions where user_id = ?1 and parent_id = ?2 order by id",
        user.0,
        sign_in
    );
    let children = children.fetch_all(&mut *transaction).await?;
    let mut ended = 0;
    for child in children {
        ended += u64::from(delete(transaction, now, user, child).await?.is_some());
    }
    let delete = sqlx::query!(
        "delete from codes where user_id = ?1 and spent_for is null and sign_in_id = ?2",
        user.0,
        sign_in,
    );
    delete.execute(transaction).await?;
    Ok(ended)
}

/// Ends these sessions of a user, and those that belong to them. Returns how many. Within a transaction that writes.
pub(crate) async fn end_each(
    transaction: &mut SqliteConnection,
    now: Micros,
    user: UserId,
    chosen: Vec<Uuid>,
) -> Result<u64, sqlx::Error> {
    let mut ended = 0;
    for id in chosen {
        ended += end_one(transaction, now, user, id).await?;
    }
    Ok(ended)
}

/// Ends a session, and with a sign-in the sessions that belong to it. Records it even if the session is gone. Returns how
/// many sessions ended. Within a transaction that writes.
pub(crate) async fn end_one(
    transaction: &mut SqliteConnection,
    now: Micros,
    user: UserId,
    id: Uuid,
) -> Result<u64, sqlx::Error> {
    match delete(transaction, now, user, id).await? {
        None => Ok(0),
        Some(Deleted { is_sign_in: false }) => Ok(1),
        Some(Deleted { is_sign_in: true }) => Ok(1 + end_children(transaction, now, user, id).await?),
    }
}

/// A session that was deleted.
struct Deleted {
    is_sign_in: bool,
}

/// Deletes one session and records its end, even if it is gone.
async fn delete(
    transaction: &mut SqliteConnection,
    now: Micros,
    user: UserId,
    id: Uuid,
) -> Result<Option<Deleted>, sqlx::Error> {
    let deleted = sqlx::query!(
        r#"delete from sessions where user_id = ?1 and id = ?2
           returning last_used_at, handle_hash is not null as "is_sign_in!: bool""#,
        user.0,
        id,
    );
    let deleted = deleted.fetch_all(&mut *transaction).await?.pop();
    // The session's tokens are dated by its last use.
    let now = deleted.as_ref().map_or(now, |session| session.last_used_at.max(now));
    append(transaction, user.0, "session", &id.to_string(), now).await?;
    Ok(deleted.map(|session| Deleted { is_sign_in: session.is_sign_in }))
}

/// Records a revocation, unless it is recorded already. `user` is the nil UUID where there is none.
///
/// Its time is `now`, or that of the newest entry if that is later. The clock is the machine's: an entry that was dated
/// while the clock was set back would expire too early once the clock is corrected.
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

/// Records that all access tokens of a client are revoked. Replaces an earlier entry by one with a later number and later
/// times, so that readers of the feed get it again. Within a transaction that writes.
pub(crate) async fn append_client(
    transaction: &mut SqliteConnection,
    now: Micros,
    client: &str,
) -> Result<(), sqlx::Error> {
    let (user, kind) = (Uuid::nil(), "client");
    let replaced = sqlx::query_scalar!(
        "delete from revocations where user_id = ?1 and kind = ?2 and subject = ?3 returning created_at",
        user,
        kind,
        client,
    );
    let replaced = replaced.fetch_all(&mut *transaction).await?.pop();
    // The replaced entry may have been the newest one: `append` must date the next one no earlier.
    let now = replaced.map_or(now, |created_at| Micros(created_at).max(now));
    append(transaction, user, kind, client, now).await
}
