//! A certificate chain with its private key, as `TLS_CERT_FILE` and `TLS_KEY_FILE` have them.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use goptri_settings::{Settings, restore_pem_layout};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use x509_parser::parse_x509_certificate;

pub(super) const CERTIFICATES: &str = "TLS_CERT_FILE";
pub(super) const KEY: &str = "TLS_KEY_FILE";

/// A chain whose key matches and whose certificate is valid. `Debug` does not show the key.
#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) chain_and_key: Arc<CertifiedKey>,
    pub(super) expires: DateTime<Utc>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate").field("expires", &self.expires).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads both files. `None` means that errors were reported to the settings.
    pub(super) fn read(
        settings: &Settings<'_>,
        provider: &CryptoProvider,
        now: DateTime<Utc>,
    ) -> Option<Self> {
        let chain = settings.value(CERTIFICATES, "", |path| {
            chain(&settings.read_file(path)?, now).map_err(|problem| named(path, &problem))
        });
        let key = settings.value(KEY, "", |path| {
            let key = private_key(&settings.read_file(path)?).map_err(|problem| named(path, problem));
            settings.warn_if_world_readable(KEY, path);
            key
        });
        let ((chain, expires), key) = (chain?, key?);
        match CertifiedKey::from_der(chain, key, provider) {
            Ok(certified) => Some(Self { chain_and_key: Arc::new(certified), expires }),
            Err(error) => {
                let path = settings.get(KEY).unwrap_or_default();
                settings.report(KEY, named(path, &why_unusable(&error)));
                None
            }
        }
    }
}

/// A clause that follows the name of a variable.
fn named(path: &str, problem: &str) -> String {
    format!("names the file {path:?}, {problem}")
}

/// The certificates of the file, and when the first one, the server's own, expires.
fn chain(pem: &str, now: DateTime<Utc>) -> Result<(Vec<CertificateDer<'static>>, DateTime<Utc>), String> {
    let unreadable = || "which has a certificate that cannot be read".to_owned();
    let chain: Vec<_> = CertificateDer::pem_slice_iter(restore_pem_layout(pem).as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|_| unreadable())?;
    let own = chain.first().ok_or("which has no certificate in PEM")?;
    let (_, own) = parse_x509_certificate(own).map_err(|_| unreadable())?;
    let date = |seconds| DateTime::from_timestamp(seconds, 0).ok_or_else(unreadable);
    let validity = own.validity();
    let (from, until) = (date(validity.not_before.timestamp())?, date(validity.not_after.timestamp())?);
    if now < from {
        return Err(format!("whose certificate is valid only from {}", rfc3339(from)));
    }
    if until < now {
        return Err(format!("whose certificate expired at {}", rfc3339(until)));
    }
    Ok((chain, until))
}

fn private_key(pem: &str) -> Result<PrivateKeyDer<'static>, &'static str> {
    PrivateKeyDer::from_pem_slice(restore_pem_layout(pem).as_bytes())
        .map_err(|_| "which has no private key in PEM")
}

fn why_unusable(error: &Error) -> String {
    if let Error::InconsistentKeys(InconsistentKeys::KeyMismatch) = error {
        format!("whose key is not that of the certificate in {CERTIFICATES}")
    } else {
        "whose key is of an unknown kind; it must be ECDSA, RSA or Ed25519, without a passphrase".to_owned()
    }
}

pub(super) fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
