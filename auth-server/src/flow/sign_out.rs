//! Somebody signs out: the session that their token names is ended.

use std::sync::Arc;

use auth_domain::{ClientId, Digest, RefreshJti, RefreshTokens, SessionKey, session_of};
use auth_store::{EndOutcome, Store};
use chrono::TimeDelta;
use goptri::{AccessVerifier, Clock, Guard, ProtocolError, TokenError};

use super::{Account, EndSessions, Failure, FindAccount};

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
            ending @ (EndOutcome::Ended | EndOutcome::WasGone) => {
                tracing::info!(user = %named.key.user_id, session = %named.key.id, ?ending, "signed out");
                Ok(())
            }
            EndOutcome::NotGenuine => {
                tracing::warn!(session = %named.key.id, "a signed refresh token has another jti than its session; refused");
                Err(ProtocolError::INVALID_TOKEN.into())
            }
        }
    }

    fn named_by_refresh(&self, token: &str) -> Result<Named, TokenError> {
        let presented = self.refresh_tokens.open(token, ClientId::first_party())?;
        Ok(Named { key: presented.key, proof: Some(presented.jti_hash) })
    }

    fn named_by_access(&self, token: &str) -> Result<Named, TokenError> {
        let claims = self.verifier.verify_expired(token, self.clock.now(), NAMES_ITS_SESSION_FOR)?;
        Ok(Named { key: session_of(&claims).ok_or(TokenError::NoSession)?, proof: None })
    }
}

/// Ends all sessions of a person, for whoever holds a live credential of theirs.
#[derive(Clone)]
pub struct SignOutEverywhere {
    /// Ends them.
    pub(crate) sessions: EndSessions,
    /// Looks up whose they are.
    pub(crate) accounts: FindAccount,
    /// Opens a refresh token.
    pub(crate) refresh_tokens: RefreshTokens,
    /// Opens an access token that is meant for this server: no application's.
    pub(crate) guard: Guard,
}

impl SignOutEverywhere {
    /// Ends all sessions of the person whose live session the token names, that one included.
    ///
    /// Unlike [`SignOut`], it takes neither a token that has expired nor one whose session has ended.
    pub async fn run(&self, presented: Presented<'_>) -> Result<(), Failure> {
        let by_refresh = match presented.refresh_token {
            Some(token) => Some(self.account_of_refresh(token).await?),
            None => None,
        };
        let by_access = match presented.access_token {
            Some(token) => Some(self.account_of_access(token).await?),
            None => None,
        };
        let account = match (by_refresh, by_access) {
            (None, None) => return Err(NOTHING_PRESENTED.into()),
            (Some(one), Some(other)) if one.session() != other.session() => return Err(TWO_SESSIONS.into()),
            (Some(account), _) | (None, Some(account)) => account,
        };
        self.sessions.all(account.session().user_id).await.map(|_| ())
    }

    async fn account_of_refresh(&self, token: &str) -> Result<Account, Failure> {
        let presented = self.refresh_tokens.open(token, ClientId::first_party()).map_err(refused)?;
        self.accounts.by_refresh_token(&presented).await
    }

    async fn account_of_access(&self, token: &str) -> Result<Account, Failure> {
        let claims = self.guard.check(token).map_err(refused)?;
        let key = session_of(&claims).ok_or(TokenError::NoSession).map_err(refused)?;
        self.accounts.by_session(key).await
    }
}

fn refused(refusal: TokenError) -> ProtocolError {
    tracing::info!(reason = %refusal, "sign-out refused");
    ProtocolError::INVALID_TOKEN
}
