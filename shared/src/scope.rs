//! Scopes (RFC 6749 §3.3), and what a route may ask of a caller.

use std::fmt;
use std::sync::Arc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::AccessClaims;

/// A set of scope tokens in the order in which they were granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(Arc<str>);

/// The text has a character that RFC 6749 §3.3 does not allow in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is words of printable ASCII without quotes or backslashes, separated by single spaces")]
pub struct InvalidScope;

impl Scope {
    /// Parses words separated by single spaces; a word that stands twice counts once. Empty is no scope.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        let mut words: Vec<&str> = Vec::new();
        if text.is_empty() {
            return Ok(Self::default());
        }
        for word in text.split(' ') {
            if word.is_empty() || !word.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)) {
                return Err(InvalidScope);
            }
            if !words.contains(&word) {
                words.push(word);
            }
        }
        Ok(Self(words.join(" ").into()))
    }

    /// The words, with single spaces between them.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `word` was granted. Exact and case sensitive.
    pub fn contains(&self, word: &str) -> bool {
        !word.is_empty() && self.0.split(' ').any(|granted| granted == word)
    }
}

impl Default for Scope {
    /// None.
    fn default() -> Self {
        Self("".into())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl Visitor<'_> for Words {
            type Value = Scope;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a scope")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Scope, E> {
                Scope::parse(text).map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Words)
    }
}

/// What a route asks of the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Any valid access token.
    AnyToken,
    /// This scope.
    Scope(&'static str),
    /// A person who has this role.
    Role(&'static str),
}

impl Needs {
    /// Whether these claims have it.
    pub fn met_by(self, claims: &AccessClaims) -> bool {
        match self {
            Self::AnyToken => true,
            Self::Scope(word) => claims.scope.contains(word),
            Self::Role(role) => claims.sid.is_some() && claims.roles.iter().any(|has| has == role),
        }
    }
}

/// A permission as a type, for a handler's signature: `Bearer<PhotosRead>`.
///
/// ```
/// struct InvoicesRead;
/// impl goptri::Permission for InvoicesRead {
///     const NEEDS: goptri::Needs = goptri::Needs::Scope("invoices:read");
/// }
/// struct Accountant;
/// impl goptri::Permission for Accountant {
///     const NEEDS: goptri::Needs = goptri::Needs::Role("accountant");
/// }
/// ```
pub trait Permission: 'static {
    /// What the caller must have.
    const NEEDS: Needs;
}

/// Any valid access token.
#[derive(Debug)]
pub struct AnyToken;
impl Permission for AnyToken {
    const NEEDS: Needs = Needs::AnyToken;
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_words_with_single_spaces() {
        let table = [
            ("", Ok("")),
            ("photos:read", Ok("photos:read")),
            ("photos:read photos:write photos:read", Ok("photos:read photos:write")),
            (" photos:read", Err(InvalidScope)),
            ("photos:read  photos:write", Err(InvalidScope)),
            ("a\"b", Err(InvalidScope)),
            ("a\\b", Err(InvalidScope)),
            ("a\tb", Err(InvalidScope)),
            ("f\u{f6}tos", Err(InvalidScope)),
        ];
        for (text, expected) in table {
            assert_eq!(
                Scope::parse(text).map(|scope| scope.to_string()),
                expected.map(str::to_owned),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_scope_is_not_granted_by_a_part_of_its_name() {
        let scope = Scope::parse("photos:read").unwrap();
        assert!(scope.contains("photos:read"));
        for other in ["photos", "photos:rea", "photos:reader", "Photos:read", ""] {
            assert!(!scope.contains(other), "{other}");
        }
    }
}
