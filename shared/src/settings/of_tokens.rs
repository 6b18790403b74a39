//! What issuer and verifier of a token must be told alike.

use chrono::TimeDelta;
use url::Url;

use super::{Settings, parse_duration};
use crate::secret::AccessTokenSecret;
use crate::{AccessVerifier, KeyRing};

/// The default of `ISSUER`.
pub(super) const ISSUER: &str = "http://localhost:4000";

impl Settings<'_> {
    /// `ISSUER`: who issues the tokens, exactly as it stands in their `iss`.
    pub fn issuer(&self) -> Option<String> {
        self.value("ISSUER", ISSUER, |text| base_url(text).map(|_| text.to_owned()))
    }

    /// `AUDIENCE`: for whom the tokens are, exactly as it stands in their `aud`.
    ///
    /// Another name than `ISSUER`, which stands for auth-server itself: a token for the one must not open the other.
    pub fn audience(&self) -> Option<String> {
        let issuer = self.environment.get("ISSUER").unwrap_or(ISSUER);
        self.value("AUDIENCE", "http://localhost:3000", |text| {
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
    pub fn clock_leeway(&self) -> Option<TimeDelta> {
        self.value("CLOCK_LEEWAY", "30s", |text| match parse_duration(text)? {
            leeway if leeway > TimeDelta::minutes(5) => {
                Err("is more than 5m, the most that is safe".to_owned())
            }
            leeway => Ok(leeway),
        })
    }

    /// `ACCESS_TOKEN_SECRET` as a ring of keys.
    pub fn access_keys(&self) -> Option<KeyRing> {
        self.key_ring::<AccessTokenSecret>("ACCESS_TOKEN_SECRET")
    }

    /// What verifies access tokens for `AUDIENCE`. That is another name than `ISSUER`, which stands for auth-server
    /// itself: a token for the one must not open the other.
    pub fn access_verifier(&self) -> Option<AccessVerifier> {
        let (keys, issuer, audience, leeway) =
            (self.access_keys(), self.issuer(), self.audience(), self.clock_leeway());
        Some(AccessVerifier::new(keys?, issuer?, audience?, leeway?))
    }
}

/// An absolute URL that other URLs are built on: https, or http on this machine alone (OP-04).
pub(super) fn base_url(text: &str) -> Result<Url, String> {
    if text.contains('@') {
        // Not shown: what stands before the @ may be a password.
        return Err("is a URL with a user or a password in it; leave them out".to_owned());
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
