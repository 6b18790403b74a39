//! A picture that arrives: counted and looked at on the way, and gone unless all of it came.

use std::io;
use std::path::Path;

use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use goptri::ProtocolError;
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;

use super::failure::Failure;
use super::folder::PhotosFolder;
use super::photo_type::PhotoType;

/// The most bytes that a picture may have.
pub const MAX_PHOTO_BYTES: usize = 5 * 1024 * 1024;

/// It has more.
pub const TOO_LARGE: ProtocolError =
    ProtocolError::new(413, "payload_too_large", "A picture has at most 5 MiB, which is 5242880 bytes.");

/// It is none.
pub const NO_PICTURE: ProtocolError = ProtocolError::new(
    415,
    "unsupported_media_type",
    "The body is no PNG, JPEG or WebP picture, whatever its name or its Content-Type says.",
);

/// The rest of it did not come.
pub const BODY_STOPPED: ProtocolError =
    ProtocolError::new(400, "invalid_request", "The body stopped before its end; nothing was kept.");

/// A whole picture, on the disk, not in an album yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Upload {
    path: TempPath,
}

impl Upload {
    /// Writes what arrives to a file in `photos`, as it arrives.
    ///
    /// # Errors
    /// As soon as it is more than [`MAX_PHOTO_BYTES`], begins as no picture does, or stops half-way.
    pub async fn receive<S>(photos: &PhotosFolder, body: S) -> Result<Self, Failure>
    where
        S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
    {
        let mut body = Limited { body, left: MAX_PHOTO_BYTES };
        let head = body.head().await?;
        if PhotoType::of(&head).is_none() {
            return Err(NO_PICTURE.into());
        }
        let photos = photos.clone();
        let begun = actix_web::web::block(move || photos.begin_file()).await.map_err(io::Error::other)??;
        let (file, path) = begun.into_parts();
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

    /// Somebody moved it: its name may be another's by now.
    pub(super) fn let_go(self) -> io::Result<()> {
        self.path.keep().map(drop).map_err(|error| error.error)
    }
}

struct Limited<S> {
    body: S,
    left: usize,
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Limited<S> {
    async fn next(&mut self) -> Result<Option<Bytes>, ProtocolError> {
        let Some(chunk) = self.body.next().await else { return Ok(None) };
        let chunk = chunk.map_err(|cause| {
            tracing::debug!(%cause, "a picture stopped half-way");
            BODY_STOPPED
        })?;
        self.left = self.left.checked_sub(chunk.len()).ok_or(TOO_LARGE)?;
        Ok(Some(chunk))
    }

    /// Enough to tell the type by, or all there is.
    async fn head(&mut self) -> Result<Vec<u8>, ProtocolError> {
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
