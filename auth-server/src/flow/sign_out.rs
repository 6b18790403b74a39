//! Signs out: ends the session that a token names, or all sessions of its user.

use std::sync::Arc;

use auth_domain::{ClientId, Digest, RefreshJti, RefreshTokens, SessionKey, session_of};
use auth_store::{EndOutcome, Store};
use chrono::TimeDelta;
use goptri::clock::Clock;
use goptri::token::AccessVerifier;
use goptri::{Guard, TokenError};

use super::{Account, EndSessions, FindAccount, SessionCounters};
use crate::error::{Failure, SignOutRefused};

/// How long after its expiry an access token can still end its own session: an app that resumes in the evening must
/// be able to sign out.
const SIGN_OUT_AFTER_EXPIRY: TimeDelta = TimeDelta::hours(24);

/// The tokens of a request to sign out. No `Debug`: they are secrets.
#[derive(Clone, Copy)]
pub struct PresentedTokens<'a> {
    /// From the body. It decides.
    pub refresh_token: Option<&'a str>,
    /// From the `Authorization` header. It decides where there is no refresh token.
    pub access_token: Option<&'a str>,
}

/// Ends the session that a token names.
#[derive(Clone)]
pub struct SignOut {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) refresh_tokens: RefreshTokens,
    pub(crate) verifier: AccessVerifier,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: SessionCounters,
}

/// The session that a valid token names. A refresh token also proves that it is the session's own.
struct Named {
    key: SessionKey,
    proof: Option<Digest<RefreshJti>>,
}

impl SignOut {
    /// Ends the session, also if it has already ended. Accepts any generation of the refresh token.
    pub async fn run(&self, presented: PresentedTokens<'_>) -> Result<(), Failure<SignOutRefused>> {
        self.end(presented).await.inspect_err(log_refusal)
    }

    async fn end(&self, presented: PresentedTokens<'_>) -> Result<(), Failure<SignOutRefused>> {
        let Named { key, proof } = self.named(presented)?;
        match self.store.end_session(key, proof.as_ref()).await? {
            outcome @ (EndOutcome::Ended | EndOutcome::WasGone) => {
                self.counters.signed_out(false);
                tracing::info!(user = %key.user_id, session = %key.id, ?outcome, "signed out");
                Ok(())
            }
            EndOutcome::WrongProof => {
                tracing::warn!(session = %key.id, reason = %SignOutRefused::OtherJti, "sign-out rejected");
                Err(SignOutRefused::OtherJti.into())
            }
        }
    }

    /// The session to end.
    fn named(&self, presented: PresentedTokens<'_>) -> Result<Named, SignOutRefused> {
        let by_access = presented.access_token.map(|token| self.named_by_access(token));
        let Some(refresh_token) = presented.refresh_token else {
            return Ok(by_access.ok_or(SignOutRefused::NoToken)??);
        };
        let named = self.named_by_refresh(refresh_token)?;
        refuse_another_session(named.key, by_access.map(|named| named.map(|named| named.key)))?;
        Ok(named)
    }

    fn named_by_refresh(&self, token: &str) -> Result<Named, TokenError> {
        let presented = self.refresh_tokens.verify(token, ClientId::built_in())?;
        Ok(Named { key: presented.key, proof: Some(presented.jti_hash) })
    }

    fn named_by_access(&self, token: &str) -> Result<Named, TokenError> {
        let claims = self.verifier.verify_with_tolerance(token, self.clock.now(), SIGN_OUT_AFTER_EXPIRY)?;
        Ok(Named { key: session_of(&claims).ok_or(TokenError::NoSession)?, proof: None })
    }
}

/// Ends all sessions of the user whose token is presented.
#[derive(Clone)]
pub struct SignOutEverywhere {
    pub(crate) sessions: EndSessions,
    pub(crate) accounts: FindAccount,
    pub(crate) refresh_tokens: RefreshTokens,
    /// Accepts access tokens whose audience is this server: not those of applications.
    pub(crate) guard: Guard,
    pub(crate) counters: SessionCounters,
}

impl SignOutEverywhere {
    /// Ends all sessions of the user, the presented one included.
    ///
    /// Unlike [`SignOut`], this rejects expired tokens and those whose session has ended.
    pub async fn run(&self, presented: PresentedTokens<'_>) -> Result<(), Failure<SignOutRefused>> {
        let account = self.account(presented).await.inspect_err(log_refusal)?;
        self.sessions.of_user(account.session().user_id).await?;
        self.counters.signed_out(true);
        Ok(())
    }

    async fn account(&self, presented: PresentedTokens<'_>) -> Result<Account, Failure<SignOutRefused>> {
        let by_access = presented.access_token.map(|token| self.session_of_access(token));
        let Some(refresh_token) = presented.refresh_token else {
            let key = by_access.ok_or(SignOutRefused::NoToken)?.map_err(SignOutRefused::Token)?;
            return self.accounts.by_session(key).await.map_err(|failure| failure.map_refusal(Into::into));
        };
        let account = self.account_of_refresh(refresh_token).await?;
        refuse_another_session(account.session(), by_access)?;
        Ok(account)
    }

    async fn account_of_refresh(&self, token: &str) -> Result<Account, Failure<SignOutRefused>> {
        let presented = self.refresh_tokens.verify(token, ClientId::built_in());
        let presented = presented.map_err(SignOutRefused::Token)?;
        self.accounts.by_refresh_token(&presented).await.map_err(|failure| failure.map_refusal(Into::into))
    }

    fn session_of_access(&self, token: &str) -> Result<SessionKey, TokenError> {
        let claims = self.guard.verify(token)?;
        session_of(&claims).ok_or(TokenError::NoSession)
    }
}

/// Beside a valid refresh token, an access token counts only if it is valid too: apps attach expired ones, and `null`,
/// to every request. A valid one must name the same session, so that no client ends another session than it means.
fn refuse_another_session(
    session: SessionKey,
    by_access: Option<Result<SessionKey, TokenError>>,
) -> Result<(), SignOutRefused> {
    match by_access {
        Some(Ok(other)) if other != session => Err(SignOutRefused::TwoSessions),
        Some(Err(reason)) => {
            tracing::debug!(%reason, "the access token beside the refresh token is ignored");
            Ok(())
        }
        Some(Ok(_)) | None => Ok(()),
    }
}

/// Logs refusals that were not logged where they occurred.
fn log_refusal(failure: &Failure<SignOutRefused>) {
    if let Failure::Refused(refused) = failure
        && !matches!(refused, SignOutRefused::OtherJti | SignOutRefused::SessionEnded)
    {
        tracing::info!(reason = %refused, "sign-out rejected");
    }
}
