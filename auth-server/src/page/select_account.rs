//! `POST /authorize/account`: continues with the account that is signed in, or signs in to another one.

use actix_web::HttpResponse;
use goptri::ProtocolError;
use goptri_server::LimitedBody;
use serde::Deserialize;

use super::form::Form;
use super::page_error::PageError;
use super::visit::Visit;
use crate::flow::oauth::PendingRequest;

#[derive(Deserialize)]
struct Fields {
    choice: String,
}

/// 303 to the pending request, or to the sign-in page for it.
pub(crate) async fn post(visit: Visit, body: Result<LimitedBody, ProtocolError>) -> HttpResponse {
    let result = || {
        let form = Form::<Fields>::parse(body)?;
        visit.check_form_of_sign_in(&form.csrf)?;
        let sealed = form.request.ok_or(PageError::UnusableForm)?;
        let pending = visit.pending(&sealed)?;
        match form.fields.choice.as_str() {
            "continue" => {
                let chosen = PendingRequest { account_chosen: true, ..pending };
                Ok(visit.resume(&visit.seal(&chosen)))
            }
            "other" => Ok(visit.to_own_page(&format!("/sign-in?request={sealed}"))),
            _ => Err(PageError::UnusableForm),
        }
    };
    visit.finish(result())
}
