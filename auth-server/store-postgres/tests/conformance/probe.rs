//! What only tests do to a database, in SQL that bypasses the store.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when it fails")]

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use auth_domain::{PasswordHash, SessionKey, UserId};
use auth_store::conformance::{DatabaseProbe, OpenTransaction, Revocation, Subject};
use auth_store::{Distribution, Layout, Maintenance, Store};
use chrono::TimeDelta;
use goptri::clock::ManualClock;
use scratch_pg::{CitusDatabase, Database, named_cluster};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use store_postgres::PostgresStore;
use uuid::Uuid;

/// Few connections per store, because many tests share one server.
const CONNECTIONS: u32 = 6;

/// What the suite runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Plain,
    /// Partitioned by user, once the tables are migrated.
    Partitioned,
    /// Read as if the tables were distributed.
    ByTime,
    /// Distributed by Citus, once the tables are migrated.
    Citus,
}

/// A store on an empty database of its own.
pub(crate) async fn fresh() -> Subject {
    one_server(Form::Plain).await
}

/// The same, whose tables are partitioned once they are migrated.
pub(crate) async fn fresh_partitioned() -> Subject {
    one_server(Form::Partitioned).await
}

/// The same, whose feed is read by time.
pub(crate) async fn fresh_by_time() -> Subject {
    one_server(Form::ByTime).await
}

/// A store on the coordinator of an empty database of the cluster of `scripts/test-citus`.
pub(crate) async fn fresh_on_citus() -> Subject {
    let nodes = named_cluster().expect("a cluster");
    let database = CitusDatabase::on(&nodes).await;
    let urls: Vec<_> = (0..nodes.len()).map(|node| database.url(node)).collect();
    subject(Form::Citus, &urls, Box::new(database))
}

async fn one_server(form: Form) -> Subject {
    let database = Database::fresh().await;
    subject(form, &[database.url().to_owned()], Box::new(database))
}

fn subject(form: Form, urls: &[String], keep: Box<dyn Any + Send + Sync>) -> Subject {
    let clock = ManualClock::default();
    let pool = PgPoolOptions::new().max_connections(1).connect_lazy(&urls[0]).unwrap();
    let urls = urls.iter().map(|url| with_public_first(url)).collect();
    let probe = Probe { urls, clock: clock.clone(), form, is_distributed: AtomicBool::new(false), pool };
    let store = probe.store_at(0);
    Subject { store, clock, probe: Box::new(probe), keep }
}

/// The URL with `public` before `pg_catalog` in the search path, so that `stop_time` can replace a built-in function.
fn with_public_first(url: &str) -> String {
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-csearch_path%3Dpublic%2Cpg_catalog")
}

struct Probe {
    /// Through each node.
    urls: Vec<String>,
    clock: ManualClock,
    form: Form,
    is_distributed: AtomicBool,
    pool: PgPool,
}

impl Probe {
    fn store_at(&self, node: usize) -> Arc<dyn Store> {
        let store = PostgresStore::connect(&self.urls[node], CONNECTIONS).unwrap();
        let store = store.with_clock_offset(self.clock.clone());
        Arc::new(if self.form == Form::ByTime { store.with_layout(Layout::Distributed) } else { store })
    }

    fn is_read_by_time(&self) -> bool {
        matches!(self.form, Form::ByTime | Form::Citus)
    }
}

#[async_trait]
impl DatabaseProbe for Probe {
    async fn another_store(&self) -> Arc<dyn Store> {
        // Before, a worker has no tables.
        self.store_at(if self.is_distributed.load(Ordering::SeqCst) { self.urls.len() - 1 } else { 0 })
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

    async fn record_late(&self, subject: &str) -> Box<dyn OpenTransaction> {
        let pool = PgPoolOptions::new().max_connections(1).connect(&self.urls[0]).await.unwrap();
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
        let changes = if fail {
            [
                "create function fail() returns trigger language plpgsql as
                     $$ begin raise exception 'refused by the test'; end $$",
                "create constraint trigger fails_late after insert or update or delete on sessions
                     deferrable initially deferred for each row execute function fail()",
            ]
        } else {
            ["drop trigger fails_late on sessions", "drop function fail()"]
        };
        if self.form == Form::Citus {
            sqlx::raw_sql("set citus.enable_unsafe_triggers = on").execute(&self.pool).await.unwrap();
        }
        for change in changes {
            sqlx::raw_sql(change).execute(&self.pool).await.unwrap();
        }
    }

    async fn after_migration(&self) {
        match self.form {
            Form::Plain | Form::ByTime => {}
            Form::Partitioned => {
                let partition = include_str!("../partitioned.sql");
                sqlx::raw_sql(partition).execute(&self.pool).await.unwrap();
            }
            Form::Citus => {
                let store =
                    PostgresStore::connect(&format!("{}&application_name=distribute", self.urls[0]), 1)
                        .unwrap();
                store.distribute().await.unwrap();
                store.close().await;
                self.is_distributed.store(true, Ordering::SeqCst);
            }
        }
    }

    async fn record_elsewhere(&self, subject: &str) {
        // The numbers of another node's transactions may be far behind.
        let columns = if self.form == Form::ByTime { ("tx, ", "'3'::xid8, ") } else { ("", "") };
        let record = format!(
            "insert into revocations ({}user_id, kind, subject, created_at, expires_at)
             values ({}$1, 'session', $2, statement_timestamp(), statement_timestamp() + interval '1 day')",
            columns.0, columns.1
        );
        let mut connection = PgConnection::connect(self.urls.last().unwrap()).await.unwrap();
        let record = sqlx::query(AssertSqlSafe(record)).bind(Uuid::nil()).bind(subject);
        record.execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }

    fn commits_appear_at_once(&self) -> bool {
        self.form != Form::Citus
    }

    fn late_entry_delay(&self) -> TimeDelta {
        if self.is_read_by_time() { TimeDelta::seconds(60) } else { TimeDelta::zero() }
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
impl OpenTransaction for NotCommitted {
    async fn commit(self: Box<Self>) {
        self.transaction.commit().await.unwrap();
        self.pool.close().await;
    }
}
