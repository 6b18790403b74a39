//! What a service answered, as far as it must be the same in every language.

use std::fmt;

use reqwest::Response;
use reqwest::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use serde_json::Value;

use crate::Result;

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// The claims that the handler got.
    Accepted(Value),
    /// The request did not reach the handler.
    Refused { status: u16, body: Value, challenge: Option<String>, retry_after: Option<String> },
}

impl Outcome {
    /// Reads a response of api-server's `GET /me`, or of a service, which has the claims in `caller`.
    pub(crate) async fn of(response: Response) -> Result<Self> {
        let status = response.status().as_u16();
        let header =
            |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (challenge, retry_after) = (header(WWW_AUTHENTICATE), header(RETRY_AFTER));
        let text = response.text().await?;
        let body: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if status == 200 {
            return Ok(Self::Accepted(body.get("caller").unwrap_or(&body).clone()));
        }
        Ok(Self::Refused { status, body, challenge, retry_after })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(claims) => write!(f, "accepted, {claims}"),
            Self::Refused { status, body, challenge, retry_after } => {
                write!(f, "{status} {body}")?;
                if let Some(challenge) = challenge {
                    write!(f, ", WWW-Authenticate: {challenge}")?;
                }
                retry_after.iter().try_for_each(|seconds| write!(f, ", Retry-After: {seconds}"))
            }
        }
    }
}
