//! The contents of several files at one moment.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{fmt, io};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::text_file;

/// The SHA-256 of a file's contents, by which a change is detected. `None`: the file could not be read.
pub(crate) type ContentHash = Option<[u8; 32]>;

pub(crate) type ReadResult = io::Result<Zeroizing<Vec<u8>>>;

/// What files contained when they were read. `Debug` shows their paths only.
pub(crate) struct FileSnapshot(BTreeMap<PathBuf, ReadResult>);

impl fmt::Debug for FileSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl FileSnapshot {
    pub(crate) fn read<'a>(paths: impl Iterator<Item = &'a PathBuf>) -> Self {
        Self(paths.map(|path| (path.clone(), text_file::read(path))).collect())
    }

    pub(crate) fn get(&self, path: &str) -> Option<&ReadResult> {
        self.0.get(std::path::Path::new(path))
    }

    pub(crate) fn hashes(&self) -> BTreeMap<PathBuf, ContentHash> {
        self.0.iter().map(|(path, read)| (path.clone(), content_hash(read))).collect()
    }
}

pub(crate) fn content_hash(read: &ReadResult) -> ContentHash {
    read.as_ref().ok().map(|bytes| Sha256::digest(bytes).into())
}
