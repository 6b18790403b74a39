//! Parses the `.env` file.

use std::io;

/// `.env` exists but cannot be used. The message names the line, never its text, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The file cannot be read.
    #[error(".env cannot be read: {0}")]
    Unreadable(io::Error),
    /// The file begins with the byte order mark of UTF-16, or has NUL bytes.
    #[error(".env is not encoded as UTF-8 but as UTF-16; save it as UTF-8")]
    Utf16,
    /// The file begins with the byte order mark of UTF-8.
    #[error(".env begins with a byte order mark (BOM); save it as UTF-8 without BOM")]
    ByteOrderMark,
    /// A line is not UTF-8.
    #[error("line {0} of .env is not encoded as UTF-8; save the file as UTF-8")]
    NotUtf8(usize),
    /// A line is not an assignment, or a quote is not closed.
    #[error(
        "line {0} of .env is not NAME=value; a value with spaces, quotes or # stands in quotes, and each quote is closed"
    )]
    Syntax(usize),
}

/// Parses the assignments of the file, in their order.
///
/// # Errors
/// The first problem of the file, with its line.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<(String, String)>, EnvironmentError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) || bytes.contains(&0) {
        return Err(EnvironmentError::Utf16);
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(EnvironmentError::ByteOrderMark);
    }
    let text = str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        EnvironmentError::NotUtf8(before.split(|byte| *byte == b'\n').count())
    })?;
    assignments(text).ok_or_else(|| EnvironmentError::Syntax(first_bad_line(text)))
}

fn assignments(text: &str) -> Option<Vec<(String, String)>> {
    // dotenvy rejects a space at the end of a file that has no line feed there.
    dotenvy::from_read_iter(format!("{text}\n").as_bytes()).collect::<Result<_, _>>().ok()
}

/// The line of the first assignment that does not parse, which dotenvy does not report. A quoted value may extend over
/// several lines, so an assignment is tried with more and more of the following lines.
fn first_bad_line(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let mut start = 0;
    for end in 1..=lines.len() {
        if assignments(&lines[start..end].join("\n")).is_some() {
            start = end;
        }
    }
    start + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        parse(bytes).unwrap_err().to_string()
    }

    #[test]
    fn assignments_comments_quotes_and_substitutions_are_read() {
        let text = "# a comment\r\nA=1\r\n\nexport B='x y $A'\nC=\"two\nlines\"\nD=${A}2 # why\nA=3\nE= ";
        let parsed = parse(text.as_bytes()).unwrap();
        let parsed: Vec<_> = parsed.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let expected = [("A", "1"), ("B", "x y $A"), ("C", "two\nlines"), ("D", "12"), ("A", "3"), ("E", "")];
        assert_eq!(parsed, expected);
        assert_eq!(parse(b"").unwrap(), []);
    }

    #[test]
    fn a_syntax_error_names_the_line_and_never_its_text() {
        for (text, line) in [
            ("hunter2", 1),
            ("A=1\n\nhunter2\nB=2\n", 3),
            ("A=1\nB=hunter2 hunter2\nhunter2\n", 2),
            ("A=1\n# a comment\nB='hunter2\nC=2\n", 3),
            ("A=\"two\nlines\"\nB=\"hunter2\n", 3),
            ("A='1'\nB='hunter2\nC='2'\nD=4", 2),
            ("=hunter2", 1),
            ("A=1\r\nB hunter2\r\n", 2),
        ] {
            let error = error(text.as_bytes());
            assert!(
                error.starts_with(&format!("line {line} of .env is not NAME=value")),
                "{text:?}: {error}"
            );
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn other_encodings_than_utf_8_are_named() {
        let utf_16 = |bom: &[u8], bytes: fn(u16) -> [u8; 2]| {
            [bom, &"A=hunter2\n".encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
        };
        let files = [
            (utf_16(b"\xff\xfe", u16::to_le_bytes), "not encoded as UTF-8 but as UTF-16"),
            (utf_16(b"\xfe\xff", u16::to_be_bytes), "not encoded as UTF-8 but as UTF-16"),
            (utf_16(b"", u16::to_le_bytes), "not encoded as UTF-8 but as UTF-16"),
            (b"\xef\xbb\xbfA=hunter2\n".to_vec(), "begins with a byte order mark (BOM)"),
            (b"A=1\nB=hunter2\xe4\n".to_vec(), "line 2 of .env is not encoded as UTF-8"),
        ];
        for (bytes, problem) in files {
            let error = error(&bytes);
            assert!(error.contains(problem) && !error.contains("hunter2"), "{error}");
        }
    }
}
