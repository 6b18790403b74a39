//! Counts the changes of albums by this server, so that a cached list is never older than the server's own changes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

/// Albums share this many counters. A change of one invalidates the lists of few others.
const COUNTERS: usize = 1024;

/// The counters.
#[derive(Debug)]
pub(super) struct ChangeCounters(Box<[AtomicU64]>);

/// A change in progress. It is counted when it ends, also if it fails.
pub(super) struct ChangeInProgress<'a>(&'a AtomicU64);

impl Default for ChangeCounters {
    fn default() -> Self {
        Self((0..COUNTERS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl ChangeCounters {
    /// Begins a change of an album. Call it before the files change, and drop the result before the response is sent.
    pub(super) fn begin(&self, album: &str) -> ChangeInProgress<'_> {
        ChangeInProgress(self.counter(album))
    }

    /// How many changes have ended. Call it before you make a list: the list contains these changes.
    pub(super) fn count(&self, album: &str) -> u64 {
        self.counter(album).load(Ordering::Acquire)
    }

    fn counter(&self, album: &str) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        album.hash(&mut hasher);
        let index = usize::try_from(hasher.finish() % self.0.len() as u64).unwrap_or_default();
        &self.0[index]
    }
}

impl Drop for ChangeInProgress<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
