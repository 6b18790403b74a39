//! Somebody signs out: the session that their token names is ended.

use std::sync::Arc;

use auth_domain::store::{Ending, Store};
use auth_domain::{ClientId, Digest, RefreshJti, RefreshTokens, SessionId, SessionKey, UserId};
use chrono::TimeDelta;
use goptri::{AccessVerifier, Clock, ProtocolError, Refusal};
use uuid::Uuid;

use super::Failure;

/// An access token names its own session for so long after it expired: an app that comes back in the evening
/// must be able to sign out.
const NAMES_ITS_SESSION_FOR: TimeDelta = TimeDelta::hours(24);

const NOTHING_PRESENTED: ProtocolError = ProtocolError::new(
    400,
    "invalid_request",
    "Say what to sign out of: send the refresh token in the body, or the access token in the Authorization header.",
);
const TWO_SESSIONS: ProtocolError =
    ProtocolError::new(400, "invalid_request", "The two tokens belong to two sessions; send one of them.");

/// What a request to sign out came with. No `Debug`: these are tokens.
#[derive(Clone, Copy)]
pub struct Presented<'a> {
    /// From the body.
    pub refresh_token: Option<&'a str>,
    /// From the `Authorization` header.
    pub access_token: Option<&'a str>,
}

/// Ends sessions for those who hold one of their tokens.
#[derive(Clone)]
pub struct SignOut {
    /// Where sessions are kept.
    pub(crate) store: Arc<dyn Store>,
    /// Opens a refresh token.
    pub(crate) refresh_tokens: RefreshTokens,
    /// Opens an access token.
    pub(crate) verifier: AccessVerifier,
    /// For the access token's age.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Which session a genuine token names; a refresh token also proves its half of the secret.
struct Named {
    key: SessionKey,
    proof: Option<Digest<RefreshJti>>,
}

impl SignOut {
    /// Ends the session, also when it has ended already. Any generation of the refresh token will do.
    pub async fn run(&self, presented: Presented<'_>) -> Result<(), Failure> {
        let by_refresh =
            presented.refresh_token.map(|token| self.named_by_refresh(token)).transpose().map_err(refused)?;
        let by_access =
            presented.access_token.map(|token| self.named_by_access(token)).transpose().map_err(refused)?;
        let named = match (by_refresh, by_access) {
            (None, None) => return Err(NOTHING_PRESENTED.into()),
            (Some(one), Some(other)) if one.key != other.key => return Err(TWO_SESSIONS.into()),
            (Some(named), _) | (None, Some(named)) => named,
        };
        match self.store.end_session(named.key, named.proof.as_ref()).await? {
            ending @ (Ending::Ended | Ending::WasGone) => {
                tracing::info!(user = %named.key.user_id, session = %named.key.id, ?ending, "signed out");
                Ok(())
            }
            Ending::NotGenuine => {
                tracing::warn!(session = %named.key.id, "a signed refresh token has another jti than its session; refused");
                Err(ProtocolError::INVALID_TOKEN.into())
            }
        }
    }

    fn named_by_refresh(&self, token: &str) -> Result<Named, Refusal> {
        let presented = self.refresh_tokens.open(token, ClientId::first_party())?;
        Ok(Named { key: presented.key, proof: Some(presented.jti_hash) })
    }

    fn named_by_access(&self, token: &str) -> Result<Named, Refusal> {
        let claims = self.verifier.verify_expired(token, self.clock.now(), NAMES_ITS_SESSION_FOR)?;
        let user_id = Uuid::try_parse(&claims.sub).map_err(|_| Refusal::NoSession)?;
        let id = claims.sid.and_then(|sid| Uuid::try_parse(&sid).ok()).ok_or(Refusal::NoSession)?;
        Ok(Named { key: SessionKey { user_id: UserId(user_id), id: SessionId(id) }, proof: None })
    }
}

fn refused(refusal: Refusal) -> ProtocolError {
    tracing::info!(reason = %refusal, "sign-out refused");
    ProtocolError::INVALID_TOKEN
}
