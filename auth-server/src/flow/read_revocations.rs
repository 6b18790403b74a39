//! Reads the revocation feed page by page, for followers that poll.

use std::sync::Arc;

use auth_store::{Cursor, RevocationPage, Store, StoreError};
use goptri::revocation::MAX_ENTRIES_PER_PAGE;

/// Reads pages of the feed.
#[derive(Clone)]
pub struct ReadRevocations {
    pub(crate) store: Arc<dyn Store>,
}

impl ReadRevocations {
    /// The page after `after`. An unknown cursor starts from the beginning.
    pub async fn run(&self, after: Option<String>) -> Result<RevocationPage, StoreError> {
        let limit = u32::try_from(MAX_ENTRIES_PER_PAGE).unwrap_or(u32::MAX);
        self.store.read_revocations(after.map(Cursor::new).as_ref(), limit).await
    }
}
