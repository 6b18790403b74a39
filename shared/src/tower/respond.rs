//! A protocol error as a response, of HTTP or of gRPC.

use bytes::Bytes;
use http_body_util::{Either, Full};
use http1::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http1::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};

use crate::protocol_error::ProtocolError;

/// The body of a response: that of the service, or that of a [`ProtocolError`].
pub type ResponseBody<B> = Either<B, Full<Bytes>>;

const GRPC: &str = "application/grpc";
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The HTTP response for an error: its status, headers and JSON.
pub fn error_response(error: &ProtocolError) -> Response<Full<Bytes>> {
    // Serializing strings cannot fail.
    let body = serde_json::to_vec(&error.body()).unwrap_or_default();
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    add_challenge(error, headers);
    if let Some(seconds) = error.retry_after {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response
}

/// The response to a request with these headers: a gRPC response if it is a gRPC request.
pub(super) fn reject<B>(error: &ProtocolError, request: &HeaderMap) -> Response<ResponseBody<B>> {
    let content_type = request.get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    // `application/grpc`, `application/grpc+proto`, `application/grpc;…`; not `application/grpc-web`.
    let subtype = content_type.strip_prefix(GRPC.as_bytes());
    let is_grpc = subtype.is_some_and(|rest| matches!(rest, [] | [b'+' | b';', ..]));
    if is_grpc { grpc_response(error) } else { error_response(error) }.map(ResponseBody::Right)
}

/// A gRPC response without a message: "Trailers-Only" in its specification, always with status 200.
fn grpc_response(error: &ProtocolError) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    headers.insert(GRPC_STATUS, grpc_code(error.status).into());
    if let Ok(message) = HeaderValue::try_from(error.description.replace('%', "%25")) {
        headers.insert(GRPC_MESSAGE, message);
    }
    add_challenge(error, headers);
    response
}

/// The gRPC status code for an HTTP status.
fn grpc_code(status: u16) -> u16 {
    match status {
        400 => 3,
        401 => 16,
        403 => 7,
        503 => 14,
        _ => 2,
    }
}

fn add_challenge(error: &ProtocolError, headers: &mut HeaderMap) {
    if let Some(challenge) = error.www_authenticate().and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
}
