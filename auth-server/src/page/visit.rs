//! One request of a browser to a page.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderName,
    HeaderValue, LOCATION, ORIGIN, SET_COOKIE, VARY, X_FRAME_OPTIONS,
};
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};
use auth_domain::SignInKey;
use auth_pages::{ErrorPage, Language, Page, Pages};
use goptri::actix::{check_origin, set_private};
use goptri_server::RequestId;

use super::PageParts;
use super::browser::Browser;
use super::page_error::{ErrorResponse, PageError};
use crate::flow::oauth::{PendingRequest, SignedIn};

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// A request to a page: the browser, and everything that is needed to answer it.
pub(crate) struct Visit {
    pub(super) parts: Data<PageParts>,
    pub(super) request: HttpRequest,
    pub(super) browser: Browser,
}

impl FromRequest for Visit {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Visit {
    fn of(request: &HttpRequest) -> Result<Self, Error> {
        let parts = request.app_data::<Data<PageParts>>().cloned();
        let parts =
            parts.ok_or_else(|| actix_web::error::ErrorInternalServerError("the pages lack their parts"))?;
        match parts.cookies.read(request, parts.entropy.as_ref()) {
            Ok(browser) => Ok(Self { parts, request: request.clone(), browser }),
            Err(_) => Err(error_response(&parts.pages, request, PageError::TwoCookies).into()),
        }
    }

    pub(super) fn pages(&self) -> &Pages {
        &self.parts.pages
    }

    /// The language of the pages. `ui_locales` is what the client asks for.
    pub(super) fn language(&self, ui_locales: Option<&str>) -> Language {
        language(&self.request, ui_locales)
    }

    /// The sign-in of this browser, if it is live.
    pub(super) async fn signed_in(&self) -> Result<Option<SignedIn>, PageError> {
        match &self.browser.sign_in {
            Some(key) => Ok(self.parts.sign_ins.run(key).await?),
            None => Ok(None),
        }
    }

    /// The pending request in a form or a query.
    pub(super) fn pending(&self, sealed: &str) -> Result<PendingRequest, PageError> {
        let opened = self.parts.keys.open(sealed, &self.browser.id, self.parts.clock.now());
        opened.ok_or(PageError::RequestExpired)
    }

    /// A request that has just arrived. It is dated by the clock that dates sign-ins. Without a sign-in, that is this
    /// server's clock, which may be ahead.
    pub(super) fn new_request(&self, query: String, signed_in: Option<&SignedIn>) -> PendingRequest {
        let started_at = match signed_in {
            Some(signed_in) => signed_in.snapshot.now,
            None => self.parts.clock.now() - self.parts.clock_leeway,
        };
        PendingRequest { query, started_at, account_chosen: false, is_resumed: false, shown: None }
    }

    pub(super) fn seal(&self, pending: &PendingRequest) -> String {
        self.parts.keys.seal(pending, &self.browser.id)
    }

    /// The CSRF token of a form that needs no sign-in.
    pub(super) fn csrf(&self) -> String {
        self.parts.keys.csrf(&self.browser.id, None)
    }

    /// The CSRF token of a form that acts for the signed-in user.
    pub(super) fn csrf_of_sign_in(&self) -> String {
        self.parts.keys.csrf(&self.browser.id, self.browser.sign_in.as_ref())
    }

    /// Refuses a form that needs no sign-in, unless a page of this server sent it. It is bound to the browser only: a
    /// second click arrives with the cookie that the first one has set.
    pub(super) fn check_form(&self, csrf: &str) -> Result<(), PageError> {
        self.check(csrf, None)
    }

    /// Refuses a form that acts for the user, unless it was made for this sign-in.
    pub(super) fn check_form_of_sign_in(&self, csrf: &str) -> Result<(), PageError> {
        self.check(csrf, self.browser.sign_in.as_ref())
    }

    fn check(&self, csrf: &str, sign_in: Option<&SignInKey>) -> Result<(), PageError> {
        let headers = self.request.headers();
        let is_own = check_origin(headers, self.request.method().as_str(), &self.parts.own_pages).is_ok();
        if !is_own && !is_of_an_old_browser(headers) {
            return Err(PageError::OtherSite);
        }
        if self.browser.is_new || !self.parts.keys.is_csrf(csrf, &self.browser.id, sign_in) {
            return Err(PageError::FormExpired);
        }
        Ok(())
    }

    /// The response with a page.
    pub(super) fn page(&self, status: StatusCode, page: Page) -> HttpResponse {
        let mut headers = HeaderMap::new();
        set_page_headers(&mut headers, &page);
        let mut response = HttpResponse::build(status).body(page.html);
        for (name, value) in headers {
            response.headers_mut().append(name, value);
        }
        self.set_browser(&mut response);
        response
    }

    /// 303 to a path of this server, with a query.
    pub(super) fn to_own_page(&self, path_and_query: &str) -> HttpResponse {
        self.see_other(&format!("{}{path_and_query}", self.parts.base_path))
    }

    /// 303, after which the browser forgets what it posted (AS-06).
    pub(super) fn see_other(&self, location: &str) -> HttpResponse {
        let Ok(location) = HeaderValue::try_from(location) else {
            return self.finish(Err(PageError::UnusableForm));
        };
        let mut response = HttpResponse::SeeOther().insert_header((LOCATION, location)).finish();
        set_private(response.headers_mut());
        self.set_browser(&mut response);
        response
    }

    /// The response, or the page about the error.
    pub(super) fn finish(&self, result: Result<HttpResponse, PageError>) -> HttpResponse {
        result.unwrap_or_else(|error| {
            let mut response = HttpResponse::from_error(error_response(self.pages(), &self.request, error));
            self.set_browser(&mut response);
            response
        })
    }

    fn set_browser(&self, response: &mut HttpResponse) {
        if self.browser.is_new {
            append(response.headers_mut(), SET_COOKIE, self.parts.cookies.set_browser(&self.browser.id));
        }
    }
}

pub(super) fn append(headers: &mut HeaderMap, name: HeaderName, value: Option<HeaderValue>) {
    if let Some(value) = value {
        headers.append(name, value);
    }
}

fn language(request: &HttpRequest, ui_locales: Option<&str>) -> Language {
    let accepted = request.headers().get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Language::choose(ui_locales, accepted)
}

fn error_response(pages: &Pages, request: &HttpRequest, error: PageError) -> ErrorResponse {
    let id = RequestId::of(request);
    let view = ErrorPage { kind: error.kind(), request_id: id.as_ref().map(RequestId::as_str) };
    let page = pages.error(language(request, None), &view);
    let mut headers = HeaderMap::new();
    set_page_headers(&mut headers, &page);
    ErrorResponse { error, html: page.html, headers }
}

/// AS-08, CK-12. `Referrer-Policy` and `nosniff` are those of every response.
fn set_page_headers(headers: &mut HeaderMap, page: &Page) {
    set_private(headers);
    headers.append(VARY, HeaderValue::from_static("Accept-Language"));
    let policy = HeaderValue::try_from(&page.content_security_policy).ok();
    append(headers, CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_LANGUAGE, page.language.tag()),
        (X_FRAME_OPTIONS, "DENY"),
        (OPENER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

/// Whether the request is of a browser that sends no `Sec-Fetch-Site`. Its `Origin` is `null`, because the pages send
/// no referrer. The form still needs the CSRF token.
fn is_of_an_old_browser(headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(ORIGIN);
    let is_null = origins.next().is_some_and(|origin| origin == "null") && origins.next().is_none();
    is_null && !headers.contains_key(SEC_FETCH_SITE)
}
