//! Request bodies: of limited size and of the right content type.
//!
//! The log says why a body was rejected, and quotes nothing of it: the parser's own message would quote a value of the
//! wrong type, which may be a password.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use goptri::ProtocolError;
use goptri::strict_json::{self, MAX_MEMBERS, StrictJsonError};

/// The largest JSON body or form, in bytes.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// A body that is one JSON object with the members of `T`. Unknown members are ignored. A body with a duplicate member
/// or with more than [`MAX_MEMBERS`] is rejected.
#[derive(Debug)]
pub struct JsonObject<T>(pub T);

impl<T: DeserializeOwned> JsonObject<T> {
    /// Parses a body whose content type the caller has checked.
    pub fn parse(body: &[u8]) -> Result<T, ProtocolError> {
        strict_json::from_slice(body.trim_ascii()).map_err(|error| {
            match error {
                StrictJsonError::Json(error) => tracing::debug!(
                    line = error.line(),
                    column = error.column(),
                    "the body is not a JSON object, or a member is missing or has the wrong type"
                ),
                StrictJsonError::Duplicate => tracing::debug!("the body has a duplicate member"),
                StrictJsonError::TooManyMembers => {
                    tracing::debug!("the body has more than {MAX_MEMBERS} members");
                }
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

/// The whole body, for handlers that accept several content types or an empty body.
#[derive(Debug)]
pub struct LimitedBody {
    /// Its `Content-Type`.
    pub kind: BodyKind,
    /// At most [`MAX_BODY_BYTES`]; a form has at most [`MAX_MEMBERS`] fields.
    pub bytes: Bytes,
}

/// The content types that handlers distinguish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// `application/json`.
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// Another type, or no header.
    Other,
}

impl BodyKind {
    /// Media types are case-insensitive (RFC 9110 §8.3.1).
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
        let (kind, encoded) = (BodyKind::of(request), reject_content_encoding(request.headers()));
        let mut payload = payload.take();
        Box::pin(async move {
            encoded?;
            let mut bytes = Vec::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| ProtocolError::MALFORMED_BODY)?;
                if bytes.len() + chunk.len() > MAX_BODY_BYTES {
                    return Err(ProtocolError::BODY_TOO_LARGE);
                }
                bytes.extend_from_slice(&chunk);
            }
            if kind != BodyKind::Other && has_byte_order_mark(&bytes) {
                return Err(ProtocolError::BYTE_ORDER_MARK);
            }
            if kind == BodyKind::Form && bytes.split(|byte| *byte == b'&').count() > MAX_MEMBERS {
                tracing::debug!("the form has more than {MAX_MEMBERS} fields");
                return Err(ProtocolError::MALFORMED_FORM);
            }
            Ok(Self { kind, bytes: bytes.into() })
        })
    }
}

/// Fails if the request has a `Content-Encoding` other than `identity` (RFC 9110 §8.4): neither server decompresses,
/// and a compressed body would look malformed.
pub fn reject_content_encoding(headers: &HeaderMap) -> Result<(), ProtocolError> {
    let codings =
        headers.get_all(CONTENT_ENCODING).flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let is_plain = |coding: &[u8]| coding.is_empty() || coding.eq_ignore_ascii_case(b"identity");
    if codings.map(<[u8]>::trim_ascii).all(is_plain) { Ok(()) } else { Err(ProtocolError::COMPRESSED_BODY) }
}

fn has_byte_order_mark(bytes: &[u8]) -> bool {
    [b"\xef\xbb\xbf".as_slice(), b"\xff\xfe", b"\xfe\xff"].iter().any(|mark| bytes.starts_with(mark))
}
