//! What a picture may be called.

use goptri::ProtocolError;

/// The name of a picture within its album: `[A-Za-z0-9][A-Za-z0-9._-]{0,99}`.
///
/// As a file's name it needs no escaping, is not hidden, and is no path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhotoName(String);

/// The text is no such name.
const INVALID: ProtocolError = ProtocolError::new(
    400,
    "invalid_name",
    "The name of a picture has at most 100 characters: letters from A to Z, digits, and, but not at its beginning, dots, underscores and hyphens.",
);

impl PhotoName {
    /// The name, if it is one.
    pub fn parse(text: &str) -> Result<Self, ProtocolError> {
        let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        match text.as_bytes() {
            [first, rest @ ..]
                if first.is_ascii_alphanumeric() && rest.len() < 100 && rest.iter().all(inside) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(INVALID),
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_letters_digits_and_little_else() {
        let (longest, longer) = ("a".repeat(100), "a".repeat(101));
        for (text, good) in [
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
            assert_eq!(PhotoName::parse(text).is_ok(), good, "{text:?}");
        }
    }
}
