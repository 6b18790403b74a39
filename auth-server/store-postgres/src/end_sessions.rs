//! Ends sessions of a user, within the transaction of a verb.

use auth_domain::{Digest, RefreshJti, SessionId, SessionKey, UserId};
use auth_store::{EndOutcome, REVOCATION_LIFETIME};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::rows::interval;

/// Locks a user against sign-ins, which take a shared lock: waits for those in progress, and later ones wait. Returns
/// whether the user exists.
pub(crate) async fn lock_user(transaction: &mut PgConnection, user: UserId) -> Result<bool, Error> {
    let locked = sqlx::query!("select id from users where id = $1 for update", user.0);
    Ok(locked.fetch_optional(transaction).await?.is_some())
}

/// Ends the sessions of a locked user. Returns how many.
///
/// The lock is an earlier statement, so that the snapshot of this one includes the sign-ins that the lock waited for.
/// Locks sessions in the order of their keys.
pub(crate) async fn end_all(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: UserId,
    except: Option<SessionId>,
) -> Result<u64, Error> {
    let locked = sqlx::query_scalar!(
        "select id from sessions
         where user_id = $1 and ($2::uuid is null or (id <> $2 and parent_id is distinct from $2))
         order by id for update",
        user.0,
        except.map(|id| id.0),
    )
    .fetch_all(&mut *transaction)
    .await?;
    let ended = end_each(transaction, clock_offset, user, &locked).await?;
    let delete = sqlx::query!(
        "delete from codes where user_id = $1 and spent_for is null and ($2::uuid is null or sign_in_id <> $2)",
        user.0,
        except.map(|id| id.0),
    );
    delete.execute(transaction).await?;
    Ok(ended)
}

/// Ends the sessions of applications that belong to these sign-ins of a user, and deletes their unspent codes. Returns how
/// many sessions.
///
/// Must be called after the sign-ins were deleted. The snapshot of this statement then includes the sessions and codes
/// that the deletion waited for, and later ones find no sign-in. Locks sessions in the order of their keys.
pub(crate) async fn end_children(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: UserId,
    sign_ins: &[Uuid],
) -> Result<u64, Error> {
    let locked = sqlx::query_scalar!(
        "select id from sessions where user_id = $1 and parent_id = any($2) order by id for update",
        user.0,
        sign_ins,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let ended = end_each(transaction, clock_offset, user, &locked).await?;
    let delete = sqlx::query!(
        "delete from codes where user_id = $1 and spent_for is null and sign_in_id = any($2)",
        user.0,
        sign_ins,
    );
    delete.execute(transaction).await?;
    Ok(ended)
}

/// Ends these sessions of a user, which the transaction has locked. Returns how many.
pub(crate) async fn end_each(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    user: UserId,
    locked: &[Uuid],
) -> Result<u64, Error> {
    if locked.is_empty() {
        return Ok(0);
    }
    let append = sqlx::query!(
        "insert into revocations (user_id, kind, subject, created_at, expires_at)
         select user_id, 'session', id::text, statement_timestamp() + $1::interval,
                statement_timestamp() + $1::interval + $4::interval
         from sessions where user_id = $2 and id = any($3)
         on conflict (user_id, kind, subject) do nothing",
        clock_offset,
        user.0,
        locked,
        interval(REVOCATION_LIFETIME),
    );
    append.execute(&mut *transaction).await?;
    let delete = sqlx::query!("delete from sessions where user_id = $1 and id = any($2)", user.0, locked);
    Ok(delete.execute(transaction).await?.rows_affected())
}

/// Ends a session, and records it even if the session is gone. With a proof, only if the session's `jti` has that digest.
///
/// `delete` waits for a lock and then checks the row again. A session's `jti` never changes and ids are never reused, so
/// a wrong proof stays wrong, and of concurrent calls exactly one deletes the session.
pub(crate) async fn end_one(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    key: SessionKey,
    proof: Option<&Digest<RefreshJti>>,
) -> Result<EndOutcome, Error> {
    let (user, id, proof) = (key.user_id.0, key.id.0, proof.map(|digest| digest.as_bytes().as_slice()));
    let delete = sqlx::query!(
        r#"delete from sessions where user_id = $1 and id = $2 and ($3::bytea is null or jti_hash = $3)
           returning handle_hash is not null as "is_sign_in!""#,
        user,
        id,
        proof,
    );
    let deleted = delete.fetch_optional(&mut *transaction).await?;
    if deleted.is_none() && has_another_jti(transaction, key, proof).await? {
        return Ok(EndOutcome::WrongProof);
    }
    if deleted.as_ref().is_some_and(|session| session.is_sign_in) {
        end_children(transaction, clock_offset, key.user_id, &[id]).await?;
    }
    append(transaction, clock_offset, user, "session", &id.to_string()).await?;
    Ok(if deleted.is_some() { EndOutcome::Ended } else { EndOutcome::WasGone })
}

/// Whether the session exists and the proof is not its own.
async fn has_another_jti(
    transaction: &mut PgConnection,
    key: SessionKey,
    proof: Option<&[u8]>,
) -> Result<bool, Error> {
    let found = sqlx::query!(
        "select id from sessions where user_id = $1 and id = $2 and jti_hash <> $3",
        key.user_id.0,
        key.id.0,
        proof,
    );
    Ok(found.fetch_optional(transaction).await?.is_some())
}

/// Records a revocation, unless it is recorded already. `user` is the nil UUID where there is none.
pub(crate) async fn append(
    connection: &mut PgConnection,
    clock_offset: PgInterval,
    user: Uuid,
    kind: &str,
    subject: &str,
) -> Result<(), Error> {
    let appended = sqlx::query!(
        "insert into revocations (user_id, kind, subject, created_at, expires_at)
         values ($2, $3, $4, statement_timestamp() + $1::interval,
                 statement_timestamp() + $1::interval + $5::interval)
         on conflict (user_id, kind, subject) do nothing",
        clock_offset,
        user,
        kind,
        subject,
        interval(REVOCATION_LIFETIME),
    );
    appended.execute(connection).await.map(|_| ())
}

/// Records that all access tokens of a client are revoked. Replaces an earlier entry, so that readers of the feed get it
/// again: both the times and `tx` become later.
pub(crate) async fn append_client(
    connection: &mut PgConnection,
    clock_offset: PgInterval,
    client: &str,
) -> Result<(), Error> {
    let appended = sqlx::query!(
        "insert into revocations (user_id, kind, subject, created_at, expires_at)
         values ($2, 'client', $3, statement_timestamp() + $1::interval,
                 statement_timestamp() + $1::interval + $4::interval)
         on conflict (user_id, kind, subject) do update
         set created_at = excluded.created_at, expires_at = excluded.expires_at, tx = excluded.tx",
        clock_offset,
        Uuid::nil(),
        client,
        interval(REVOCATION_LIFETIME),
    );
    appended.execute(connection).await.map(|_| ())
}
