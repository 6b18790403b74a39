//! `GET /sign-in`, `POST /sign-in`: signs in, and continues with the pending request.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER, SET_COOKIE};
use actix_web::web::Data;
use auth_domain::{Password, SignInHandle};
use auth_pages::SignInProblem;
use goptri::ProtocolError;
use goptri_server::LimitedBody;
use goptri_settings::Plain;
use serde::Deserialize;

use super::form::{Form, Links};
use super::page_error::PageError;
use super::purpose::Purpose;
use super::visit::{Visit, append};
use crate::error::{Failure, SignInRefused};
use crate::flow::oauth::{Authorize, PageSignIn};
use crate::http::login::RequestDevice;

#[derive(Deserialize)]
struct Fields {
    email: String,
    password: Plain<Password>,
}

/// The form: for a pending request, another account, or a web app behind forward authentication. A browser that is
/// signed in returns to such a web app without a page.
pub(crate) async fn get(visit: Visit, flow: Data<Authorize>) -> HttpResponse {
    let page = async {
        let Links { request, return_to } = Links::parse(visit.request.query_string())?;
        let purpose = Purpose::load(&visit, &flow, request.as_deref(), return_to.as_deref()).await?;
        if let Some(url) = purpose.return_to()
            && let Some(signed_in) = visit.signed_in().await?
        {
            return visit.return_with_cookie(url, &signed_in);
        }
        let email = purpose.login_hint().unwrap_or_default();
        Ok(visit.sign_in_page(StatusCode::OK, &purpose, email, None))
    };
    visit.finish(page.await)
}

/// 303 to what comes next. The same page if the credentials are wrong.
pub(crate) async fn post(
    visit: Visit,
    flow: Data<PageSignIn>,
    authorize: Data<Authorize>,
    RequestDevice(device): RequestDevice,
    body: Result<LimitedBody, ProtocolError>,
) -> HttpResponse {
    let result = async {
        let form = Form::<Fields>::parse(body)?;
        let (request, return_to) = (form.request.as_deref(), form.return_to.as_deref());
        let purpose = Purpose::load(&visit, &authorize, request, return_to).await?;
        let Fields { email, password } = &form.fields;
        match visit.check_form(&form.csrf) {
            Err(PageError::FormExpired) => {
                let problem = Some(SignInProblem::Expired);
                return Ok(visit.sign_in_page(StatusCode::FORBIDDEN, &purpose, email, problem));
            }
            checked => checked?,
        }
        match flow.run(email, password, &device, visit.browser.sign_in.as_ref()).await {
            Ok(handle) => Ok(visit.signed_in_with(&handle, &purpose)),
            Err(failure) => visit.sign_in_failed(failure, &purpose, email),
        }
    };
    visit.finish(result.await)
}

impl Visit {
    /// 303 with the handle of a new sign-in.
    pub(super) fn signed_in_with(&self, handle: &Plain<SignInHandle>, purpose: &Purpose) -> HttpResponse {
        let mut response = purpose.continue_with(self);
        append(response.headers_mut(), SET_COOKIE, self.parts.cookies.set_sign_in(handle));
        response
    }

    /// The same page, with what the user typed except the password.
    pub(super) fn sign_in_failed(
        &self,
        failure: Failure<SignInRefused>,
        purpose: &Purpose,
        email: &str,
    ) -> Result<HttpResponse, PageError> {
        let problem = match &failure {
            Failure::Refused(SignInRefused::TooManyAttempts(too_many)) => {
                SignInProblem::TryAgainIn { seconds: too_many.retry_after.into() }
            }
            Failure::Refused(_) => SignInProblem::WrongEmailOrPassword,
            Failure::Hashing(error) if error.is_busy() => SignInProblem::Busy,
            _ => return Err(PageError::Failed(failure.into())),
        };
        let error = Failure::from(failure).public_error();
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = self.sign_in_page(status, purpose, email, Some(problem));
        append(response.headers_mut(), RETRY_AFTER, error.retry_after.map(HeaderValue::from));
        Ok(response)
    }
}
