//! Secret files that change while a service runs: valid secrets take effect, invalid ones do not, and no check fails meanwhile.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use goptri::clock::{Clock, SystemClock};
use goptri::token::TokenType;
use goptri::{Environment, Guard};
use tempfile::TempDir;
use tracing::dispatcher::DefaultGuard;

use crate::captured_log::Log;
use test_support::forge::{AUDIENCE, ISSUER, OTHER_SECRET, SECRET, claims, ring, with};

pub(crate) const THIRD_SECRET: &str = "c3a5e90b7d1f48266c2be4f0915d37a8";
pub(crate) const UNUSABLE: &str =
    "the new content of a file cannot be used; the previous content stays in use";

/// A test that waits longer has failed.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A guard with its secret in a file.
struct Watched {
    folder: TempDir,
    guard: Guard,
    log: Log,
    _logging: DefaultGuard,
}

impl Watched {
    /// As Kubernetes mounts a secret: the file is a link to a link to a folder.
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

    fn accepts(&self, secret: &str) -> bool {
        self.guard.verify(&token_of(secret)).is_ok()
    }

    fn wait(&self, what: &str, until: impl Fn() -> bool) {
        self.log.wait(what, until);
    }
}

/// A valid token, issued now.
fn token_of(secret: &str) -> String {
    let now = SystemClock.now().timestamp();
    let claims = with(with(claims(), "iat", now), "exp", now + 900);
    ring(&[secret]).sign(TokenType::Access, &claims).unwrap()
}

/// Creates a folder with the secret and points the link to it.
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
type Corrupt = fn(&Path);

/// Runs the rows at the same time, because each mostly waits.
fn in_parallel<T: Sync>(table: &[T], test: impl Fn(&T) + Sync) {
    thread::scope(|scope| {
        for row in table {
            scope.spawn(|| test(row));
        }
    });
}

/// OP-02
#[test]
fn a_replaced_secret_takes_effect_however_it_is_replaced() {
    let ways: [(&str, Replace); 4] = [
        ("renamed over it", rename_over),
        ("written in place", |path, secret| fs::write(path, format!("{secret}\n")).unwrap()),
        ("the link points to another folder", |path, secret| {
            mount(path.parent().unwrap(), secret, &format!("folder of {secret}"));
        }),
        ("deleted and created", |path, secret| {
            fs::remove_file(path).unwrap();
            fs::write(path, secret).unwrap();
        }),
    ];
    in_parallel(&ways, |(way, replace)| {
        let watched = Watched::start();
        assert!(watched.accepts(SECRET) && !watched.accepts(OTHER_SECRET), "{way}");
        for (before, after) in [(SECRET, OTHER_SECRET), (OTHER_SECRET, THIRD_SECRET)] {
            replace(&watched.path(), after);
            watched.wait(way, || watched.accepts(after));
            assert!(!watched.accepts(before), "{way}: the old secret is no longer accepted");
        }
    });
}

#[test]
fn an_invalid_file_changes_nothing_and_the_next_valid_one_takes_effect() {
    let ways: [(&str, Corrupt, &str); 8] = [
        ("empty", |path| fs::write(path, "").unwrap(), "which is empty"),
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
            "which is not UTF-8 text; save it as UTF-8 without a byte order mark",
        ),
    ];
    in_parallel(&ways, |(way, corrupt, reason)| {
        let watched = Watched::start();
        corrupt(&watched.path());
        let log =
            || watched.log.text().replace("variable=\"", "").replace("\" problem=\"", " ").replace('\\', "");
        watched.wait(way, || log().lines().any(|line| line.contains(UNUSABLE) && line.contains(reason)));
        assert!(watched.accepts(SECRET), "{way}");
        if watched.path().is_dir() {
            fs::remove_dir(watched.path()).unwrap();
        }
        rename_over(&watched.path(), THIRD_SECRET);
        watched.wait(way, || watched.accepts(THIRD_SECRET));
        let text = watched.log.text();
        // Some are changed in two steps, each of which may be logged. Nothing is logged at every poll.
        assert!(watched.log.times(UNUSABLE) <= 2, "{text}");
        assert!(
            text.lines().filter(|line| line.contains(UNUSABLE)).all(|line| line.contains("ERROR")),
            "{text}"
        );
        for secret in [SECRET, OTHER_SECRET, THIRD_SECRET, "hunter2"] {
            assert!(!text.contains(secret), "{text}");
        }
    });
}

/// As on SIGHUP, which is sent after the file was written.
#[test]
fn reload_now_reads_the_files_at_once() {
    let watched = Watched::start();
    let files = watched.guard.file_watch().unwrap();
    for (before, after) in [(SECRET, OTHER_SECRET), (OTHER_SECRET, SECRET), (SECRET, THIRD_SECRET)] {
        fs::write(watched.path(), after).unwrap();
        // Disconnected once it is done.
        assert!(files.reload_now().recv_timeout(TIMEOUT).is_err());
        assert!(watched.accepts(after) && !watched.accepts(before));
    }
}

fn threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.trim() == "goptri-files").count()
}

/// Counts threads only with one test per process.
#[test]
fn a_thread_watches_files_if_there_are_any_until_the_last_guard_is_dropped() {
    let alone = std::env::args().any(|argument| argument == "--exact");
    let in_a_variable = Environment::from_pairs([("ACCESS_TOKEN_SECRET", SECRET)]);
    let without = Guard::from_environment(&in_a_variable).unwrap();
    assert!(without.file_watch().is_none());
    assert!(!alone || threads() == 0);

    let watched = Watched::start();
    let clone = watched.guard.clone();
    watched.wait("the thread runs", || !alone || threads() == 1);
    let Watched { guard, folder, .. } = watched;
    drop(guard);
    rename_over(&folder.path().join("secret"), OTHER_SECRET);
    let started = Instant::now();
    while clone.verify(&token_of(OTHER_SECRET)).is_err() {
        assert!(started.elapsed() < TIMEOUT, "a clone keeps the watch");
    }
    drop(clone);
    while alone && threads() > 0 {
        assert!(started.elapsed() < TIMEOUT, "the thread has not ended");
    }
}

/// OP-02
#[test]
fn concurrent_checks_see_no_rejection_during_reloads() {
    let watched = Watched::start();
    let files = watched.guard.file_watch().unwrap();
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
            assert!(files.reload_now().recv_timeout(TIMEOUT).is_err());
            let expected = rings[round % rings.len()].split(',').count();
            assert_eq!(watched.guard.keys().snapshot().len(), expected);
        }
        let before = verified.load(Ordering::SeqCst);
        watched.wait("another check passed", || verified.load(Ordering::SeqCst) > before);
        over.store(true, Ordering::SeqCst);
    });
    assert!(verified.into_inner() > 300);
}
