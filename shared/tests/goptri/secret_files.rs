//! Files of secrets that change while a service runs: what is new is taken, what is bad is not, and nobody notices.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use goptri::{Clock, Environment, Guard, SystemClock, TokenType};
use tempfile::TempDir;
use tracing::dispatcher::DefaultGuard;

use crate::logged::Log;
use test_support::forge::{AUDIENCE, ISSUER, OTHER_SECRET, SECRET, claims, ring, with};

pub(crate) const THIRD_SECRET: &str = "c3a5e90b7d1f48266c2be4f0915d37a8";
pub(crate) const UNUSABLE: &str =
    "the new content of a file cannot be used; the previous content stays in use";

/// Nothing here takes so long; a test that waits longer has failed.
const PATIENCE: Duration = Duration::from_mins(1);

/// A guard with its secret in a file.
struct Watched {
    folder: TempDir,
    guard: Guard,
    log: Log,
    _logging: DefaultGuard,
}

impl Watched {
    /// As Kubernetes mounts a secret: the file is a link to a link, and that leads to a folder.
    fn start() -> Self {
        let (folder, (log, logging)) = (tempfile::tempdir().unwrap(), Log::start());
        mount(folder.path(), SECRET, "one");
        symlink("..data/secret", folder.path().join("secret")).unwrap();
        let path = folder.path().join("secret").to_str().unwrap().to_owned();
        let guard = Guard::from_environment(&Environment::from_pairs([
            ("ACCESS_TOKEN_SECRET_FILE", path.as_str()),
            ("ISSUER", ISSUER),
            ("AUDIENCE", AUDIENCE),
        ]));
        Self { guard: guard.unwrap(), folder, log, _logging: logging }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    fn takes(&self, secret: &str) -> bool {
        self.guard.verify(&token_of(secret)).is_ok()
    }

    fn wait(&self, what: &str, until: impl Fn() -> bool) {
        self.log.wait(what, until);
    }
}

/// A good token of now.
fn token_of(secret: &str) -> String {
    let now = SystemClock.now().timestamp();
    let claims = with(with(claims(), "iat", now), "exp", now + 900);
    ring(&[secret]).sign(TokenType::Access, &claims).unwrap()
}

/// A new folder with the secret, to which the link then leads.
fn mount(folder: &Path, secret: &str, name: &str) {
    let (data, link) = (folder.join(name), folder.join("..data_tmp"));
    fs::create_dir(&data).unwrap();
    fs::write(data.join("secret"), secret).unwrap();
    symlink(name, &link).unwrap();
    fs::rename(link, folder.join("..data")).unwrap();
}

fn rename_over(path: &Path, secret: &str) {
    let new = path.with_extension("new");
    fs::write(&new, secret).unwrap();
    fs::rename(new, path).unwrap();
}

type Replace = fn(&Path, &str);
type Spoil = fn(&Path);

/// They wait for most of their time.
fn each_at_once<T: Sync>(table: &[T], test: impl Fn(&T) + Sync) {
    thread::scope(|scope| {
        for row in table {
            scope.spawn(|| test(row));
        }
    });
}

/// OP-02: without a restart.
#[test]
fn a_secret_that_is_replaced_is_taken_however_that_is_done() {
    let ways: [(&str, Replace); 4] = [
        ("renamed over it", rename_over),
        ("written in place", |path, secret| fs::write(path, format!("{secret}\n")).unwrap()),
        ("the link to a link leads elsewhere", |path, secret| {
            mount(path.parent().unwrap(), secret, &format!("folder of {secret}"));
        }),
        ("gone for a while", |path, secret| {
            fs::remove_file(path).unwrap();
            fs::write(path, secret).unwrap();
        }),
    ];
    each_at_once(&ways, |(way, replace)| {
        let watched = Watched::start();
        assert!(watched.takes(SECRET) && !watched.takes(OTHER_SECRET), "{way}");
        for (before, after) in [(SECRET, OTHER_SECRET), (OTHER_SECRET, THIRD_SECRET)] {
            replace(&watched.path(), after);
            watched.wait(way, || watched.takes(after));
            assert!(!watched.takes(before), "{way}: what was taken back is trusted no more");
        }
    });
}

#[test]
fn a_bad_file_changes_nothing_and_the_next_good_one_is_taken() {
    let ways: [(&str, Spoil, &str); 8] = [
        ("empty", |path| fs::write(path, "").unwrap(), "ACCESS_TOKEN_SECRET is 0 bytes long"),
        ("weak", |path| fs::write(path, "hunter2").unwrap(), "ACCESS_TOKEN_SECRET is 7 bytes long"),
        ("a default", |path| fs::write(path, "changeme").unwrap(), "ACCESS_TOKEN_SECRET is a well-known"),
        (
            "two lines",
            |path| fs::write(path, format!("{OTHER_SECRET}\n{THIRD_SECRET}\n")).unwrap(),
            "ACCESS_TOKEN_SECRET contains white space or control characters",
        ),
        (
            "twice",
            |path| fs::write(path, format!("{OTHER_SECRET},{OTHER_SECRET}")).unwrap(),
            "ACCESS_TOKEN_SECRET has the same secret twice",
        ),
        ("gone", |path| fs::remove_file(path).unwrap(), "ACCESS_TOKEN_SECRET_FILE names the file"),
        (
            "a folder",
            |path| {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
            },
            "which cannot be read: Is a directory",
        ),
        (
            "not UTF-8",
            |path| fs::write(path, [0xff; 40]).unwrap(),
            "which cannot be read: it is not UTF-8 text",
        ),
    ];
    each_at_once(&ways, |(way, spoil, reason)| {
        let watched = Watched::start();
        spoil(&watched.path());
        let in_words =
            || watched.log.text().replace("variable=\"", "").replace("\" problem=\"", " ").replace('\\', "");
        watched.wait(way, || in_words().lines().any(|line| line.contains(UNUSABLE) && line.contains(reason)));
        assert!(watched.takes(SECRET), "{way}");
        if watched.path().is_dir() {
            fs::remove_dir(watched.path()).unwrap();
        }
        rename_over(&watched.path(), THIRD_SECRET);
        watched.wait(way, || watched.takes(THIRD_SECRET));
        let told = watched.log.text();
        // Some are spoilt in two steps, each of which may be seen; and none is told at every look.
        assert!(watched.log.times(UNUSABLE) <= 2, "{told}");
        assert!(
            told.lines().filter(|line| line.contains(UNUSABLE)).all(|line| line.contains("ERROR")),
            "{told}"
        );
        for secret in [SECRET, OTHER_SECRET, THIRD_SECRET, "hunter2"] {
            assert!(!told.contains(secret), "{told}");
        }
    });
}

/// Whoever sends a SIGHUP has written the file before.
#[test]
fn when_it_is_asked_for_a_file_is_read_at_once() {
    let watched = Watched::start();
    let files = watched.guard.secret_files().unwrap();
    for (before, after) in [(SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET), (SECRET, THIRD_SECRET)] {
        fs::write(watched.path(), after).unwrap();
        // It ends when it is done, and says nothing.
        assert!(files.reload_now().recv_timeout(PATIENCE).is_err());
        assert!(watched.takes(after) && !watched.takes(before));
    }
}

fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "goptri-files").count()
}

/// One test a process, so that the threads are its own.
#[test]
fn a_thread_looks_at_files_while_there_are_some_and_somebody_needs_them() {
    let alone = std::env::args().any(|argument| argument == "--exact");
    let in_a_variable = Environment::from_pairs([("ACCESS_TOKEN_SECRET", SECRET)]);
    let without = Guard::from_environment(&in_a_variable).unwrap();
    assert!(without.secret_files().is_none());
    assert!(!alone || threads() == 0);

    let watched = Watched::start();
    let clone = watched.guard.clone();
    watched.wait("it looks", || !alone || threads() == 1);
    let Watched { guard, folder, .. } = watched;
    drop(guard);
    rename_over(&folder.path().join("secret"), OTHER_SECRET);
    let started = Instant::now();
    while clone.verify(&token_of(OTHER_SECRET)).is_err() {
        assert!(started.elapsed() < PATIENCE, "a clone needs it as well");
    }
    drop(clone);
    while alone && threads() > 0 {
        assert!(started.elapsed() < PATIENCE, "the thread has not ended");
    }
}

/// OP-02
#[test]
fn whoever_verifies_meanwhile_sees_no_refusal() {
    let watched = Watched::start();
    let files = watched.guard.secret_files().unwrap();
    let (token, over, verified) = (token_of(SECRET), AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    assert_eq!(watched.guard.verify(&token).err(), None);
                    verified.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        for round in 0..300 {
            let rings = [
                format!("{SECRET},{OTHER_SECRET}"),
                format!("{OTHER_SECRET},{SECRET}"),
                format!("{OTHER_SECRET},{THIRD_SECRET},{SECRET}"),
                SECRET.to_owned(),
            ];
            rename_over(&watched.path(), &rings[round % rings.len()]);
            assert!(files.reload_now().recv_timeout(PATIENCE).is_err());
            let expected = rings[round % rings.len()].split(',').count();
            assert_eq!(watched.guard.keys().snapshot().len(), expected);
        }
        let before = verified.load(Ordering::SeqCst);
        watched.wait("all have verified", || verified.load(Ordering::SeqCst) > before);
        over.store(true, Ordering::SeqCst);
    });
    assert!(verified.into_inner() > 300);
}
