//! The database file itself: that it is one, that nobody else may read it, and who may migrate it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Why a URL names no database file.
#[derive(Debug)]
pub(crate) struct NoFile(pub(crate) &'static str);

impl std::fmt::Display for NoFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; write sqlite://path/to/the.db", self.0)
    }
}

impl std::error::Error for NoFile {}

/// Refuses what SQLite would keep in memory: each connection would have a database of its own.
pub(crate) fn must_be_a_file(url: &str, name: &Path) -> Result<(), NoFile> {
    let options = url.split_once('?').map_or("", |(_, options)| options);
    if options.split('&').any(|option| option == "mode=memory") {
        return Err(NoFile("a database in memory is no store"));
    }
    // The driver turns `:memory:` into such a name, and SQLite itself reads more options from it.
    if name.as_os_str().is_empty()
        || name.starts_with(":memory:")
        || name.to_string_lossy().starts_with("file:")
    {
        return Err(NoFile("the URL names no file, or one in memory"));
    }
    Ok(())
}

/// Creates the file for its owner alone, unless it is there; the files that SQLite puts beside it are made like it.
pub(crate) fn create_if_missing(path: &Path) -> io::Result<()> {
    match private().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(|_| ()),
    }
}

/// Waits until no other process, and no other store of this one, holds the file named so, which is beside the
/// database. Held until the returned file is dropped or the process ends, however it does.
pub(crate) async fn lock(database: &Path) -> io::Result<File> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let locked = tokio::task::spawn_blocking(move || {
        let file = private().create(true).truncate(false).open(path)?;
        file.lock()?;
        Ok(file)
    });
    locked.await?
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_in_memory_is_refused() {
        let table = [
            ("sqlite://goptri.db", "goptri.db", true),
            ("sqlite:///var/lib/goptri.db?mode=rwc", "/var/lib/goptri.db", true),
            ("sqlite://notes about file:x.db", "notes about file:x.db", true),
            ("sqlite://", "", false),
            ("sqlite::memory:", "file:sqlx-in-memory-0", false),
            ("sqlite://:memory:", ":memory:", false),
            ("sqlite://x.db?cache=shared&mode=memory", "x.db", false),
            ("sqlite://file::memory:", "file::memory:", false),
        ];
        for (url, name, fits) in table {
            assert_eq!(must_be_a_file(url, Path::new(name)).is_ok(), fits, "{url}");
        }
    }
}
