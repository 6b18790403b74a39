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
use futures_util::future::{Either, LocalBoxFuture};
use futures_util::{FutureExt, TryFutureExt};
use goptri::ProtocolError;
use goptri::origin::Origins;

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
    /// Every page, without cookies: for public documents.
    Everyone,
    /// No page of another origin.
    Forbidden,
}

/// The middleware of one path.
#[derive(Debug, Clone)]
pub(crate) struct CrossOriginPolicy {
    /// `None`: every origin.
    pub(crate) origins: Option<Origins>,
    pub(crate) methods: Vec<Method>,
    pub(crate) headers: Vec<HeaderName>,
}

impl CrossOriginPolicy {
    /// For paths that have no route.
    pub(crate) fn of_errors(origins: Origins) -> Self {
        Self {
            origins: Some(origins),
            methods: vec![Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE],
            headers: vec![AUTHORIZATION, CONTENT_TYPE],
        }
    }

    fn cors(&self) -> Cors {
        let cors = Cors::default()
            .allowed_methods(self.methods.iter().cloned())
            .allowed_headers(self.headers.iter().cloned())
            .expose_headers(EXPOSED)
            .max_age(MAX_AGE);
        match &self.origins {
            None => cors.allow_any_origin().send_wildcard(),
            Some(origins) => origins
                .iter()
                .fold(cors, |cors, origin| cors.allowed_origin(origin.as_str()))
                .supports_credentials(),
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
        let (service, origins) = (Rc::new(service), self.origins.clone());
        let cors = self.cors().new_transform(Rc::clone(&service));
        cors.map_ok(|cors| CrossOriginService { origins, cors, service }).boxed_local()
    }
}

/// A service behind [`CrossOriginPolicy`].
pub(crate) struct CrossOriginService<S> {
    origins: Option<Origins>,
    cors: CorsMiddleware<Rc<S>>,
    service: Rc<S>,
}

impl<S> CrossOriginService<S> {
    /// Whether the page that sends the request is one of those that may use the route.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let mut sent = headers.get_all(ORIGIN);
        match (sent.next(), sent.next()) {
            (Some(origin), None) => {
                self.origins.as_ref().is_none_or(|origins| origins.contains(origin.as_bytes()))
            }
            _ => false,
        }
    }
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
        if !self.admits(request.headers()) {
            let answered = self.service.call(request);
            return Either::Right(answered.map(vary_by_origin));
        }
        let is_preflight = request.method() == Method::OPTIONS
            && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let answered = self.cors.call(request);
        if !is_preflight {
            return Either::Left(answered);
        }
        Either::Left(
            async move {
                let response = answered.await?;
                if response.status() == StatusCode::BAD_REQUEST {
                    // Its own text is no JSON.
                    let error = ProtocolError::PREFLIGHT_REFUSED.error_response();
                    return Ok(response.into_response(error).map_into_right_body());
                }
                Ok(response)
            }
            .boxed_local(),
        )
    }
}

/// This response has no CORS headers. A cache must not reuse it for a page that may read the response.
fn vary_by_origin<B>(
    answered: Result<ServiceResponse<B>, Error>,
) -> Result<ServiceResponse<EitherBody<B>>, Error> {
    answered.map(|mut response| {
        response.headers_mut().append(VARY, HeaderValue::from_static("Origin"));
        response.map_into_left_body()
    })
}

/// Copies the headers of this module to the response that replaces another one.
pub(crate) fn keep_headers(from: &HeaderMap, to: &mut HeaderMap) {
    let names =
        [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_EXPOSE_HEADERS, VARY];
    for name in names {
        for value in from.get_all(&name) {
            to.append(name.clone(), value.clone());
        }
    }
}
