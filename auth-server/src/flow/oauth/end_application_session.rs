//! `POST /revoke` (RFC 7009): ends the session of a token that an application presents.

use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{Client, Digest, RefreshJti, RefreshTokens, SessionKey, session_of};
use auth_store::{EndOutcome, Store};
use chrono::TimeDelta;
use goptri::AccessClaims;
use goptri::clock::Clock;
use goptri::keys::KeyRing;
use goptri::token::TokenType;
use goptri_settings::Reloadable;

use super::authenticate_client::{AuthenticateClient, ClientCredentials};
use crate::error::{ClientRefused, Failure};

/// How long after its expiry an access token can still end its session, as at `/logout`.
const AFTER_EXPIRY: TimeDelta = TimeDelta::hours(24);

/// Ends sessions of applications.
#[derive(Clone)]
pub(crate) struct EndApplicationSession {
    pub(crate) authenticate: AuthenticateClient,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) access_keys: Reloadable<KeyRing>,
    pub(crate) issuer: String,
    pub(crate) clock: Arc<dyn Clock>,
}

impl EndApplicationSession {
    /// Ends the session of the token, with its access tokens, if the token is the client's (RV-01). A token that is
    /// unknown, forged or another client's changes nothing, and is no error (RV-02, RV-03).
    pub(crate) async fn run(
        &self,
        credentials: &ClientCredentials,
        token: &str,
        from: IpAddr,
    ) -> Result<(), Failure<ClientRefused>> {
        let client = self.authenticate.run(credentials, from).await?;
        let Some((key, proof)) = self.session_of(token, &client) else {
            let client = client.id.as_str();
            tracing::info!(client, reason = "it is not a token of this client", "token not revoked");
            return Ok(());
        };
        let found = self.store.find_session(key).await?;
        if found.is_none_or(|found| found.session.client_id != client.id) {
            return Ok(());
        }
        if self.store.end_session(key, proof.as_ref()).await? == EndOutcome::WrongProof {
            tracing::warn!(session = %key.id, "a signed refresh token has another jti than its session");
        } else {
            let client = client.id.as_str();
            tracing::info!(user = %key.user_id, session = %key.id, client, "session ended by its application");
        }
        Ok(())
    }

    /// The session of a valid token of either kind. `token_type_hint` is ignored: it would only save time.
    fn session_of(&self, token: &str, client: &Client) -> Option<(SessionKey, Option<Digest<RefreshJti>>)> {
        if let Ok(refresh) = self.refresh_tokens.verify(token, client.id.clone()) {
            return Some((refresh.key, Some(refresh.jti_hash)));
        }
        let claims: AccessClaims = self.access_keys.load().verify(TokenType::Access, token).ok()?;
        let is_of_client = *claims.iss == *self.issuer && *claims.client_id == *client.id.as_str();
        let is_recent = self.clock.now() < claims.exp.to_datetime() + AFTER_EXPIRY;
        let session = session_of(&claims).filter(|_| is_of_client && is_recent)?;
        Some((session, None))
    }
}
