//! `PHOTOS_DIR`: where all albums are.

use std::fmt::Write;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use goptri::AccessClaims;
use rustix::fs::{Mode, OFlags, openat};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::album::Album;

/// Within `PHOTOS_DIR`, so that a rename out of it is one step; no album has this name.
const UNFINISHED: &str = ".unfinished";

/// No upload takes so long: an older file has nobody who still writes it, here or on another server.
const FORSAKEN_AFTER: Duration = Duration::from_hours(1);

/// The folder, held open. Clones share it.
#[derive(Debug, Clone)]
pub struct PhotosFolder {
    pub(super) root: Arc<OwnedFd>,
    pub(super) unfinished: Arc<Path>,
    /// Held by whoever counts the pictures of an album to add one.
    pub(super) adding: Arc<Mutex<()>>,
}

impl PhotosFolder {
    /// Opens it, or makes it, readable by its owner alone, and tries whether it can be written to.
    ///
    /// # Errors
    /// A clause that follows the name of the variable.
    pub fn open(path: &str) -> Result<Self, String> {
        Self::try_open(Path::new(path))
            .map_err(|error| format!("names the folder {path:?}, which cannot be used: {error}"))
    }

    fn try_open(path: &Path) -> io::Result<Self> {
        let unfinished = path.join(UNFINISHED);
        DirBuilder::new().recursive(true).mode(0o700).create(&unfinished)?;
        let root = OwnedFd::from(File::open(path)?);
        open_folder(&root, UNFINISHED)?;
        // What every upload will do; not every file system can.
        let file = NamedTempFile::new_in(&unfinished)?;
        let link = file.path().with_added_extension("link");
        fs::hard_link(file.path(), &link)?;
        fs::remove_file(link)?;
        Ok(Self { root: Arc::new(root), unfinished: unfinished.into(), adding: Arc::default() })
    }

    /// The album of whoever has this token.
    pub fn album_of(&self, caller: &AccessClaims) -> Album {
        Album::new(self.clone(), album_name(caller))
    }

    /// Removes what a server that was killed left half-written; how many files that were.
    pub fn clear_unfinished(&self, now: DateTime<Utc>) -> io::Result<u32> {
        let mut cleared = 0;
        for entry in fs::read_dir(&self.unfinished)? {
            let path = entry?.path();
            match remove_if_forsaken(&path, now.into()) {
                Ok(removed) => cleared += u32::from(removed),
                // Its upload ended meanwhile, or another server clears as well.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(cleared)
    }

    /// A file for what is arriving. It is gone when it is dropped.
    pub(super) fn begin_file(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(&self.unfinished)
    }
}

fn remove_if_forsaken(path: &PathBuf, now: SystemTime) -> io::Result<bool> {
    let modified = fs::symlink_metadata(path)?.modified()?;
    let forsaken = now.duration_since(modified).is_ok_and(|age| age > FORSAKEN_AFTER);
    if forsaken {
        fs::remove_file(path)?;
    }
    Ok(forsaken)
}

/// The folder of that name in `parent`, and never the one that a link of that name leads to.
pub(super) fn open_folder(parent: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    openat(
        parent,
        name,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// A caller's album: SHA-256 of who they are, in hex.
///
/// A client may have any text as its `sub`, `../..` or some person's id; hashed, no text leads elsewhere, and as
/// people and clients, and each part's length, go into it, no two callers meet.
fn album_name(caller: &AccessClaims) -> String {
    let kind = if caller.user().is_some() { "person" } else { "client" };
    let mut hash = Sha256::new();
    for part in [kind, &caller.iss, caller.subject()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
