//! An upload: written to a temporary file while its size and type are checked.

use std::io;
use std::path::Path;

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

use super::folder::PhotosFolder;
use super::photo_type::PhotoType;
use super::refusal::{Failure, Refusal};

/// The largest photo, in bytes.
pub const MAX_PHOTO_BYTES: usize = 5 * 1024 * 1024;

/// A complete photo on disk that is not yet in an album. Dropping it deletes the file.
#[derive(Debug)]
pub struct Upload {
    path: TempPath,
}

impl Upload {
    /// Writes `body` to a temporary file in `photos` while it arrives.
    ///
    /// # Errors
    /// Fails as soon as the body exceeds [`MAX_PHOTO_BYTES`], has an unsupported type, or ends early.
    pub async fn receive<S>(photos: &PhotosFolder, body: S) -> Result<Self, Failure>
    where
        S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    {
        let mut body = Limited { body, left: MAX_PHOTO_BYTES };
        let head = body.head().await?;
        if PhotoType::detect(&head).is_none() {
            return Err(Refusal::UnsupportedType.into());
        }
        let photos = photos.clone();
        let created =
            actix_web::web::block(move || photos.create_temporary()).await.map_err(io::Error::other)??;
        let (file, path) = created.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        file.write_all(&head).await?;
        while let Some(chunk) = body.next().await? {
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        file.sync_all().await?;
        Ok(Self { path })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Does not delete the file: after a rename, its old name may belong to another upload.
    pub(super) fn forget(self) -> io::Result<()> {
        self.path.keep().map(drop).map_err(|error| error.error)
    }
}

struct Limited<S> {
    body: S,
    left: usize,
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Limited<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, Refusal> {
        let Some(chunk) = self.body.next().await else { return Ok(None) };
        let chunk = chunk.map_err(|cause| {
            tracing::debug!(%cause, "an upload ended early");
            Refusal::Incomplete
        })?;
        self.left = self.left.checked_sub(chunk.len()).ok_or(Refusal::TooLarge)?;
        Ok(Some(chunk))
    }

    /// The chunks with the first [`PhotoType::HEAD`] bytes, or the whole body if it is shorter.
    async fn head(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut head = Vec::new();
        while head.len() < PhotoType::HEAD {
            match self.next().await? {
                Some(chunk) => head.extend_from_slice(&chunk),
                None => break,
            }
        }
        Ok(head)
    }
}
