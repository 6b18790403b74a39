//! The database file: its permissions, locks by other processes, and files that cannot be used.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_domain::{Email, NewUser, PasswordHash, UserId};
use auth_store::{AddUserOutcome, Maintenance, Readiness, RunningServers, StoreError, Users};
use chrono::TimeDelta;
use goptri::clock::{ManualClock, SystemClock};
use sqlx::{Connection, SqliteConnection};
use store_sqlite::SqliteStore;
use uuid::Uuid;

#[tokio::test]
async fn the_files_are_readable_for_their_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let store = migrated(folder.path()).await;
    assert!(matches!(store.add_user(&new_user("ann@example.com", 1)).await, Ok(AddUserOutcome::Added(_))));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["test.db", "test.db-shm", "test.db-wal", "test.db.lock"]);
}

#[tokio::test]
async fn committed_changes_are_there_when_the_file_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = migrated(folder.path()).await;
    assert!(matches!(store.add_user(&new_user("ann@example.com", 1)).await, Ok(AddUserOutcome::Added(_))));
    store.close().await;
    let again = open(folder.path());
    assert_eq!(again.ready().await.unwrap(), Readiness::Ready);
    assert_eq!(again.list_users(None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn while_another_process_writes_reads_succeed_and_writes_fail_after_a_while() {
    let folder = tempfile::tempdir().unwrap();
    let store = migrated(folder.path()).await;
    let mut holder = SqliteConnection::connect(&url(folder.path())).await.unwrap();
    let held = holder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    assert_eq!(store.list_users(None, 9).await.unwrap(), []);
    let began = Instant::now();
    let error = store.add_user(&new_user("ann@example.com", 1)).await.err();
    assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    held.rollback().await.unwrap();
    assert!(matches!(store.add_user(&new_user("ann@example.com", 1)).await, Ok(AddUserOutcome::Added(_))));
}

/// Switching to WAL needs exclusive access for a moment.
#[tokio::test]
async fn a_new_file_is_migrated_while_another_process_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let mut reader = SqliteConnection::connect(&url(folder.path())).await.unwrap();
    let mut reading = reader.begin_with("BEGIN").await.unwrap();
    let tables: i64 =
        sqlx::query_scalar("select count(*) from sqlite_schema").fetch_one(&mut *reading).await.unwrap();
    assert_eq!(tables, 0);
    // The duration of the read, not a wait for an event.
    let done_reading = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        reading.rollback().await.unwrap();
    };
    let (migrated, ()) = tokio::join!(store.migrate(RunningServers::Possible), done_reading);
    migrated.unwrap();
    assert_eq!(store.ready().await.unwrap(), Readiness::Ready);
}

#[tokio::test]
async fn a_url_without_a_usable_file_is_refused() {
    for url in ["sqlite::memory:", "sqlite://", "sqlite://x.db?mode=memory", "sqlite:///no/such/folder/x.db"]
    {
        let error = SqliteStore::connect(url, Arc::new(SystemClock)).unwrap_err();
        let StoreError::Conflict(cause) = error else { panic!("{error:?}") };
        assert!(!cause.to_string().is_empty());
    }
    assert!(!Path::new("x.db").exists());
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let letter = "Dear Ann,\n".repeat(500);
    fs::write(&path, &letter).unwrap();
    let store = open(folder.path());
    for error in [store.ready().await.err(), store.migrate(RunningServers::Possible).await.err()] {
        assert!(matches!(error, Some(StoreError::Conflict(_))), "{error:?}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), letter);
}

pub(super) async fn migrated(folder: &Path) -> SqliteStore {
    let store = open(folder);
    store.migrate(RunningServers::Possible).await.unwrap();
    store
}

pub(super) fn open(folder: &Path) -> SqliteStore {
    SqliteStore::connect(&url(folder), Arc::new(SystemClock)).unwrap()
}

pub(super) fn url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("test.db").display())
}

pub(super) fn new_user(email: &str, id: u128) -> NewUser {
    NewUser {
        id: UserId(Uuid::from_u128(id)),
        email: Email::parse(email).unwrap(),
        email_verified: false,
        password_hash: PasswordHash::from_phc("$argon2id$".to_owned()),
        roles: Vec::new(),
    }
}

/// What an operator reads: the path, one cause and a remedy.
#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_with_one_cause_and_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db").display().to_string();
    let connect = |url: &str| SqliteStore::connect(url, Arc::new(SystemClock));

    let missing = connect(&format!("sqlite://{}/no/x.db", folder.path().display())).unwrap_err();
    assert_eq!(
        missing.to_string(),
        format!(
            "the database refused: SQLite file {}/no/x.db: its folder does not exist; create the folder, or correct \
             DATABASE_URL",
            folder.path().display()
        )
    );

    migrated(folder.path()).await.close().await;
    let read_only = connect(&format!("sqlite://{path}?mode=ro")).unwrap();
    assert_eq!(
        read_only.delete_user(UserId(Uuid::nil())).await.unwrap_err().to_string(),
        format!(
            "the database is not available: SQLite file {path}: attempt to write a readonly database; make the file and \
             its folder writable for the user that runs the server"
        )
    );

    let other = folder.path().join("letter.db");
    fs::write(&other, "Dear Ann,\n".repeat(500)).unwrap();
    let letter = connect(&format!("sqlite://{}", other.display())).unwrap();
    for error in
        [letter.ready().await.unwrap_err(), letter.migrate(RunningServers::Possible).await.unwrap_err()]
    {
        assert_eq!(
            error.to_string(),
            format!(
                "the database refused: SQLite file {}: file is not a database; name another file in DATABASE_URL",
                other.display()
            )
        );
    }
}

#[tokio::test]
async fn a_busy_lock_is_ready_only_while_another_process_commits() {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::default();
    let store = SqliteStore::connect(&url(folder.path()), Arc::new(clock.clone())).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    store.probe_write().await.unwrap();
    clock.advance(TimeDelta::minutes(1));
    let mut other = SqliteConnection::connect(&url(folder.path())).await.unwrap();
    sqlx::query(
        "insert into revocations (user_id, kind, subject, created_at, expires_at)
         values (zeroblob(16), 'token', 'x', 0, 1)",
    )
    .execute(&mut other)
    .await
    .unwrap();
    let held = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let began = Instant::now();
    store.probe_write().await.unwrap();
    clock.advance(TimeDelta::seconds(11));
    let error = store.probe_write().await.err();
    assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    assert!(began.elapsed() < Duration::from_secs(4), "two probes took {:?}", began.elapsed());
    held.rollback().await.unwrap();
    store.probe_write().await.unwrap();
}
