//! The database file: its name, its permissions, and the lock for migrations.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// The URL names no file.
#[derive(Debug)]
pub(crate) struct NoFile(pub(crate) &'static str);

impl std::fmt::Display for NoFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; write sqlite://path/to/the.db", self.0)
    }
}

impl std::error::Error for NoFile {}

/// Rejects databases in memory, because each connection would have a database of its own.
pub(crate) fn must_be_a_file(url: &str, name: &Path) -> Result<(), NoFile> {
    let options = url.split_once('?').map_or("", |(_, options)| options);
    if options.split('&').any(|option| option == "mode=memory") {
        return Err(NoFile("a database in memory cannot be used"));
    }
    // The driver turns `:memory:` into a name with `file:`, from which SQLite reads further options.
    if name.as_os_str().is_empty()
        || name.starts_with(":memory:")
        || name.to_string_lossy().starts_with("file:")
    {
        return Err(NoFile("the URL names no file, or one in memory"));
    }
    Ok(())
}

/// Creates the file unless it exists, readable for its owner only. SQLite gives the files beside it the same permissions.
pub(crate) fn create_if_missing(path: &Path) -> io::Result<()> {
    match owner_only().create_new(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        created => created.map(|_| ()),
    }
}

/// Locks a file beside the database. Waits for other processes and other stores of this process. The lock ends when the
/// returned file is dropped or the process ends.
pub(crate) async fn lock(database: &Path) -> io::Result<File> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let locked = tokio::task::spawn_blocking(move || {
        let file = owner_only().create(true).truncate(false).open(path)?;
        file.lock()?;
        Ok(file)
    });
    locked.await?
}

fn owner_only() -> OpenOptions {
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
    fn a_database_in_memory_is_rejected() {
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
        for (url, name, valid) in table {
            assert_eq!(must_be_a_file(url, Path::new(name)).is_ok(), valid, "{url}");
        }
    }
}
