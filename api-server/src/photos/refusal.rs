//! Why a photo request fails.

use std::io;

use goptri::ProtocolError;

/// Why a request for photos is rejected. [`protocol_error`](Self::protocol_error) says what the client sees of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The name does not match `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`.
    #[error("invalid photo name")]
    InvalidName,
    /// The album has no photo of this name.
    #[error("no such photo")]
    NotFound,
    /// The album has [`MAX_PHOTOS`](super::MAX_PHOTOS).
    #[error("album full")]
    AlbumFull,
    /// The body exceeds [`MAX_PHOTO_BYTES`](super::MAX_PHOTO_BYTES).
    #[error("photo too large")]
    TooLarge,
    /// The content has none of the supported types.
    #[error("unsupported photo type")]
    UnsupportedType,
    /// The body ended early.
    #[error("incomplete upload")]
    Incomplete,
    /// The request has a `Content-Range`: stored, the part would replace the whole photo (RFC 9110 §14.5).
    #[error("partial upload")]
    Partial,
    /// The request has a `Content-Encoding`.
    #[error("compressed upload")]
    Compressed,
    /// `If-Match` or `If-Unmodified-Since` does not hold.
    #[error("precondition failed")]
    PreconditionFailed,
    /// The photo has no bytes in the requested `Range`.
    #[error("range not satisfiable")]
    RangeNotSatisfiable,
}

/// Why a handler of photos fails.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The client can correct the request.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The caller's token has expired or was revoked since the request began.
    #[error("the token was rejected when the body had arrived")]
    Token(#[from] ProtocolError),
    /// The folder of photos cannot be used; the client gets 507 if the disk is full, otherwise 500.
    #[error("cannot use the folder of photos: {0}")]
    Folder(#[from] io::Error),
}
