//! Proof Key for Code Exchange (RFC 7636), with `S256` only.

use goptri_settings::{Plain, SecretKind};
use sha2::{Digest as _, Sha256};

/// The kind of a code verifier.
#[derive(Debug)]
pub enum CodeVerifier {}
impl SecretKind for CodeVerifier {
    const NAME: &'static str = "code verifier";
}

/// A `code_challenge` of method `S256`: the digest of the verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeChallenge([u8; 32]);

/// The text is not a `code_challenge` of method `S256`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("code_challenge must be the base64url of a SHA-256, without padding")]
pub struct InvalidCodeChallenge;

impl CodeChallenge {
    /// Parses a `code_challenge`.
    pub fn parse(text: &str) -> Result<Self, InvalidCodeChallenge> {
        let bytes = goptri::token::decode_base64url(text).ok_or(InvalidCodeChallenge)?;
        bytes.try_into().map(Self).map_err(|_| InvalidCodeChallenge)
    }

    /// A stored challenge.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, to be stored.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `verifier` is well-formed (43 to 128 unreserved characters, RFC 7636 §4.1) and belongs to this
    /// challenge.
    pub fn matches(&self, verifier: &Plain<CodeVerifier>) -> bool {
        let verifier = verifier.expose();
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        (43..=128).contains(&verifier.len())
            && verifier.bytes().all(unreserved)
            && Sha256::digest(verifier.as_bytes())[..] == self.0
    }
}
