//! `GET /.well-known/jwks.json`: the public keys of access tokens (RFC 7517 §5).

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, EntityTag, Header, IfNoneMatch, TryIntoHeaderValue,
};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::keyrings::LiveKeys;

/// How long whoever follows no feed may take what they know for the truth: docs/rotating-keys.md counts on it.
const FRESH: &str = "public, max-age=300";

/// 200 with public members alone, or 304 to who has them already. With a shared secret there are none.
pub(super) async fn show(
    request: HttpRequest,
    keys: Data<LiveKeys>,
) -> Result<HttpResponse, actix_web::Error> {
    let body = serde_json::to_vec(&keys.published())?;
    let etag = EntityTag::new_strong(URL_SAFE_NO_PAD.encode(Sha256::digest(&body)));
    let known = match IfNoneMatch::parse(&request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&etag)),
        Err(_) => false,
    };
    let mut answer = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer.insert_header((ETAG, etag.try_into_value()?)).insert_header((CACHE_CONTROL, FRESH));
    if known {
        return Ok(answer.finish());
    }
    Ok(answer.insert_header((CONTENT_TYPE, "application/jwk-set+json")).body(body))
}
