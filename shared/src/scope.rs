//! Scopes (RFC 6749 §3.3).

use std::fmt;
use std::sync::Arc;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A set of scope words, in the order in which they were granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope(Arc<str>);

/// The text is not a scope (RFC 6749 §3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a scope is words of printable ASCII without quotes or backslashes, separated by single spaces")]
pub struct InvalidScope;

impl Scope {
    /// Parses words separated by single spaces. Repeated words count once. The empty text is the empty scope.
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

    /// The words, separated by single spaces.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The words, in the order in which they were granted.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.0.split(' ').filter(|word| !word.is_empty())
    }

    /// The words for which `keep` returns true.
    #[must_use]
    pub fn filter(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self(self.words().filter(|word| keep(word)).collect::<Vec<_>>().join(" ").into())
    }

    /// The words of both, those of `self` first. A word of both counts once.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let more = other.words().filter(|word| !self.contains(word));
        Self(self.words().chain(more).collect::<Vec<_>>().join(" ").into())
    }

    /// Whether `word` was granted. The comparison is exact and case-sensitive.
    pub fn contains(&self, word: &str) -> bool {
        !word.is_empty() && self.0.split(' ').any(|granted| granted == word)
    }
}

impl Default for Scope {
    /// The empty scope.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_words_separated_by_single_spaces() {
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
    fn scopes_are_filtered_and_united_in_their_order() {
        let scope = |text| Scope::parse(text).unwrap();
        let both = scope("b a").union(&scope("c a d"));
        assert_eq!(both, scope("b a c d"));
        assert_eq!(both.filter(|word| word != "a"), scope("b c d"));
        assert_eq!(both.filter(|_| false), Scope::default());
        for other in [Scope::default(), scope("b")] {
            assert_eq!(scope("b").union(&other), scope("b"));
            assert_eq!(other.union(&scope("b")), scope("b"));
        }
    }

    #[test]
    fn a_part_of_a_scopes_name_does_not_grant_it() {
        let scope = Scope::parse("photos:read").unwrap();
        assert!(scope.contains("photos:read"));
        for other in ["photos", "photos:rea", "photos:reader", "Photos:read", ""] {
            assert!(!scope.contains(other), "{other}");
        }
    }
}
