//! Tokens in bodies: those that a request presents, and those that a response issues.

use goptri::ProtocolError;
use goptri_settings::{Plain, SecretKind};
use serde::{Deserialize, Serialize, Serializer};

use crate::error::NOT_ONE_REFRESH_TOKEN;
use crate::flow::{AccessToken, IssuedTokens, RefreshToken};

/// A token response (RFC 6749 §5.1).
#[derive(Serialize)]
pub(crate) struct TokenResponse {
    #[serde(serialize_with = "expose")]
    access_token: Plain<AccessToken>,
    token_type: &'static str,
    /// Seconds.
    expires_in: i64,
    #[serde(serialize_with = "expose")]
    refresh_token: Plain<RefreshToken>,
    /// Left out if it is empty, which RFC 6749 §3.3 does not allow.
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

impl From<IssuedTokens> for TokenResponse {
    fn from(tokens: IssuedTokens) -> Self {
        Self {
            access_token: tokens.access_token,
            token_type: "Bearer",
            expires_in: tokens.access_lifetime.num_seconds(),
            refresh_token: tokens.refresh_token,
            scope: tokens.scope.to_string(),
        }
    }
}

/// What a page may know about tokens that are in cookies (CK-02).
#[derive(Serialize)]
pub(crate) struct CookieResponse {
    /// Seconds.
    expires_in: i64,
    /// Left out if it is empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

impl From<&IssuedTokens> for CookieResponse {
    fn from(tokens: &IssuedTokens) -> Self {
        Self { expires_in: tokens.access_lifetime.num_seconds(), scope: tokens.scope.to_string() }
    }
}

fn expose<K: SecretKind, S: Serializer>(token: &Plain<K>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(token.expose())
}

/// A refresh token in JSON, under either of its names.
#[derive(Deserialize)]
pub(crate) struct TokenBody {
    refresh_token: Option<Plain<RefreshToken>>,
    token: Option<Plain<RefreshToken>>,
    /// Whether the new tokens go into cookies.
    #[serde(default)]
    pub(super) cookie: bool,
    /// Whether the session is remembered from now on.
    #[serde(default)]
    pub(super) remember: bool,
}

impl TokenBody {
    /// The token, if there is one. Rejects two, even if they are equal.
    pub(super) fn token(self) -> Result<Option<Plain<RefreshToken>>, ProtocolError> {
        match (self.refresh_token, self.token) {
            (Some(_), Some(_)) => Err(NOT_ONE_REFRESH_TOKEN),
            (one, other) => Ok(one.or(other)),
        }
    }
}
