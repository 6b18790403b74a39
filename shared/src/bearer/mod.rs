//! The bearer middleware (RFC 6750 §2.1) independent of the web framework: the request headers that it reads, and its
//! decisions.

mod check;
mod headers;

#[cfg(feature = "actix")]
pub(crate) use check::Rejection;
pub(crate) use check::{BearerCheck, TokenLocation, VerificationResult, authorize, check};
pub(crate) use headers::{RequestHeader, RequestHeaders};
#[cfg(feature = "actix")]
pub(crate) use headers::{check_origin, credential, credential_or_cookie};

/// `Cache-Control` of the response to a request with cookies: it stays out of every cache.
pub(crate) const PRIVATE: &str = "private, no-store";

/// The `Vary` of responses to requests that may carry the session cookie (CK-05).
pub(crate) const VARY_BY_COOKIE: &str = "Sec-Fetch-Site, Origin, Cookie";
