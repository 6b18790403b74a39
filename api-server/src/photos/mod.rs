//! Photos: files in one folder, with an album for each caller.
//!
//! ```text
//! PHOTOS_DIR/
//!   .unfinished/…        uploads in progress, under random names
//!   3f9a…(64 digits)/    an album
//!     cat.png            a complete photo
//! ```
//!
//! Every path is opened one folder at a time, without following links. So no name leads out of `PHOTOS_DIR`, whatever
//! another program put there.

mod album;
mod change_counters;
mod folder;
mod listings;
mod name;
mod permission;
mod photo_type;
mod refusal;
mod upload;

pub use album::{Album, MAX_PHOTOS, Photo, SaveOutcome};
pub use folder::PhotosFolder;
pub use listings::Listings;
pub use name::PhotoName;
pub use permission::{PhotosRead, PhotosWrite};
pub use photo_type::PhotoType;
pub use refusal::{Failure, Refusal};
pub use upload::{MAX_PHOTO_BYTES, Upload};
