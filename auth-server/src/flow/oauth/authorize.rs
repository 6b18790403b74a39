//! `/authorize`: checks the request of a client, and decides which page the user sees or what the client gets.

use std::sync::Arc;

use auth_domain::{
    AuthorizationError, AuthorizationParameters, AuthorizationRequest, Client, Digest, Grant, NextStep,
    RegisteredScope, RequestUri, ReturnAddress, Situation, Unanswerable,
};
use auth_store::{Store, StoreError};
use chrono::{DateTime, Utc};
use goptri::Scope;
use goptri_settings::Plain;
use serde::{Deserialize, Serialize};

use super::issue_response::IssueResponse;
use super::{ClientResponse, SignedIn};
use crate::error::Failure;

/// A request that came to `/authorize`, and may have waited for the user.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PendingRequest {
    /// The query.
    pub(crate) query: String,
    /// When it arrived.
    pub(crate) started_at: DateTime<Utc>,
    /// Whether the user has chosen to continue with the account that is signed in.
    pub(crate) account_chosen: bool,
    /// Whether it was opened before and waited for the user, so that a pushed request stays valid.
    pub(crate) is_resumed: bool,
    /// What its consent page has shown. `None`: it has not shown any.
    pub(crate) shown: Option<ShownConsent>,
}

/// What a consent page has shown: the user allows no more than this.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShownConsent {
    scope: Scope,
    audience: String,
}

impl ShownConsent {
    /// What the page for this request shows.
    pub(crate) fn of(request: &AuthorizationRequest) -> Self {
        Self { scope: request.scope.clone(), audience: request.audience.clone() }
    }
}

/// A request whose client and return address are known.
#[derive(Debug, Clone)]
pub(crate) struct KnownRequest {
    /// The client.
    pub(crate) client: Client,
    /// What it sent.
    pub(crate) parameters: AuthorizationParameters,
    /// Where the response goes.
    pub(crate) to: ReturnAddress,
    /// All registered scopes.
    pub(crate) scopes: Vec<RegisteredScope>,
    /// The digest of the URI under which it was pushed.
    pub(super) pushed: Option<Digest<RequestUri>>,
}

/// A page that the user has to complete first.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "a result is consumed where it arrives")]
pub(crate) enum RequiredPage {
    /// Sign in.
    SignIn,
    /// Choose an account.
    SelectAccount,
    /// Allow this, or not.
    Consent(AuthorizationRequest),
}

/// What happens next.
#[expect(clippy::large_enum_variant, reason = "a result is consumed where it arrives")]
pub(crate) enum Authorization {
    /// The user sees a page.
    Ask(RequiredPage, KnownRequest),
    /// The client gets a response.
    Respond(ClientResponse),
}

/// What the user decided on the consent page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Allow it.
    Allow,
    /// Do not.
    Cancel,
}

/// Decides about authorization requests.
#[derive(Clone)]
pub(crate) struct Authorize {
    pub(crate) store: Arc<dyn Store>,
    /// The API that tokens are for by default.
    pub(crate) audience: String,
    pub(crate) issue: IssueResponse,
}

impl Authorize {
    /// What happens next with a request.
    pub(crate) async fn run(
        &self,
        pending: &PendingRequest,
        signed_in: Option<&SignedIn>,
    ) -> Result<Authorization, Failure<Unanswerable>> {
        let known = self.load(pending).await?;
        let request = match self.check(&known) {
            Ok(request) => request,
            Err(error) => return Ok(fail(known, error)),
        };
        let grant = self.grant(&known, signed_in).await?;
        match next_step(&request, &known, pending, signed_in, grant.as_ref()) {
            NextStep::Issue => self.issue(known, &request, signed_in).await,
            step => Ok(without_issuing(step, known, request)),
        }
    }

    /// What happens after the user decided on the consent page.
    pub(crate) async fn decide(
        &self,
        decision: Decision,
        pending: &PendingRequest,
        signed_in: Option<&SignedIn>,
    ) -> Result<Authorization, Failure<Unanswerable>> {
        let known = self.load(pending).await?;
        let request = match (self.check(&known), decision) {
            (Err(error), _) => return Ok(fail(known, error)),
            (Ok(_), Decision::Cancel) => return Ok(fail(known, AuthorizationError::AccessDenied)),
            (Ok(request), Decision::Allow) => request,
        };
        let grant = self.grant(&known, signed_in).await?;
        let step = next_step(&request, &known, pending, signed_in, grant.as_ref());
        // The client or the scopes may have been changed since the page was shown.
        let is_shown = pending.shown.as_ref() == Some(&ShownConsent::of(&request));
        match (step, signed_in) {
            (NextStep::AskForConsent | NextStep::Issue, Some(_)) if !is_shown => {
                Ok(without_issuing(NextStep::AskForConsent, known, request))
            }
            (NextStep::AskForConsent | NextStep::Issue, Some(user)) => {
                self.extend_grant(user, &known, &request).await?;
                self.issue(known, &request, signed_in).await
            }
            (step, _) => Ok(without_issuing(step, known, request)),
        }
    }

    /// The client and the return address of a request, without which nothing may reach the client (AS-03).
    pub(crate) async fn load(&self, pending: &PendingRequest) -> Result<KnownRequest, Failure<Unanswerable>> {
        let mut parameters = AuthorizationParameters::parse(&pending.query);
        let client_id = parameters.client_id()?;
        let request_uri = parameters.request_uri()?.map(|uri| Plain::<RequestUri>::new(uri.to_owned()));
        let pushed = request_uri.as_ref().map(Digest::of);
        if let Some(digest) = &pushed {
            let found = self.store.find_pushed_request(digest, pending.is_resumed).await?;
            let found = found.filter(|found| found.client_id == client_id).ok_or(Unanswerable::NotPushed)?;
            parameters = AuthorizationParameters::parse(&found.request);
        }
        let client = self.store.find_client(&client_id).await?.ok_or(Unanswerable::UnknownClient)?;
        let to = parameters.return_address(&client)?;
        let scopes = self.store.list_scopes().await?;
        Ok(KnownRequest { client, parameters, to, scopes, pushed })
    }

    fn check(&self, known: &KnownRequest) -> Result<AuthorizationRequest, AuthorizationError> {
        let KnownRequest { client, parameters, to, scopes, .. } = known;
        AuthorizationRequest::parse(parameters, to.clone(), client, scopes, &self.audience)
    }

    async fn grant(
        &self,
        known: &KnownRequest,
        signed_in: Option<&SignedIn>,
    ) -> Result<Option<Grant>, StoreError> {
        match signed_in {
            Some(signed_in) => self.store.find_grant(signed_in.user(), &known.client.id).await,
            None => Ok(None),
        }
    }

    async fn extend_grant(
        &self,
        signed_in: &SignedIn,
        known: &KnownRequest,
        request: &AuthorizationRequest,
    ) -> Result<(), StoreError> {
        let (user, client) = (signed_in.user(), &known.client.id);
        tracing::info!(%user, client = client.as_str(), scope = request.scope.as_str(), "access allowed");
        self.store.put_grant(user, client, &request.scope, std::slice::from_ref(&request.audience)).await
    }

    /// The response with a code or a token. If the sign-in has just ended, the user signs in first.
    async fn issue(
        &self,
        known: KnownRequest,
        request: &AuthorizationRequest,
        signed_in: Option<&SignedIn>,
    ) -> Result<Authorization, Failure<Unanswerable>> {
        let issued = match signed_in {
            Some(signed_in) => self.issue.run(&known, request, signed_in).await?,
            None => None,
        };
        Ok(match issued {
            Some(parameters) => {
                Authorization::Respond(ClientResponse::new(known.to, known.client.name, parameters))
            }
            None if request.prompt.none => fail(known, AuthorizationError::LoginRequired),
            None => Authorization::Ask(RequiredPage::SignIn, known),
        })
    }
}

fn next_step(
    request: &AuthorizationRequest,
    known: &KnownRequest,
    pending: &PendingRequest,
    signed_in: Option<&SignedIn>,
    grant: Option<&Grant>,
) -> NextStep {
    let snapshot = signed_in.map(|signed_in| &signed_in.snapshot);
    let situation = Situation {
        request,
        client: &known.client,
        signed_in_at: snapshot.map(|snapshot| snapshot.session.auth_time),
        account_chosen: pending.account_chosen,
        grant,
        started_at: pending.started_at,
        now: snapshot.map_or(pending.started_at, |snapshot| snapshot.now),
    };
    situation.next_step()
}

/// Sends an error to the client immediately, also before a sign-in. This makes no open redirector of this server,
/// because only the operator registers clients (RFC 9700 §4.11.2).
fn fail(known: KnownRequest, error: AuthorizationError) -> Authorization {
    tracing::info!(client = known.client.id.as_str(), error = error.code(), reason = %error, "authorization rejected");
    Authorization::Respond(ClientResponse::error(known.to, known.client.name, error))
}

fn without_issuing(step: NextStep, known: KnownRequest, request: AuthorizationRequest) -> Authorization {
    match step {
        // No caller passes `Issue`: it needs a sign-in.
        NextStep::SignIn | NextStep::Issue => Authorization::Ask(RequiredPage::SignIn, known),
        NextStep::SelectAccount => Authorization::Ask(RequiredPage::SelectAccount, known),
        NextStep::AskForConsent => Authorization::Ask(RequiredPage::Consent(request), known),
        NextStep::Fail(error) => fail(known, error),
    }
}
