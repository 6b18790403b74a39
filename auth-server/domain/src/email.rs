//! E-mail addresses: normalised where they enter, lower-cased for comparison. docs/accounts.md explains the rules.

mod characters;
mod domain_name;
mod stored;

use std::fmt;

use unicode_normalization::UnicodeNormalization;

pub use stored::StoredEmail;

/// The longest address, in bytes (RFC 5321 §4.5.3.1, with the angle brackets of its path left out).
const MAX_BYTES: usize = 254;

/// The longest part before the `@`, in bytes (RFC 5321 §4.5.3.1).
const MAX_NAME_BYTES: usize = 64;

/// Longer text cannot become an address: normalising to NFC makes a text at most three times shorter.
const MAX_INPUT_BYTES: usize = 3 * MAX_BYTES;

/// A normalised address: no white space around it, in NFC, the domain in lower case and in Unicode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// A normalised address in lower case, computed here so that SQLite and Postgres agree. Unique among users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailKey(String);

/// The text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("An e-mail address looks like name@example.com and has at most 254 characters.")]
pub struct InvalidEmail;

impl Email {
    /// Parses and normalises an address. Rejects text that cannot be one, would break a header or a log line, or looks
    /// like another address.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        normalised(text).map(Self).ok_or(InvalidEmail)
    }

    /// An address that a store returns. Users of earlier versions may have one that [`parse`](Self::parse) would change
    /// or reject.
    pub fn stored(text: &str) -> Result<Self, InvalidEmail> {
        let fits = text.contains('@') && !text.contains(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidEmail) }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key: normalised, in lower case by Unicode's default mapping.
    pub fn key(&self) -> EmailKey {
        EmailKey(lower_case(&normalised(&self.0).unwrap_or_else(|| self.0.clone())))
    }
}

/// The normalised address. The part before the `@` keeps its capitals, which only the key changes to lower case.
fn normalised(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX_INPUT_BYTES {
        return None;
    }
    let text: String = text.nfc().collect();
    if text.contains(characters::is_rejected) {
        return None;
    }
    let (name, domain) = text.rsplit_once('@')?;
    if name.contains('@') || !(1..=MAX_NAME_BYTES).contains(&name.len()) {
        return None;
    }
    let address = format!("{name}@{}", domain_name::normalised(domain)?);
    (address.len() <= MAX_BYTES).then_some(address)
}

/// Normalised again, because the lower case of a text in NFC may not be in NFC.
fn lower_case(text: &str) -> String {
    text.to_lowercase().nfc().collect()
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EmailKey {
    /// The version of the rules. A store that recorded an earlier one has keys to be computed again.
    pub const VERSION: i64 = 1;

    /// A key that a store returns.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// A part of an address as it would be in a key, for a search.
    pub fn part(text: &str) -> String {
        let text = text.trim();
        let (before, domain) = text.rfind('@').map_or(("", text), |at| text.split_at(at + 1));
        let domain = domain_name::normalised(domain).filter(|_| domain_name::is_encoded(domain));
        let text = domain.map_or_else(|| text.to_owned(), |domain| format!("{before}{domain}"));
        lower_case(&text)
    }

    /// The text of the key, for stores.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests;
