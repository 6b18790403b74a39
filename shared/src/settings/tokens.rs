//! What issuer and verifier of a token must be told alike.

use std::fs;
use std::os::unix::fs::MetadataExt;

use chrono::TimeDelta;
use url::Url;

use goptri_settings::{AccessTokenSecret, SecretKind, Settings, parse_duration};

use crate::AccessVerifier;
use crate::keys::{KeyRing, KeySource, VerifyingKeys};

/// More cannot be meant.
const MOST_VERIFIED: usize = 10_000_000;

/// The default of `ISSUER`.
pub(super) const ISSUER: &str = "http://localhost:4000";

/// `ISSUER`: who issues the tokens, exactly as it stands in their `iss`.
pub fn issuer(settings: &Settings<'_>) -> Option<String> {
    settings.value("ISSUER", ISSUER, |text| base_url(text).map(|_| text.to_owned()))
}

/// `AUDIENCE`: for whom the tokens are, exactly as it stands in their `aud`.
///
/// Another name than `ISSUER`, which stands for auth-server itself: a token for the one must not open the other.
pub fn audience(settings: &Settings<'_>) -> Option<String> {
    let issuer = settings.get("ISSUER").unwrap_or(ISSUER);
    settings.value("AUDIENCE", "http://localhost:3000", |text| {
        if text == issuer {
            return Err("is the same as ISSUER; give the application a name of its own".to_owned());
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(format!("is {text:?}; it is one name without white space"));
        }
        Ok(text.to_owned())
    })
}

/// `CLOCK_LEEWAY`: how far the clocks of the two servers may differ, at most 5 minutes (JV-16).
pub fn clock_leeway(settings: &Settings<'_>) -> Option<TimeDelta> {
    settings.value("CLOCK_LEEWAY", "30s", |text| match parse_duration(text)? {
        leeway if leeway > TimeDelta::minutes(5) => Err("is more than 5m, the most that is safe".to_owned()),
        leeway => Ok(leeway),
    })
}

/// `VERIFIED_CACHE_ENTRIES`: how many good access tokens a service remembers; with 0 it verifies each anew, each time.
pub(crate) fn verified_cache_entries(settings: &Settings<'_>) -> Option<usize> {
    settings.value("VERIFIED_CACHE_ENTRIES", "30000", |text| match text.parse() {
        Ok(entries) if entries <= MOST_VERIFIED => Ok(entries),
        Ok(_) => Err(format!("is more than {MOST_VERIFIED}, which take some ten gigabytes")),
        Err(_) => Err(format!("is {text:?}; it is a number of access tokens, 0 for none")),
    })
}

/// `ACCESS_TOKEN_SECRET`, as keys that verify.
pub(crate) fn access_secrets(settings: &Settings<'_>) -> Option<VerifyingKeys> {
    let (first, others) = settings.secrets::<AccessTokenSecret>(ACCESS_SECRET)?;
    VerifyingKeys::from_secrets(&first, &others).map_err(|weak| settings.report(ACCESS_SECRET, weak)).ok()
}

/// What signs access tokens: `ACCESS_TOKEN_KEY_FILE` if it is set, or else `ACCESS_TOKEN_SECRET`. Both verify, and
/// `ACCESS_TOKEN_SIGNED_BY` may say that the secret still signs.
pub fn access_keys(settings: &Settings<'_>) -> Option<KeyRing> {
    let signed_by = settings.optional("ACCESS_TOKEN_SIGNED_BY", SignedBy::parse).ok().flatten();
    if !settings.is_set(KEY_FILE) {
        if signed_by == Some(SignedBy::Key) {
            settings.report("ACCESS_TOKEN_SIGNED_BY", "is key, and ACCESS_TOKEN_KEY_FILE is not set");
        }
        if settings.has_secret("ACCESS_TOKEN_SECRET") {
            return key_ring::<AccessTokenSecret>(settings, ACCESS_SECRET);
        }
        settings.report(
            "ACCESS_TOKEN_SECRET",
            "is not set, nor is ACCESS_TOKEN_SECRET_FILE, nor ACCESS_TOKEN_KEY_FILE. `auth-server secrets` prints good ones",
        );
        return None;
    }
    let pairs = settings.value(KEY_FILE, "", |path| read_key_file(settings, path));
    if signed_by == Some(SignedBy::Secret) {
        let secrets = key_ring::<AccessTokenSecret>(settings, ACCESS_SECRET);
        let (pairs, secrets) = (pairs?, secrets?);
        return Some(secrets.also_verifying(pairs.verifying()));
    }
    let secrets = own_verifying_keys(settings);
    let (pairs, secrets) = (pairs?, secrets?);
    Some(pairs.also_verifying(&secrets))
}

/// What `ACCESS_TOKEN_SECRET` verifies, for whom it is a choice: nothing, when it is not set.
pub(crate) fn own_verifying_keys(settings: &Settings<'_>) -> Option<VerifyingKeys> {
    if !settings.has_secret("ACCESS_TOKEN_SECRET") {
        return Some(VerifyingKeys::default());
    }
    access_secrets(settings)
}

/// What verifies access tokens for `AUDIENCE` with `ACCESS_TOKEN_SECRET`.
pub fn access_verifier(settings: &Settings<'_>) -> Option<AccessVerifier> {
    verifier_with(settings, access_secrets(settings))
}

/// What verifies access tokens for `AUDIENCE` with these keys. That is another name than `ISSUER`, which stands for
/// auth-server itself: a token for the one must not open the other.
pub(crate) fn verifier_with(
    settings: &Settings<'_>,
    keys: Option<impl Into<KeySource>>,
) -> Option<AccessVerifier> {
    let (issuer, audience, leeway) = (issuer(settings), audience(settings), clock_leeway(settings));
    Some(AccessVerifier::new(keys?, issuer?, audience?, leeway?))
}

fn read_key_file(settings: &Settings<'_>, path: &str) -> Result<KeyRing, String> {
    let pem = settings.read_file(path)?;
    if everybody_may_read(path) {
        tracing::warn!(
            variable = KEY_FILE,
            path,
            "every user of this machine can read the file of keys, and so sign tokens; `chmod 600` it, or mount it with defaultMode 0400"
        );
    }
    KeyRing::from_pem(&pem).map_err(|fault| format!("names the file {path:?}, which {fault}"))
}

/// The secrets of `variable` as a ring of keys.
pub fn key_ring<K: SecretKind>(settings: &Settings<'_>, variable: &'static str) -> Option<KeyRing> {
    let (first, others) = settings.secrets::<K>(variable)?;
    KeyRing::from_secrets(&first, &others).map_err(|weak| settings.report(variable, weak)).ok()
}

const ACCESS_SECRET: &str = "ACCESS_TOKEN_SECRET";
const KEY_FILE: &str = "ACCESS_TOKEN_KEY_FILE";

/// `ACCESS_TOKEN_SIGNED_BY`: between a shared secret and key pairs there is a time in which the pairs must be known
/// everywhere, and sign nowhere.
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
            other => Err(format!("is {other:?}; it is either key or secret")),
        }
    }
}

fn everybody_may_read(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o004 != 0)
}

/// An absolute URL that other URLs are built on: https, or http on this machine alone (OP-04).
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    if text.contains('@') {
        // Not shown: what stands before the @ may be a password.
        return Err("is a URL with a user or a password in it; leave them out".to_owned());
    }
    if !text.contains("://") {
        let scheme = if text.starts_with("localhost") || text.starts_with("127.") { "http" } else { "https" };
        return Err(format!("is {text:?}, which has no scheme; write {scheme}://{text}"));
    }
    let url = Url::parse(text).map_err(|error| format!("is {text:?}, which is no URL: {error}"))?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => return Err(format!("is {text:?}; plain http is for localhost only, use https")),
        _ => return Err(format!("is {text:?}; it starts with https://")),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("is {text:?}; it has no query or fragment"));
    }
    if text.ends_with('/') || text.chars().any(char::is_whitespace) {
        return Err(format!(
            "is {text:?}; it is compared letter by letter, so it has no slash or space at its end"
        ));
    }
    Ok(url)
}
