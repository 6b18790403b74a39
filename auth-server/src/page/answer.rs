//! What a browser gets for an authorization request: a page for the user, or the response to the client.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use auth_domain::{AuthorizationRequest, Client, OFFLINE_ACCESS, ResponseType};
use auth_pages::{
    AccessDuration, Application, Consent, FormContext, FormPost, Logo, Permission, SelectAccount, SignIn,
    SignInProblem, WebUrl,
};

use super::page_error::PageError;
use super::purpose::Purpose;
use super::visit::Visit;
use crate::flow::oauth::{
    Authorization, ClientResponse, KnownRequest, PendingRequest, RequiredPage, ShownConsent, SignedIn,
};

impl Visit {
    /// The response to a browser whose request was decided.
    pub(super) fn answer(
        &self,
        authorization: Authorization,
        pending: &PendingRequest,
        signed_in: Option<&SignedIn>,
    ) -> Result<HttpResponse, PageError> {
        match (authorization, signed_in) {
            (Authorization::Respond(response), _) => self.respond(&response),
            (Authorization::Ask(RequiredPage::SelectAccount, known), Some(signed_in)) => {
                Ok(self.select_account(&known, pending, signed_in))
            }
            (Authorization::Ask(RequiredPage::Consent(request), known), Some(signed_in)) => {
                Ok(self.consent(&known, &request, pending, signed_in))
            }
            // The sign-in page, which without a sign-in comes before the others.
            (Authorization::Ask(_, known), signed_in) => {
                let purpose = Purpose::of_request(known, self.seal(pending));
                let user = signed_in.map(|signed_in| signed_in.snapshot.owner.email.as_str());
                let email = purpose.login_hint().or(user).unwrap_or_default();
                Ok(self.sign_in_page(StatusCode::OK, &purpose, email, None))
            }
        }
    }

    /// The sign-in page.
    pub(super) fn sign_in_page(
        &self,
        status: StatusCode,
        purpose: &Purpose,
        email: &str,
        problem: Option<SignInProblem>,
    ) -> HttpResponse {
        let csrf = self.csrf();
        let view = SignIn {
            form: purpose.form(&csrf),
            application: purpose.application(),
            email,
            open_registration: self.parts.registration_open,
            problem,
        };
        self.page(status, self.pages().sign_in(self.language(purpose.ui_locales()), &view))
    }

    fn select_account(
        &self,
        known: &KnownRequest,
        pending: &PendingRequest,
        signed_in: &SignedIn,
    ) -> HttpResponse {
        let (csrf, sealed) = (self.csrf_of_sign_in(), self.seal(pending));
        let view = SelectAccount {
            form: form(&csrf, known, &sealed),
            application: Some(&known.client.name),
            email: signed_in.snapshot.owner.email.as_str(),
        };
        let language = self.language(known.parameters.ui_locales());
        self.page(StatusCode::OK, self.pages().select_account(language, &view))
    }

    fn consent(
        &self,
        known: &KnownRequest,
        request: &AuthorizationRequest,
        pending: &PendingRequest,
        signed_in: &SignedIn,
    ) -> HttpResponse {
        let shown = PendingRequest { shown: Some(ShownConsent::of(request)), ..pending.clone() };
        let (csrf, sealed) = (self.csrf_of_sign_in(), self.seal(&shown));
        let view = Consent {
            form: form(&csrf, known, &sealed),
            application: application(&known.client),
            permissions: &permissions(known, request),
            lasts: lasts(request),
            email: signed_in.snapshot.owner.email.as_str(),
        };
        let language = self.language(known.parameters.ui_locales());
        self.page(StatusCode::OK, self.pages().consent(language, &view))
    }

    /// The response to the client, by redirect or by a form that the browser posts.
    fn respond(&self, response: &ClientResponse) -> Result<HttpResponse, PageError> {
        let parameters = response.parameters(&self.parts.issuer);
        if let Some(location) = response.to().with_parameters(&parameters) {
            return Ok(self.see_other(&location));
        }
        // Cannot fail: only http and https have this response mode.
        let action = WebUrl::parse(response.to().redirect_uri.as_str()).ok_or(PageError::UnusableForm)?;
        let view = FormPost { action, application: response.client_name(), fields: &parameters };
        Ok(self.page(StatusCode::OK, self.pages().form_post(self.language(None), &view)))
    }
}

/// The hidden fields of a form for a pending request.
fn form<'a>(csrf: &'a str, known: &'a KnownRequest, sealed: &'a str) -> FormContext<'a> {
    let destination = Some(known.to.redirect_uri.as_str());
    FormContext { csrf, request: Some(sealed), return_to: None, destination }
}

fn application(client: &Client) -> Application<'_> {
    Application {
        name: &client.name,
        home: client.home.as_deref().and_then(WebUrl::parse),
        logo: client.logo.as_deref().and_then(Logo::parse),
        policy: client.policy.as_deref().and_then(WebUrl::parse),
        known: client.first_party,
    }
}

/// The registered scopes that the client asks for, as their descriptions word them.
fn permissions<'a>(known: &'a KnownRequest, request: &AuthorizationRequest) -> Vec<Permission<'a>> {
    let asked = known.scopes.iter().filter(|scope| request.scope.contains(&scope.name));
    asked.map(|scope| Permission::Described(&scope.description)).collect()
}

fn lasts(request: &AuthorizationRequest) -> AccessDuration {
    let outlives_sign_in = request.scope.contains(OFFLINE_ACCESS) && request.response != ResponseType::Token;
    if outlives_sign_in { AccessDuration::UntilTakenBack } else { AccessDuration::WhileSignedIn }
}
