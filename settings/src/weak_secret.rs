//! Rejects weak secrets (JV-23, OP-04): too short, well known, or typed by hand.

/// RFC 7518 §3.2: a key is at least as long as the output of the hash, which is 32 bytes for HS256.
const MIN_BYTES: usize = 32;

/// 32 random hex digits have about 14 distinct characters; a pattern such as `abcabc…` has few.
const MIN_DISTINCT: usize = 8;

/// Values that are pasted from tutorials. Rejected also when repeated to fill the length.
const KNOWN: [&str; 15] = [
    "secret",
    "asdf",
    "changeme",
    "change-me",
    "change_me",
    "password",
    "test",
    "default",
    "example",
    "0123456789",
    "1234567890",
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "your_secret_key",
    "supersecret",
];

/// Why a text is rejected as a secret. No variant contains any part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecret {
    /// Shorter than 32 bytes.
    #[error("is {bytes} bytes long; it needs at least 32. `auth-server secrets` prints good ones")]
    TooShort {
        /// Its length.
        bytes: usize,
    },
    /// A well-known value, perhaps repeated.
    #[error("is a well-known default. `auth-server secrets` prints good ones")]
    Known,
    /// Contains white space or control characters.
    #[error(
        "contains white space or control characters, like a passphrase or a pasted line break. `auth-server secrets` prints good ones"
    )]
    Passphrase,
    /// Has few distinct characters.
    #[error("repeats a few characters. `auth-server secrets` prints good ones")]
    Repetitive,
}

impl WeakSecret {
    /// Checks `text`.
    ///
    /// # Errors
    /// The first weakness found.
    pub fn check(text: &str) -> Result<(), Self> {
        let lower = text.to_ascii_lowercase();
        if KNOWN
            .iter()
            .any(|known| lower.replace(known, "").len() * 4 <= lower.len() && lower.contains(known))
        {
            return Err(Self::Known);
        }
        if text.len() < MIN_BYTES {
            return Err(Self::TooShort { bytes: text.len() });
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Self::Passphrase);
        }
        let mut distinct: Vec<u8> = text.bytes().collect();
        distinct.sort_unstable();
        distinct.dedup();
        if distinct.len() < MIN_DISTINCT {
            return Err(Self::Repetitive);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JV-23
    #[test]
    fn short_known_typed_and_repetitive_secrets_are_rejected() {
        let table = [
            ("", Err(WeakSecret::TooShort { bytes: 0 })),
            ("secret", Err(WeakSecret::Known)),
            ("ASDF", Err(WeakSecret::Known)),
            ("changemechangemechangemechangemechangeme", Err(WeakSecret::Known)),
            ("your-256-bit-secret", Err(WeakSecret::Known)),
            ("a-string-secret-at-least-256-bits-long", Err(WeakSecret::Known)),
            ("5f2a9c4be1d07836", Err(WeakSecret::TooShort { bytes: 16 })),
            ("5f2a9c4be1d078365f2a9c4be1d0783", Err(WeakSecret::TooShort { bytes: 31 })),
            ("correct horse battery staple correct horse", Err(WeakSecret::Passphrase)),
            ("5f2a9c4be1d078365f2a9c4be1d07836\n", Err(WeakSecret::Passphrase)),
            ("abababababababababababababababababababab", Err(WeakSecret::Repetitive)),
            ("5f2a9c4be1d078365f2a9c4be1d07836", Ok(())),
        ];
        for (text, expected) in table {
            assert_eq!(WeakSecret::check(text), expected, "{text:?}");
        }
    }
}
