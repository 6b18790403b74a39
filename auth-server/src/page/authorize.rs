//! `GET /authorize`, `POST /authorize` (RFC 6749 §4.1.1).

use std::str::from_utf8;

use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::web::Data;
use goptri::ProtocolError;
use goptri_server::{BodyKind, LimitedBody};

use super::page_error::PageError;
use super::visit::Visit;
use crate::flow::oauth::Authorize;

/// What a page of this server adds to the path: the sealed request to continue with.
const RESUME: &str = "resume=";

/// A page for the user, or a redirect to the client. `?resume=…` continues with a pending request of this browser.
///
/// `HEAD` is answered as if the user were not signed in: it must not issue anything.
pub(crate) async fn get(visit: Visit, flow: Data<Authorize>) -> HttpResponse {
    visit.finish(authorize(&visit, &flow).await)
}

async fn authorize(visit: &Visit, flow: &Authorize) -> Result<HttpResponse, PageError> {
    let signed_in = if visit.request.method() == Method::HEAD { None } else { visit.signed_in().await? };
    let query = visit.request.query_string();
    // A client may have a parameter of this name, beside the required ones.
    let sealed = query.strip_prefix(RESUME).filter(|sealed| !sealed.contains('&'));
    let pending = match sealed {
        Some(sealed) => visit.pending(sealed)?,
        None => visit.new_request(query.to_owned(), signed_in.as_ref()),
    };
    let authorization = flow.run(&pending, signed_in.as_ref()).await?;
    visit.answer(authorization, &pending, signed_in.as_ref())
}

/// 303 to the same request by `GET`: a browser sends its cookies with that, and not with a form of another site.
pub(crate) async fn post(visit: Visit, body: Result<LimitedBody, ProtocolError>) -> HttpResponse {
    let query = body.map_err(|_| PageError::UnusableForm).and_then(|body| as_query(&body));
    visit.finish(query.map(|query| visit.to_own_page(&format!("/authorize?{query}"))))
}

/// The form as a query, which is encoded in the same way. Only characters of a query may get into the `Location`
/// header.
fn as_query(body: &LimitedBody) -> Result<String, PageError> {
    let is_encoded = body.bytes.iter().all(|byte| matches!(byte, 0x21..=0x7e) && *byte != b'#');
    let text = from_utf8(&body.bytes).ok().filter(|_| is_encoded && body.kind == BodyKind::Form);
    text.map(str::to_owned).ok_or(PageError::UnusableForm)
}

impl Visit {
    /// 303 to the pending request.
    pub(super) fn resume(&self, sealed: &str) -> HttpResponse {
        self.to_own_page(&format!("/authorize?{RESUME}{sealed}"))
    }
}
