//! A value that is replaced while other threads read it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// A shared value with lock-free reads. Clones share it. A reader keeps the value that it loaded; a replacement is seen
/// by later loads.
pub struct Reloadable<T>(Arc<ArcSwap<T>>);

impl<T> Reloadable<T> {
    /// Creates the value.
    pub fn new(value: T) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(value)))
    }

    /// Returns the current value.
    pub fn load(&self) -> impl Deref<Target = Arc<T>> {
        self.0.load()
    }

    /// Replaces the value for all clones.
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
    fn a_reader_keeps_the_loaded_value_and_clones_share_the_new_one() {
        let one = Reloadable::new(1);
        let other = one.clone();
        let read = one.load();
        other.replace(2);
        assert_eq!((**read, **one.load(), format!("{other:?}").as_str()), (1, 2, "2"));
    }
}
