//! The forms of `/account`. On success, each responds with 303, so that a reload posts nothing again.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER, SET_COOKIE};
use actix_web::web::Data;
use auth_domain::{ClientId, Password, SessionId, SessionKey};
use auth_pages::{AccountNotice, AccountProblem};
use goptri::ProtocolError;
use goptri_server::{ClientAddress, LimitedBody};
use goptri_settings::Plain;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::account::{AccountFlows, Outcome};
use super::form::Form;
use super::page_error::PageError;
use super::register::password_problem;
use super::visit::{Visit, append};
use crate::error::{ChangePasswordRefused, Failure, SessionEnded};
use crate::flow::Account;
use crate::flow::oauth::SignedIn;

type Body = Result<LimitedBody, ProtocolError>;

#[derive(Deserialize)]
struct DeviceFields {
    id: Uuid,
}

#[derive(Deserialize)]
struct ApplicationFields {
    client_id: String,
}

#[derive(Deserialize)]
struct NewPassword {
    current_password: Plain<Password>,
    new_password: Plain<Password>,
}

#[derive(Deserialize)]
struct Deletion {
    password: Plain<Password>,
}

/// `POST /account/devices/end`: signs a device out. It cannot end sessions of other users.
pub(crate) async fn end_device(visit: Visit, flows: Data<AccountFlows>, body: Body) -> HttpResponse {
    let result = async {
        let (fields, signed_in) = visit.account_form::<DeviceFields>(body).await?;
        let Some(signed_in) = signed_in else { return Ok(visit.to_own_page("/sign-in")) };
        let key = SessionKey { user_id: signed_in.user(), id: SessionId(fields.id) };
        flows.end.one(key).await?;
        Ok(visit.done(AccountNotice::DeviceEnded))
    };
    visit.finish(result.await)
}

/// `POST /account/applications/withdraw`: ends the access of an application.
pub(crate) async fn withdraw(visit: Visit, flows: Data<AccountFlows>, body: Body) -> HttpResponse {
    let result = async {
        let (fields, signed_in) = visit.account_form::<ApplicationFields>(body).await?;
        let Some(signed_in) = signed_in else { return Ok(visit.to_own_page("/sign-in")) };
        // The user's own sign-ins are devices.
        let client = ClientId::parse(&fields.client_id).filter(|client| !client.is_built_in());
        let client = client.ok_or(PageError::UnusableForm)?;
        flows.withdraw.run(signed_in.user(), &client).await?;
        Ok(visit.done(AccountNotice::ApplicationWithdrawn))
    };
    visit.finish(result.await)
}

/// `POST /account/password`: changes the password, and signs all other devices out.
pub(crate) async fn change_password(
    visit: Visit,
    flows: Data<AccountFlows>,
    from: ClientAddress,
    body: Body,
) -> HttpResponse {
    let result = async {
        let (fields, signed_in) = visit.account_form::<NewPassword>(body).await?;
        let Some(signed_in) = signed_in else { return Ok(visit.to_own_page("/sign-in")) };
        let account = account(&flows, &signed_in).await?;
        let NewPassword { current_password, new_password } = &fields;
        match flows.passwords.run(&account, from.ip(), current_password, new_password).await {
            Ok(()) => Ok(visit.done(AccountNotice::PasswordChanged)),
            Err(failure) => {
                let wrong = AccountProblem::WrongCurrentPassword;
                visit.account_form_failed(&flows, &signed_in, failure, wrong).await
            }
        }
    };
    visit.finish(result.await)
}

/// `POST /account/delete`: deletes the account.
pub(crate) async fn delete(
    visit: Visit,
    flows: Data<AccountFlows>,
    from: ClientAddress,
    body: Body,
) -> HttpResponse {
    let result = async {
        let (fields, signed_in) = visit.account_form::<Deletion>(body).await?;
        let Some(signed_in) = signed_in else { return Ok(visit.to_own_page("/sign-in")) };
        let account = account(&flows, &signed_in).await?;
        match flows.delete.run(&account, from.ip(), &fields.password).await {
            Ok(()) => {
                let mut response = visit.to_own_page("/signed-out?account=deleted");
                append(response.headers_mut(), SET_COOKIE, visit.parts.cookies.expire_sign_in());
                append(response.headers_mut(), SET_COOKIE, visit.parts.session_cookies.expire_access());
                Ok(response)
            }
            Err(failure) => {
                let wrong = AccountProblem::WrongPasswordToDelete;
                visit.account_form_failed(&flows, &signed_in, failure, wrong).await
            }
        }
    };
    visit.finish(result.await)
}

async fn account(flows: &AccountFlows, signed_in: &SignedIn) -> Result<Account, PageError> {
    let found = flows.accounts.by_session(signed_in.key.session).await;
    found.map_err(|failure: Failure<SessionEnded>| match failure {
        Failure::Refused(SessionEnded) => PageError::FormExpired,
        failure => PageError::Failed(failure.into()),
    })
}

impl Visit {
    /// The fields of a form of the account page, and the sign-in for which the page was made.
    async fn account_form<T: DeserializeOwned>(
        &self,
        body: Body,
    ) -> Result<(T, Option<SignedIn>), PageError> {
        let form = Form::<T>::parse(body)?;
        self.check_form_of_sign_in(&form.csrf)?;
        Ok((form.fields, self.signed_in().await?))
    }

    fn done(&self, notice: AccountNotice) -> HttpResponse {
        self.to_own_page(&format!("/account?done={}", notice.as_str()))
    }

    /// The account page, which says why the form failed.
    async fn account_form_failed(
        &self,
        flows: &AccountFlows,
        signed_in: &SignedIn,
        failure: Failure<ChangePasswordRefused>,
        wrong_password: AccountProblem,
    ) -> Result<HttpResponse, PageError> {
        let problem = match &failure {
            Failure::Refused(ChangePasswordRefused::TooManyAttempts(too_many)) => {
                AccountProblem::TryAgainIn { seconds: too_many.retry_after.into() }
            }
            Failure::Refused(ChangePasswordRefused::Password(rejected)) => {
                AccountProblem::NewPassword(password_problem(*rejected))
            }
            Failure::Refused(ChangePasswordRefused::WrongPassword) => wrong_password,
            Failure::Refused(ChangePasswordRefused::SessionEnded) => return Err(PageError::FormExpired),
            Failure::Hashing(error) if error.is_busy() => AccountProblem::Busy,
            _ => return Err(PageError::Failed(failure.into())),
        };
        let error = Failure::from(failure).public_error();
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        let outcome = Outcome { notice: None, problem: Some(problem) };
        let mut response = self.account_page(status, &flows.view, signed_in, outcome).await?;
        append(response.headers_mut(), RETRY_AFTER, error.retry_after.map(HeaderValue::from));
        Ok(response)
    }
}
