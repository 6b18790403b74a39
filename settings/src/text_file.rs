//! Reads text files, including those of other systems. A file that is not UTF-8 gets an error with the remedy.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use zeroize::Zeroizing;

/// The largest file, in bytes. A larger one is a mistake, and `/dev/zero` has no end.
const MAX_BYTES: usize = 1 << 20;

/// Why the bytes of a file are not text, as a clause that follows its name. Quotes nothing of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotText {
    /// UTF-8 with a mark, as Windows editors write it.
    #[error("begins with a byte order mark; save it as UTF-8 without a byte order mark")]
    ByteOrderMark,
    /// UTF-16, with or without a mark.
    #[error("is encoded as UTF-16; save it as UTF-8 without a byte order mark")]
    Utf16,
    /// ASN.1, for instance a key or a certificate.
    #[error("is binary (DER); convert it to PEM with openssl")]
    Der,
    /// NUL bytes.
    #[error("has NUL bytes, so it is not text; save it as UTF-8 without a byte order mark")]
    Nul,
    /// Another encoding.
    #[error("is not UTF-8 text; save it as UTF-8 without a byte order mark")]
    NotUtf8,
}

/// The bytes of a file.
///
/// # Errors
/// Also when it has more than a mebibyte.
pub(crate) fn read(path: impl AsRef<Path>) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = File::open(path)?;
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    // Large enough from the start: growing would leave copies of a secret in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.min(MAX_BYTES) + 1));
    file.by_ref().take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_BYTES {
        return Err(io::Error::other("it has more than 1 MiB"));
    }
    Ok(bytes)
}

/// The text of a file that a variable names.
///
/// # Errors
/// A clause that follows the name of the variable.
pub fn read_text_file(path: &str) -> Result<Zeroizing<String>, String> {
    text_of(path, read(path).as_deref())
}

/// The text of a file that was read.
pub(crate) fn text_of<B: AsRef<[u8]>>(
    path: &str,
    read: Result<B, &io::Error>,
) -> Result<Zeroizing<String>, String> {
    let named = |problem: &str| format!("names the file {path:?}, which {problem}");
    let bytes = read.map_err(|error| named(&format!("cannot be read: {error}")))?;
    let text = decode(bytes.as_ref()).map_err(|problem| named(&problem.to_string()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The bytes as text.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, NotText> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(NotText::ByteOrderMark);
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") || is_ascii_in_utf16(bytes) {
        return Err(NotText::Utf16);
    }
    // A long SEQUENCE, with which certificates and most keys begin; shorter keys have NUL bytes. No text begins so:
    // 0x81 and 0x82 continue a character.
    if bytes.starts_with(b"\x30\x81") || bytes.starts_with(b"\x30\x82") {
        return Err(NotText::Der);
    }
    if bytes.contains(&0) {
        return Err(NotText::Nul);
    }
    str::from_utf8(bytes).map_err(|_| NotText::NotUtf8)
}

/// Whether every other byte is NUL, and those between are not.
fn is_ascii_in_utf16(bytes: &[u8]) -> bool {
    let nul_from = |first: usize| bytes.iter().skip(first).step_by(2).all(|byte| *byte == 0);
    bytes.len() >= 2 && bytes.len().is_multiple_of(2) && nul_from(0) != nul_from(1)
}

/// What shows that a variable comes from a file in another encoding or with CRLF, as a clause that follows its name.
pub(crate) fn encoding_problem(value: &str) -> Option<&'static str> {
    if value.starts_with('\u{feff}') {
        return Some(
            "begins with a byte order mark; save the file that it comes from as UTF-8 without a byte order mark",
        );
    }
    if value.ends_with('\r') {
        return Some("ends with a carriage return; save the file that it comes from with LF line endings");
    }
    // `Environment` reads bytes that are not UTF-8 as this character.
    value.contains('\u{fffd}').then_some("is not encoded as UTF-8")
}

/// Whether every user of this machine can read the file.
pub(crate) fn is_world_readable(path: impl AsRef<Path>) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o004 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(mark: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        [mark, &"hunter2\r\n".encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
    }

    #[test]
    fn what_is_not_utf_8_text_is_named_with_the_remedy() {
        let table = [
            (b"\xef\xbb\xbfhunter2\n".to_vec(), NotText::ByteOrderMark),
            (b"\xef\xbb\xbf".to_vec(), NotText::ByteOrderMark),
            (utf16(b"\xff\xfe", u16::to_le_bytes), NotText::Utf16),
            (utf16(b"\xfe\xff", u16::to_be_bytes), NotText::Utf16),
            (utf16(b"", u16::to_le_bytes), NotText::Utf16),
            (utf16(b"", u16::to_be_bytes), NotText::Utf16),
            (b"hunter2\0\n".to_vec(), NotText::Nul),
            (b"\0\0\0\0".to_vec(), NotText::Nul),
            (b"hunter2\xe4\n".to_vec(), NotText::NotUtf8),
            (b"\x30\x2e\x02\x01\x00".to_vec(), NotText::Nul),
            (b"\x30\x82\x01\x0a\x02\x82".to_vec(), NotText::Der),
        ];
        for (bytes, expected) in table {
            assert_eq!(decode(&bytes), Err(expected), "{bytes:?}");
            let sentence = expected.to_string();
            let remedy =
                if expected == NotText::Der { "to PEM" } else { "as UTF-8 without a byte order mark" };
            assert!(sentence.contains(remedy), "{sentence}");
        }
        for text in ["", "hunter2\r\n", "h\u{e4}nter\u{feff}2"] {
            assert_eq!(decode(text.as_bytes()), Ok(text));
        }
    }

    #[test]
    fn a_variable_from_a_file_of_another_system_is_noticed() {
        for (value, problem) in [
            ("\u{feff}hunter2", "begins with a byte order mark; save the file"),
            ("hunter2\r", "ends with a carriage return"),
            ("hunt\u{fffd}r2", "is not encoded as UTF-8"),
        ] {
            assert!(encoding_problem(value).is_some_and(|found| found.starts_with(problem)), "{value:?}");
        }
        assert_eq!(encoding_problem("hunter2"), None);
    }

    #[test]
    fn a_file_without_an_end_is_not_read_to_it() {
        let problem = read_text_file("/dev/zero").unwrap_err();
        assert_eq!(problem, r#"names the file "/dev/zero", which cannot be read: it has more than 1 MiB"#);
    }
}
