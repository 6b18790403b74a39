//! `GET /verify`: answers a proxy that asks whether it may pass on the request of another client (forward auth).

use actix_web::http::header::{HeaderName, LOCATION, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use goptri::actix::{authenticate, set_private};
use goptri::token::BUILT_IN_CLIENT;
use goptri::{AccessClaims, Guard, ProtocolError};

use crate::error::UNKNOWN_DEMAND;
use crate::forward_auth::{Demand, OriginalRequest, SignInPage, identity_headers};

const SIGN_IN: HeaderName = HeaderName::from_static("x-sign-in");

/// 204, 401, 403 or 503: proxies turn anything else into 500.
pub(super) async fn verify(request: HttpRequest, guard: Data<Guard>, page: Data<SignInPage>) -> HttpResponse {
    let mut response = if let Ok(demand) = Demand::parse(request.query_string()) {
        decide(&request, &guard, &page, &demand)
    } else {
        tracing::warn!(query = request.query_string(), "rejected, because of the configuration of the proxy");
        UNKNOWN_DEMAND.error_response()
    };
    set_private(response.headers_mut());
    response
}

fn decide(request: &HttpRequest, guard: &Guard, page: &SignInPage, demand: &Demand) -> HttpResponse {
    let original = OriginalRequest::of(request);
    match authenticate(guard, request, original.method()) {
        Ok(claims) if is_met_by(demand, &claims) => admitted(&claims),
        Ok(_) => lacks_scope(demand),
        Err(error) if matches!(error.status, 403 | 503) => error.error_response(),
        Err(error) => signed_out(&error, page, demand, &original),
    }
}

/// Users consent to scopes of an application. So the token of an application meets only a demand that names a scope;
/// without one, only a token of the built-in client does.
fn is_met_by(demand: &Demand, claims: &AccessClaims) -> bool {
    let is_own = &*claims.client_id == BUILT_IN_CLIENT;
    demand.is_met_by(&claims.scope) && (is_own || demand.demands_scope())
}

fn admitted(claims: &AccessClaims) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    for header in identity_headers(claims) {
        response.insert_header(header);
    }
    response.finish()
}

fn lacks_scope(demand: &Demand) -> HttpResponse {
    let error = ProtocolError::INSUFFICIENT_SCOPE;
    let scope = demand.demands_scope().then(|| format!(", scope=\"{}\"", demand.scope()));
    let challenge = format!("Bearer error=\"{}\"{}", error.code, scope.unwrap_or_default());
    with_header(error.error_response(), WWW_AUTHENTICATE, &challenge)
}

/// 401, or a redirect to the sign-in page. `error` may have another status, such as 400 for two credentials.
fn signed_out(
    error: &ProtocolError,
    page: &SignInPage,
    demand: &Demand,
    original: &OriginalRequest,
) -> HttpResponse {
    let url = page.url_for(original);
    if SignInPage::replaces_401(demand, original) {
        return with_header(HttpResponse::Found().finish(), LOCATION, url.as_str());
    }
    let error = if error.status == 401 { error } else { &ProtocolError::INVALID_TOKEN };
    with_header(error.error_response(), SIGN_IN, url.as_str())
}

fn with_header(mut response: HttpResponse, name: HeaderName, value: &str) -> HttpResponse {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
    response
}
