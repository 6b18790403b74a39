//! A copy of the repository that may be broken.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process::Command,
};

use super::breaks::Edit;

/// The copy. It is gone when this value is.
pub(crate) struct Tree {
    origin: PathBuf,
    pub(crate) folder: PathBuf,
    /// Held as long as the copy is there.
    _lock: File,
}

impl Tree {
    /// Copies what git tracks, or would, as it is now.
    ///
    /// Always to the same folder, as cargo keeps what it builds by the folder of the sources.
    pub(crate) fn copy(origin: &Path, folder: PathBuf) -> io::Result<Self> {
        let lock = File::create(folder.with_extension("lock"))?;
        lock.try_lock().map_err(|_| io::Error::other("another `cargo xtask bite` is at work here"))?;
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        let tree = Self { origin: origin.to_owned(), folder, _lock: lock };
        let listed = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(origin)
            .output()?;
        if !listed.status.success() {
            return Err(io::Error::other(format!("git does not list the files of {}", origin.display())));
        }
        for file in String::from_utf8_lossy(&listed.stdout).split_terminator('\0') {
            // What is deleted and not yet committed is still listed.
            if origin.join(file).is_file() {
                tree.restore(file)?;
            }
        }
        Ok(tree)
    }

    /// A file as it is in the repository. Its time is now: older, cargo would take what it built last for current.
    pub(crate) fn restore(&self, file: &str) -> io::Result<()> {
        let target = self.folder.join(file);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(target, fs::read(self.origin.join(file))?)
    }

    /// Breaks a file. What is to be replaced must be there exactly once.
    pub(crate) fn apply(&self, edit: &Edit) -> io::Result<()> {
        let path = self.folder.join(edit.file);
        let text = fs::read_to_string(&path)?;
        let broken = replaced(&text, edit.find, edit.replace).map_err(|times| {
            io::Error::other(format!("{}: {:?} occurs {times} times, not once", edit.file, edit.find))
        })?;
        fs::write(path, broken)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// `Err`: how often it is there, which is not once.
fn replaced(text: &str, find: &str, replace: &str) -> Result<String, usize> {
    match text.matches(find).count() {
        1 => Ok(text.replacen(find, replace, 1)),
        times => Err(times),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{super::breaks, replaced};

    #[test]
    fn only_what_is_there_exactly_once_is_replaced() {
        assert_eq!(replaced("a b c", "b", "x"), Ok("a x c".to_owned()));
        assert_eq!(replaced("a b c", "d", "x"), Err(0));
        assert_eq!(replaced("a b b", "b", "x"), Err(2));
    }

    /// Long before anybody runs the command.
    #[test]
    fn every_text_of_the_table_is_where_it_says() {
        for edit in breaks::all().flat_map(|one| one.edits) {
            let text = fs::read_to_string(crate::root().join(edit.file)).expect(edit.file);
            assert!(replaced(&text, edit.find, edit.replace).is_ok(), "{}: {:?}", edit.file, edit.find);
        }
    }
}
