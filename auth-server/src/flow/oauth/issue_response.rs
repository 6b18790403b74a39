//! Issues what a client gets from `/authorize`: a code, or, for an implicit client, a token.

use std::sync::Arc;

use auth_domain::{
    ApplicationSession, AuthorizationRequest, CodeChallenge, CodeKey, Digest, Entropy, NewCode,
    OFFLINE_ACCESS, ResponseType, SessionId, SessionKey, Unanswerable, random_id, random_token_id,
};
use auth_store::{IssueCodeOutcome, OpenApplicationOutcome, Store};
use chrono::TimeDelta;
use goptri::clock::Clock;
use goptri_settings::Plain;

use super::super::IssueTokens;
use super::super::excess_sessions::end_excess_sessions;
use super::{KnownRequest, SignedIn};
use crate::error::Failure;

/// The longest life of a token that passed through the browser, and of its session.
const IMPLICIT_LIFETIME: TimeDelta = TimeDelta::minutes(5);

/// Parameters of a response.
type Parameters = Vec<(&'static str, String)>;

/// Issues codes and implicit tokens.
#[derive(Clone)]
pub(crate) struct IssueResponse {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tokens: IssueTokens,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl IssueResponse {
    /// The parameters of the response. `None`: the sign-in has ended.
    ///
    /// A pushed request is spent here, so that a page of the flow may be reloaded before.
    pub(super) async fn run(
        &self,
        known: &KnownRequest,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
    ) -> Result<Option<Parameters>, Failure<Unanswerable>> {
        let issued = match request.response {
            ResponseType::Code(challenge) => self.code(known, request, challenge, signed_in).await?,
            ResponseType::Token => self.token(known, request, signed_in).await?,
        };
        if issued.is_some()
            && let Some(pushed) = &known.pushed
            && !self.store.spend_pushed_request(pushed).await?
        {
            // A second window was faster. This code reaches no client.
            return Err(Unanswerable::NotPushed.into());
        }
        Ok(issued)
    }

    async fn code(
        &self,
        known: &KnownRequest,
        request: &AuthorizationRequest,
        challenge: CodeChallenge,
        signed_in: &SignedIn,
    ) -> Result<Option<Parameters>, Failure<Unanswerable>> {
        let (user, client) = (signed_in.user(), &known.client.id);
        let (code, key) = CodeKey::generate(user, self.entropy.as_ref());
        let new = NewCode {
            key,
            client_id: client.clone(),
            sign_in: signed_in.key.session.id,
            redirect_uri: request.to.redirect_uri.as_str().to_owned(),
            challenge,
            scope: request.scope.clone(),
            audience: request.audience.clone(),
        };
        match self.store.issue_code(&new).await? {
            IssueCodeOutcome::Issued => {
                tracing::info!(%user, client = client.as_str(), "authorization code issued");
                Ok(Some(vec![("code", code.expose().to_owned())]))
            }
            IssueCodeOutcome::Refused => Ok(None),
        }
    }

    /// A token whose session ends with it, and with the sign-in. There is no refresh token (RFC 6749 §4.2.2).
    async fn token(
        &self,
        known: &KnownRequest,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
    ) -> Result<Option<Parameters>, Failure<Unanswerable>> {
        let (user, client) = (signed_in.user(), &known.client.id);
        let jti = Plain::new(random_token_id(self.entropy.as_ref()));
        let id = SessionId(random_id(self.entropy.as_ref(), self.clock.now()));
        let session = ApplicationSession {
            key: SessionKey { user_id: user, id },
            client_id: client.clone(),
            sign_in: signed_in.key.session.id,
            // The token never outlives the sign-in.
            scope: request.scope.filter(|word| word != OFFLINE_ACCESS),
            audience: request.audience.clone(),
            jti_hash: Digest::of(&jti),
            lifetime: Some(IMPLICIT_LIFETIME.min(self.tokens.access_lifetime)),
            user_agent: None,
            ip: None,
        };
        let OpenApplicationOutcome::Opened(snapshot) = self.store.open_application_session(&session).await?
        else {
            return Ok(None);
        };
        end_excess_sessions(self.store.as_ref(), session.key).await;
        tracing::warn!(%user, client = client.as_str(), session = %id, "implicit grant: a token passes through the browser");
        let tokens = self.tokens.run(&snapshot, &jti)?;
        Ok(Some(vec![
            ("access_token", tokens.access_token.expose().to_owned()),
            ("token_type", "Bearer".to_owned()),
            ("expires_in", tokens.access_lifetime.num_seconds().to_string()),
            ("scope", tokens.scope.to_string()),
        ]))
    }
}
