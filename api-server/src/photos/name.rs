//! The names of photos.

use super::refusal::Refusal;

/// The name of a photo within its album: `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`.
///
/// It can be a file name as it is: it needs no escaping, is not hidden, and contains no path separator.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhotoName(String);

impl PhotoName {
    /// Parses a name.
    ///
    /// # Errors
    /// [`Refusal::InvalidName`].
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        match text.as_bytes() {
            [first, rest @ ..]
                if first.is_ascii_alphanumeric() && rest.len() < 100 && rest.iter().all(allowed) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(Refusal::InvalidName),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_of_letters_digits_dots_underscores_and_hyphens() {
        let (longest, longer) = ("a".repeat(100), "a".repeat(101));
        for (text, valid) in [
            ("a", true),
            ("7", true),
            ("Cat-7_of.9.png", true),
            ("a.", true),
            ("a..b", true),
            (longest.as_str(), true),
            (longer.as_str(), false),
            ("", false),
            (".", false),
            ("..", false),
            (".hidden", false),
            ("-rf", false),
            ("_a", false),
            ("a/b", false),
            ("a\\b", false),
            ("..%2f..", false),
            ("a b", false),
            ("a\0", false),
            ("a\n", false),
            ("\u{e4}.png", false),
            ("a\u{e4}", false),
            ("a\u{ff0f}b", false),
        ] {
            assert_eq!(PhotoName::parse(text).is_ok(), valid, "{text:?}");
        }
    }
}
