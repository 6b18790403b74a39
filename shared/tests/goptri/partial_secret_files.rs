//! Files that are read during a write. The file here is a pipe, so that the test decides what each read returns.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use goptri::{Environment, Guard};

use crate::secret_files::THIRD_SECRET;
use test_support::forge::{AUDIENCE, ISSUER, OTHER_SECRET, SECRET, kid};

/// A file whose reads wait for the test and return what it writes.
struct ScriptedFile {
    path: PathBuf,
    next: PathBuf,
}

impl ScriptedFile {
    fn new(folder: &Path) -> Self {
        let (path, next) = (folder.join("secret"), folder.join("next"));
        pipe(&path);
        Self { path, next }
    }

    /// Waits until the next read begins, by which time the previous one has taken effect.
    fn next_read(&self) -> File {
        let read = OpenOptions::new().write(true).open(&self.path).unwrap();
        // The read after that opens another pipe.
        pipe(&self.next);
        fs::rename(&self.next, &self.path).unwrap();
        read
    }
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A partial write that would be accepted as a secret. Each number gives another one.
fn half(number: usize) -> String {
    format!("{OTHER_SECRET}-half-written-{number}")
}

/// OP-02: a read can happen between the first and the last byte of a write.
#[test]
fn content_takes_effect_after_two_equal_reads_and_never_after_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = ScriptedFile::new(folder.path());
    let path = file.path.to_str().unwrap().to_owned();
    let starting = thread::spawn(move || {
        let variables =
            [("ACCESS_TOKEN_SECRET_FILE", path.as_str()), ("ISSUER", ISSUER), ("AUDIENCE", AUDIENCE)];
        Guard::from_environment(&Environment::from_pairs(variables)).unwrap()
    });
    file.next_read().write_all(SECRET.as_bytes()).unwrap();
    let guard = starting.join().unwrap();
    let (first, second, third) = (SECRET.to_owned(), OTHER_SECRET.to_owned(), THIRD_SECRET.to_owned());
    // What a read returns, and the secret in use after it.
    let script = [
        (half(0), SECRET),
        (half(1), SECRET),
        (second.clone(), SECRET),
        (second.clone(), OTHER_SECRET),
        // Right after a change was accepted.
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
    let mut read = file.next_read();
    for (number, (content, expected)) in script.into_iter().enumerate() {
        read.write_all(content.as_bytes()).unwrap();
        drop(read);
        read = file.next_read();
        let names: Vec<String> = guard.keys().snapshot().names().map(|name| name.kid.clone()).collect();
        assert_eq!(names, [kid(expected)], "not whole, after read {number}");
    }
}
