//! `GET /register`, `POST /register`: adds the user, and signs in.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::Data;
use auth_domain::{Password, PasswordRejected};
use auth_pages::{PasswordProblem, Register, RegisterProblem};
use goptri::ProtocolError;
use goptri_server::LimitedBody;
use goptri_settings::Plain;
use serde::Deserialize;

use super::form::{Form, Links};
use super::page_error::PageError;
use super::purpose::Purpose;
use super::visit::{Visit, append};
use crate::error::{Failure, RegisterRefused};
use crate::flow::SelfRegister;
use crate::flow::oauth::{Authorize, PageSignIn};
use crate::http::login::RequestDevice;

#[derive(Deserialize)]
struct Fields {
    email: String,
    password: Plain<Password>,
}

/// The flows that a registration needs.
pub(crate) struct RegisterAtPages {
    pub(crate) register: SelfRegister,
    pub(crate) sign_in: PageSignIn,
    pub(crate) authorize: Authorize,
}

/// The form.
pub(crate) async fn get(visit: Visit, flows: Data<RegisterAtPages>) -> HttpResponse {
    let page = async {
        let Links { request, return_to } = Links::parse(visit.request.query_string())?;
        let purpose =
            Purpose::load(&visit, &flows.authorize, request.as_deref(), return_to.as_deref()).await?;
        let closed = (!visit.parts.registration_open).then_some(RegisterProblem::Closed);
        let status = if closed.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
        Ok(visit.register_page(status, &purpose, purpose.login_hint().unwrap_or_default(), closed))
    };
    visit.finish(page.await)
}

/// 303 to what comes next, signed in. The same page if the user is not added.
pub(crate) async fn post(
    visit: Visit,
    flows: Data<RegisterAtPages>,
    RequestDevice(device): RequestDevice,
    body: Result<LimitedBody, ProtocolError>,
) -> HttpResponse {
    let result = async {
        let form = Form::<Fields>::parse(body)?;
        let (request, return_to) = (form.request.as_deref(), form.return_to.as_deref());
        let purpose = Purpose::load(&visit, &flows.authorize, request, return_to).await?;
        let Fields { email, password } = &form.fields;
        match visit.check_form(&form.csrf) {
            Err(PageError::FormExpired) => {
                let problem = Some(RegisterProblem::Expired);
                return Ok(visit.register_page(StatusCode::FORBIDDEN, &purpose, email, problem));
            }
            checked => checked?,
        }
        let added = flows.register.run(email.clone(), password.clone(), device.address).await;
        if let Err(failure) = added {
            return visit.register_failed(failure, &purpose, email);
        }
        match flows.sign_in.run(email, password, &device, visit.browser.sign_in.as_ref()).await {
            Ok(handle) => Ok(visit.signed_in_with(&handle, &purpose)),
            Err(failure) => visit.sign_in_failed(failure, &purpose, email),
        }
    };
    visit.finish(result.await)
}

impl Visit {
    fn register_page(
        &self,
        status: StatusCode,
        purpose: &Purpose,
        email: &str,
        problem: Option<RegisterProblem>,
    ) -> HttpResponse {
        let csrf = self.csrf();
        let view = Register {
            form: purpose.form(&csrf),
            application: purpose.application(),
            email,
            min_password_length: self.parts.min_password_length,
            problem,
        };
        self.page(status, self.pages().register(self.language(purpose.ui_locales()), &view))
    }

    fn register_failed(
        &self,
        failure: Failure<RegisterRefused>,
        purpose: &Purpose,
        email: &str,
    ) -> Result<HttpResponse, PageError> {
        let problem = match &failure {
            Failure::Refused(refused) => problem(refused),
            Failure::Hashing(error) if error.is_busy() => RegisterProblem::Busy,
            _ => return Err(PageError::Failed(failure.into())),
        };
        let error = Failure::from(failure).public_error();
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = self.register_page(status, purpose, email, Some(problem));
        append(response.headers_mut(), RETRY_AFTER, error.retry_after.map(HeaderValue::from));
        Ok(response)
    }
}

fn problem(refused: &RegisterRefused) -> RegisterProblem {
    match refused {
        RegisterRefused::Closed => RegisterProblem::Closed,
        RegisterRefused::TooManyAttempts(too_many) => {
            RegisterProblem::TryAgainIn { seconds: too_many.retry_after.into() }
        }
        RegisterRefused::InvalidEmail(_) => RegisterProblem::AddressUnusable,
        RegisterRefused::EmailTaken => RegisterProblem::AddressTaken,
        RegisterRefused::Password(rejected) => RegisterProblem::Password(password_problem(*rejected)),
    }
}

/// What a page says about a password that the rules forbid.
pub(super) fn password_problem(rejected: PasswordRejected) -> PasswordProblem {
    match rejected {
        PasswordRejected::TooShort(_) => PasswordProblem::TooShort,
        PasswordRejected::TooLong => PasswordProblem::TooLong,
        PasswordRejected::Nul => PasswordProblem::Nul,
        PasswordRejected::Obvious => PasswordProblem::Obvious,
        PasswordRejected::Common => PasswordProblem::Common,
    }
}
