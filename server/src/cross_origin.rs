//! Cross-origin resource sharing (the Fetch standard): which pages may read responses, by `actix-cors`.
//!
//! The origin decides which policy applies. A request without `Origin`, or from a page that is not listed, is handled as
//! if there were no CORS: its response has none of the headers that would let the page read it.

use std::rc::Rc;

use actix_cors::{Cors, CorsMiddleware};
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, ResponseError};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture};
use goptri::ProtocolError;
use goptri::origin::Origins;
use goptri_settings::Reloadable;

/// How long browsers may remember the answer to a preflight request, in seconds.
const MAX_AGE: usize = 2 * 60 * 60;

/// The headers, besides those of every response, that pages may read.
const EXPOSED: [HeaderName; 4] =
    [WWW_AUTHENTICATE, RETRY_AFTER, ETAG, HeaderName::from_static("x-request-id")];

/// Which pages of other origins may use a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrossOrigin {
    /// Those of `CORS_ORIGINS`, also with cookies.
    Listed,
    /// Those of `CORS_ORIGINS`, also with cookies, and those that are OAuth clients, without.
    ListedAndClients,
    /// Every page, without cookies: for public documents.
    EveryPage,
    /// No page of another origin.
    Forbidden,
}

/// The pages of other origins that may read responses.
#[derive(Debug, Clone)]
pub struct AllowedOrigins {
    /// `CORS_ORIGINS`.
    pub listed: Origins,
    /// The pages that are OAuth clients. It changes while the server runs.
    pub clients: Reloadable<Origins>,
}

impl From<Origins> for AllowedOrigins {
    /// No page is a client.
    fn from(listed: Origins) -> Self {
        Self { listed, clients: Reloadable::new(Origins::default()) }
    }
}

/// The middleware of one path.
#[derive(Debug, Clone)]
pub(crate) struct CrossOriginPolicy {
    pub(crate) pages: AllowedPages,
    pub(crate) methods: Vec<Method>,
    /// The methods for pages that are clients.
    pub(crate) methods_for_clients: Vec<Method>,
    pub(crate) headers: Vec<HeaderName>,
}

/// Which pages a policy allows.
#[derive(Debug, Clone)]
pub(crate) enum AllowedPages {
    /// Every page.
    All,
    /// These.
    Some(AllowedOrigins),
}

/// How a policy treats the page that sends a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageKind {
    /// The page is in `CORS_ORIGINS`, or the policy allows every page.
    Listed,
    /// The page is an OAuth client.
    Client,
    /// Another page, or no page. The response gets no CORS headers.
    Other,
}

impl CrossOriginPolicy {
    /// The policy for paths that have no route.
    pub(crate) fn of_unknown_paths(origins: AllowedOrigins) -> Self {
        Self {
            pages: AllowedPages::Some(origins),
            methods: vec![Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE],
            methods_for_clients: Vec::new(),
            headers: vec![AUTHORIZATION, CONTENT_TYPE],
        }
    }

    fn cors(&self, methods: &[Method]) -> Cors {
        Cors::default()
            .allowed_methods(methods.iter().cloned())
            .allowed_headers(self.headers.iter().cloned())
            .expose_headers(EXPOSED)
            .max_age(MAX_AGE)
    }

    fn for_listed(&self) -> Cors {
        let cors = self.cors(&self.methods);
        match &self.pages {
            AllowedPages::All => cors.allow_any_origin().send_wildcard(),
            AllowedPages::Some(AllowedOrigins { listed, .. }) => listed
                .iter()
                .fold(cors, |cors, origin| cors.allowed_origin(origin.as_str()))
                .supports_credentials(),
        }
    }

    /// Without cookies. `kind_of_page` has checked the origin; actix-cors repeats it in the response.
    fn for_clients(&self) -> Cors {
        self.cors(&self.methods_for_clients).allow_any_origin()
    }

    /// The kind of the page that sends a request, by its `Origin`.
    fn kind_of_page(&self, headers: &HeaderMap) -> PageKind {
        let mut sent = headers.get_all(ORIGIN);
        let (Some(origin), None) = (sent.next(), sent.next()) else { return PageKind::Other };
        match &self.pages {
            AllowedPages::All => PageKind::Listed,
            AllowedPages::Some(origins) if origins.listed.contains(origin.as_bytes()) => PageKind::Listed,
            AllowedPages::Some(origins)
                if !self.methods_for_clients.is_empty()
                    && origins.clients.load().contains(origin.as_bytes()) =>
            {
                PageKind::Client
            }
            AllowedPages::Some(_) => PageKind::Other,
        }
    }
}

impl<S, B> Transform<S, ServiceRequest> for CrossOriginPolicy
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type InitError = ();
    type Transform = CrossOriginService<S>;
    type Future = LocalBoxFuture<'static, Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let (service, policy) = (Rc::new(service), self.clone());
        let for_listed = self.for_listed().new_transform(Rc::clone(&service));
        let for_clients = self.for_clients().new_transform(Rc::clone(&service));
        async move {
            Ok(CrossOriginService {
                policy,
                for_listed: for_listed.await?,
                for_clients: for_clients.await?,
                service,
            })
        }
        .boxed_local()
    }
}

/// A service behind [`CrossOriginPolicy`].
pub(crate) struct CrossOriginService<S> {
    policy: CrossOriginPolicy,
    for_listed: CorsMiddleware<Rc<S>>,
    for_clients: CorsMiddleware<Rc<S>>,
    service: Rc<S>,
}

impl<S, B> Service<ServiceRequest> for CrossOriginService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = Error;
    type Future = Either<
        LocalBoxFuture<'static, Result<Self::Response, Error>>,
        futures_util::future::Map<
            S::Future,
            fn(Result<ServiceResponse<B>, Error>) -> Result<Self::Response, Error>,
        >,
    >;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let cors = match self.policy.kind_of_page(request.headers()) {
            PageKind::Listed => &self.for_listed,
            PageKind::Client => &self.for_clients,
            PageKind::Other => {
                let answered = self.service.call(request);
                return Either::Right(answered.map(vary_by_origin));
            }
        };
        let is_preflight = request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let answered = cors.call(request);
        if !is_preflight {
            return Either::Left(answered);
        }
        Either::Left(
            async move {
                let response = answered.await?;
                if response.status() == StatusCode::BAD_REQUEST {
                    // The text of actix-cors is not JSON.
                    let error = ProtocolError::PREFLIGHT_REJECTED.error_response();
                    return Ok(response.into_response(error).map_into_right_body());
                }
                Ok(response)
            }
            .boxed_local(),
        )
    }
}

/// Adds `Vary: Origin`. This response has no CORS headers, so a cache must not reuse it for a page that may read it.
fn vary_by_origin<B>(
    answered: Result<ServiceResponse<B>, Error>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    answered.map(|mut response| {
        let headers = response.headers_mut();
        if !varies_by_origin(headers) {
            headers.append(VARY, HeaderValue::from_static("Origin"));
        }
        response.map_into_left_body()
    })
}

/// Whether the response has `Vary: Origin` already.
fn varies_by_origin(headers: &HeaderMap) -> bool {
    let names =
        headers.get_all(VARY).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    names.map(str::trim).any(|name| name.eq_ignore_ascii_case(ORIGIN.as_str()))
}

/// Copies the CORS headers of a response to the one that replaces it.
pub(crate) fn keep_headers(from: &HeaderMap, to: &mut HeaderMap) {
    let names =
        [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS, VARY];
    for name in names {
        for value in from.get_all(&name) {
            to.append(name.clone(), value.clone());
        }
    }
}
