//! Parses a file of private keys: one or more PEM blocks (RFC 7468) with PKCS#8, in any layout.

use goptri_settings::restore_pem_layout;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::{self, PemObject};

use super::jwks::MAX_KEYS;
use super::key_file_error::KeyFileError;
use super::public_key::PublicKey;
use super::signing_key::SigningKey;

/// All keys of a file, in order.
pub(super) fn parse(pem: &str) -> Result<Vec<(SigningKey, PublicKey)>, KeyFileError> {
    if pem.trim().is_empty() {
        return Err(KeyFileError::Empty);
    }
    let pem = restore_pem_layout(pem);
    if pem.lines().any(is_truncated_marker) {
        return Err(KeyFileError::Truncated);
    }
    let labels: Vec<&str> = pem.lines().filter_map(label).collect();
    labels.iter().try_for_each(|label| check_label(label))?;
    let blocks = PrivatePkcs8KeyDer::pem_slice_iter(pem.as_bytes());
    let blocks: Vec<_> = blocks.collect::<Result<_, _>>().map_err(|error| match error {
        pem::Error::Base64Decode(_) => KeyFileError::NotBase64,
        _ => KeyFileError::Truncated,
    })?;
    match (blocks.len(), labels.len()) {
        (0, 0) => return Err(KeyFileError::NoKey),
        (found, begun) if found < begun => return Err(KeyFileError::Truncated),
        (found, _) if found > MAX_KEYS => return Err(KeyFileError::TooMany),
        _ => {}
    }
    blocks.iter().map(|der| SigningKey::from_pkcs8(der.secret_pkcs8_der())).collect()
}

/// The label of the PEM block that begins at this line, if one does.
fn label(line: &str) -> Option<&str> {
    line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----")
}

/// Whether this line is an incomplete marker: the last line of a file that was cut off there.
fn is_truncated_marker(line: &str) -> bool {
    let line = line.trim();
    let is_truncated =
        |mark: &str| mark.starts_with(line) || (line.starts_with(mark) && !line.ends_with("-----"));
    !line.is_empty() && ["-----BEGIN ", "-----END "].into_iter().any(is_truncated)
}

fn check_label(label: &str) -> Result<(), KeyFileError> {
    Err(match label {
        "PRIVATE KEY" => return Ok(()),
        "CERTIFICATE" | "TRUSTED CERTIFICATE" | "X509 CERTIFICATE" | "CERTIFICATE REQUEST" => {
            KeyFileError::Certificate
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" => KeyFileError::Public,
        "RSA PRIVATE KEY" | "EC PRIVATE KEY" | "EC PARAMETERS" => KeyFileError::NotPkcs8,
        "ENCRYPTED PRIVATE KEY" => KeyFileError::Encrypted,
        _ => KeyFileError::Unsupported,
    })
}
