//! The scopes of the photo routes.

use goptri::{Needs, Permission};

/// The scope `photos:read`.
#[derive(Debug)]
pub struct PhotosRead;

impl Permission for PhotosRead {
    const NEEDS: Needs = Needs::Scope("photos:read");
}

/// The scope `photos:write`.
#[derive(Debug)]
pub struct PhotosWrite;

impl Permission for PhotosWrite {
    const NEEDS: Needs = Needs::Scope("photos:write");
}
