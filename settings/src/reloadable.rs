//! A value that is replaced while others read it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// Clones share the value. Who reads never waits, and keeps what they read for as long as they use it; who replaces it changes
/// what is read from then on.
pub struct Reloadable<T>(Arc<ArcSwap<T>>);

impl<T> Reloadable<T> {
    /// As it is at first.
    pub fn new(value: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(value)))
    }

    /// As it is now.
    pub fn load(&self) -> impl Deref<Target = Arc<T>> {
        self.0.load()
    }

    /// From now on it is this.
    pub fn replace(&self, value: T) {
        self.0.store(Arc::new(value));
    }
}

impl<T> From<T> for Reloadable<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T> Clone for Reloadable<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for Reloadable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.load().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_reads_keeps_what_was_read_and_clones_share_what_is_new() {
        let one = Reloadable::new(1);
        let other = one.clone();
        let read = one.load();
        other.replace(2);
        assert_eq!((**read, **one.load(), format!("{other:?}").as_str()), (1, 2, "2"));
    }
}
