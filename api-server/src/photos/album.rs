//! One caller's pictures. All of this blocks, as files do: call it off the threads that serve.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::sync::PoisonError;
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, fsync, linkat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use serde::{Serialize, Serializer};

use super::folder::{PhotosFolder, open_folder};
use super::name::PhotoName;
use super::photo_type::PhotoType;
use super::upload::Upload;

/// So many pictures are in an album at most: so long a list is made, and sent, in no time.
pub const MAX_PHOTOS: usize = 1_000;

/// The album of one caller; there is a folder for it once it has had a picture.
#[derive(Debug, Clone)]
pub struct Album {
    photos: PhotosFolder,
    name: String,
}

/// A picture, open for reading. Replaced or removed meanwhile, it stays what it was.
#[derive(Debug)]
pub struct Photo {
    /// The whole file.
    pub file: File,
    /// What its first bytes say it is.
    pub photo_type: PhotoType,
    size: u64,
    modified: SystemTime,
}

/// A picture in a list.
#[derive(Debug, Serialize)]
pub struct Listed {
    name: String,
    #[serde(rename = "type")]
    photo_type: PhotoType,
    size: u64,
    #[serde(serialize_with = "in_rfc_3339")]
    modified: SystemTime,
}

/// What became of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// There was no picture of that name.
    New,
    /// It took another one's place.
    Replaced,
    /// Not at all: it would be one more than [`MAX_PHOTOS`].
    Refused,
}

impl Album {
    pub(super) fn new(photos: PhotosFolder, name: String) -> Self {
        Self { photos, name }
    }

    /// All its pictures, by name.
    pub fn list(&self) -> io::Result<Vec<Listed>> {
        let Some(folder) = self.folder()? else { return Ok(Vec::new()) };
        let mut names = names(&folder)?;
        names.sort_unstable();
        let mut listed = Vec::new();
        for name in names {
            // Removed meanwhile, or no picture, it is not on the list.
            if let Some(Photo { photo_type, size, modified, .. }) = open_photo(&folder, &name)? {
                listed.push(Listed { name: name.as_str().to_owned(), photo_type, size, modified });
            }
        }
        Ok(listed)
    }

    /// The picture of that name.
    pub fn open(&self, name: &PhotoName) -> io::Result<Option<Photo>> {
        self.folder()?.map_or(Ok(None), |folder| open_photo(&folder, name))
    }

    /// Puts an upload there, and does not return before it is on the disk. Whoever reads the album finds the picture
    /// before or this one, and no other.
    ///
    /// Of any number that come at once under a new name, exactly one is new. One that comes while the picture is
    /// removed may count as replacing it. Of servers that share the folder, each may add a last one.
    pub fn keep(&self, name: &PhotoName, upload: Upload) -> io::Result<Kept> {
        let folder = self.made_folder()?;
        let adding = self.photos.adding.lock().unwrap_or_else(PoisonError::into_inner);
        let there = names(&folder)?;
        if there.len() >= MAX_PHOTOS && !there.contains(name) {
            return Ok(Kept::Refused);
        }
        let kept = match linkat(CWD, upload.path(), &folder, name.as_str(), AtFlags::empty()) {
            // The other of its two names goes with the upload.
            Ok(()) => Kept::New,
            Err(Errno::EXIST) => {
                renameat(CWD, upload.path(), &folder, name.as_str())?;
                upload.let_go()?;
                Kept::Replaced
            }
            Err(error) => return Err(error.into()),
        };
        drop(adding);
        fsync(folder)?;
        Ok(kept)
    }

    /// Removes the picture of that name; whether there was one.
    pub fn remove(&self, name: &PhotoName) -> io::Result<bool> {
        let Some(folder) = self.folder()? else { return Ok(false) };
        match unlinkat(&folder, name.as_str(), AtFlags::empty()) {
            Ok(()) => fsync(folder)?,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    fn folder(&self) -> io::Result<Option<OwnedFd>> {
        match open_folder(&self.photos.root, &self.name) {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn made_folder(&self) -> io::Result<OwnedFd> {
        match mkdirat(&self.photos.root, &self.name, Mode::RWXU) {
            // Whoever made it may not have come so far.
            Ok(()) | Err(Errno::EXIST) => fsync(&self.photos.root)?,
            Err(error) => return Err(error.into()),
        }
        Ok(open_folder(&self.photos.root, &self.name)?)
    }
}

/// What a picture could be called, among all that is in an album's folder.
fn names(folder: &OwnedFd) -> io::Result<Vec<PhotoName>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let name = entry?.file_name().to_str().map(PhotoName::parse);
        names.extend(name.ok().and_then(Result::ok));
    }
    Ok(names)
}

/// What is no file, leads elsewhere, or does not begin as a picture, is none.
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
    Ok(PhotoType::of(&head).map(|photo_type| Photo { file, photo_type, size, modified }))
}

fn in_rfc_3339<S: Serializer>(time: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&DateTime::<Utc>::from(*time).to_rfc3339_opts(SecondsFormat::Millis, true))
}
