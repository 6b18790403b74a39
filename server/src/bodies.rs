//! Request bodies: small, of the right type, and refused with one plain sentence.
//!
//! Why a body was refused is logged without a word of the body: where a value has the wrong type, the parser's own
//! message would quote it, and it may be a password.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use goptri::ProtocolError;
use goptri::strict_json::{self, StrictJsonError};

/// The most bytes that a JSON body or a form may have.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// A body that is one JSON object, no member twice, with the members of `T`; unknown ones are ignored.
#[derive(Debug)]
pub struct JsonObject<T>(pub T);

impl<T: DeserializeOwned> JsonObject<T> {
    /// Parses a body whose content type is known to be JSON.
    pub fn parse(body: &[u8]) -> Result<T, ProtocolError> {
        strict_json::from_slice(body.trim_ascii()).map_err(|not_read| {
            match not_read {
                StrictJsonError::Json(error) => tracing::debug!(
                    line = error.line(),
                    column = error.column(),
                    "the body is no JSON object, or a member is missing or of the wrong type"
                ),
                StrictJsonError::Duplicate => tracing::debug!("the body has a member twice"),
            }
            ProtocolError::MALFORMED_BODY
        })
    }
}

impl<T: DeserializeOwned + 'static> FromRequest for JsonObject<T> {
    type Error = ProtocolError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ProtocolError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = LimitedBody::from_request(request, payload);
        Box::pin(async move {
            let body = body.await?;
            match body.kind {
                BodyKind::Json => Self::parse(&body.bytes).map(Self),
                BodyKind::Form | BodyKind::Other => Err(ProtocolError::UNSUPPORTED_MEDIA_TYPE),
            }
        })
    }
}

/// The whole body, for handlers that take several content types, or none.
#[derive(Debug)]
pub struct LimitedBody {
    /// What its `Content-Type` says it is.
    pub kind: BodyKind,
    /// At most [`MAX_BODY_BYTES`].
    pub bytes: Bytes,
}

/// The content types that are told apart here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Any other, or none.
    Other,
}

impl BodyKind {
    /// Media types compare without case (RFC 9110 §8.3.1).
    fn of(request: &HttpRequest) -> Self {
        let media_type = request.content_type();
        if media_type.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Self::Form
        } else {
            Self::Other
        }
    }
}

impl FromRequest for LimitedBody {
    type Error = ProtocolError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ProtocolError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = BodyKind::of(request);
        let mut payload = payload.take();
        Box::pin(async move {
            let mut bytes = Vec::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| ProtocolError::MALFORMED_BODY)?;
                if bytes.len() + chunk.len() > MAX_BODY_BYTES {
                    return Err(ProtocolError::BODY_TOO_LARGE);
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(Self { kind, bytes: bytes.into() })
        })
    }
}
