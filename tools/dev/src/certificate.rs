//! A certificate for localhost, made by `cargo dev --tls` itself.

use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Days, TimeDelta, Utc};
use goptri_server::Tls;
use goptri_settings::{Environment, Settings};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

use crate::state::write_whole;

/// Browsers refuse certificates that are valid for longer.
const VALID_DAYS: u64 = 397;

/// A certificate that expires earlier is replaced at the start.
const MIN_REMAINING: TimeDelta = TimeDelta::days(30);

/// The files of the certificate.
pub(crate) struct DevCertificate {
    /// The authority that signed it. Its key is not kept, so it can sign no other.
    pub(crate) authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl DevCertificate {
    /// The certificate in `folder`, or a new one.
    pub(crate) fn open(folder: &Path, now: DateTime<Utc>) -> io::Result<Self> {
        let path = |name| folder.join(name);
        let files = Self { authority: path("ca.pem"), certificate: path("cert.pem"), key: path("key.pem") };
        if !files.authority.exists() || files.expires().is_none_or(|expires| expires < now + MIN_REMAINING) {
            files.create(now)?;
        }
        Ok(files)
    }

    /// The variables of both servers.
    pub(crate) fn variables(&self) -> [(&'static str, String); 5] {
        let shown = |path: &Path| path.display().to_string();
        [
            ("ISSUER", "https://localhost:4000".to_owned()),
            ("AUDIENCE", "https://localhost:3000".to_owned()),
            ("AUTH_SERVER_CA_FILE", shown(&self.authority)),
            ("TLS_CERT_FILE", shown(&self.certificate)),
            ("TLS_KEY_FILE", shown(&self.key)),
        ]
    }

    /// `None`: it cannot be used.
    fn expires(&self) -> Option<DateTime<Utc>> {
        let variables = self.variables();
        let environment =
            Environment::from_pairs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        Tls::read(&Settings::new(&environment)).ok()?.map(|tls| tls.expires())
    }

    fn create(&self, now: DateTime<Utc>) -> io::Result<()> {
        let [from, until] = [now - TimeDelta::days(1), now + Days::new(VALID_DAYS)].map(|time| {
            let [month, day] = [time.month(), time.day()].map(|number| u8::try_from(number).unwrap_or(1));
            date_time_ymd(time.year(), month, day)
        });
        let mut params = CertificateParams::new(Vec::new()).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "cargo dev (Goptri)");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        (params.not_before, params.not_after) = (from, until);
        let authority_key = KeyPair::generate().map_err(io::Error::other)?;
        let authority = CertifiedIssuer::self_signed(params, authority_key).map_err(io::Error::other)?;

        let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        (params.not_before, params.not_after) = (from, until);
        let key = KeyPair::generate().map_err(io::Error::other)?;
        let certificate = params.signed_by(&key, &authority).map_err(io::Error::other)?;

        write_whole(&self.authority, &authority.pem(), 0o600)?;
        write_whole(&self.certificate, &certificate.pem(), 0o600)?;
        write_whole(&self.key, &key.serialize_pem(), 0o600)
    }
}
