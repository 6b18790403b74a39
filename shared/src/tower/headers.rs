//! Reads request headers and sets response headers in the types of the crate `http`.

use http1::header::{AUTHORIZATION, CACHE_CONTROL, COOKIE, ORIGIN, SEC_WEBSOCKET_VERSION, VARY};
use http1::{HeaderMap, HeaderName, HeaderValue};

use crate::bearer::{PRIVATE, RequestHeader, RequestHeaders, TokenLocation, VARY_BY_COOKIE};

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
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

/// Tells caches what the response depends on.
pub(super) fn set_cache_headers(location: TokenLocation, headers: &mut HeaderMap) {
    if location == TokenLocation::Cookie {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static(PRIVATE));
    }
    if location != TokenLocation::Header {
        headers.append(VARY, HeaderValue::from_static(VARY_BY_COOKIE));
    }
}
