//! Why a file of private keys cannot be used.

use super::jwks::MAX_KEYS;
use super::public_key::PublicKeyError;

/// A defect of a key file, as a clause that follows the name of the file. Contains no part of the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// The file is empty.
    #[error("is empty. `auth-server key generate` makes one")]
    Empty,
    /// The file has no PEM block.
    #[error("has no private key in PEM (-----BEGIN PRIVATE KEY-----). `auth-server key generate` makes one")]
    NoKey,
    /// A block has no end.
    #[error("is cut off in the middle of a block, like a file that is still being written")]
    Truncated,
    /// A block has characters that base64 does not have.
    #[error("has a block that is not base64; copy the key again, or `auth-server key generate` makes one")]
    NotBase64,
    /// A certificate.
    #[error("holds a certificate; put only the private key here")]
    Certificate,
    /// A public key.
    #[error("holds a public key; put the private key here, from which the public one is derived")]
    Public,
    /// PKCS#1 or SEC 1.
    #[error(
        "holds a key in an older form; `openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW` converts it to PKCS#8"
    )]
    NotPkcs8,
    /// An encrypted key.
    #[error("holds a key with a passphrase; `openssl pkcs8 -in OLD -out NEW` removes it")]
    Encrypted,
    /// Another algorithm, a short RSA key, or damaged bytes.
    #[error("holds a key that is not Ed25519, P-256 or RSA of at least 2048 bits, or that is damaged")]
    Unsupported,
    /// An insecure key.
    #[error("holds a key that cannot be used: {0}")]
    Weak(#[from] PublicKeyError),
    /// More keys than services accept from `/.well-known/jwks.json`.
    #[error("has more than {MAX_KEYS} keys")]
    TooMany,
    /// A key that occurs twice.
    #[error("has the same key twice")]
    DuplicateKey,
}
