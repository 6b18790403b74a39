//! What only tests do to a database, in SQL that bypasses the store.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::{PasswordHash, SessionKey, UserId};
use auth_store::Store;
use auth_store::conformance::{DatabaseProbe, Late, Revocation, Subject};
use goptri::clock::ManualClock;
use scratch_pg::Database;
use sqlx::postgres::{PgPool, PgPoolOptions};
use store_postgres::PostgresStore;

/// Few connections per store, because many tests share one server.
const CONNECTIONS: u32 = 6;

/// A store on an empty database of its own.
pub(crate) async fn fresh() -> Subject {
    subject(false).await
}

/// The same, whose tables are partitioned once they are migrated.
pub(crate) async fn fresh_partitioned() -> Subject {
    subject(true).await
}

async fn subject(is_partitioned: bool) -> Subject {
    let database = Database::fresh().await;
    let clock = ManualClock::default();
    let probe = Probe {
        url: with_public_first(database.url()),
        clock: clock.clone(),
        is_partitioned,
        pool: PgPoolOptions::new().max_connections(1).connect_lazy(database.url()).unwrap(),
    };
    let store = probe.another_store().await;
    Subject { store, clock, probe: Box::new(probe), keep: Box::new(database) }
}

/// The URL with `public` before `pg_catalog` in the search path, so that `stop_time` can replace a built-in function.
fn with_public_first(url: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-csearch_path%3Dpublic%2Cpg_catalog")
}

struct Probe {
    url: String,
    clock: ManualClock,
    is_partitioned: bool,
    pool: PgPool,
}

#[async_trait]
impl DatabaseProbe for Probe {
    async fn another_store(&self) -> Arc<dyn Store> {
        Arc::new(
            PostgresStore::connect(&self.url, CONNECTIONS).unwrap().with_clock_offset(self.clock.clone()),
        )
    }

    async fn disable(&self, user: UserId) {
        let disable = "update users set disabled_at = statement_timestamp() where id = $1";
        sqlx::query(disable).bind(user.0).execute(&self.pool).await.unwrap();
    }

    async fn set_password_hash(&self, user: UserId, hash: Option<&PasswordHash>) {
        let change = "update users set password_hash = $2 where id = $1";
        sqlx::query(change)
            .bind(user.0)
            .bind(hash.map(PasswordHash::as_str))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn delete_user(&self, user: UserId) -> bool {
        let user = user.0;
        let deleted = sqlx::query("delete from users where id = $1").bind(user).execute(&self.pool).await;
        if deleted.is_ok() {
            let free = "delete from emails where user_id = $1";
            sqlx::query(free).bind(user).execute(&self.pool).await.unwrap();
        }
        deleted.is_ok()
    }

    async fn corrupt_session(&self, key: SessionKey) {
        let corrupt = r#"update sessions set scope = 'a"b' where user_id = $1 and id = $2"#;
        sqlx::query(corrupt).bind(key.user_id.0).bind(key.id.0).execute(&self.pool).await.unwrap();
    }

    async fn corrupt_roles(&self, user: UserId) {
        let corrupt = "update users set roles = '{admin,No Role}' where id = $1";
        sqlx::query(corrupt).bind(user.0).execute(&self.pool).await.unwrap();
    }

    async fn stray_email_keys(&self) -> Vec<String> {
        let stray = "select email_key
                     from (select id, email_key from users except select user_id, email_key from emails) of_users
                     union all
                     select email_key
                     from (select user_id, email_key from emails except select id, email_key from users) of_emails";
        sqlx::query_scalar(stray).fetch_all(&self.pool).await.unwrap()
    }

    async fn set_email_and_key(&self, user: UserId, email: &str, key: &str) {
        let change = "update users set email = $2, email_key = $3 where id = $1";
        sqlx::query(change).bind(user.0).bind(email).bind(key).execute(&self.pool).await.unwrap();
        let free = "delete from emails where user_id = $1";
        sqlx::query(free).bind(user.0).execute(&self.pool).await.unwrap();
        let claim = "insert into emails (email_key, user_id) values ($2, $1)";
        sqlx::query(claim).bind(user.0).bind(key).execute(&self.pool).await.unwrap();
    }

    async fn set_email_key_version(&self, version: i64) {
        let change = "update email_key_version set version = $1";
        sqlx::query(change).bind(version).execute(&self.pool).await.unwrap();
    }

    async fn revocations(&self) -> Vec<Revocation> {
        let all = "select kind, subject, created_at, expires_at from revocations order by tx, user_id, kind, subject";
        let rows = sqlx::query_as(all).fetch_all(&self.pool).await.unwrap();
        let entry =
            |(kind, subject, created_at, expires_at)| Revocation { kind, subject, created_at, expires_at };
        rows.into_iter().map(entry).collect()
    }

    async fn record_late(&self, subject: &str) -> Box<dyn Late> {
        let pool = PgPoolOptions::new().max_connections(1).connect(&self.url).await.unwrap();
        let mut transaction = pool.begin_with("begin").await.unwrap();
        let record = "insert into revocations (user_id, kind, subject, created_at, expires_at)
                      values (gen_random_uuid(), 'session', $1, statement_timestamp(), statement_timestamp() + interval '1 day')";
        sqlx::query(record).bind(subject).execute(&mut *transaction).await.unwrap();
        Box::new(NotCommitted { transaction, pool })
    }

    async fn stop_time(&self) {
        let stop = "create function public.statement_timestamp() returns timestamptz language sql stable
                    as $$ select '2030-01-01 00:00:00+00'::timestamptz $$";
        sqlx::query(stop).execute(&self.pool).await.unwrap();
    }

    async fn fail_commits(&self, fail: bool) {
        let change = if fail {
            "create function fail() returns trigger language plpgsql as
                 $$ begin raise exception 'refused by the test'; end $$;
             create constraint trigger fails_late after insert or update or delete on sessions
                 deferrable initially deferred for each row execute function fail();"
        } else {
            "drop trigger fails_late on sessions; drop function fail();"
        };
        sqlx::raw_sql(change).execute(&self.pool).await.unwrap();
    }

    async fn migrated(&self) {
        if self.is_partitioned {
            sqlx::raw_sql(include_str!("../partitioned.sql")).execute(&self.pool).await.unwrap();
        }
    }

    async fn close(&self) {
        self.pool.close().await;
    }

    async fn note_later_migration(&self) {
        let note = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                    values (9999, 'later', true, '\\x00', 0)";
        sqlx::query(note).execute(&self.pool).await.unwrap();
    }
}

struct NotCommitted {
    transaction: sqlx::Transaction<'static, sqlx::Postgres>,
    pool: PgPool,
}

#[async_trait]
impl Late for NotCommitted {
    async fn commit(self: Box<Self>) {
        self.transaction.commit().await.unwrap();
        self.pool.close().await;
    }
}
