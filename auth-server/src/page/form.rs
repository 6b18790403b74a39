//! The fields of a form that a page posts.

use goptri::ProtocolError;
use goptri_server::{BodyKind, LimitedBody};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::page_error::PageError;

/// What every form carries.
#[derive(Deserialize)]
pub(super) struct Form<T> {
    /// The CSRF token.
    #[serde(default)]
    pub(super) csrf: String,
    /// The sealed pending request.
    pub(super) request: Option<String>,
    /// The URL to which forward authentication returns.
    pub(super) return_to: Option<String>,
    /// The fields of this form.
    #[serde(flatten)]
    pub(super) fields: T,
}

impl<T: DeserializeOwned> Form<T> {
    /// Parses a body: each field at most once.
    pub(super) fn parse(body: Result<LimitedBody, ProtocolError>) -> Result<Self, PageError> {
        let body = body.map_err(|_| PageError::UnusableForm)?;
        if body.kind != BodyKind::Form {
            return Err(PageError::UnusableForm);
        }
        serde_urlencoded::from_bytes(&body.bytes).map_err(|_| PageError::UnusableForm)
    }
}

/// What links between the pages carry.
#[derive(Deserialize)]
pub(super) struct Links {
    /// The sealed pending request.
    pub(super) request: Option<String>,
    /// The URL to which forward authentication returns.
    pub(super) return_to: Option<String>,
}

impl Links {
    /// Parses a query: each parameter at most once.
    pub(super) fn parse(query: &str) -> Result<Self, PageError> {
        serde_urlencoded::from_str(query).map_err(|_| PageError::RequestExpired)
    }
}

/// A form without fields of its own.
#[derive(Deserialize)]
pub(super) struct NoFields {}
