//! Why a page cannot be shown. The user gets a page that says so in plain words, with the request id.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use auth_domain::Unanswerable;
use auth_pages::ErrorKind;
use auth_store::StoreError;
use goptri_server::PublicBody;

use crate::error::Failure;

/// Why there is no page.
#[derive(Debug)]
pub(super) enum PageError {
    /// The authorization request cannot be answered.
    Unanswerable(Unanswerable),
    /// The pending request is not of this browser, or too old.
    RequestExpired,
    /// The CSRF token is not of this browser or sign-in (CK-06).
    FormExpired,
    /// `return_to` is not in `RETURN_ORIGINS`.
    WrongReturnAddress,
    /// Another site sent the form (CK-04).
    OtherSite,
    /// The body is no form, too large, or lacks a field.
    UnusableForm,
    /// The request has two cookies of one name (CK-11).
    TwoCookies,
    /// The server failed, or is overloaded.
    Failed(Failure),
}

impl PageError {
    /// What the page says.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            Self::Unanswerable(Unanswerable::ClientId | Unanswerable::UnknownClient) => {
                ErrorKind::UnknownApplication
            }
            Self::Unanswerable(Unanswerable::NoRedirectUri | Unanswerable::RedirectUri) => {
                ErrorKind::WrongRedirectUri
            }
            Self::Unanswerable(Unanswerable::RequestUri) => ErrorKind::UnusableRequest,
            Self::TwoCookies => ErrorKind::TwoCookies,
            Self::Unanswerable(Unanswerable::NotPushed) | Self::RequestExpired => ErrorKind::RequestExpired,
            Self::FormExpired => ErrorKind::FormExpired,
            Self::WrongReturnAddress => ErrorKind::WrongReturnAddress,
            Self::OtherSite => ErrorKind::OtherSite,
            Self::UnusableForm => ErrorKind::UnusableForm,
            Self::Failed(failure) if failure.public_error().status == 503 => ErrorKind::Unavailable,
            Self::Failed(_) => ErrorKind::Internal,
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::OtherSite | Self::FormExpired => StatusCode::FORBIDDEN,
            Self::Failed(failure) => StatusCode::from_u16(failure.public_error().status)
                .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unanswerable(reason) => reason.fmt(f),
            Self::RequestExpired => f.write_str("the pending request is too old, or of another browser"),
            Self::FormExpired => f.write_str("the CSRF token is missing, or of another browser or sign-in"),
            Self::WrongReturnAddress => f.write_str("return_to is not in RETURN_ORIGINS"),
            Self::OtherSite => f.write_str("the page of another site sent the form"),
            Self::UnusableForm => f.write_str("the body is no form, too large, or lacks a field"),
            Self::TwoCookies => f.write_str("two cookies of one name"),
            Self::Failed(failure) => failure.fmt(f),
        }
    }
}

impl From<Failure<Unanswerable>> for PageError {
    fn from(failure: Failure<Unanswerable>) -> Self {
        match failure {
            Failure::Refused(reason) => Self::Unanswerable(reason),
            failure => Self::Failed(failure.into()),
        }
    }
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

/// The page about an error. The log gets the reason.
#[derive(Debug)]
pub(super) struct ErrorResponse {
    pub(super) error: PageError,
    pub(super) html: String,
    pub(super) headers: HeaderMap,
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for ErrorResponse {
    fn status_code(&self) -> StatusCode {
        self.error.status()
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.error.status()).body(self.html.clone());
        for (name, value) in &self.headers {
            response.headers_mut().append(name.clone(), value.clone());
        }
        if let PageError::Failed(failure) = &self.error
            && let Some(seconds) = failure.public_error().retry_after
        {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(PublicBody);
        response
    }
}
