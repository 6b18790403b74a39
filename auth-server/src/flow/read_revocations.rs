//! Somebody asks from time to time what has ended: a page, and where the next one begins.

use std::sync::Arc;

use auth_store::{Cursor, Store};
use goptri::revocation::{MAX_ENTRIES_PER_PAGE, Page};

use super::Failure;
use crate::feed::entry;

/// Reads pages of the record of what ended.
#[derive(Clone)]
pub struct ReadRevocations {
    /// Where it is kept.
    pub(crate) store: Arc<dyn Store>,
}

impl ReadRevocations {
    /// The page after that cursor; a cursor that was never given here starts over.
    pub async fn run(&self, after: Option<String>) -> Result<Page, Failure> {
        let after = after.map(Cursor::new);
        let most = u32::try_from(MAX_ENTRIES_PER_PAGE).unwrap_or(u32::MAX);
        let page = self.store.read_revocations(after.as_ref(), most).await?;
        let entries = page.entries.into_iter().map(|revoked| entry(revoked, page.now)).collect();
        Ok(Page { entries, next: page.next.as_str().to_owned(), as_of: page.now })
    }
}
