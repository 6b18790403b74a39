//! E-mail addresses: validated once, case-folded for comparison.

use std::fmt;

/// An address as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// A case-folded address, the same on every engine. Unique among users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailKey(String);

/// The text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("An e-mail address looks like name@example.com and has at most 254 characters.")]
pub struct InvalidEmail;

impl Email {
    /// Parses an address. Rejects text that cannot be one or would break a header or a log line. RFC 5321 §4.5.3.1 allows
    /// at most 254 bytes, of which 64 precede the last `@`.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let (name, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let forbidden = |c: char| {
            c.is_control()
                || c.is_whitespace()
                || is_invisible(c)
                || matches!(c, '<' | '>' | '"' | ',' | ';' | '\\')
        };
        let label_fits = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        let fits = text.len() <= 254
            && (1..=64).contains(&name.len())
            && !text.contains(forbidden)
            && !name.contains('@')
            && domain.split('.').all(label_fits);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidEmail) }
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key: lower case by Unicode's default mapping.
    pub fn key(&self) -> EmailKey {
        EmailKey(self.0.to_lowercase())
    }
}

/// Whether a character is invisible or changes the direction of text: with these, two different addresses can look the
/// same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EmailKey {
    /// The text of the key, for stores.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_local_part_and_a_domain_and_no_character_that_breaks_a_line() {
        let long = format!("{}@example.com", "a".repeat(65));
        let longer = format!("a@{}.com", "a".repeat(250));
        for text in [
            "ann@example.com",
            "ann+photos@mail.example.co.uk",
            "o'neil@example.com",
            "dev@localhost",
            "jürgen@example.de",
        ] {
            assert_eq!(Email::parse(text).map(|email| email.as_str().to_owned()), Ok(text.to_owned()));
        }
        for text in [
            "",
            "ann",
            "@",
            "ann@",
            "@example.com",
            "a b@example.com",
            "ann@example.com\r\nBcc: eve@example.com",
            "ann@example..com",
            "ann@.com",
            "ann@example.com.",
            "ann@-example.com",
            "a@b@example.com",
            "ann\0@example.com",
            "<ann@example.com>",
            "ann@example.com,eve@example.com",
            "ann@exam\u{2028}ple.com",
            "ann\u{200b}@example.com",
            "ann\u{202e}@example.com",
            &long,
            &longer,
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }

    #[test]
    fn the_key_ignores_case() {
        let key = |text| Email::parse(text).unwrap().key();
        assert_eq!(key("Ann@Example.COM"), key("ann@example.com"));
        assert_eq!(key("JÜRGEN@example.de"), key("jürgen@example.de"));
        assert_ne!(key("ann@example.com"), key("an.n@example.com"));
    }
}
