//! Reads the request headers that the middleware needs: those with the credential, and those that say which page sent a
//! request with cookies.

use crate::cookie::{SessionCookie, may_use_cookies};
use crate::credential::Credential;
use crate::protocol_error::ProtocolError;

/// A header that the middleware reads.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RequestHeader {
    Authorization,
    Cookie,
    SecFetchSite,
    Origin,
    SecWebSocketVersion,
}

/// The headers of a request, in the types of a framework.
pub(crate) trait RequestHeaders {
    /// The value of each header of this name.
    fn values(&self, header: RequestHeader) -> impl Iterator<Item = &[u8]>;
}

/// The credential in the `Authorization` headers.
pub(crate) fn credential(headers: &impl RequestHeaders) -> Credential<'_> {
    Credential::from_authorization(headers.values(RequestHeader::Authorization))
}

/// The credential in the `Authorization` headers; without one, the session cookie.
pub(crate) fn credential_or_cookie<'a>(
    headers: &'a impl RequestHeaders,
    cookie: &SessionCookie,
) -> Credential<'a> {
    credential(headers).or_cookie(headers.values(RequestHeader::Cookie), cookie.name())
}

/// Checks that a request with this method and these headers may use or set cookies ([`may_use_cookies`]). A `GET` that
/// opens a WebSocket counts as unsafe; otherwise a page of another origin could send and read messages as the user.
pub(crate) fn check_origin(
    headers: &impl RequestHeaders,
    method: &str,
    cookie: &SessionCookie,
) -> Result<(), ProtocolError> {
    let (fetch_site, origin) =
        (single(headers, RequestHeader::SecFetchSite), single(headers, RequestHeader::Origin));
    // Browsers set this header (RFC 6455 §4.1) on a GET, and HTTP/2 opens WebSockets with CONNECT (RFC 8441).
    let opens_websocket = headers.values(RequestHeader::SecWebSocketVersion).next().is_some();
    let method = if opens_websocket { "CONNECT" } else { method };
    if may_use_cookies(method, fetch_site, origin, cookie.allowed_origins()) {
        return Ok(());
    }
    let show = |value: Option<&[u8]>| value.map(|value| String::from_utf8_lossy(value).into_owned());
    tracing::info!(method, fetch_site = show(fetch_site), origin = show(origin), "cookies rejected");
    Err(ProtocolError::CROSS_SITE_REQUEST)
}

/// The value of a header; empty if the request has several.
fn single(headers: &impl RequestHeaders, header: RequestHeader) -> Option<&[u8]> {
    let mut values = headers.values(header);
    let first = values.next()?;
    Some(if values.next().is_some() { b"" } else { first })
}
