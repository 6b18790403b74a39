//! The scopes of the photo routes.

use goptri::{Permission, Requirement};

/// The scope `photos:read`.
#[derive(Debug)]
pub struct PhotosRead;

impl Permission for PhotosRead {
    const REQUIRES: Requirement = Requirement::Scope("photos:read");
}

/// The scope `photos:write`.
#[derive(Debug)]
pub struct PhotosWrite;

impl Permission for PhotosWrite {
    const REQUIRES: Requirement = Requirement::Scope("photos:write");
}
