//! Removes a client: disables it, deletes what belongs to it, and then itself.

use std::collections::BTreeMap;

use auth_domain::{ClientId, UserId};
use auth_store::StoreError;
use chrono::{DateTime, Utc};
use sqlx::postgres::types::PgInterval;
use sqlx::{Error, PgConnection};
use uuid::Uuid;

use crate::PostgresStore;
use crate::end_sessions::{append_client, end_each};
use crate::transactions::transact_on;

/// How many sessions one statement examines.
const MAX_EXAMINED: i64 = 10_000;

/// Rows to delete, by user.
#[derive(Default)]
struct RowsOfUser {
    sessions: Vec<Uuid>,
    codes: Vec<Vec<u8>>,
    has_grant: bool,
}

impl PostgresStore {
    /// Disables the client, and then records the revocation, each in a transaction of its own. Returns how many clients
    /// were disabled: one or none.
    ///
    /// A verb that opens a session for the client takes the time of the session from the statement that finds the client
    /// enabled ([`allowed_at`](crate::open_application::allowed_at)), so that this is before the first commit here,
    /// and the time of the entry is after it.
    pub(crate) async fn remove(&self, id: &ClientId) -> Result<u64, StoreError> {
        let disabled = self
            .pool
            .with_connection(async |connection| {
                let disable = sqlx::query!(
                    "update clients set disabled_at = least(disabled_at, statement_timestamp() + $1::interval)
                     where id = $2",
                    self.clock_offset(),
                    id.as_str(),
                );
                Ok::<_, Error>(disable.execute(connection).await?.rows_affected())
            })
            .await?;
        if disabled == 0 {
            return Ok(0);
        }
        self.pool
            .with_connection(async |connection| {
                append_client(connection, self.clock_offset(), id.as_str()).await
            })
            .await?;
        self.notify_appended();
        Ok(disabled)
    }

    /// Deletes the rows of each user in a transaction of its own, so that what ends a session commits on one node.
    pub(crate) async fn clear_client(&self, id: &ClientId, max: u32) -> Result<u64, StoreError> {
        let (id, max) = (id.as_str().to_owned(), i64::from(max));
        let deleted = self.run_detached(move |store| {
            let id = id.clone();
            async move {
                let (removed_at, mut found) = store
                    .background_pool
                    .with_connection(async |connection| {
                        let removed_at = removed_at(connection, &id).await?;
                        Ok::<_, Error>((removed_at, find_codes_and_grants(connection, &id, max).await?))
                    })
                    .await?;
                store.find_sessions(&id, max, &mut found).await?;
                if found.is_empty() {
                    store.delete_disabled_client(&id).await?;
                    return Ok(0);
                }
                let mut deleted = 0;
                for (user, rows) in &found {
                    let clear = transact_on(&store.background_pool, async |transaction| {
                        let sessions = delete_sessions(
                            transaction,
                            store.clock_offset(),
                            (*user, &id),
                            removed_at,
                            rows,
                        );
                        let sessions = sessions.await?;
                        Ok(sessions + delete_others(transaction, *user, &id, rows).await?)
                    });
                    deleted += clear.await?;
                }
                Ok(deleted)
            }
        });
        let deleted = deleted.await?;
        self.notify_appended();
        Ok(deleted)
    }

    async fn delete_disabled_client(&self, client: &str) -> Result<(), StoreError> {
        self.background_pool
            .with_connection(async |connection| {
                // Not a client that was added again.
                let delete =
                    sqlx::query!("delete from clients where id = $1 and disabled_at is not null", client);
                delete.execute(connection).await.map(|_| ())
            })
            .await
    }

    /// Examines sessions slice by slice, because no index finds those of a client.
    async fn find_sessions(
        &self,
        client: &str,
        max: i64,
        found: &mut BTreeMap<Uuid, RowsOfUser>,
    ) -> Result<(), StoreError> {
        let (mut after, mut wanted) = ((Uuid::nil(), Uuid::nil()), max);
        while wanted > 0 {
            let slice = self
                .background_pool
                .with_connection(async |connection| {
                    let slice = sqlx::query!(
                        r#"select user_id, id, client_id = $1 as "is_wanted!" from sessions
                           where (user_id, id) > ($2, $3) order by user_id, id limit $4"#,
                        client,
                        after.0,
                        after.1,
                        MAX_EXAMINED,
                    );
                    slice.fetch_all(connection).await
                })
                .await?;
            let Some(last) = slice.last() else { break };
            after = (last.user_id, last.id);
            for row in slice.iter().filter(|row| row.is_wanted).take(usize::try_from(wanted).unwrap_or(0)) {
                found.entry(row.user_id).or_default().sessions.push(row.id);
                wanted -= 1;
            }
        }
        Ok(())
    }
}

async fn find_codes_and_grants(
    connection: &mut PgConnection,
    client: &str,
    max: i64,
) -> Result<BTreeMap<Uuid, RowsOfUser>, Error> {
    let mut found: BTreeMap<Uuid, RowsOfUser> = BTreeMap::new();
    let codes =
        sqlx::query!("select user_id, code_hash from codes where client_id = $1 limit $2", client, max);
    for row in codes.fetch_all(&mut *connection).await? {
        found.entry(row.user_id).or_default().codes.push(row.code_hash);
    }
    let grants = sqlx::query_scalar!("select user_id from grants where client_id = $1 limit $2", client, max);
    for user in grants.fetch_all(connection).await? {
        found.entry(user).or_default().has_grant = true;
    }
    Ok(found)
}

/// When the entry of the feed was recorded. `None`: it was swept.
async fn removed_at(connection: &mut PgConnection, client: &str) -> Result<Option<DateTime<Utc>>, Error> {
    let entry = sqlx::query_scalar!(
        "select created_at from revocations where user_id = $1 and kind = 'client' and subject = $2",
        Uuid::nil(),
        client,
    );
    entry.fetch_optional(connection).await
}

/// Locks the sessions, so that none is refreshed meanwhile. A session that was refreshed after the client was removed,
/// by a request that had found the client before, gets an entry of its own: it has an access token that the entry of
/// the client does not revoke.
async fn delete_sessions(
    transaction: &mut PgConnection,
    clock_offset: PgInterval,
    (user, client): (Uuid, &str),
    removed_at: Option<DateTime<Utc>>,
    rows: &RowsOfUser,
) -> Result<u64, Error> {
    if rows.sessions.is_empty() {
        return Ok(0);
    }
    let lock = sqlx::query!(
        "select id, last_used_at from sessions where user_id = $1 and id = any($2) and client_id = $3
         order by id for update",
        user,
        &rows.sessions,
        client,
    );
    let (mut covered, mut refreshed) = (Vec::new(), Vec::new());
    for session in lock.fetch_all(&mut *transaction).await? {
        let is_covered = removed_at.is_some_and(|removed_at| session.last_used_at <= removed_at);
        if is_covered { &mut covered } else { &mut refreshed }.push(session.id);
    }
    let ended = end_each(transaction, clock_offset, UserId(user), &refreshed).await?;
    let delete = sqlx::query!("delete from sessions where user_id = $1 and id = any($2)", user, &covered);
    Ok(ended + delete.execute(transaction).await?.rows_affected())
}

async fn delete_others(
    transaction: &mut PgConnection,
    user: Uuid,
    client: &str,
    rows: &RowsOfUser,
) -> Result<u64, Error> {
    let mut deleted = 0;
    if !rows.codes.is_empty() {
        let delete =
            sqlx::query!("delete from codes where user_id = $1 and code_hash = any($2)", user, &rows.codes);
        deleted += delete.execute(&mut *transaction).await?.rows_affected();
    }
    if rows.has_grant {
        let delete = sqlx::query!("delete from grants where user_id = $1 and client_id = $2", user, client);
        deleted += delete.execute(&mut *transaction).await?.rows_affected();
    }
    Ok(deleted)
}
