//! TLS without a proxy: `TLS_CERT_FILE` and `TLS_KEY_FILE`, read again when they change.
//!
//! Connections keep the certificate with which they began; a new one is for new connections.

mod certificate;
mod hsts;

use std::fmt;
use std::io;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use goptri::clock::{Clock, SystemClock};
use goptri_settings::{FileWatch, Reloadable, Reported, SecretFiles, SettingErrors, Settings};
use rustls::crypto::aws_lc_rs;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{Error, ServerConfig};

use self::certificate::{CERTIFICATES, Certificate, KEY, rfc3339};
use crate::ServerState;

pub(crate) use hsts::{HSTS, is_for_hsts};

/// The ALPN names of the protocols that a server speaks, the preferred one first.
pub(crate) const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The certificate of a server, and its TLS configuration. Clones share the certificate.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    certificate: CertificateInUse,
    files: SecretFiles,
}

/// The certificate that new connections get.
#[derive(Debug, Clone)]
struct CertificateInUse(Reloadable<Certificate>);

impl ResolvesServerCert for CertificateInUse {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().chain_and_key))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads `TLS_CERT_FILE` and `TLS_KEY_FILE`. `Ok(None)`: neither is set, and the server speaks plain HTTP.
    ///
    /// # Errors
    /// When only one of the two is set, a file is unusable, the key does not belong to the certificate, or the
    /// certificate is not valid now.
    pub fn read(settings: &Settings<'_>) -> Result<Option<Self>, Reported> {
        let missing = match (settings.is_set(CERTIFICATES), settings.is_set(KEY)) {
            (false, false) => return Ok(None),
            (true, true) => None,
            (false, true) => Some((CERTIFICATES, KEY)),
            (true, false) => Some((KEY, CERTIFICATES)),
        };
        if let Some((missing, set)) = missing {
            settings.report(missing, format!("is not set, but {set} is; TLS needs both"));
            return Err(Reported);
        }
        // Separate settings, so that `secret_files` returns only the files of TLS.
        let tls_settings = Settings::new(settings.environment());
        let tls = Self::build(&tls_settings);
        let files = tls_settings.secret_files();
        match tls_settings.into_result(tls) {
            Ok((config, certificate)) => Ok(Some(Self { config: Arc::new(config), certificate, files })),
            Err(SettingErrors(errors)) => {
                for error in errors {
                    settings.report(&error.variable, &error.problem);
                }
                Err(Reported)
            }
        }
    }

    fn build(settings: &Settings<'_>) -> Option<(ServerConfig, CertificateInUse)> {
        let certificate = read_certificate(settings)?;
        let current = CertificateInUse(Reloadable::new(certificate));
        let config = config(current.clone()).map_err(|error| settings.report(CERTIFICATES, error)).ok()?;
        Some((config, current))
    }

    /// When the certificate that is in use expires.
    pub fn expires(&self) -> DateTime<Utc> {
        self.certificate.0.load().expires
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Starts to watch the files, if there are any, and adds the watch to `state`. A change that cannot be used is
    /// logged, and the certificate before it stays in use.
    ///
    /// # Errors
    /// When the operating system cannot create a thread.
    pub fn watch(tls: Option<&Self>, state: &ServerState) -> io::Result<Option<Arc<FileWatch>>> {
        let Some(Self { certificate, files, .. }) = tls else { return Ok(None) };
        log_use(&certificate.0.load());
        let current = certificate.0.clone();
        let watch = FileWatch::start(files.clone(), "watch of the TLS certificate", move |settings| {
            if let Some(certificate) = read_certificate(settings) {
                log_use(&certificate);
                current.replace(certificate);
            }
        })?;
        if let Some(watch) = &watch {
            state.add_task(watch.health().clone());
        }
        Ok(watch.map(Arc::new))
    }
}

/// The scheme of the server's URL.
pub fn scheme(tls: Option<&Tls>) -> &'static str {
    if tls.is_some() { "https" } else { "http" }
}

fn read_certificate(settings: &Settings<'_>) -> Option<Certificate> {
    Certificate::read(settings, &aws_lc_rs::default_provider(), SystemClock.now())
}

fn config(certificate: CertificateInUse) -> Result<ServerConfig, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = [HTTP2, HTTP1].map(<[u8]>::to_vec).to_vec();
    Ok(config)
}

fn log_use(certificate: &Certificate) {
    tracing::info!(expires = rfc3339(certificate.expires), "the TLS certificate is in use");
}
