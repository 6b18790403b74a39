//! What is true of every response: a request id, a span for the log, the headers that keep browsers from
//! guessing, and no word of what broke inside.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError};
use tracing::Instrument;

use goptri::ProtocolError;

/// The middleware, for `actix_web::middleware::from_fn`; the outermost one.
pub async fn response_policy<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, Error> {
    let id = request_id();
    let span = tracing::info_span!("request", id = %id, method = %request.method(), path = request.path());
    let answered = next.call(request).instrument(span.clone()).await;
    let _entered = span.enter();
    let response = match answered {
        Ok(response) => response,
        Err(error) => return Err(dressed(error, &id)),
    };
    let mut response = if response.status().as_u16() == 500 {
        let cause = response.response().error().map(ToString::to_string).unwrap_or_default();
        tracing::error!(%cause, "failed");
        let http_request = response.into_parts().0;
        ServiceResponse::new(http_request, server_error(&id)).map_into_right_body()
    } else {
        if let Some(cause) = response.response().error().filter(|_| response.status().is_server_error()) {
            tracing::warn!(%cause, status = response.status().as_u16(), "not answered");
        }
        tracing::debug!(status = response.status().as_u16(), "answered");
        response.map_into_left_body()
    };
    set_headers(response.headers_mut(), &id);
    Ok(response)
}

/// A middleware further in gave up, and the request went with it: there is nothing to answer to, only an error
/// that brings its response along.
fn dressed(error: Error, id: &str) -> Error {
    let mut response = error.error_response();
    if response.status().as_u16() == 500 {
        tracing::error!(cause = %error, "failed");
        response = server_error(id);
    }
    set_headers(response.headers_mut(), id);
    InternalError::from_response(error, response).into()
}

fn server_error(id: &str) -> HttpResponse {
    let mut body = ProtocolError::SERVER_ERROR.body();
    body.request_id = Some(id.to_owned());
    HttpResponse::build(ProtocolError::SERVER_ERROR.status_code()).json(body)
}

fn set_headers(headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
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

/// Unique among all servers for as long as logs are kept: 64 random bits a process, and a count.
fn request_id() -> String {
    static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{:016x}-{}", *PROCESS, COUNT.fetch_add(1, Ordering::Relaxed))
}
