//! Which passwords are fit to be set, and the form in which one is kept.

use std::fmt;

use goptri::{Kind, Plain};

/// The kind of a password.
#[derive(Debug)]
pub enum Password {}
impl Kind for Password {
    const NAME: &'static str = "password";
}

/// A longer password is refused before it is hashed (PW-05).
const MAX_BYTES: usize = 1024;

/// What a new password must have.
#[derive(Debug, Clone, Copy)]
pub struct PasswordRules {
    /// The least number of code points (PW-04).
    pub min_length: usize,
}

/// Why a password cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnfitPassword {
    /// Fewer code points than the rules ask for.
    #[error("The password is too short; it needs at least {0} characters.")]
    TooShort(usize),
    /// More than 1,024 bytes.
    #[error("The password is longer than 1024 bytes.")]
    TooLong,
    /// Has a NUL, which other programs take for the end.
    #[error("The password has a NUL character.")]
    Nul,
}

impl PasswordRules {
    /// Whether `password` may be set.
    pub fn check(self, password: &Plain<Password>) -> Result<(), UnfitPassword> {
        let text = password.expose();
        if text.len() > MAX_BYTES {
            return Err(UnfitPassword::TooLong);
        }
        if text.contains('\0') {
            return Err(UnfitPassword::Nul);
        }
        if text.chars().count() < self.min_length {
            return Err(UnfitPassword::TooShort(self.min_length));
        }
        Ok(())
    }

    /// Whether `password` can be one that was set: what is refused here need not be hashed.
    pub fn can_be_verified(password: &Plain<Password>) -> bool {
        password.expose().len() <= MAX_BYTES
    }
}

/// A password hash in PHC form (`$argon2id$…`). Blank in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// As a hasher made it or a store kept it.
    pub fn from_phc(text: String) -> Self {
        Self(text)
    }

    /// For the hasher and the store.
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

    /// PW-04, PW-05, PW-07
    #[test]
    fn a_password_is_measured_in_code_points_at_least_and_in_bytes_at_most() {
        let rules = PasswordRules { min_length: 15 };
        let table = [
            ("a".repeat(14), Err(UnfitPassword::TooShort(15))),
            ("a".repeat(15), Ok(())),
            ("ü".repeat(14), Err(UnfitPassword::TooShort(15))),
            ("😀".repeat(15), Ok(())),
            (" ".repeat(15), Ok(())),
            ("a".repeat(1024), Ok(())),
            ("a".repeat(1025), Err(UnfitPassword::TooLong)),
            (format!("{}\0", "a".repeat(20)), Err(UnfitPassword::Nul)),
        ];
        for (text, expected) in table {
            assert_eq!(rules.check(&Plain::new(text.clone())), expected, "{text:?}");
        }
    }
}
