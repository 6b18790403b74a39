//! `GET /assets/{file}`: the script and the operator's logo.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, ResponseError};
use auth_pages::Asset;
use goptri::ProtocolError;

use super::PageParts;

/// A file whose name has a hash of its content, so that browsers keep it for ever.
pub(crate) async fn get(parts: Data<PageParts>, file: Path<String>) -> HttpResponse {
    let path = format!("/assets/{file}");
    match parts.pages.assets().iter().find(|asset| asset.path == path) {
        Some(asset) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, asset.content_type))
            .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
            .insert_header((CONTENT_SECURITY_POLICY, Asset::CONTENT_SECURITY_POLICY))
            .body(asset.bytes.clone()),
        None => ProtocolError::NOT_FOUND.error_response(),
    }
}
