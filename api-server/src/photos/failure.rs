//! Why nothing was done: the client's fault, or the folder's.

use std::io;

use goptri::ProtocolError;

/// What the handlers of pictures answer with, when not with a picture.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The client is told why.
    #[error(transparent)]
    Refused(#[from] ProtocolError),
    /// The log is told why.
    #[error("the folder of photos cannot be used: {0}")]
    Folder(#[from] io::Error),
}
