//! Cookies in requests, and the headers of responses that depend on them.

use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_VERSION,
    VARY,
};

use crate::bearer::{self, RequestHeader, RequestHeaders};
use crate::cookie::SessionCookie;
#[cfg(doc)]
use crate::cookie::may_use_cookies;
use crate::credential::Credential;
use crate::protocol_error::ProtocolError;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl RequestHeaders for HeaderMap {
    fn values(&self, header: RequestHeader) -> impl Iterator<Item = &[u8]> {
        let name = match header {
            RequestHeader::Authorization => AUTHORIZATION,
            RequestHeader::Cookie => COOKIE,
            RequestHeader::SecFetchSite => SEC_FETCH_SITE,
            RequestHeader::Origin => ORIGIN,
            RequestHeader::SecWebSocketVersion => SEC_WEBSOCKET_VERSION,
        };
        self.get_all(name).map(HeaderValue::as_bytes)
    }
}

/// The credential in the `Authorization` headers.
pub fn credential(headers: &HeaderMap) -> Credential<'_> {
    bearer::credential(headers)
}

/// The credential in the `Authorization` headers; without one, the session cookie.
pub fn credential_or_cookie<'a>(headers: &'a HeaderMap, cookie: &SessionCookie) -> Credential<'a> {
    bearer::credential_or_cookie(headers, cookie)
}

/// Checks that a request with this method and these headers may use or set cookies ([`may_use_cookies`]). A `GET` that
/// opens a WebSocket counts as unsafe.
///
/// # Errors
/// [`ProtocolError::CROSS_SITE_REQUEST`] if it may not.
pub fn check_origin(headers: &HeaderMap, method: &str, cookie: &SessionCookie) -> Result<(), ProtocolError> {
    bearer::check_origin(headers, method, cookie)
}

/// Keeps a response out of every cache, for a response that sets cookies or depends on them.
pub fn set_private(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(bearer::PRIVATE));
    set_vary(headers);
}

/// Tells caches which headers the response depends on (CK-05).
pub(super) fn set_vary(headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static(bearer::VARY_BY_COOKIE));
}
