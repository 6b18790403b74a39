//! Issues the pair of tokens for a session as it stands.

use std::sync::Arc;

use auth_domain::{Entropy, RefreshJti, RefreshTokens, SessionSnapshot, access_claims, random_token_id};
use chrono::TimeDelta;
use goptri::{KeyRing, TokenType};
use goptri_settings::{Plain, Reloadable};
use serde::Serialize;

use super::Failure;

/// The body of a token response (RFC 6749 §5.1).
#[derive(Serialize)]
pub struct Tokens {
    access_token: String,
    token_type: &'static str,
    /// Seconds until the access token ends.
    expires_in: i64,
    refresh_token: String,
    scope: String,
}

/// Signs access tokens and refresh tokens.
#[derive(Debug, Clone)]
pub struct IssueTokens {
    /// Signs the access tokens.
    pub(crate) access_keys: Reloadable<KeyRing>,
    /// Signs the refresh tokens.
    pub(crate) refresh_tokens: RefreshTokens,
    /// Their `iss`.
    pub(crate) issuer: String,
    /// How long an access token lives.
    pub(crate) access_lifetime: TimeDelta,
    /// Where their `jti` comes from.
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl IssueTokens {
    /// A fresh access token, and the refresh token of the session's current generation.
    pub fn run(&self, snapshot: &SessionSnapshot, jti: &Plain<RefreshJti>) -> Result<Tokens, Failure> {
        let name = random_token_id(self.entropy.as_ref());
        let claims = access_claims(snapshot, &self.issuer, self.access_lifetime, name);
        Ok(Tokens {
            access_token: self.access_keys.load().sign(TokenType::Access, &claims)?,
            token_type: "Bearer",
            expires_in: claims.exp.seconds() - claims.iat.seconds(),
            refresh_token: self.refresh_tokens.mint(&snapshot.session, jti)?,
            scope: claims.scope.to_string(),
        })
    }
}
