//! Ends sessions of a user, within the transaction of a verb.

use auth_domain::{SessionId, UserId};
use auth_store::REVOCATION_LIFETIME;
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::rows::Micros;

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
    let expires_at = now.after(REVOCATION_LIFETIME);
    let mut ended = 0;
    for id in chosen {
        let deleted = sqlx::query!("delete from sessions where user_id = ?1 and id = ?2", user.0, id);
        ended += deleted.execute(&mut *transaction).await?.rows_affected();
        let subject = id.to_string();
        append(transaction, &subject, now, expires_at).await?;
    }
    Ok(ended)
}

/// Records the revocation of a session, unless it is recorded already.
pub(crate) async fn append(
    connection: &mut SqliteConnection,
    subject: &str,
    now: Micros,
    expires_at: Micros,
) -> Result<(), sqlx::Error> {
    let appended = sqlx::query!(
        "insert into revocations (kind, subject, created_at, expires_at) values ('session', ?1, ?2, ?3)
         on conflict (kind, subject) do nothing",
        subject,
        now,
        expires_at,
    );
    appended.execute(connection).await.map(|_| ())
}
