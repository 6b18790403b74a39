//! E-mail addresses: parsed once at the edge, folded once for comparison.

use std::fmt;

/// An address as the person wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

/// An address folded, so that the same mailbox has one key on every engine. Unique among users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailKey(String);

/// The text is no address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("An e-mail address looks like name@example.com and has at most 254 characters.")]
pub struct InvalidEmail;

impl Email {
    /// RFC 5321 §4.5.3.1: at most 254 bytes, of which 64 stand before the last `@`. Whether it exists, only a
    /// letter can tell; here it is refused what cannot be one, or would break a header or a log line.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let (name, domain) = text.rsplit_once('@').ok_or(InvalidEmail)?;
        let strange = |c: char| {
            c.is_control()
                || c.is_whitespace()
                || is_invisible(c)
                || matches!(c, '<' | '>' | '"' | ',' | ';' | '\\')
        };
        let label_fits = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
        let fits = text.len() <= 254
            && (1..=64).contains(&name.len())
            && !text.contains(strange)
            && !name.contains('@')
            && domain.split('.').all(label_fits);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidEmail) }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Folded: lower case by Unicode's default mapping, the same on every engine.
    pub fn key(&self) -> EmailKey {
        EmailKey(self.0.to_lowercase())
    }
}

/// Characters that show nothing, or turn the direction of the text around: two addresses that look the same.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EmailKey {
    /// For the store.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_name_and_a_domain_and_nothing_that_breaks_a_line() {
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
    fn the_key_is_the_same_for_every_spelling_in_capitals() {
        let key = |text| Email::parse(text).unwrap().key();
        assert_eq!(key("Ann@Example.COM"), key("ann@example.com"));
        assert_eq!(key("JÜRGEN@example.de"), key("jürgen@example.de"));
        assert_ne!(key("ann@example.com"), key("an.n@example.com"));
    }
}
