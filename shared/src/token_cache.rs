//! A cache of verified tokens.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arc_swap::ArcSwap;
use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use crate::access_claims::AccessClaims;

/// Maps the text of a token to its claims. The caller must still check times and revocation.
///
/// Only verified tokens are added, so that a client without a key cannot fill the cache.
pub(crate) struct VerifiedTokens {
    tokens: Cache<Text, Verified>,
    /// The header of the last token that was added. All tokens of one key have the same.
    last_header: ArcSwap<Arc<str>>,
}

/// The whole text of a token.
#[derive(PartialEq, Eq)]
struct Text {
    header: Arc<str>,
    /// The payload and the signature.
    rest: Box<str>,
}

/// A borrowed [`Text`].
struct TextRef<'a> {
    header: &'a str,
    rest: &'a str,
}

#[derive(Clone)]
struct Verified {
    /// The version of the keys that verified it.
    keys_version: u64,
    claims: Arc<AccessClaims>,
}

/// Space for this many entries is reserved at start (3 MB of untouched memory), so that no request waits for the table
/// to grow.
const RESERVED_ENTRIES: usize = 32_768;

/// Only the end of a token is hashed. It is part of the signature, which a client cannot choose. Equality compares the
/// whole token.
const HASHED_BYTES: usize = 16;

fn hash_end(rest: &str, state: &mut impl Hasher) {
    state.write(&rest.as_bytes()[rest.len().saturating_sub(HASHED_BYTES)..]);
}

impl<'a> TextRef<'a> {
    fn new(token: &'a str) -> Self {
        let (header, rest) = token.split_once('.').unwrap_or((token, ""));
        Self { header, rest }
    }
}

impl Hash for Text {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(&self.rest, state);
    }
}

impl Hash for TextRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_end(self.rest, state);
    }
}

impl Equivalent<Text> for TextRef<'_> {
    fn equivalent(&self, text: &Text) -> bool {
        *self.rest == *text.rest && *self.header == *text.header
    }
}

impl VerifiedTokens {
    /// Holds at most `entries` tokens. Those that were not looked up again are evicted first.
    pub(crate) fn new(entries: usize) -> Self {
        let tokens = Cache::new(entries);
        tokens.reserve(entries.min(RESERVED_ENTRIES));
        Self { tokens, last_header: ArcSwap::from_pointee("".into()) }
    }

    /// The claims of `token`, if it was verified with this version of the keys.
    pub(crate) fn get(&self, token: &str, keys_version: u64) -> Option<Arc<AccessClaims>> {
        let verified = self.tokens.get(&TextRef::new(token))?;
        (verified.keys_version == keys_version).then_some(verified.claims)
    }

    /// `keys_version` is the version of the keys that verified the token.
    pub(crate) fn insert(&self, token: &str, keys_version: u64, claims: AccessClaims) -> Arc<AccessClaims> {
        let claims = Arc::new(claims);
        let TextRef { header, rest } = TextRef::new(token);
        let text = Text { header: self.shared_header(header), rest: rest.into() };
        self.tokens.insert(text, Verified { keys_version, claims: Arc::clone(&claims) });
        claims
    }

    fn shared_header(&self, header: &str) -> Arc<str> {
        let last = self.last_header.load();
        if ***last == *header {
            return Arc::clone(&last);
        }
        let header: Arc<str> = header.into();
        self.last_header.store(Arc::new(Arc::clone(&header)));
        header
    }

    pub(crate) fn len(&self) -> usize {
        self.tokens.len()
    }
}

impl fmt::Debug for VerifiedTokens {
    /// Shows the number of tokens, and no token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedTokens").field("entries", &self.len()).finish_non_exhaustive()
    }
}
