//! Every error that clients of api-server see, with its status, code, sentence and documentation.

use goptri::ProtocolError;
use goptri_server::{CatalogueRow, common_errors};

use crate::photos::Refusal;

/// The whole catalogue: those of photos and of forward auth, after those that every server sends.
pub fn catalogue() -> Vec<CatalogueRow> {
    let mut rows = common_errors();
    rows.extend(photo_errors());
    rows.extend(forward_auth_errors());
    rows
}

impl Refusal {
    /// What the client sees.
    pub fn protocol_error(self) -> ProtocolError {
        match self {
            Self::InvalidName => INVALID_NAME,
            Self::NotFound => NO_SUCH_PHOTO,
            Self::AlbumFull => ALBUM_FULL,
            Self::TooLarge => TOO_LARGE,
            Self::UnsupportedType => UNSUPPORTED_TYPE,
            Self::Incomplete => INCOMPLETE_UPLOAD,
            Self::Partial => PARTIAL_UPLOAD,
            Self::Compressed => ProtocolError::COMPRESSED_BODY,
            Self::PreconditionFailed => PRECONDITION_FAILED,
            Self::RangeNotSatisfiable => RANGE_NOT_SATISFIABLE,
        }
    }
}

goptri_server::catalogue! {
    fn photo_errors;

    INVALID_NAME = ProtocolError::new(
        400,
        "invalid_name",
        "A photo name has 1 to 100 characters: letters A to Z in either case, digits, and, except at the start, dots, underscores and hyphens.",
    );
    "The name in the path does not match `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`.";
    "Choose another name.";

    NO_SUCH_PHOTO = ProtocolError::new(404, "not_found", "You have no photo of this name.");
    "The caller's album has no photo of this name. A photo of another caller gets the same response.";
    "List the photos with `GET /photos`.";

    ALBUM_FULL = ProtocolError::new(
        409,
        "album_full",
        "An album has at most 1000 photos; delete one, or replace one by uploading under its name.",
    );
    "An upload under a new name to an album with 1,000 photos.";
    "Delete a photo first.";

    DISK_FULL = ProtocolError::new(
        507,
        "insufficient_storage",
        "The server has no room left for photos; nothing was stored.",
    );
    "An upload while the disk of the server is full, or its quota is used up. The log has the cause.";
    "Try again later. The operator frees space in `PHOTOS_DIR`.";

    TOO_LARGE = ProtocolError::new(413, "payload_too_large", "A photo has at most 5 MiB, which is 5242880 bytes.");
    "The body of the upload exceeds 5 MiB.";
    "Upload a smaller file.";

    UNSUPPORTED_TYPE = ProtocolError::new(
        415,
        "unsupported_media_type",
        "The body is not a PNG, JPEG or WebP image. Its name and Content-Type do not matter.",
    );
    "The upload does not begin as a PNG, JPEG or WebP image does.";
    "Convert the image.";

    INCOMPLETE_UPLOAD = ProtocolError::new(
        400,
        "invalid_request",
        "The body stopped before its end; nothing was stored.",
    );
    "The connection ended, or the body was malformed, before the whole photo arrived.";
    "Upload again.";

    PARTIAL_UPLOAD = ProtocolError::new(
        400,
        "invalid_request",
        "The request has a Content-Range; upload a photo as a whole.",
    );
    "An upload with a `Content-Range` header.";
    "Upload the whole photo without that header.";

    PRECONDITION_FAILED = ProtocolError::new(
        412,
        "precondition_failed",
        "The photo is not the version that the request expects.",
    );
    "The photo does not meet the condition in `If-Match` or `If-Unmodified-Since`.";
    "Fetch the photo again.";

    RANGE_NOT_SATISFIABLE = ProtocolError::new(
        416,
        "range_not_satisfiable",
        "The photo has no bytes in the requested Range.",
    );
    "The `Range` is malformed, or starts beyond the end of the photo.";
    "Use the size in `Content-Range`.";
}

goptri_server::catalogue! {
    fn forward_auth_errors;

    UNKNOWN_DEMAND = ProtocolError::new(
        403,
        "invalid_request",
        "The query of /verify may have only scope, with words that a scope may have, and redirect=1; the configuration of the proxy is wrong.",
    );
    "`GET /verify` with another parameter or value. If it were ignored, a misspelt `scope` would grant access to every caller.";
    "Correct the proxy's configuration.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_has_every_error_once() {
        let rows = catalogue();
        assert!(rows.len() > 15, "{}", rows.len());
        for (index, row) in rows.iter().enumerate() {
            let earlier = rows[..index].iter().find(|other| other.error.description == row.error.description);
            assert_eq!(earlier, None, "{row:?}");
        }
    }
}
