//! One caller's photos. Every method blocks on files: do not call it on a thread that serves requests.

use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::PoisonError;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use goptri::AccessClaims;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, fsync, linkat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::folder::{PhotosFolder, open_folder};
use super::name::PhotoName;
use super::photo_type::PhotoType;
use super::upload::Upload;

/// Photos in an album. A list of this length needs no paging.
pub const MAX_PHOTOS: usize = 1_000;

/// The album of one caller. Its folder is created with the first photo.
#[derive(Debug, Clone)]
pub struct Album {
    photos: PhotosFolder,
    name: String,
}

/// A photo, open for reading. It stays readable if it is replaced or deleted.
#[derive(Debug)]
pub struct Photo {
    /// The file.
    pub file: File,
    /// The type of its content.
    pub photo_type: PhotoType,
    size: u64,
    modified: SystemTime,
}

/// A photo in a list.
#[derive(Debug, Serialize)]
pub(super) struct ListedPhoto {
    name: String,
    #[serde(rename = "type")]
    photo_type: PhotoType,
    size: u64,
    #[serde(serialize_with = "as_rfc_3339")]
    modified: SystemTime,
}

/// The result of saving an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaveOutcome {
    /// The name is new.
    Created,
    /// The upload replaced a photo.
    Replaced,
    /// Nothing was saved: the album has [`MAX_PHOTOS`].
    AlbumFull,
}

impl Album {
    /// The album of `caller` in `photos`.
    pub fn of(photos: &PhotosFolder, caller: &AccessClaims) -> Self {
        Self { photos: photos.clone(), name: album_name(caller) }
    }

    /// The photos in an album's folder, sorted by name.
    pub(super) fn list_folder(folder: &OwnedFd) -> io::Result<Vec<ListedPhoto>> {
        let mut names = names(folder)?;
        names.sort_unstable();
        let mut listed = Vec::new();
        for name in names {
            // `None`: deleted since, or not a photo.
            if let Some(Photo { photo_type, size, modified, .. }) = open_photo(folder, &name)? {
                listed.push(ListedPhoto { name: name.as_str().to_owned(), photo_type, size, modified });
            }
        }
        Ok(listed)
    }

    /// The photo of this name.
    pub fn open(&self, name: &PhotoName) -> io::Result<Option<Photo>> {
        self.folder()?.map_or(Ok(None), |folder| open_photo(&folder, name))
    }

    /// Moves an upload into the album, and returns once it is on disk. Concurrent readers get the old photo or the new
    /// one.
    ///
    /// Of concurrent uploads under a new name, exactly one is [`Created`](SaveOutcome::Created). An upload that races
    /// with a deletion may count as replacing the photo. Servers that share the folder may each exceed [`MAX_PHOTOS`]
    /// by one.
    pub fn save(&self, name: &PhotoName, upload: Upload) -> io::Result<SaveOutcome> {
        let folder = self.ensure_folder()?;
        let adding = self.photos.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let existing = names(&folder)?;
        if existing.len() >= MAX_PHOTOS && !existing.contains(name) {
            return Ok(SaveOutcome::AlbumFull);
        }
        let _change = self.photos.changes.begin(&self.name);
        let outcome = match linkat(CWD, upload.path(), &folder, name.as_str(), AtFlags::empty()) {
            // The file's temporary name is deleted with the upload.
            Ok(()) => SaveOutcome::Created,
            Err(Errno::EXIST) => {
                renameat(CWD, upload.path(), &folder, name.as_str())?;
                upload.forget()?;
                SaveOutcome::Replaced
            }
            Err(error) => return Err(error.into()),
        };
        drop(adding);
        fsync(folder)?;
        Ok(outcome)
    }

    /// Deletes the photo of this name. Returns whether there was one.
    pub fn delete(&self, name: &PhotoName) -> io::Result<bool> {
        let Some(folder) = self.folder()? else { return Ok(false) };
        let _change = self.photos.changes.begin(&self.name);
        match unlinkat(&folder, name.as_str(), AtFlags::empty()) {
            Ok(()) => fsync(folder)?,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    /// The number of changes that this server has made to this album and to those that share its counter.
    pub(super) fn own_changes(&self) -> u64 {
        self.photos.changes.count(&self.name)
    }

    /// The name of the folder.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The folder. `None`: there is none yet, so there are no photos.
    pub(super) fn folder(&self) -> io::Result<Option<OwnedFd>> {
        match open_folder(&self.photos.root, &self.name) {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn ensure_folder(&self) -> io::Result<OwnedFd> {
        match mkdirat(&self.photos.root, &self.name, Mode::RWXU) {
            // Also if it exists: the request that created it may not have synced yet.
            Ok(()) | Err(Errno::EXIST) => fsync(&self.photos.root)?,
            Err(error) => return Err(error.into()),
        }
        Ok(open_folder(&self.photos.root, &self.name)?)
    }
}

/// The folder name of a caller's album: SHA-256, in hex, of the caller's identity.
///
/// A client's `sub` can be any text, such as `../..` or a user's id. Hashed, it is always a plain name; and since the
/// kind of caller and the length of each part are hashed too, no two callers share an album.
fn album_name(caller: &AccessClaims) -> String {
    // Existing albums have these names: do not change what is hashed.
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

/// The file names in an album's folder that are photo names.
fn names(folder: &OwnedFd) -> io::Result<Vec<PhotoName>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_str().map(PhotoName::parse);
        names.extend(name.ok().and_then(Result::ok));
    }
    Ok(names)
}

/// `None` for a link, for anything but a file, and for content that is not a photo.
fn open_photo(folder: &OwnedFd, name: &PhotoName) -> io::Result<Option<Photo>> {
    let for_reading = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut file = match openat(folder, name.as_str(), for_reading, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Ok(None);
    }
    let mut head = Vec::with_capacity(PhotoType::HEAD);
    file.by_ref().take(PhotoType::HEAD as u64).read_to_end(&mut head)?;
    let (size, modified) = (metadata.len(), metadata.modified()?);
    Ok(PhotoType::detect(&head).map(|photo_type| Photo { file, photo_type, size, modified }))
}

fn as_rfc_3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&DateTime::<Utc>::from(*time).to_rfc3339_opts(SecondsFormat::Millis, true))
}
