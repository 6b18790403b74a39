//! Tokens that were found good, so that the next request with the same one need not be verified anew.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use crate::AccessClaims;
use crate::keys::KeysVersion;

/// From the whole text of a token to its claims. Whoever takes claims from here still has to look at the time and at what
/// has ended since.
///
/// Only good tokens are entered, so that nobody without a key decides what is in here, and what it costs.
pub(crate) struct VerifiedTokens {
    tokens: Cache<Text, Verified>,
}

/// A whole token.
#[derive(PartialEq, Eq)]
struct Text(Box<str>);

/// The same, as it was presented.
struct Presented<'a>(&'a str);

#[derive(Clone)]
struct Verified {
    keys: KeysVersion,
    claims: Arc<AccessClaims>,
}

/// For so many there is room from the beginning (three megabytes, which are not touched before they are needed), so that
/// nobody waits while a table grows.
const RESERVED: usize = 32_768;

/// So many bytes of a token's end are hashed. That is its signature, which nobody chooses; and what is equal is decided by
/// comparing the whole.
const HASHED: usize = 16;

fn hash_end(token: &str, state: &mut impl Hasher) {
    state.write(&token.as_bytes()[token.len().saturating_sub(HASHED)..]);
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(&self.0, state);
    }
}

impl Hash for Presented<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(self.0, state);
    }
}

impl Equivalent<Text> for Presented<'_> {
    fn equivalent(&self, text: &Text) -> bool {
        *self.0 == *text.0
    }
}

impl VerifiedTokens {
    /// At most so many; when there are more, those that were not presented again go first.
    pub(crate) fn new(entries: usize) -> Self {
        let tokens = Cache::new(entries);
        tokens.reserve(entries.min(RESERVED));
        Self { tokens }
    }

    /// The claims of this very text, if it was verified with these keys.
    pub(crate) fn get(&self, token: &str, keys: KeysVersion) -> Option<Arc<AccessClaims>> {
        let verified = self.tokens.get(&Presented(token))?;
        (verified.keys == keys).then_some(verified.claims)
    }

    /// `keys` are those that it was verified with.
    pub(crate) fn insert(&self, token: &str, keys: KeysVersion, claims: AccessClaims) -> Arc<AccessClaims> {
        let claims = Arc::new(claims);
        self.tokens.insert(Text(token.into()), Verified { keys, claims: Arc::clone(&claims) });
        claims
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }
}

impl fmt::Debug for VerifiedTokens {
    /// Their number, and none of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedTokens").field("entries", &self.len()).finish_non_exhaustive()
    }
}
