//! Faults of the disk: it is full, or read-only, and then it is not.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test panics when it fails and says when it is skipped"
)]

use std::fs;
use std::path::Path;
use std::process::Command;

use auth_domain::{NewSession, SessionId, SessionKey, UserId};
use auth_store::{
    AddUserOutcome, EndOutcome, Maintenance, OpenOutcome, Revocations, Sessions, StoreError, Users,
};
use goptri_settings::Plain;
use store_sqlite::SqliteStore;
use tempfile::TempDir;
use uuid::Uuid;

use super::file::{migrated, new_user, open};

/// A file system in memory with room for the database and little more. Unmounted when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// `None`, and says so, where mounting is not permitted.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = mount(&["-t", "tmpfs", "-o", "size=4m", "tmpfs"], folder.path());
        if !mounted {
            println!("skipped: this user may not mount a file system");
        }
        mounted.then(|| Self(folder))
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn fill(&self) {
        let mut size = 1 << 20;
        let mut number = 0;
        while size >= 512 {
            number += 1;
            if fs::write(self.folder().join(format!("filler-{number}")), vec![0; size]).is_err() {
                size /= 2;
            }
        }
    }

    fn free(&self) {
        for entry in fs::read_dir(self.folder()).unwrap().map(Result::unwrap) {
            if entry.file_name().to_string_lossy().starts_with("filler") {
                fs::remove_file(entry.path()).unwrap();
            }
        }
    }

    fn set_read_only(&self, read_only: bool) {
        let options = if read_only { "remount,ro" } else { "remount,rw" };
        assert!(mount(&["-o", options], self.folder()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a connection may still be closing.
        let _ = Command::new("umount").arg("--lazy").arg(self.folder()).status();
    }
}

fn mount(options: &[&str], folder: &Path) -> bool {
    Command::new("mount").args(options).arg(folder).output().is_ok_and(|mounted| mounted.status.success())
}

/// A store with a user and two sessions.
async fn with_sessions(folder: &Path) -> (SqliteStore, UserId, [SessionKey; 2]) {
    let store = migrated(folder).await;
    let user = new_user("ann@example.com", 1);
    assert!(matches!(store.add_user(&user).await, Ok(AddUserOutcome::Added(_))));
    let keys = [2, 3].map(|id| SessionKey { user_id: user.id, id: SessionId(Uuid::from_u128(id)) });
    for key in keys {
        let session = NewSession::for_test(key, user.password_hash.clone(), &Plain::new(key.id.to_string()));
        assert!(matches!(store.open_session(&session).await, Ok(OpenOutcome::Opened(_))));
    }
    (store, user.id, keys)
}

/// Makes the log of the database grow until the disk is full.
async fn write_until_it_fails(store: &SqliteStore) -> StoreError {
    for number in 0.. {
        if let Err(error) = store.revoke_token(None, &format!("{number}{}", "x".repeat(4_000))).await {
            return error;
        }
    }
    unreachable!()
}

#[tokio::test]
async fn after_a_full_disk_has_room_again_every_verb_succeeds_without_a_restart() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (store, user, [first, second]) = with_sessions(disk.folder()).await;
    disk.fill();
    let error = write_until_it_fails(&store).await;
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    for error in [
        store.end_session(first, None).await.err(),
        store.end_sessions_of(user, None).await.err(),
        store.disable_user(user).await.err(),
    ] {
        assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    }
    assert_eq!(store.list_sessions(user, None, 9).await.unwrap().len(), 2, "reads succeed");

    disk.free();
    assert_eq!(store.end_session(first, None).await.unwrap(), EndOutcome::Ended);
    assert_eq!(store.end_sessions_of(user, None).await.unwrap(), 1);
    assert_eq!(store.end_session(second, None).await.unwrap(), EndOutcome::WasGone);
    store.disable_user(user).await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn after_a_read_only_disk_is_writable_again_every_verb_succeeds_without_a_restart() {
    let Some(disk) = SmallDisk::mount() else { return };
    let (store, user, [first, _]) = with_sessions(disk.folder()).await;
    store.close().await;
    disk.set_read_only(true);
    let store = open(disk.folder());
    for error in [store.end_session(first, None).await.err(), store.end_sessions_of(user, None).await.err()] {
        assert!(matches!(error, Some(StoreError::Unavailable(_))), "{error:?}");
    }
    disk.set_read_only(false);
    assert_eq!(store.end_session(first, None).await.unwrap(), EndOutcome::Ended);
    assert_eq!(store.end_sessions_of(user, None).await.unwrap(), 1);
    assert_eq!(store.list_sessions(user, None, 9).await.unwrap(), []);
    store.close().await;
}

/// A folder in the place of the log of SQLite: permissions would not stop root.
#[tokio::test]
async fn after_a_file_that_could_not_be_opened_can_be_every_verb_succeeds_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (store, user, _) = with_sessions(folder.path()).await;
    store.close().await;
    let log = folder.path().join("test.db-wal");
    fs::create_dir(&log).unwrap();
    let store = open(folder.path());
    let error = store.end_sessions_of(user, None).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    fs::remove_dir(&log).unwrap();
    assert_eq!(store.end_sessions_of(user, None).await.unwrap(), 2);
}
