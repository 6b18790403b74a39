//! Fetches the public keys of auth-server once, with limits on size and time.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use tokio::time::timeout;

use super::jwks::{JWKS_PATH, Jwks, JwksError, MAX_JWKS_BYTES};
use super::{PublicKeyError, VerifyingKeys};
use crate::auth_server::{AuthServer, root_cause};

/// The limit for a whole response.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// The response of auth-server.
pub(super) enum Fetched {
    /// Its keys, and why some of them are skipped.
    Keys { keys: VerifyingKeys, skipped: Vec<PublicKeyError>, etag: Option<HeaderValue> },
    /// The same keys as before.
    Unchanged,
}

/// Why the fetch failed. Contains no part of the response.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    #[error("auth-server cannot be reached: {0}")]
    Unreachable(String),
    #[error("it did not answer within {} s", .0.as_secs())]
    Slow(Duration),
    #[error("it redirects ({0}), which is not followed; AUTH_SERVER_URL must name auth-server itself")]
    Redirect(StatusCode),
    #[error("it answers {0} instead of keys; does AUTH_SERVER_URL name auth-server itself?")]
    Status(StatusCode),
    #[error("its response cannot be used: {0}")]
    Unusable(#[from] JwksError),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(root_cause(&error))
    }
}

/// Fetches the keys, unless their entity tag is still `known`.
pub(super) async fn fetch(
    auth_server: &AuthServer,
    known: Option<&HeaderValue>,
    limit: Duration,
) -> Result<Fetched, FetchError> {
    timeout(limit, request(auth_server, known)).await.map_err(|_| FetchError::Slow(limit))?
}

async fn request(auth_server: &AuthServer, known: Option<&HeaderValue>) -> Result<Fetched, FetchError> {
    let mut request = auth_server
        .get(&auth_server.url_of(JWKS_PATH))
        .header(ACCEPT, "application/jwk-set+json, application/json")
        // A proxy must revalidate its cache; otherwise it could return a removed key.
        .header(CACHE_CONTROL, "no-cache");
    if let Some(etag) = known {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let mut response = request.send().await?;
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if known.is_some() => return Ok(Fetched::Unchanged),
        status if status.is_redirection() => return Err(FetchError::Redirect(status)),
        status => return Err(FetchError::Status(status)),
    }
    let etag = response.headers().get(ETAG).cloned();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_JWKS_BYTES {
            return Err(JwksError::TooLong.into());
        }
    }
    let (keys, skipped) = Jwks::parse(&body)?;
    Ok(Fetched::Keys { keys, skipped, etag })
}
