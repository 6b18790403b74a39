//! The pictures of the application's people: files in one folder, an album for each caller.
//!
//! ```text
//! PHOTOS_DIR/
//!   .unfinished/…        what is still arriving, under names that mean nothing
//!   3f9a…(64 digits)/    an album
//!     cat.png            a picture: whole, and one of the types below
//! ```
//!
//! Everything that stands is found by opening one folder after the other without following links, so no name leads
//! out of `PHOTOS_DIR`, whatever somebody planted there.

mod album;
mod failure;
mod folder;
mod name;
mod permission;
mod photo_type;
mod upload;

pub use album::{Album, Kept, Listed, MAX_PHOTOS, Photo};
pub use failure::Failure;
pub use folder::PhotosFolder;
pub use name::PhotoName;
pub use permission::{PhotosRead, PhotosWrite};
pub use photo_type::PhotoType;
pub use upload::{BODY_STOPPED, MAX_PHOTO_BYTES, NO_PICTURE, TOO_LARGE, Upload};
