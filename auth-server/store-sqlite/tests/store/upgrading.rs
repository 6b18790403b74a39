//! A file of an earlier version is migrated, and keeps its data.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::path::Path;

use auth_domain::{Email, SessionId, SessionKey, UserId};
use auth_store::{
    AddUserOutcome, ChangeOutcome, Cursor, EndOutcome, Maintenance, Readiness, Revocations, RunningServers,
    Sessions, Users,
};
use goptri::clock::{Clock, SystemClock};
use sqlx::{Connection, SqliteConnection};
use uuid::Uuid;

use super::file::{migrated, new_user, open, url};

/// The migration that moves the keys of addresses to a table of their own, and gives each revocation a user.
const DISTRIBUTABLE: i64 = 8;

const USERS: i64 = 50;

fn user(number: i64) -> UserId {
    UserId(Uuid::from_u128(u128::from(number.unsigned_abs()) + 1))
}

/// A file that a program before that migration has filled: fifty users with a session each, and entries of the feed with
/// the numbers 1 to 90, of which the last ten are swept.
async fn of_the_version_before(folder: &Path) -> Uuid {
    let mut file = SqliteConnection::connect(&format!("{}?mode=rwc", url(folder))).await.unwrap();
    let migrator = sqlx::migrate!("../../migrations/sqlite");
    migrator.run_direct(Some(DISTRIBUTABLE - 1), &mut file, false).await.unwrap();
    let now = SystemClock.now().timestamp_micros();
    for number in 0..USERS {
        let add = "insert into users values (?1, ?2, ?3, ?4, ?5, '[\"admin\"]', ?6, ?7)";
        let email = format!("User{number}@example.com");
        let disabled_at = (number % 7 == 0).then_some(now);
        sqlx::query(add)
            .bind(user(number).0)
            .bind(&email)
            .bind(email.to_lowercase())
            .bind(number % 2)
            .bind(format!("$argon2id${number}"))
            .bind(now + number)
            .bind(disabled_at)
            .execute(&mut file)
            .await
            .unwrap();
        let open = "insert into sessions values (?1, ?1, 'goptri', '', '[]', ?2, zeroblob(32), ?3, null, ?2, ?2, ?2, null,
                                                 'Firefox', '192.0.2.1', null)";
        sqlx::query(open).bind(user(number).0).bind(now).bind(number).execute(&mut file).await.unwrap();
    }
    let later = now + 3_600_000_000;
    for number in 1..=90 {
        let kind = if number % 3 == 0 { "token" } else { "session" };
        let append =
            "insert into revocations (kind, subject, created_at, expires_at) values (?1, ?2, ?3, ?4)";
        sqlx::query(append)
            .bind(kind)
            .bind(format!("subject {number}"))
            .bind(now + number)
            .bind(later)
            .execute(&mut file)
            .await
            .unwrap();
    }
    sqlx::query("delete from revocations where seq > 80").execute(&mut file).await.unwrap();
    let id = sqlx::query_scalar("select id from database_id").fetch_one(&mut file).await.unwrap();
    file.close().await.unwrap();
    id
}

/// The rows of a query, each as a JSON array.
async fn rows(folder: &Path, query: &'static str) -> Vec<String> {
    let mut file = SqliteConnection::connect(&url(folder)).await.unwrap();
    let rows = sqlx::query_scalar(query).fetch_all(&mut file).await.unwrap();
    file.close().await.unwrap();
    rows
}

const ALL_USERS: &str =
    "select json_array(hex(id), email, email_key, email_verified, password_hash, roles, created_at,
                                           disabled_at) from users order by id";

const ALL_SESSIONS: &str = "select json_array(hex(user_id), hex(id), generation, last_used_at, ip) from sessions order by user_id, id";

const ALL_REVOCATIONS: &str =
    "select json_array(seq, kind, subject, created_at, expires_at) from revocations order by seq";

#[tokio::test]
async fn a_file_of_the_version_before_keeps_its_users_sessions_and_revocations() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    of_the_version_before(folder).await;
    let queries = [ALL_USERS, ALL_SESSIONS, ALL_REVOCATIONS];
    let mut before = Vec::new();
    for query in queries {
        before.push(rows(folder, query).await);
    }
    assert_eq!([before[0].len(), before[1].len(), before[2].len()], [50, 50, 80]);

    let store = open(folder);
    assert_eq!(store.ready().await.unwrap(), Readiness::NotMigrated);
    store.migrate(RunningServers::Possible).await.unwrap();
    assert_eq!(store.ready().await.unwrap(), Readiness::Ready);
    for (query, before) in queries.into_iter().zip(before) {
        assert_eq!(rows(folder, query).await, before);
    }
    let strangers = "select hex(user_id) from revocations where user_id <> zeroblob(16)";
    assert_eq!(rows(folder, strangers).await, Vec::<String>::new());
    let keys = "select email_key || ' ' || hex(user_id) from emails order by email_key";
    let expected = "select email_key || ' ' || hex(id) from users order by email_key";
    assert_eq!(rows(folder, keys).await, rows(folder, expected).await);
    for check in [
        "select \"table\" from pragma_foreign_key_check",
        "select integrity_check from pragma_integrity_check",
    ] {
        let found = rows(folder, check).await;
        assert!(found.is_empty() || found == ["ok"], "{found:?}");
    }
    let tables = "select name from sqlite_schema where type = 'table' and name like '%before%'";
    assert_eq!(rows(folder, tables).await, Vec::<String>::new());
}

#[tokio::test]
async fn the_verbs_find_the_users_and_sessions_of_the_version_before() {
    let folder = tempfile::tempdir().unwrap();
    of_the_version_before(folder.path()).await;
    let store = migrated(folder.path()).await;
    let email = Email::parse("USER7@example.com").unwrap();
    let found = store.credentials(&email.key()).await.unwrap().unwrap();
    assert_eq!((found.user_id, found.password_hash.unwrap().as_str()), (user(7), "$argon2id$7"));
    assert_eq!(
        store.add_user(&new_user("user7@example.com", 999)).await.unwrap(),
        AddUserOutcome::EmailTaken
    );
    let key = SessionKey { user_id: user(7), id: SessionId(user(7).0) };
    assert_eq!(store.find_session(key).await.unwrap().unwrap().session.generation.number(), 7);
    assert_eq!(store.delete_user(user(7)).await.unwrap(), ChangeOutcome::Changed { ended_sessions: 1 });
    assert!(matches!(
        store.add_user(&new_user("user7@example.com", 999)).await,
        Ok(AddUserOutcome::Added(_))
    ));
    // Sessions still refer to their users.
    let mut file = SqliteConnection::connect(&url(folder.path())).await.unwrap();
    let refused = sqlx::query("delete from users where id = ?1").bind(user(8).0).execute(&mut file).await;
    assert!(refused.unwrap_err().as_database_error().unwrap().is_foreign_key_violation());
}

/// A cursor is the number of an entry: after a number that is given again, a reader misses the entry.
#[tokio::test]
async fn cursors_of_the_version_before_stay_valid_and_no_number_is_given_again() {
    let folder = tempfile::tempdir().unwrap();
    let database = of_the_version_before(folder.path()).await;
    let cursor = |seq: i64| Cursor::new(format!("{}_{seq}", database.simple()));
    let store = migrated(folder.path()).await;
    assert_eq!(store.newest_cursor().await.unwrap(), cursor(90));
    let read = async |seq| {
        let page = store.read_revocations(Some(&cursor(seq)), 100).await.unwrap();
        page.entries.into_iter().map(|entry| entry.subject).collect::<Vec<_>>()
    };
    assert_eq!(read(78).await, ["subject 79", "subject 80"]);
    assert_eq!(read(90).await, Vec::<String>::new());
    store.revoke_token(Some(user(7)), "after").await.unwrap();
    assert_eq!(read(90).await, ["after"]);
    assert_eq!(store.newest_cursor().await.unwrap(), cursor(91));
}

/// The last number is known although no row has it.
#[tokio::test]
async fn numbers_go_on_where_all_entries_were_swept() {
    let folder = tempfile::tempdir().unwrap();
    let database = of_the_version_before(folder.path()).await;
    let mut file = SqliteConnection::connect(&url(folder.path())).await.unwrap();
    sqlx::query("delete from revocations").execute(&mut file).await.unwrap();
    file.close().await.unwrap();
    let store = migrated(folder.path()).await;
    let newest = Cursor::new(format!("{}_90", database.simple()));
    assert_eq!(store.newest_cursor().await.unwrap(), newest);
    store.revoke_token(None, "after").await.unwrap();
    assert_eq!(store.read_revocations(Some(&newest), 9).await.unwrap().entries.len(), 1);
}

/// The migration that adds the tables of OAuth.
const OAUTH: i64 = 10;

#[tokio::test]
async fn a_file_without_the_tables_of_oauth_keeps_its_sessions() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    of_the_version_before(folder).await;
    let mut file = SqliteConnection::connect(&url(folder)).await.unwrap();
    let migrator = sqlx::migrate!("../../migrations/sqlite");
    migrator.run_direct(Some(OAUTH - 1), &mut file, false).await.unwrap();
    file.close().await.unwrap();
    let queries = [ALL_USERS, ALL_SESSIONS, ALL_REVOCATIONS];
    let mut before = Vec::new();
    for query in queries {
        before.push(rows(folder, query).await);
    }

    let store = open(folder);
    assert_eq!(store.ready().await.unwrap(), Readiness::NotMigrated);
    store.migrate(RunningServers::Possible).await.unwrap();
    for (query, before) in queries.into_iter().zip(before) {
        assert_eq!(rows(folder, query).await, before);
    }
    let of_applications =
        "select hex(id) from sessions where parent_id is not null or handle_hash is not null";
    assert_eq!(rows(folder, of_applications).await, Vec::<String>::new());
    let key = SessionKey { user_id: user(9), id: SessionId(user(9).0) };
    assert_eq!(store.find_session(key).await.unwrap().unwrap().session.generation.number(), 9);
    assert_eq!(store.end_session(key, None).await.unwrap(), EndOutcome::Ended);
    assert_eq!(store.end_session(key, None).await.unwrap(), EndOutcome::WasGone);
}
