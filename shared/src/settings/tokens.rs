//! Settings of tokens and their verification.

use chrono::TimeDelta;
use url::Url;

use goptri_settings::{AccessTokenSecret, Plain, Settings, parse_duration};

use crate::keys::VerifyingKeys;
use crate::origin::is_local;

/// A larger value must be a mistake.
pub(crate) const MAX_CACHE_ENTRIES: usize = 10_000_000;

/// The default of `ISSUER`.
pub(super) const ISSUER: &str = "http://localhost:4000";

/// The default of `AUDIENCE`.
pub(super) const AUDIENCE: &str = "http://localhost:3000";

/// `ISSUER`: the issuer of the tokens, exactly as in their `iss`.
pub fn issuer(settings: &Settings<'_>) -> Option<String> {
    settings.value("ISSUER", ISSUER, |text| parse_base_url(text).map(|_| text.to_owned()))
}

/// `AUDIENCE`: the service that the tokens are for, exactly as in their `aud`. Must differ from `ISSUER`, which is the
/// audience of auth-server itself.
pub fn audience(settings: &Settings<'_>) -> Option<String> {
    let issuer = settings.get("ISSUER").unwrap_or(ISSUER);
    settings.value("AUDIENCE", AUDIENCE, |text| check_audience(text, issuer).map(|()| text.to_owned()))
}

pub(crate) fn check_audience(text: &str, issuer: &str) -> Result<(), String> {
    if text == issuer {
        return Err("is the same as ISSUER; give the service a name of its own".to_owned());
    }
    if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("is {text:?}; it must be one name without white space"));
    }
    Ok(())
}

/// A longer leeway would let expired tokens live too long (JV-16).
pub(crate) const MAX_CLOCK_LEEWAY: TimeDelta = TimeDelta::minutes(5);

/// `CLOCK_LEEWAY`: how far the clocks of issuer and verifier may differ, at most 5 minutes (JV-16).
pub fn clock_leeway(settings: &Settings<'_>) -> Option<TimeDelta> {
    settings.value("CLOCK_LEEWAY", "30s", |text| match parse_duration(text)? {
        leeway if leeway > MAX_CLOCK_LEEWAY => Err("is more than 5m, the most that is safe".to_owned()),
        leeway => Ok(leeway),
    })
}

/// `VERIFIED_CACHE_ENTRIES`: the size of the cache of verified tokens; 0 disables it.
pub(crate) fn verified_cache_entries(settings: &Settings<'_>) -> Option<usize> {
    settings.value("VERIFIED_CACHE_ENTRIES", "30000", |text| match text.parse() {
        Ok(entries) if entries <= MAX_CACHE_ENTRIES => Ok(entries),
        Ok(_) => Err(format!("is more than {MAX_CACHE_ENTRIES}, which take some ten gigabytes")),
        Err(_) => Err(format!("is {text:?}; it must be a number of access tokens, 0 for none")),
    })
}

/// `ACCESS_TOKEN_SECRET`: secrets separated by commas. auth-server signs with the first.
pub(crate) fn access_secrets(settings: &Settings<'_>) -> Option<Vec<Plain<AccessTokenSecret>>> {
    let (first, others) = settings.secrets(ACCESS_TOKEN_SECRET)?;
    Some(std::iter::once(first).chain(others).collect())
}

/// `ACCESS_TOKEN_SECRET`, as keys that verify; no keys if it is not set.
pub(crate) fn optional_access_secrets(settings: &Settings<'_>) -> Option<VerifyingKeys> {
    if !settings.has_secret(ACCESS_TOKEN_SECRET) {
        return Some(VerifyingKeys::default());
    }
    let (first, others) = settings.secrets::<AccessTokenSecret>(ACCESS_TOKEN_SECRET)?;
    VerifyingKeys::from_secrets(&first, &others)
        .map_err(|weak| settings.report(ACCESS_TOKEN_SECRET, weak))
        .ok()
}

/// Parses an absolute URL without a trailing slash: https, or http for localhost (OP-04).
pub(crate) fn parse_base_url(text: &str) -> Result<Url, String> {
    if text.contains('@') {
        // Not quoted: it may contain a password.
        return Err("is a URL with a user or a password in it; leave them out".to_owned());
    }
    if !text.contains("://") {
        let scheme = if text.starts_with("localhost") || text.starts_with("127.") { "http" } else { "https" };
        return Err(format!("is {text:?}, which has no scheme; write {scheme}://{text}"));
    }
    let url = Url::parse(text).map_err(|error| format!("is {text:?}, which is not a URL: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_local(&url) => {}
        "http" => return Err(format!("is {text:?}; plain http is for localhost only, use https")),
        _ => return Err(format!("is {text:?}; it must start with https://")),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("is {text:?}; it must have no query or fragment"));
    }
    if text.ends_with('/') || text.chars().any(char::is_whitespace) {
        return Err(format!(
            "is {text:?}; it is compared letter by letter, so it must not end with a slash or contain a space"
        ));
    }
    Ok(url)
}

/// The name of the variable.
pub(crate) const ACCESS_TOKEN_SECRET: &str = "ACCESS_TOKEN_SECRET";
