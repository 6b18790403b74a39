//! Revokes one access token. Its session lives on.

use std::sync::Arc;

use auth_domain::session_of;
use auth_store::Store;
use goptri::TokenError;
use goptri::clock::Clock;
use goptri::token::AccessVerifier;

use crate::error::Failure;

/// Revokes access tokens.
#[derive(Clone)]
pub struct RevokeToken {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) verifier: AccessVerifier,
    pub(crate) clock: Arc<dyn Clock>,
}

impl RevokeToken {
    /// Records the token's `jti`, and returns it. Rejects a token that no service accepts: it needs no record.
    pub async fn run(&self, token: &str) -> Result<String, Failure<TokenError>> {
        let claims = self.verifier.verify(token, self.clock.now()).map_err(Failure::Refused)?;
        let owner = session_of(&claims).map(|session| session.user_id);
        self.store.revoke_token(owner, &claims.jti).await?;
        let session = claims.user().map(|user| user.session.as_str());
        tracing::info!(user = claims.subject(), session, "access token revoked");
        Ok(claims.jti)
    }
}
