//! The two cookies of a session: set, read and expired.

use std::fmt::Write;

use actix_web::http::StatusCode;
use actix_web::http::header::{COOKIE, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse};
use chrono::TimeDelta;
use goptri::ProtocolError;
use goptri::actix::{check_origin, credential, set_private};
use goptri::cookie::{self, MAX_COOKIE_BYTES, SessionCookie, TwoCookies, find_cookie};
use goptri::credential::Credential;
use goptri_settings::Plain;

use super::tokens::CookieResponse;
use crate::error::{
    COOKIE_TOO_LARGE, COOKIES_IGNORED, Failure, NO_REFRESH_COOKIE, NOTHING_TO_SIGN_OUT, TWO_REFRESH_COOKIES,
};
use crate::flow::{AccessToken, IssuedTokens, RefreshToken};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");
const SEC_CH_UA: HeaderName = HeaderName::from_static("sec-ch-ua");

/// How this server sets, reads and expires cookies.
#[derive(Debug, Clone)]
pub(crate) struct Cookies {
    access: SessionCookie,
    refresh_name: &'static str,
    /// The route that renews the cookies; other services of the host never get the refresh token.
    refresh_path: String,
}

/// The cookies of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieKind {
    /// The access token, for every path and service of the host.
    Access,
    /// The refresh token, for `/token`.
    Refresh,
}

use CookieKind::{Access, Refresh};

impl Cookies {
    /// The cookies of this issuer.
    pub(crate) fn new(access: SessionCookie, issuer: &str) -> Self {
        let refresh_name = if access.is_secure() { "__Secure-refresh" } else { "refresh" };
        Self { access, refresh_name, refresh_path: format!("{}/token", path_of(issuer)) }
    }

    /// The longest access token that fits into its cookie.
    pub(crate) fn max_access_token(&self) -> usize {
        cookie::max_token_bytes(self.access.name())
    }

    /// Refuses a request of a page that may not use or set cookies.
    pub(crate) fn check_origin(&self, request: &HttpRequest) -> Result<(), ProtocolError> {
        check_origin(request.headers(), request.method().as_str(), &self.access)
    }

    /// 200 with both cookies, and no token in the body.
    ///
    /// If the access token does not fit, only the refresh cookie is set beside the error: the session was refreshed,
    /// and the browser must not be left with an old refresh token.
    pub(crate) fn deliver(&self, tokens: &IssuedTokens) -> Result<HttpResponse, Failure> {
        let kept_for = tokens.remembered_for;
        let refresh = self.set(Refresh, tokens.refresh_token.expose(), kept_for)?;
        let mut response = match self.set(Access, &cookie::encode(tokens.access_token.expose()), kept_for) {
            Ok(access) => {
                let mut response = HttpResponse::Ok().json(CookieResponse::from(tokens));
                response.headers_mut().append(SET_COOKIE, access);
                response
            }
            Err(too_large) => HttpResponse::from_error(too_large),
        };
        response.headers_mut().append(SET_COOKIE, refresh);
        Ok(response)
    }

    /// The cookie with this access token, without a refresh cookie, until the browser is closed.
    pub(crate) fn access_only(&self, token: &Plain<AccessToken>) -> Result<HeaderValue, Failure> {
        self.set(Access, &cookie::encode(token.expose()), None)
    }

    /// Deletes the cookie with the access token.
    pub(crate) fn expire_access(&self) -> Option<HeaderValue> {
        self.header(Access, "", Some(TimeDelta::zero())).ok()
    }

    /// The refresh token in the cookie of a request to renew both.
    pub(crate) fn refresh_token(&self, request: &HttpRequest) -> Result<Plain<RefreshToken>, ProtocolError> {
        if credential(request.headers()) != Credential::None {
            return Err(COOKIES_IGNORED);
        }
        self.find_refresh_token(request)?.ok_or(NO_REFRESH_COOKIE)
    }

    /// The refresh token in the cookie of a request to sign out.
    pub(crate) fn refresh_token_to_end(
        &self,
        request: &HttpRequest,
    ) -> Result<Plain<RefreshToken>, ProtocolError> {
        if credential(request.headers()) != Credential::None {
            return Err(NOTHING_TO_SIGN_OUT);
        }
        self.find_refresh_token(request)?.ok_or(NOTHING_TO_SIGN_OUT)
    }

    fn find_refresh_token(
        &self,
        request: &HttpRequest,
    ) -> Result<Option<Plain<RefreshToken>>, ProtocolError> {
        let cookies = request.headers().get_all(COOKIE).map(HeaderValue::as_bytes);
        let found = find_cookie(cookies, self.refresh_name).map_err(|TwoCookies| TWO_REFRESH_COOKIES)?;
        // A token that is not UTF-8 is no valid one either.
        Ok(found.map(|token| Plain::new(String::from_utf8_lossy(token).into_owned())))
    }

    /// The access token in the cookie of a request, if it has the cookie and no `Authorization` header.
    pub(crate) fn access_token(
        &self,
        request: &HttpRequest,
    ) -> Option<Result<Plain<AccessToken>, ProtocolError>> {
        let headers = request.headers();
        let decoded = match goptri::actix::credential_or_cookie(headers, &self.access) {
            Credential::Cookie(value) => cookie::decode(value),
            Credential::TwoCookies => Err(goptri::TokenError::TwoCookies),
            _ => return None,
        };
        Some(decoded.map(Plain::new).map_err(|reason| {
            tracing::info!(%reason, "sign-out rejected");
            reason.into()
        }))
    }

    /// The response to a sign-out by a cookie of this kind.
    pub(crate) fn signed_out(
        &self,
        request: &HttpRequest,
        received: CookieKind,
        result: Result<(), Failure>,
    ) -> HttpResponse {
        let response = result.map(|()| HttpResponse::NoContent().finish());
        let mut response = private(response);
        for kind in expired_by(response.status(), received) {
            // Cannot fail: name, path and domain were valid when the cookie was set.
            if let Ok(expired) = self.header(*kind, "", Some(TimeDelta::zero())) {
                response.headers_mut().append(SET_COOKIE, expired);
            }
        }
        // Chromium, which sends this header, takes seconds to clear its cache.
        if response.status() == StatusCode::NO_CONTENT && !request.headers().contains_key(SEC_CH_UA) {
            response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cache\""));
        }
        response
    }

    fn set(
        &self,
        kind: CookieKind,
        value: &str,
        kept_for: Option<TimeDelta>,
    ) -> Result<HeaderValue, Failure> {
        if self.name(kind).len() + value.len() > MAX_COOKIE_BYTES {
            tracing::warn!(?kind, bytes = value.len(), "a cookie is too large for browsers; it was not sent");
            return Err(COOKIE_TOO_LARGE.into());
        }
        // Zero would delete the cookie of a session that ends within a second, but has not ended yet.
        self.header(kind, value, kept_for.map(|kept_for| kept_for.max(TimeDelta::seconds(1))))
    }

    fn header(
        &self,
        kind: CookieKind,
        value: &str,
        kept_for: Option<TimeDelta>,
    ) -> Result<HeaderValue, Failure> {
        let (path, same_site, domain) = match kind {
            Access => ("/", "Lax", self.access.domain()),
            Refresh => (self.refresh_path.as_str(), "Strict", None),
        };
        let mut text = format!("{}={value}; Path={path}; HttpOnly; SameSite={same_site}", self.name(kind));
        if self.access.is_secure() {
            text += "; Secure";
        }
        if let Some(domain) = domain {
            text += "; Domain=";
            text += domain;
        }
        if let Some(kept_for) = kept_for {
            // Writing to a String cannot fail.
            let _ = write!(text, "; Max-Age={}", kept_for.num_seconds());
        }
        HeaderValue::try_from(text).map_err(Failure::internal)
    }

    fn name(&self, kind: CookieKind) -> &str {
        match kind {
            Access => self.access.name(),
            Refresh => self.refresh_name,
        }
    }
}

/// The response to a request that uses or sets cookies.
pub(crate) fn private(response: Result<HttpResponse, Failure>) -> HttpResponse {
    let mut response = response.unwrap_or_else(HttpResponse::from_error);
    set_private(response.headers_mut());
    response
}

/// The path of a URL, without a slash at its end.
pub(crate) fn path_of(url: &str) -> &str {
    let host_and_path = url.split_once("://").map_or(url, |(_, rest)| rest);
    host_and_path.find('/').map_or("", |start| host_and_path[start..].trim_end_matches('/'))
}

/// The cookies that a response to a sign-out expires. A cookie that was rejected is of no use; the other one may still
/// end the session. After any other error, both cookies may still be valid.
fn expired_by(status: StatusCode, received: CookieKind) -> &'static [CookieKind] {
    match (status, received) {
        (StatusCode::NO_CONTENT, _) => &[Access, Refresh],
        (StatusCode::UNAUTHORIZED, Access) => &[Access],
        (StatusCode::UNAUTHORIZED, Refresh) => &[Refresh],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(issuer: &str) -> Cookies {
        Cookies::new(SessionCookie::new(issuer, "http://localhost:3000"), issuer)
    }

    fn header(cookies: &Cookies, kind: CookieKind, kept_for: Option<TimeDelta>) -> String {
        cookies.header(kind, "x", kept_for).unwrap().to_str().unwrap().to_owned()
    }

    /// CK-01
    #[test]
    fn cookies_are_for_http_only_and_as_narrow_as_possible() {
        let issuer = "https://login.example.com";
        let strict = cookies(issuer);
        assert_eq!(header(&strict, Access, None), "__Host-session=x; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(
            header(&strict, Refresh, Some(TimeDelta::days(400))),
            "__Secure-refresh=x; Path=/token; HttpOnly; SameSite=Strict; Secure; Max-Age=34560000"
        );
        let shared = strict.access.with_domain("example.com", issuer).unwrap();
        let shared = Cookies::new(shared, issuer);
        assert_eq!(
            header(&shared, Access, None),
            "__Secure-session=x; Path=/; HttpOnly; SameSite=Lax; Secure; Domain=example.com"
        );
        assert!(!header(&shared, Refresh, None).contains("Domain"), "it never has one");
        let local = cookies("http://localhost:4000");
        assert_eq!(header(&local, Access, None), "session=x; Path=/; HttpOnly; SameSite=Lax");
        assert_eq!(header(&local, Refresh, None), "refresh=x; Path=/token; HttpOnly; SameSite=Strict");
    }

    #[test]
    fn the_refresh_cookie_is_for_the_path_of_the_issuer_and_token() {
        for (issuer, path) in [
            ("https://example.com", "/token"),
            ("https://example.com/auth", "/auth/token"),
            ("https://example.com/a/b", "/a/b/token"),
            ("http://localhost:4000", "/token"),
        ] {
            assert_eq!(cookies(issuer).refresh_path, path);
        }
    }

    #[test]
    fn a_session_that_ends_within_a_second_keeps_its_cookies_until_then() {
        let set = cookies("https://example.com").set(Access, "x", Some(TimeDelta::milliseconds(3))).unwrap();
        assert!(set.to_str().unwrap().ends_with("; Max-Age=1"));
    }

    /// CK-10
    #[test]
    fn only_a_sign_out_and_a_rejected_cookie_expire_cookies() {
        for received in [Access, Refresh] {
            assert_eq!(expired_by(StatusCode::NO_CONTENT, received), [Access, Refresh]);
            assert_eq!(expired_by(StatusCode::UNAUTHORIZED, received), [received]);
            for status in [400, 403, 408, 413, 415, 429, 500, 503] {
                assert_eq!(expired_by(StatusCode::from_u16(status).unwrap(), received), []);
            }
        }
    }
}
