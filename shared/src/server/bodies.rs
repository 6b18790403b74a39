//! Request bodies: small, of the right type, and refused with one plain sentence.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::JsonPayloadError;
use actix_web::web::{Bytes, JsonConfig};
use actix_web::{FromRequest, HttpRequest};
use futures_util::StreamExt;

use crate::ProtocolError;

/// The most bytes that a JSON body or a form may have.
pub const MAX_BODY_BYTES: usize = 16 * 1024;

/// How `web::Json` reads bodies here.
pub fn json_config() -> JsonConfig {
    JsonConfig::default().limit(MAX_BODY_BYTES).error_handler(|error, _| {
        tracing::debug!(%error, "JSON body refused");
        match error {
            JsonPayloadError::ContentType => ProtocolError::UNSUPPORTED_MEDIA_TYPE,
            JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => {
                ProtocolError::BODY_TOO_LARGE
            }
            _ => ProtocolError::MALFORMED_BODY,
        }
        .into()
    })
}

/// The whole body, for handlers that look at the content type themselves.
#[derive(Debug)]
pub struct LimitedBody(pub Bytes);

impl FromRequest for LimitedBody {
    type Error = ProtocolError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ProtocolError>>>>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let mut payload = payload.take();
        Box::pin(async move {
            let mut body = Vec::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|_| ProtocolError::MALFORMED_BODY)?;
                if body.len() + chunk.len() > MAX_BODY_BYTES {
                    return Err(ProtocolError::BODY_TOO_LARGE);
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Self(body.into()))
        })
    }
}
