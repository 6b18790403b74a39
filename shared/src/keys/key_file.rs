//! A file of private keys: PEM (RFC 7468), one or several blocks of PKCS#8.

use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;

use super::public_key::PublicKey;
use super::signing_key::SigningKey;
use super::{MAX_KEYS, PublicKeyError};

/// What is wrong with a file of keys, as a clause that follows its name. Holds nothing of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Nothing in it.
    #[error("is empty. `auth-server key generate` makes one")]
    Empty,
    /// Something else than PEM.
    #[error("has no private key in PEM (-----BEGIN PRIVATE KEY-----). `auth-server key generate` makes one")]
    NoKey,
    /// A block without an end, or one that is not base64.
    #[error("breaks off in the middle of a block, as a file that is half-written does")]
    Broken,
    /// A certificate.
    #[error("holds a certificate; what belongs here is the private key alone")]
    Certificate,
    /// Public keys only.
    #[error("holds a public key; what belongs here is the private key, from which the public one follows")]
    Public,
    /// PKCS#1 or SEC 1.
    #[error(
        "holds a key in an older form; `openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW` makes PKCS#8 of it"
    )]
    OlderForm,
    /// With a passphrase.
    #[error("holds a key under a passphrase; `openssl pkcs8 -in OLD -out NEW` takes that away")]
    Encrypted,
    /// Another algorithm, or numbers that do not belong together.
    #[error("holds a key that is none of Ed25519, P-256 and RSA, or is not whole")]
    Unsupported,
    /// RSA of less than 2048 bits.
    #[error("holds an RSA key of less than 2048 bits")]
    ShortRsa,
    /// Not to be relied on.
    #[error("holds a key that cannot be used: {0}")]
    Weak(#[from] PublicKeyError),
    /// More than anybody takes from `/.well-known/jwks.json`.
    #[error("has more than {MAX_KEYS} keys")]
    TooMany,
    /// Which of them signs?
    #[error("has the same key twice")]
    Twice,
}

/// All keys of a file, in their order.
pub(super) fn parse(pem: &str) -> Result<Vec<(SigningKey, PublicKey)>, KeyFileError> {
    if pem.trim().is_empty() {
        return Err(KeyFileError::Empty);
    }
    if pem.lines().any(is_cut_mark) {
        return Err(KeyFileError::Broken);
    }
    let labels: Vec<&str> = pem.lines().filter_map(label).collect();
    labels.iter().try_for_each(|label| unexpected(label).map_or(Ok(()), Err))?;
    let blocks = PrivatePkcs8KeyDer::pem_slice_iter(pem.as_bytes());
    let blocks: Vec<_> = blocks.collect::<Result<_, _>>().map_err(|_| KeyFileError::Broken)?;
    match (blocks.len(), labels.len()) {
        (0, 0) => return Err(KeyFileError::NoKey),
        (found, begun) if found < begun => return Err(KeyFileError::Broken),
        (found, _) if found > MAX_KEYS => return Err(KeyFileError::TooMany),
        _ => {}
    }
    blocks.iter().map(|der| SigningKey::from_pkcs8(der.secret_pkcs8_der())).collect()
}

/// What a line begins, if it begins a block.
fn label(line: &str) -> Option<&str> {
    line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

/// Whether it is the beginning of a line that begins or ends a block: the last one of a file that breaks off there.
fn is_cut_mark(line: &str) -> bool {
    let line = line.trim();
    let begins = |mark: &str| mark.starts_with(line) || (line.starts_with(mark) && !line.ends_with("-----"));
    !line.is_empty() && ["-----BEGIN ", "-----END "].into_iter().any(begins)
}

fn unexpected(label: &str) -> Option<KeyFileError> {
    match label {
        "PRIVATE KEY" => None,
        "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" | "CERTIFICATE REQUEST" => {
            Some(KeyFileError::Certificate)
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Some(KeyFileError::Public),
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "EC PARAMETERS" => Some(KeyFileError::OlderForm),
        "ENCRYPTED PRIVATE KEY" => Some(KeyFileError::Encrypted),
        _ => Some(KeyFileError::Unsupported),
    }
}
