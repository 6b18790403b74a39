//! `POST /consent`: the user allows what a client asks for, or does not.

use actix_web::HttpResponse;
use actix_web::web::Data;
use goptri::ProtocolError;
use goptri_server::LimitedBody;
use serde::Deserialize;

use super::form::Form;
use super::page_error::PageError;
use super::visit::Visit;
use crate::flow::oauth::{Authorize, Decision};

#[derive(Deserialize)]
struct Fields {
    decision: String,
}

/// The response to the client. If the user has signed out meanwhile, the page that is needed first.
pub(crate) async fn post(
    visit: Visit,
    flow: Data<Authorize>,
    body: Result<LimitedBody, ProtocolError>,
) -> HttpResponse {
    let result = async {
        let form = Form::<Fields>::parse(body)?;
        visit.check_form_of_sign_in(&form.csrf)?;
        let decision = match form.fields.decision.as_str() {
            "allow" => Decision::Allow,
            "cancel" => Decision::Cancel,
            _ => return Err(PageError::UnusableForm),
        };
        let pending = visit.pending(form.request.as_deref().ok_or(PageError::UnusableForm)?)?;
        let signed_in = visit.signed_in().await?;
        let authorization = flow.decide(decision, &pending, signed_in.as_ref()).await?;
        visit.answer(authorization, &pending, signed_in.as_ref())
    };
    visit.finish(result.await)
}
