//! Cookies in requests, and the headers of responses that depend on them.

use actix_web::http::header::{
    AUTHORIZATION, CACHE_CONTROL, COOKIE, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};

use crate::cookie::{SessionCookie, may_use_cookies};
use crate::credential::Credential;
use crate::protocol_error::ProtocolError;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The credential in the `Authorization` headers.
pub fn credential(headers: &HeaderMap) -> Credential<'_> {
    Credential::from_authorization(headers.get_all(AUTHORIZATION).map(HeaderValue::as_bytes))
}

/// The credential in the `Authorization` headers; without one, the session cookie.
pub fn credential_or_cookie<'a>(headers: &'a HeaderMap, cookie: &SessionCookie) -> Credential<'a> {
    credential(headers).or_cookie(headers.get_all(COOKIE).map(HeaderValue::as_bytes), cookie.name())
}

/// Checks that a request with this method and these headers may use or set cookies
/// ([`may_use_cookies`]).
///
/// # Errors
/// [`ProtocolError::CROSS_SITE`] if it comes from a page of another origin that is not listed.
pub fn check_sender(headers: &HeaderMap, method: &str, cookie: &SessionCookie) -> Result<(), ProtocolError> {
    let (fetch_site, origin) = (single(headers, &SEC_FETCH_SITE), single(headers, &ORIGIN));
    if may_use_cookies(method, fetch_site, origin, cookie.senders()) {
        return Ok(());
    }
    let show = |value: Option<&[u8]>| value.map(|value| String::from_utf8_lossy(value).into_owned());
    tracing::info!(method, fetch_site = show(fetch_site), origin = show(origin), "cookies rejected");
    Err(ProtocolError::CROSS_SITE)
}

/// The value of a header; empty if the request has several.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name);
    let first = values.next()?.as_bytes();
    Some(if values.next().is_some() { b"" } else { first })
}

/// Keeps the response to a request with cookies, or one that sets them, out of every cache.
pub fn set_private(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    set_vary(headers);
}

/// The response depends on cookies, and on who may use them (CK-05).
pub(super) fn set_vary(headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("Sec-Fetch-Site, Origin, Cookie"));
}
