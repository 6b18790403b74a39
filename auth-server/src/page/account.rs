//! `GET /account`: the signed-in user's devices, applications, password form and deletion form.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use auth_domain::ListedSession;
use auth_pages::{
    AccessDuration, Account as AccountView, AccountNotice, AccountProblem, AuthorizedApplication, Device,
    Logo, WebUrl,
};
use url::form_urlencoded;

use super::page_error::PageError;
use super::visit::Visit;
use crate::flow::oauth::{AccountOverview, AllowedApplication, SignedIn, ViewAccount, WithdrawAccess};
use crate::flow::{ChangePassword, DeleteAccount, EndSessions, FindAccount};

/// The flows of the account page.
pub(crate) struct AccountFlows {
    pub(crate) view: ViewAccount,
    pub(crate) end: EndSessions,
    pub(crate) withdraw: WithdrawAccess,
    pub(crate) accounts: FindAccount,
    pub(crate) passwords: ChangePassword,
    pub(crate) delete: DeleteAccount,
}

/// What the last form did.
#[derive(Clone, Copy, Default)]
pub(super) struct Outcome {
    pub(super) notice: Option<AccountNotice>,
    pub(super) problem: Option<AccountProblem>,
}

/// The page. 303 to the sign-in page without a sign-in.
pub(crate) async fn get(visit: Visit, flows: Data<AccountFlows>) -> HttpResponse {
    let page = async {
        let Some(signed_in) = visit.signed_in().await? else { return Ok(visit.to_own_page("/sign-in")) };
        let query = form_urlencoded::parse(visit.request.query_string().as_bytes());
        let done = query.into_owned().find(|(name, _)| name == "done");
        let notice = done.and_then(|(_, done)| AccountNotice::parse(&done));
        let outcome = Outcome { notice, problem: None };
        visit.account_page(StatusCode::OK, &flows.view, &signed_in, outcome).await
    };
    visit.finish(page.await)
}

impl Visit {
    /// The account page.
    pub(super) async fn account_page(
        &self,
        status: StatusCode,
        flow: &ViewAccount,
        signed_in: &SignedIn,
        outcome: Outcome,
    ) -> Result<HttpResponse, PageError> {
        let AccountOverview { devices, applications } = flow.run(signed_in).await?;
        let ids: Vec<_> = devices.iter().map(|device| device.id.to_string()).collect();
        let shown = devices.iter().zip(&ids).take(AccountView::MAX_DEVICES);
        let shown: Vec<_> = shown.map(|(found, id)| device(found, id, signed_in)).collect();
        let permissions: Vec<Vec<&str>> = applications.iter().map(permissions).collect();
        let applications: Vec<_> = applications
            .iter()
            .zip(&permissions)
            .map(|(application, permissions)| self::application(application, permissions))
            .collect();
        let csrf = self.csrf_of_sign_in();
        let view = AccountView {
            csrf: &csrf,
            email: signed_in.snapshot.owner.email.as_str(),
            now: signed_in.snapshot.now,
            devices: &shown,
            more_devices: devices.len() - shown.len(),
            applications: &applications,
            min_password_length: self.parts.min_password_length,
            notice: outcome.notice,
            problem: outcome.problem,
        };
        Ok(self.page(status, self.pages().account(self.language(None), &view)))
    }
}

fn device<'a>(found: &'a ListedSession, id: &'a str, signed_in: &SignedIn) -> Device<'a> {
    Device {
        id,
        user_agent: found.user_agent.as_deref(),
        address: found.ip.as_deref().and_then(|ip| ip.parse().ok()),
        signed_in: found.created_at,
        last_active: found.last_used_at,
        is_this_device: found.id == signed_in.key.session.id,
    }
}

fn permissions(application: &AllowedApplication) -> Vec<&str> {
    application.permissions.iter().map(String::as_str).collect()
}

fn application<'a>(
    application: &'a AllowedApplication,
    permissions: &'a [&'a str],
) -> AuthorizedApplication<'a> {
    let client = &application.client;
    let lasts = if application.outlives_sign_in {
        AccessDuration::UntilTakenBack
    } else {
        AccessDuration::WhileSignedIn
    };
    AuthorizedApplication {
        client_id: client.id.as_str(),
        name: &client.name,
        home: client.home.as_deref().and_then(WebUrl::parse),
        logo: client.logo.as_deref().and_then(Logo::parse),
        permissions,
        lasts,
        allowed: application.allowed_at,
    }
}
