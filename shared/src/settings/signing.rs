//! Settings of the keys that sign.

use goptri_settings::{AccessTokenSecret, SecretKind, Settings};

use super::tokens::{ACCESS_TOKEN_SECRET, optional_access_secrets};
use crate::keys::KeyRing;

const KEY_FILE: &str = "ACCESS_TOKEN_KEY_FILE";

/// The keys of access tokens. `ACCESS_TOKEN_KEY_FILE` signs if it is set, otherwise `ACCESS_TOKEN_SECRET`;
/// `ACCESS_TOKEN_SIGNED_BY` can choose the secret. Both verify.
pub fn access_keys(settings: &Settings<'_>) -> Option<KeyRing> {
    let signed_by = settings.optional("ACCESS_TOKEN_SIGNED_BY", SignedBy::parse).ok().flatten();
    if !settings.is_set(KEY_FILE) {
        if signed_by == Some(SignedBy::Key) {
            settings.report("ACCESS_TOKEN_SIGNED_BY", "is key, and ACCESS_TOKEN_KEY_FILE is not set");
        }
        if settings.has_secret(ACCESS_TOKEN_SECRET) {
            return key_ring::<AccessTokenSecret>(settings, ACCESS_TOKEN_SECRET);
        }
        settings.report(
            ACCESS_TOKEN_SECRET,
            "is not set, nor is ACCESS_TOKEN_SECRET_FILE, nor ACCESS_TOKEN_KEY_FILE. `auth-server secrets` prints good ones",
        );
        return None;
    }
    let pairs = settings.value(KEY_FILE, "", |path| read_key_file(settings, path));
    if signed_by == Some(SignedBy::Secret) {
        let secrets = key_ring::<AccessTokenSecret>(settings, ACCESS_TOKEN_SECRET);
        let (pairs, secrets) = (pairs?, secrets?);
        return Some(secrets.with_verifying_keys(pairs.verifying_keys()));
    }
    let secrets = optional_access_secrets(settings);
    let (pairs, secrets) = (pairs?, secrets?);
    Some(pairs.with_verifying_keys(&secrets))
}

/// The secrets of `variable`. The first signs.
pub fn key_ring<K: SecretKind>(settings: &Settings<'_>, variable: &'static str) -> Option<KeyRing> {
    let (first, others) = settings.secrets::<K>(variable)?;
    KeyRing::from_secrets(&first, &others).map_err(|weak| settings.report(variable, weak)).ok()
}

fn read_key_file(settings: &Settings<'_>, path: &str) -> Result<KeyRing, String> {
    let pem = settings.read_file(path)?;
    settings.warn_if_world_readable(KEY_FILE, path);
    KeyRing::from_pem(&pem).map_err(|error| format!("names the file {path:?}, which {error}"))
}

/// `ACCESS_TOKEN_SIGNED_BY`. During a change from a secret to key pairs, every service must know the pairs before
/// auth-server signs with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SignedBy {
    Key,
    Secret,
}

impl SignedBy {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "key" => Ok(Self::Key),
            "secret" => Ok(Self::Secret),
            other => Err(format!("is {other:?}; it must be key or secret")),
        }
    }
}
