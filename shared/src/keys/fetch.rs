//! Asks auth-server once for its public keys, and takes no more for an answer than one can be.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CACHE_CONTROL, ETAG, HeaderValue, IF_NONE_MATCH};
use tokio::time::timeout;

use super::{Jwks, JwksError, MAX_JWKS_BYTES, PATH, PublicKeyError, VerifyingKeys};
use crate::auth_server::{AuthServer, cause};

/// For a whole answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What auth-server said.
pub(super) enum Fetched {
    /// These are its keys, and these of them are of no use here.
    Keys { keys: VerifyingKeys, left_out: Vec<PublicKeyError>, etag: Option<HeaderValue> },
    /// The same as last time.
    Unchanged,
}

/// Why nothing was learned. Nothing of what the other side said is in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    #[error("auth-server cannot be reached: {0}")]
    Unreachable(String),
    #[error("it did not answer within {} s", .0.as_secs())]
    Slow(Duration),
    #[error("it leads elsewhere ({0}), where nobody follows; AUTH_SERVER_URL must name auth-server itself")]
    Redirect(StatusCode),
    #[error("it answers {0} instead of keys; does AUTH_SERVER_URL name auth-server itself?")]
    Status(StatusCode),
    #[error("its answer is not used: {0}")]
    Unusable(#[from] JwksError),
}

impl From<reqwest::Error> for FetchError {
    fn from(error: reqwest::Error) -> Self {
        Self::Unreachable(cause(&error))
    }
}

/// Its keys, unless they are those that it tagged so before.
pub(super) async fn fetch(
    auth_server: &AuthServer,
    known: Option<&HeaderValue>,
    patience: Duration,
) -> Result<Fetched, FetchError> {
    timeout(patience, ask(auth_server, known)).await.map_err(|_| FetchError::Slow(patience))?
}

async fn ask(auth_server: &AuthServer, known: Option<&HeaderValue>) -> Result<Fetched, FetchError> {
    let request = auth_server
        .get(&auth_server.url_of(PATH))
        .header(ACCEPT, "application/jwk-set+json, application/json")
        // A cache on the way must ask, or a key that was taken back would live on in it.
        .header(CACHE_CONTROL, "no-cache");
    let request = match known {
        Some(etag) => request.header(IF_NONE_MATCH, etag),
        None => request,
    };
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
    let (keys, left_out) = Jwks::parse(&body)?;
    Ok(Fetched::Keys { keys, left_out, etag })
}
