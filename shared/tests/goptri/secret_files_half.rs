//! Files that are read while somebody writes them. The file here is a pipe, so that the test decides what each reading finds.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use goptri::{Environment, Guard};

use crate::secret_files::THIRD_SECRET;
use test_support::forge::{AUDIENCE, ISSUER, OTHER_SECRET, SECRET, kid};

/// A file of which each reading finds what the test says, and waits for it.
struct Readings {
    path: PathBuf,
    next: PathBuf,
}

impl Readings {
    fn new(folder: &Path) -> Self {
        let (path, next) = (folder.join("secret"), folder.join("next"));
        pipe(&path);
        Self { path, next }
    }

    /// Whoever reads it next is there, and has made what it wants of what it read before.
    fn begun(&self) -> File {
        let reading = OpenOptions::new().write(true).open(&self.path).unwrap();
        // The one after it finds another pipe.
        pipe(&self.next);
        fs::rename(&self.next, &self.path).unwrap();
        reading
    }
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Long and strong enough for a secret by itself, as the first half of two is, and never the same twice.
fn half(number: usize) -> String {
    format!("{OTHER_SECRET}-half-written-{number}")
}

/// OP-02: a writer needs some time between its first byte and its last, and the reader comes whenever it wants.
#[test]
fn what_was_seen_once_is_never_used_and_what_was_seen_twice_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = Readings::new(folder.path());
    let path = file.path.to_str().unwrap().to_owned();
    let starting = thread::spawn(move || {
        let variables =
            [("ACCESS_TOKEN_SECRET_FILE", path.as_str()), ("ISSUER", ISSUER), ("AUDIENCE", AUDIENCE)];
        Guard::from_environment(&Environment::from_pairs(variables)).unwrap()
    });
    file.begun().write_all(SECRET.as_bytes()).unwrap();
    let guard = starting.join().unwrap();
    let (first, second, third) = (SECRET.to_owned(), OTHER_SECRET.to_owned(), THIRD_SECRET.to_owned());
    // What is found, and what is in use once that was judged.
    let script = [
        (half(0), SECRET),
        (half(1), SECRET),
        (second.clone(), SECRET),
        (second.clone(), OTHER_SECRET),
        // This one comes right after it was decided to take what is new.
        (half(2), OTHER_SECRET),
        (second.clone(), OTHER_SECRET),
        (half(3), OTHER_SECRET),
        (third.clone(), OTHER_SECRET),
        (half(4), OTHER_SECRET),
        (third.clone(), OTHER_SECRET),
        (first.clone(), OTHER_SECRET),
        (third.clone(), OTHER_SECRET),
        (third, THIRD_SECRET),
        (half(5), THIRD_SECRET),
        (String::new(), THIRD_SECRET),
        (first.clone(), THIRD_SECRET),
        (first, SECRET),
    ];
    let mut reading = file.begun();
    for (number, (found, expected)) in script.into_iter().enumerate() {
        reading.write_all(found.as_bytes()).unwrap();
        drop(reading);
        reading = file.begun();
        let names: Vec<String> = guard.keys().snapshot().names().map(|name| name.kid.clone()).collect();
        assert_eq!(names, [kid(expected)], "not whole, after reading {number}");
    }
}
