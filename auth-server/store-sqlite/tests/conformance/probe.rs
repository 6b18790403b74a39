//! What only tests do to a database, in SQL that bypasses the store.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::sync::Arc;

use async_trait::async_trait;
use auth_domain::{PasswordHash, SessionKey, UserId};
use auth_store::Store;
use auth_store::conformance::{DatabaseProbe, OpenTransaction, Revocation, Subject};
use chrono::{DateTime, TimeDelta};
use goptri::clock::{Clock, ManualClock};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use store_sqlite::SqliteStore;

/// A store in an empty file of its own.
pub(crate) async fn fresh() -> Subject {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let clock = ManualClock::default();
    let probe = Probe {
        clock: clock.clone(),
        pool: SqlitePoolOptions::new().max_connections(1).connect_lazy(&url).unwrap(),
        url,
    };
    let store = probe.another_store().await;
    Subject { store, clock, probe: Box::new(probe), keep: Box::new(folder) }
}

struct Probe {
    url: String,
    clock: ManualClock,
    pool: SqlitePool,
}

#[async_trait]
impl DatabaseProbe for Probe {
    async fn another_store(&self) -> Arc<dyn Store> {
        Arc::new(SqliteStore::connect(&self.url, Arc::new(self.clock.clone())).unwrap())
    }

    async fn disable(&self, user: UserId) {
        let disable = "update users set disabled_at = ?2 where id = ?1";
        let now = self.clock.now().timestamp_micros();
        sqlx::query(disable).bind(user.0).bind(now).execute(&self.pool).await.unwrap();
    }

    async fn set_password_hash(&self, user: UserId, hash: Option<&PasswordHash>) {
        let change = "update users set password_hash = ?2 where id = ?1";
        sqlx::query(change)
            .bind(user.0)
            .bind(hash.map(PasswordHash::as_str))
            .execute(&self.pool)
            .await
            .unwrap();
    }

    async fn delete_user(&self, user: UserId) -> bool {
        let user = user.0;
        let deleted = sqlx::query("delete from users where id = ?1").bind(user).execute(&self.pool).await;
        if deleted.is_ok() {
            let free = "delete from emails where user_id = ?1";
            sqlx::query(free).bind(user).execute(&self.pool).await.unwrap();
        }
        deleted.is_ok()
    }

    async fn corrupt_session(&self, key: SessionKey) {
        let corrupt = r#"update sessions set scope = 'a"b' where user_id = ?1 and id = ?2"#;
        sqlx::query(corrupt).bind(key.user_id.0).bind(key.id.0).execute(&self.pool).await.unwrap();
    }

    async fn corrupt_roles(&self, user: UserId) {
        let corrupt = r#"update users set roles = '["admin", 7]' where id = ?1"#;
        sqlx::query(corrupt).bind(user.0).execute(&self.pool).await.unwrap();
    }

    async fn stray_email_keys(&self) -> Vec<String> {
        let stray = "select email_key from (select id, email_key from users except select user_id, email_key from emails)
                     union all
                     select email_key from (select user_id, email_key from emails except select id, email_key from users)";
        sqlx::query_scalar(stray).fetch_all(&self.pool).await.unwrap()
    }

    async fn set_email_and_key(&self, user: UserId, email: &str, key: &str) {
        let change = "update users set email = ?2, email_key = ?3 where id = ?1";
        sqlx::query(change).bind(user.0).bind(email).bind(key).execute(&self.pool).await.unwrap();
        let change = "update emails set email_key = ?2 where user_id = ?1";
        sqlx::query(change).bind(user.0).bind(key).execute(&self.pool).await.unwrap();
    }

    async fn set_email_key_version(&self, version: i64) {
        let change = "update email_key_version set version = ?1";
        sqlx::query(change).bind(version).execute(&self.pool).await.unwrap();
    }

    async fn revocations(&self) -> Vec<Revocation> {
        let all = "select kind, subject, created_at, expires_at from revocations order by seq";
        let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(all).fetch_all(&self.pool).await.unwrap();
        let time = |micros| DateTime::from_timestamp_micros(micros).unwrap();
        let entry = |(kind, subject, created_at, expires_at)| Revocation {
            kind,
            subject,
            created_at: time(created_at),
            expires_at: time(expires_at),
        };
        rows.into_iter().map(entry).collect()
    }

    async fn record_late(&self, subject: &str) -> Box<dyn OpenTransaction> {
        Box::new(NotBegun { pool: self.pool.clone(), subject: subject.to_owned() })
    }

    async fn stop_time(&self) {
        self.clock.stop_at(DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
    }

    async fn fail_commits(&self, fail: bool) {
        let change = if fail {
            "create table parents (id integer primary key) strict;
             create table orphans (parent integer references parents (id) deferrable initially deferred) strict;
             create trigger fails_late_1 after insert on sessions begin insert into orphans values (1); end;
             create trigger fails_late_2 after update on sessions begin insert into orphans values (1); end;
             create trigger fails_late_3 after delete on sessions begin insert into orphans values (1); end;"
        } else {
            "drop trigger fails_late_1; drop trigger fails_late_2; drop trigger fails_late_3;"
        };
        sqlx::raw_sql(change).execute(&self.pool).await.unwrap();
    }

    async fn record_elsewhere(&self, subject: &str) {
        self.record_late(subject).await.commit().await;
    }

    async fn close(&self) {
        self.pool.close().await;
    }

    async fn note_later_migration(&self) {
        let note = "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                    values (9999, 'later', true, x'00', 0)";
        sqlx::query(note).execute(&self.pool).await.unwrap();
    }
}

struct NotBegun {
    pool: SqlitePool,
    subject: String,
}

#[async_trait]
impl OpenTransaction for NotBegun {
    async fn commit(self: Box<Self>) {
        let record = "insert into revocations (user_id, kind, subject, created_at, expires_at)
                      values (zeroblob(16), 'session', ?1, unixepoch() * 1000000, (unixepoch() + 86400) * 1000000)";
        sqlx::query(record).bind(&self.subject).execute(&self.pool).await.unwrap();
    }
}
