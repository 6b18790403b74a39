//! Applies to every response: a request id, a span and a line in the log, headers that stop browsers from guessing
//! content types, and no detail of an internal failure.

use std::time::Duration;

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use tracing::Instrument;

use goptri::ProtocolError;

use crate::cross_origin;
use crate::request_id::RequestId;
use crate::request_observer::{ObservedRequest, RequestObserver};
use crate::tls;

/// A marker in the extensions of a response with status 500. Its body, which does not reveal the cause, is kept.
#[derive(Debug, Clone, Copy)]
pub struct PublicBody;

/// The outermost middleware, for `actix_web::middleware::from_fn`.
///
/// Behind [`mount`](crate::mount), it also counts each request and logs it.
pub async fn response_policy<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let request_id = RequestId::next();
    request.extensions_mut().insert(request_id.clone());
    let id = request_id.as_str();
    let span = tracing::info_span!("request", id = %id, method = %request.method(), path = request.path());
    let hsts = tls::is_for_hsts(request.request());
    let requests = request.app_data::<Data<RequestObserver>>().cloned();
    let start = requests.as_ref().map_or(Duration::ZERO, |requests| requests.now());
    let answered = next.call(request).instrument(span.clone()).await;
    let _entered = span.enter();
    let observe = |request: Option<&_>, status| {
        requests.as_ref().map(|requests| requests.record(request, status, start))
    };
    let response = match answered {
        Ok(response) => response,
        Err(error) => {
            let status = error.as_response_error().status_code();
            log(status, Some(&error), observe(None, status));
            return Err(with_standard_headers(error, id, hsts));
        }
    };
    let status = response.status();
    log(status, response.response().error(), observe(Some(response.request()), status));
    let is_public = response.response().extensions().contains::<PublicBody>();
    let mut response = if status == StatusCode::INTERNAL_SERVER_ERROR && !is_public {
        let (http_request, failed) = response.into_parts();
        let mut hidden = server_error(id);
        cross_origin::keep_headers(failed.headers(), hidden.headers_mut());
        ServiceResponse::new(http_request, hidden).map_into_right_body()
    } else {
        response.map_into_left_body()
    };
    set_headers(response.headers_mut(), id, hsts);
    Ok(response)
}

/// Logs one line for a request. A server error is logged even if requests are not, because its cause reaches no client.
fn log(status: StatusCode, error: Option<&Error>, observed: Option<ObservedRequest>) {
    let route = observed.as_ref().map(|observed| observed.path);
    let ms = observed.as_ref().map(ObservedRequest::ms);
    let token_error = observed.as_ref().and_then(|observed| observed.token_error);
    let reason = token_error.map(|error| error.to_string()).or_else(|| error.map(ToString::to_string));
    let status_code = status.as_u16();
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(route, status = status_code, ms, reason, "failed");
    } else if status.is_server_error() {
        tracing::warn!(route, status = status_code, ms, reason, "unavailable");
    } else if observed.is_some_and(|observed| observed.log) {
        // The log limits the number of lines with a reason.
        if status.is_client_error() || reason.is_some() {
            tracing::info!(route, status = status_code, ms, reason, "answered");
        } else {
            tracing::info!(route, status = status_code, ms, "answered");
        }
    }
}

/// The response of an error that an inner middleware returned. The request is gone, so the error carries its response.
fn with_standard_headers(error: Error, id: &str, hsts: bool) -> Error {
    let mut response = error.error_response();
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        let mut hidden = server_error(id);
        cross_origin::keep_headers(response.headers(), hidden.headers_mut());
        response = hidden;
    }
    set_headers(response.headers_mut(), id, hsts);
    InternalError::from_response(error, response).into()
}

fn server_error(id: &str) -> HttpResponse {
    let mut body = ProtocolError::SERVER_ERROR.body();
    body.request_id = Some(id.to_owned());
    HttpResponse::build(ProtocolError::SERVER_ERROR.status_code()).json(body)
}

fn set_headers(headers: &mut HeaderMap, id: &str, hsts: bool) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if hsts {
        headers.insert(STRICT_TRANSPORT_SECURITY, tls::HSTS);
    }
    let defaults = [
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
        ),
    ];
    for (name, value) in defaults {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}
