//! `PHOTOS_DIR`, the folder of all albums.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use rustix::fs::{Mode, OFlags, openat};
use tempfile::NamedTempFile;

use super::change_counters::ChangeCounters;

/// The folder of uploads in progress. It is in `PHOTOS_DIR`, so that a rename into an album is atomic; no album has
/// this name.
const INCOMING: &str = ".unfinished";

/// No upload takes this long, so no server writes to an older file any more.
const STALE_AFTER: Duration = Duration::from_hours(1);

/// The folder, held open. Clones share it and its lock.
#[derive(Debug, Clone)]
pub struct PhotosFolder {
    pub(super) root: Arc<OwnedFd>,
    incoming: Arc<Path>,
    /// Held while the photos of an album are counted and one is added.
    pub(super) adding: Arc<Mutex<()>>,
    pub(super) changes: Arc<ChangeCounters>,
}

impl PhotosFolder {
    /// Opens the folder, or creates it with mode 0700, and checks that it is writable.
    ///
    /// # Errors
    /// A clause that follows the variable's name.
    pub fn open(path: &str) -> Result<Self, String> {
        Self::try_open(Path::new(path))
            .map_err(|error| format!("names the folder {path:?}, which cannot be used: {error}"))
    }

    fn try_open(path: &Path) -> io::Result<Self> {
        let incoming = path.join(INCOMING);
        DirBuilder::new().recursive(true).mode(0o700).create(&incoming)?;
        let root = OwnedFd::from(File::open(path)?);
        open_folder(&root, INCOMING)?;
        // Every upload makes a hard link, which some file systems do not have.
        let file = NamedTempFile::new_in(&incoming)?;
        let link = file.path().with_added_extension("link");
        fs::hard_link(file.path(), &link)?;
        fs::remove_file(link)?;
        Ok(Self {
            root: Arc::new(root),
            incoming: incoming.into(),
            adding: Arc::default(),
            changes: Arc::default(),
        })
    }

    /// Deletes stale uploads, which a killed server left behind. Returns how many.
    pub fn delete_stale_uploads(&self, now: DateTime<Utc>) -> io::Result<u32> {
        let mut deleted = 0;
        for entry in fs::read_dir(&self.incoming)? {
            let path = entry?.path();
            match delete_if_stale(&path, now.into()) {
                Ok(stale) => deleted += u32::from(stale),
                // Its upload has ended, or another server deletes stale uploads too.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(deleted)
    }

    /// A file for an upload. Dropping it deletes the file.
    pub(super) fn create_temporary(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.incoming)
    }
}

fn delete_if_stale(path: &PathBuf, now: SystemTime) -> io::Result<bool> {
    let modified = fs::symlink_metadata(path)?.modified()?;
    let stale = now.duration_since(modified).is_ok_and(|age| age > STALE_AFTER);
    if stale {
        fs::remove_file(path)?;
    }
    Ok(stale)
}

/// Opens the folder `name` in `parent`. Fails if it is a link.
pub(super) fn open_folder(parent: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    openat(
        parent,
        name,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}
