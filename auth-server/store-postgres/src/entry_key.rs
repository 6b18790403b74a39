//! The key of an entry of the feed, as a part of a cursor.

use std::fmt;

use uuid::Uuid;

use crate::revocation_rows::RevokedRow;

/// Sorts like the columns `(user_id, kind, subject)`. The default sorts before all entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EntryKey {
    pub(crate) user_id: Uuid,
    pub(crate) kind: String,
    pub(crate) subject: String,
}

impl EntryKey {
    pub(crate) fn of(row: &RevokedRow) -> Self {
        Self { user_id: row.user_id, kind: row.kind.clone(), subject: row.subject.clone() }
    }

    /// Parses what `Display` shows.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self::default());
        }
        let mut parts = text.split('-');
        let (user_id, kind, subject) = (parts.next()?.parse().ok()?, parts.next()?.to_owned(), parts.next()?);
        let subject = parse_hex(subject)?;
        parts.next().is_none().then_some(Self { user_id, kind, subject })
    }
}

impl fmt::Display for EntryKey {
    /// Writes only digits, letters and dashes, whatever the subject is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::default() {
            return f.write_str("0");
        }
        write!(f, "{}-{}-", self.user_id.simple(), self.kind)?;
        self.subject.bytes().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

fn parse_hex(text: &str) -> Option<String> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes = pairs.iter().map(byte).collect::<Option<Vec<_>>>()?;
    rest.is_empty().then(|| String::from_utf8(bytes).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_parsed_as_it_was_shown() {
        for subject in ["", "5f2a9c4be1d07836", "a_b-c", "Ünïcode 😀 \n"] {
            let key = EntryKey {
                user_id: Uuid::from_u128(7),
                kind: "client".to_owned(),
                subject: subject.to_owned(),
            };
            let shown = key.to_string();
            assert!(shown.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{shown}");
            assert_eq!(EntryKey::parse(&shown), Some(key));
        }
        assert_eq!(EntryKey::parse(&EntryKey::default().to_string()), Some(EntryKey::default()));
    }

    #[test]
    fn a_malformed_key_is_not_parsed() {
        let user = Uuid::nil().simple();
        for text in ["", "1", "-", "x-token-00", "é", "0-token-00"] {
            assert_eq!(EntryKey::parse(text), None, "{text}");
        }
        for rest in ["", "-token", "-token-0", "-token-0x", "-token-ff", "-token-é", "-token-00-"] {
            assert_eq!(EntryKey::parse(&format!("{user}{rest}")), None, "{rest}");
        }
    }
}
