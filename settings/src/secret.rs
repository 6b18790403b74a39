//! A secret that cannot be printed, compared with `==`, or stored.
//!
//! Its kind is part of its type, so that a refresh secret cannot be passed where an access secret is expected. It has
//! no `Serialize`, `Display` or `PartialEq`, and its memory is wiped on drop.

use std::fmt;
use std::marker::PhantomData;

use zeroize::Zeroizing;

/// The purpose of a secret.
pub trait SecretKind: 'static {
    /// What `Debug` shows instead of the secret, such as `access token secret`.
    const NAME: &'static str;
}

/// A secret of kind `K` in clear text.
pub struct Plain<K: SecretKind> {
    text: Zeroizing<String>,
    kind: PhantomData<fn() -> K>,
}

impl<K: SecretKind> Plain<K> {
    /// Takes ownership of the text. The caller should keep no copy.
    pub fn new(text: String) -> Self {
        Self { text: Zeroizing::new(text), kind: PhantomData }
    }

    /// Returns the clear text. Every call deserves a review.
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl<K: SecretKind> Clone for Plain<K> {
    fn clone(&self) -> Self {
        Self::new(self.text.to_string())
    }
}

impl<K: SecretKind> fmt::Debug for Plain<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", K::NAME)
    }
}

impl<'de, K: SecretKind> serde::Deserialize<'de> for Plain<K> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// The kind of `ACCESS_TOKEN_SECRET`.
#[derive(Debug)]
pub enum AccessTokenSecret {}
impl SecretKind for AccessTokenSecret {
    const NAME: &'static str = "access token secret";
}

/// The kind of `REFRESH_TOKEN_SECRET`.
#[derive(Debug)]
pub enum RefreshTokenSecret {}
impl SecretKind for RefreshTokenSecret {
    const NAME: &'static str = "refresh token secret";
}

/// The kind of `FEED_SECRET`.
#[derive(Debug)]
pub enum FeedSecret {}
impl SecretKind for FeedSecret {
    const NAME: &'static str = "feed secret";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_secret() {
        let secret: Plain<RefreshTokenSecret> = Plain::new("hunter2".into());
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "<refresh token secret> Some(\n    <refresh token secret>,\n)"
        );
        assert_eq!(secret.expose(), "hunter2");
    }
}
