//! The rules for new passwords, and the form in which passwords are hashed.

use std::fmt;

use goptri_settings::{Plain, SecretKind};
use unicode_normalization::UnicodeNormalization;

use crate::{Email, common_passwords};

/// The kind of a password.
#[derive(Debug)]
pub enum Password {}
impl SecretKind for Password {
    const NAME: &'static str = "password";
}

/// Longer passwords are rejected before any other work (PW-05).
const MAX_BYTES: usize = 1024;

/// A word that makes an obvious password for this service.
const SERVICE_NAME: &str = "goptri";

/// A password in Unicode's NFC, the form in which it is set and verified: two keyboards that encode an `ü` differently
/// enter the same password (PW-06). Nothing else is changed.
#[derive(Debug, Clone)]
pub struct NormalisedPassword(Plain<Password>);

impl NormalisedPassword {
    /// Normalises a password. `None`: it is longer than 1,024 bytes, so it is no user's password.
    pub fn of(password: &Plain<Password>) -> Option<Self> {
        let text = password.expose();
        (text.len() <= MAX_BYTES).then(|| Self(Plain::new(text.nfc().collect())))
    }

    /// The text, for the hasher.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The rules for a new password.
#[derive(Debug, Clone, Copy)]
pub struct PasswordRules {
    /// The minimal number of code points (PW-04).
    pub min_length: usize,
}

/// Why a password is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRejected {
    /// Fewer code points than the minimum.
    #[error("The password is too short; it needs at least {0} characters.")]
    TooShort(usize),
    /// More than 1,024 bytes.
    #[error("The password is longer than 1024 bytes.")]
    TooLong,
    /// Contains a NUL, which other programs treat as the end.
    #[error("The password contains a NUL character.")]
    Nul,
    /// The e-mail address, its local part, or the name of this service.
    #[error("The password is the e-mail address or the name of this service.")]
    Obvious,
    /// One of those that attackers try first (PW-08).
    #[error(
        "The password is common, a sequence or a repetition, which attackers try first; choose another one."
    )]
    Common,
}

impl PasswordRules {
    /// Checks a new password of the user with that address, and normalises it.
    pub fn check(
        self,
        password: &Plain<Password>,
        email: &Email,
    ) -> Result<NormalisedPassword, PasswordRejected> {
        let password = NormalisedPassword::of(password).ok_or(PasswordRejected::TooLong)?;
        let text = password.expose();
        if text.contains('\0') {
            return Err(PasswordRejected::Nul);
        }
        if text.chars().count() < self.min_length {
            return Err(PasswordRejected::TooShort(self.min_length));
        }
        let folded: Plain<Password> = Plain::new(text.to_lowercase());
        let core = common_passwords::core(folded.expose());
        if is_obvious(folded.expose(), email) || !core.is_empty() && is_obvious(core, email) {
            return Err(PasswordRejected::Obvious);
        }
        if common_passwords::is_common(folded.expose()) {
            return Err(PasswordRejected::Common);
        }
        Ok(password)
    }
}

/// Whether it is a context-specific word (PW-08: the address, its local part or the service), or a repetition of one.
fn is_obvious(text: &str, email: &Email) -> bool {
    let address = email.as_str().nfc().collect::<String>().to_lowercase();
    let name = address.split('@').next().unwrap_or_default();
    [address.as_str(), name, SERVICE_NAME].into_iter().any(|word| text.replace(word, "").is_empty())
}

/// A password hash in PHC form (`$argon2id$…`). `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// A hash from a hasher or a store.
    pub fn from_phc(text: String) -> Self {
        Self(text)
    }

    /// The text, for hashers and stores.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<password hash>")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), PasswordRejected> {
        let email = Email::parse("Ann.Lee@example.com").unwrap();
        PasswordRules { min_length: 15 }.check(&Plain::new(text.to_owned()), &email).map(|_| ())
    }

    /// PW-04, PW-07
    #[test]
    fn the_minimum_counts_code_points_and_the_maximum_counts_bytes() {
        let table = [
            ("a".repeat(14), Err(PasswordRejected::TooShort(15))),
            ("fifteen letters".to_owned(), Ok(())),
            ("ü".repeat(14), Err(PasswordRejected::TooShort(15))),
            ("u\u{308}".repeat(14), Err(PasswordRejected::TooShort(15))),
            ("😀😁😂😃😄😅😆😇😈😉😊😋😌😍😎".to_owned(), Ok(())),
            ("only lower case and spaces".to_owned(), Ok(())),
            (" 8304175291603827 ".to_owned(), Ok(())),
            (long(1024), Ok(())),
            (long(1025), Err(PasswordRejected::TooLong)),
            (format!("{}\0", "a".repeat(20)), Err(PasswordRejected::Nul)),
        ];
        for (text, expected) in table {
            assert_eq!(check(&text), expected, "{text:?}");
        }
    }

    /// A password of this many bytes, to which no other rule applies.
    fn long(bytes: usize) -> String {
        (0..).flat_map(|number: u32| format!("{number} ").into_bytes()).map(char::from).take(bytes).collect()
    }

    /// PW-08
    #[test]
    fn common_passwords_are_rejected_in_any_case_and_when_padded_to_the_minimal_length() {
        for text in
            ["ManchesterUnited", "123456789012345", "Password1234567", "PASSWORDpassword", &"a".repeat(1024)]
        {
            assert_eq!(check(text), Err(PasswordRejected::Common), "{text}");
        }
    }

    /// PW-08, for context words.
    #[test]
    fn the_address_and_the_name_of_the_service_are_rejected() {
        for text in [
            "ann.lee@example.com",
            "ANN.LEE@EXAMPLE.COM",
            "ann.leeann.leeann.lee",
            "goptriGOPTRIgoptri",
            "Goptri-123456789",
            "!!!ann.lee!!!!!!",
        ] {
            assert_eq!(check(text), Err(PasswordRejected::Obvious), "{text}");
        }
        for text in ["my ann.lee@example.com", "goptri is what it is", "lee.ann@example.com"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    /// PW-06
    #[test]
    fn composed_and_decomposed_characters_are_the_same_password_and_nothing_else_is_changed() {
        let normal =
            |text: &str| NormalisedPassword::of(&Plain::new(text.to_owned())).unwrap().expose().to_owned();
        assert_eq!(normal("u\u{308}ber"), normal("über"));
        for text in ["  Spaces  ", "ﬁ ² Å", "A a"] {
            assert_eq!(normal(text), text.nfc().collect::<String>());
        }
        assert_ne!(normal("ﬁ"), normal("fi"), "compatibility forms are not changed");
        assert!(NormalisedPassword::of(&Plain::new("a".repeat(1025))).is_none());
    }
}
