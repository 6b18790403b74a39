//! What `/authorize` does next: show a page, issue, or report an error. Pure, so that every rule has a row in a table.

use chrono::{DateTime, Utc};

use super::{AuthorizationError, AuthorizationRequest, Client, Grant, ResponseType};

/// Everything that the decision depends on.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// What the client asks for.
    pub request: &'a AuthorizationRequest,
    /// The client.
    pub client: &'a Client,
    /// When the user of this browser signed in. `None`: the browser is not signed in.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// Whether the user has chosen to continue with this account.
    pub account_chosen: bool,
    /// What the user has allowed the client before.
    pub grant: Option<&'a Grant>,
    /// When the request arrived. A later sign-in was made for this request, so the user does not sign in once more.
    pub started_at: DateTime<Utc>,
    /// The present time, by the clock that dated the sign-in.
    pub now: DateTime<Utc>,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Show the sign-in page.
    SignIn,
    /// Ask whether to continue with this account.
    SelectAccount,
    /// Ask for consent.
    AskForConsent,
    /// Issue a code, or a token.
    Issue,
    /// Report an error to the client, without a page.
    Fail(AuthorizationError),
}

impl Situation<'_> {
    /// What to do next. With `prompt=none`, it never is a page.
    pub fn next_step(&self) -> NextStep {
        let prompt = self.request.prompt;
        let Some(signed_in_at) = self.signed_in_at else { return self.ask_to_sign_in() };
        let is_fresh = signed_in_at >= self.started_at;
        if !is_fresh && (prompt.login || self.is_too_old(signed_in_at)) {
            return self.ask_to_sign_in();
        }
        if prompt.select_account && !is_fresh && !self.account_chosen {
            return NextStep::SelectAccount;
        }
        match (self.must_ask_for_consent(), prompt.none) {
            (false, _) => NextStep::Issue,
            (true, false) => NextStep::AskForConsent,
            (true, true) => NextStep::Fail(AuthorizationError::ConsentRequired),
        }
    }

    /// Whether consent is asked for, if the user is signed in.
    fn must_ask_for_consent(&self) -> bool {
        let Self { request, client, .. } = self;
        // Another app on the device may have the same redirect URI: a user who allowed one is asked again (RFC 8252
        // §8.6).
        let may_be_another_app = client.is_public() && request.to.redirect_uri.may_reach_another_app();
        let is_covered = self.grant.is_some_and(|grant| grant.covers(&request.scope, &request.audience));
        request.prompt.consent
            || request.response == ResponseType::Token
            || may_be_another_app
            || !(client.first_party || is_covered)
    }

    fn ask_to_sign_in(&self) -> NextStep {
        if self.request.prompt.none {
            NextStep::Fail(AuthorizationError::LoginRequired)
        } else {
            NextStep::SignIn
        }
    }

    /// Whether the sign-in is older than `max_age`. After the clock was set back, it is not.
    fn is_too_old(&self, signed_in_at: DateTime<Utc>) -> bool {
        self.request.max_age.is_some_and(|max_age| self.now - signed_in_at > max_age)
    }
}
