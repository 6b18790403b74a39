//! `POST /sign-out`: ends the sign-in of this browser. `GET /signed-out`: says so.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::SET_COOKIE;
use actix_web::web::Data;
use auth_pages::{SignedOut, SignedOutReason};
use goptri::ProtocolError;
use goptri_server::LimitedBody;

use super::form::{Form, NoFields};
use super::visit::{Visit, append};
use crate::flow::oauth::EndSignIn;

/// 303 to the pending request, which starts with a sign-in again ("Not you?"), or to `/signed-out`, also if that request has
/// expired: the user still wants to be signed out.
pub(crate) async fn post(
    visit: Visit,
    flow: Data<EndSignIn>,
    body: Result<LimitedBody, ProtocolError>,
) -> HttpResponse {
    let result = async {
        let form = Form::<NoFields>::parse(body)?;
        visit.check_form_of_sign_in(&form.csrf)?;
        let sealed = form.request.as_deref().filter(|sealed| visit.pending(sealed).is_ok());
        if let Some(key) = &visit.browser.sign_in {
            flow.run(key).await?;
        }
        let mut response = match sealed {
            Some(sealed) => visit.resume(sealed),
            None => visit.to_own_page("/signed-out"),
        };
        append(response.headers_mut(), SET_COOKIE, visit.parts.cookies.expire_sign_in());
        append(response.headers_mut(), SET_COOKIE, visit.parts.session_cookies.expire_access());
        Ok(response)
    };
    visit.finish(result.await)
}

/// The page after a sign-out.
pub(crate) async fn signed_out(visit: Visit) -> HttpResponse {
    let reason = match visit.request.query_string() {
        "account=deleted" => SignedOutReason::AccountDeleted,
        _ => SignedOutReason::SignedOut,
    };
    let view = SignedOut { reason };
    visit.page(StatusCode::OK, visit.pages().signed_out(visit.language(None), &view))
}
