//! The pages of the printer.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ContentType, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use askama::Template;

use crate::photos::Photo;

pub(crate) const STYLE: &str = include_str!("../templates/style.css");

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct Home {
    pub(crate) connected: bool,
}

#[derive(Template)]
#[template(path = "choose.html")]
pub(crate) struct Choose {
    pub(crate) photos: Vec<Photo>,
}

#[derive(Template)]
#[template(path = "sheet.html")]
pub(crate) struct Sheet {
    pub(crate) photos: Vec<Photo>,
}

#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct Message {
    pub(crate) heading: &'static str,
    pub(crate) text: &'static str,
    /// Whether to offer "Print my photos" again.
    pub(crate) again: bool,
}

/// A page.
pub(crate) fn render(status: StatusCode, page: &impl Template) -> HttpResponse {
    match page.render() {
        Ok(html) => HttpResponse::build(status)
            .content_type(ContentType::html())
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(html),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
            HttpResponse::InternalServerError().finish()
        }
    }
}
