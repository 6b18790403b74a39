//! HTTP Strict Transport Security (RFC 6797): browsers that reached a server over TLS use nothing else afterwards.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderValue};
use actix_web::http::uri::Authority;

use crate::connection::is_over_tls;

/// A year. Without `includeSubDomains`, since the other hosts of a domain are not Goptri's.
pub(crate) const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Whether the response to this request carries the header: not over plain HTTP, and not for IP addresses and
/// localhost. The header applies to all ports of a host, and other ports of those often serve plain HTTP.
pub(crate) fn is_for_hsts(request: &HttpRequest) -> bool {
    is_over_tls(request) && authority(request).is_some_and(|authority| is_public_name(authority.host()))
}

/// The host and port that the client has asked for: in HTTP/2 a part of the URI, in HTTP/1.1 a header.
fn authority(request: &HttpRequest) -> Option<Authority> {
    let of_header = || request.headers().get(HOST)?.to_str().ok()?.parse().ok();
    request.uri().authority().cloned().or_else(of_header)
}

fn is_public_name(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_address = host.starts_with('[') || host.parse::<IpAddr>().is_ok();
    !is_address && !host.is_empty() && host != "localhost" && !host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_localhost_are_no_public_names() {
        for (authority, expected) in [
            ("login.example.com", true),
            ("login.example.com:8443", true),
            ("LOGIN.example.com.", true),
            ("notlocalhost", true),
            ("localhost", false),
            ("LocalHost.:4000", false),
            ("app.localhost:4000", false),
            ("127.0.0.1", false),
            ("203.0.113.9:4000", false),
            ("[::1]:4000", false),
            ("[2001:db8::1]", false),
        ] {
            let authority: Authority = authority.parse().unwrap();
            assert_eq!(is_public_name(authority.host()), expected, "{authority}");
        }
    }
}
