//! A secret that cannot be printed, loosely compared, or stored.
//!
//! The kind is part of the type, so that a refresh secret never stands where an access secret belongs.
//! There is no `Serialize`, no `Display`, no `PartialEq`, and the memory is wiped when it is dropped.

use std::fmt;
use std::marker::PhantomData;

use zeroize::Zeroizing;

/// What a secret is for. The name is what a `Debug` shows in place of the secret.
pub trait SecretKind: 'static {
    /// For people, such as `access token secret`.
    const NAME: &'static str;
}

/// A secret in the clear, of kind `K`.
pub struct Plain<K: SecretKind> {
    text: Zeroizing<String>,
    kind: PhantomData<fn() -> K>,
}

impl<K: SecretKind> Plain<K> {
    /// Takes the text over; the caller keeps no copy.
    pub fn new(text: String) -> Self {
        Self { text: Zeroizing::new(text), kind: PhantomData }
    }

    /// The secret itself. Every use of this is a place to review.
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
    fn a_secret_does_not_show_in_debug() {
        let secret: Plain<RefreshTokenSecret> = Plain::new("hunter2".into());
        assert_eq!(
            format!("{secret:?} {:#?}", Some(&secret)),
            "<refresh token secret> Some(\n    <refresh token secret>,\n)"
        );
        assert_eq!(secret.expose(), "hunter2");
    }
}
