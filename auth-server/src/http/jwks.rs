//! `GET /.well-known/jwks.json`: the public keys that verify access tokens (RFC 7517 §5).

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, IfNoneMatch, TryIntoHeaderValue,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::keyrings::LiveKeys;

/// How long services without the feed may use a cached copy; docs/rotating-keys.md relies on it.
const CACHE_FOR: &str = "public, max-age=300";

/// 200 with the public keys, or 304 if the client has them. A shared secret is never in it.
pub(crate) async fn show(
    request: HttpRequest,
    keys: Data<LiveKeys>,
) -> Result<HttpResponse, actix_web::Error> {
    let body = serde_json::to_vec(&keys.published())?;
    let etag = EntityTag::new_strong(URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
    let cached = has(&request, &etag);
    let mut response = if cached { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((ETAG, etag.try_into_value()?)).insert_header((CACHE_CONTROL, CACHE_FOR));
    if cached {
        return Ok(response.finish());
    }
    Ok(response.insert_header((CONTENT_TYPE, "application/jwk-set+json")).body(body))
}

/// Whether the client's copy has this tag.
fn has(request: &HttpRequest, etag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(etag)),
        Err(_) => false,
    }
}
