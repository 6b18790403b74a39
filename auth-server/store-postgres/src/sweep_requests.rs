//! Deletes old codes and pushed requests, slice by slice, on a connection that requests do not use.
//!
//! Each slice is found first, because a distributed database deletes no limited number of rows. Another sweep at the same
//! time waits for this one, and then finds the rows gone.

use auth_store::{CODE_RETENTION, OPENED_REQUEST_LIFETIME, StoreError};
use sqlx::Error;

use crate::PostgresStore;
use crate::rows::interval;

impl PostgresStore {
    /// Finds the last of the `max` oldest codes that expired long enough ago, and deletes it and all before it.
    pub(crate) async fn sweep_old_codes(&self, max: u32) -> Result<u64, StoreError> {
        self.run_detached(move |store| async move {
            let sweep = store.background_pool.with_connection(async |connection| {
                let last = sqlx::query!(
                    r#"select expires_at as "expires_at!", user_id as "user_id!", code_hash as "code_hash!"
                       from (
                           select expires_at, user_id, code_hash from codes
                           where expires_at <= statement_timestamp() + $1::interval - $3::interval
                           order by expires_at, user_id, code_hash limit $2
                       ) oldest
                       order by expires_at desc, user_id desc, code_hash desc limit 1"#,
                    store.clock_offset(),
                    i64::from(max),
                    interval(CODE_RETENTION),
                );
                let Some(last) = last.fetch_optional(&mut *connection).await? else { return Ok(0) };
                let delete = sqlx::query!(
                    "delete from codes
                     where expires_at <= $1 and (expires_at, user_id, code_hash) <= ($1, $2, $3)",
                    last.expires_at,
                    last.user_id,
                    last.code_hash,
                );
                Ok::<_, Error>(delete.execute(connection).await?.rows_affected())
            });
            sweep.await
        })
        .await
    }

    /// Finds the last of the `max` oldest requests that can no longer be used, and deletes it and all before it.
    pub(crate) async fn sweep_old_requests(&self, max: u32) -> Result<u64, StoreError> {
        self.run_detached(move |store| async move {
            let sweep = store.background_pool.with_connection(async |connection| {
                let last = sqlx::query!(
                    r#"select created_at as "created_at!", uri_hash as "uri_hash!"
                       from (
                           select created_at, uri_hash from pushed
                           where created_at <= statement_timestamp() + $1::interval - $3::interval
                           order by created_at, uri_hash limit $2
                       ) oldest
                       order by created_at desc, uri_hash desc limit 1"#,
                    store.clock_offset(),
                    i64::from(max),
                    interval(OPENED_REQUEST_LIFETIME),
                );
                let Some(last) = last.fetch_optional(&mut *connection).await? else { return Ok(0) };
                let delete = sqlx::query!(
                    "delete from pushed where created_at <= $1 and (created_at, uri_hash) <= ($1, $2)",
                    last.created_at,
                    last.uri_hash,
                );
                Ok::<_, Error>(delete.execute(connection).await?.rows_affected())
            });
            sweep.await
        })
        .await
    }
}
