//! One access token is put on the blacklist, and its session goes on.

use std::sync::Arc;

use auth_store::Store;
use goptri::{AccessVerifier, Clock, ProtocolError};

use super::Failure;

const NOT_GENUINE: ProtocolError =
    ProtocolError::new(422, "invalid_token", "This is no access token that would be accepted here.");

/// Revokes access tokens.
#[derive(Clone)]
pub struct RevokeToken {
    /// Where what ended is recorded.
    pub(crate) store: Arc<dyn Store>,
    /// Opens the token.
    pub(crate) verifier: AccessVerifier,
    /// For its age.
    pub(crate) clock: Arc<dyn Clock>,
}

impl RevokeToken {
    /// Records the token's `jti`, and gives it. A token that is not accepted anywhere any more needs no record.
    pub async fn run(&self, token: &str) -> Result<String, Failure> {
        let claims = self
            .verifier
            .verify(token, self.clock.now())
            .map_err(|refusal| NOT_GENUINE.describe(&format!("There is nothing to revoke: {refusal}.")))?;
        self.store.revoke_token(&claims.jti).await?;
        tracing::info!(user = %claims.sub, session = claims.sid.as_deref(), "access token revoked");
        Ok(claims.jti)
    }
}
