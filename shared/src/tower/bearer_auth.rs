//! The bearer middleware as a layer.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::TryFutureExt;
use futures_util::future::{Either, MapOk};
use http1::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::headers::set_cache_headers;
use super::respond::{ResponseBody, reject};
use crate::access_claims::AccessClaims;
use crate::bearer::{self, BearerCheck, TokenLocation, VerificationResult};
use crate::guard::Guard;

/// A layer that verifies the access token of each request, in the `Authorization` header or in the session cookie, and
/// attaches the claims of the caller to it: an `Arc<AccessClaims>` in its extensions.
///
/// If it rejects a token, its response has the [`TokenError`](crate::TokenError) in its extensions, for logs and
/// metrics. The error is also in the log.
#[derive(Debug, Clone)]
pub struct BearerAuth {
    guard: Guard,
    optional: bool,
}

impl BearerAuth {
    /// Rejects requests without a valid access token. If the token is in the session cookie, also rejects an unsafe
    /// request (not `GET`, `HEAD` or `OPTIONS`, or one that opens a WebSocket) unless its headers say that it comes
    /// from the same origin, from one of the cookie's
    /// [allowed origins](crate::cookie::SessionCookie::allowed_origins), or from no page
    /// ([`may_use_cookies`](crate::cookie::may_use_cookies)).
    pub fn required(guard: Guard) -> Self {
        Self { guard, optional: false }
    }

    /// Accepts requests with and without a valid access token, and attaches the claims of a valid one. Responds 400 to
    /// two `Authorization` headers, 403 to an unsafe request with the session cookie that
    /// [`required`](Self::required) rejects, and 503 while the guard cannot decide.
    pub fn optional(guard: Guard) -> Self {
        Self { guard, optional: true }
    }
}

impl<S> Layer<S> for BearerAuth {
    type Service = BearerAuthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        BearerAuthService { auth: self.clone(), inner }
    }
}

/// The service that [`BearerAuth`] wraps around another.
#[derive(Debug, Clone)]
pub struct BearerAuthService<S> {
    auth: BearerAuth,
    inner: S,
}

type Passed<F, B> = MapOk<F, fn(Response<B>) -> Response<ResponseBody<B>>>;

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for BearerAuthService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Self::Response, S::Error>>, Passed<S::Future, ResBody>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let BearerAuth { guard, optional } = &self.auth;
        let BearerCheck { location, verified } =
            bearer::check(guard, request.headers(), request.method().as_str());
        match verified {
            Err(rejection) if rejection.ends_request(*optional) => {
                let mut rejected = reject(&rejection.error, request.headers());
                set_cache_headers(location, rejected.headers_mut());
                if let Some(reason) = rejection.reason {
                    rejected.extensions_mut().insert(reason);
                }
                Either::Left(ready(Ok(rejected)))
            }
            verified => {
                // Another layer outside of this one may have attached the claims of another guard.
                request.extensions_mut().remove::<Arc<AccessClaims>>();
                if let Ok(claims) = &verified {
                    request.extensions_mut().insert(Arc::clone(claims));
                }
                let result = VerificationResult(verified.map_err(|rejection| rejection.error));
                request.extensions_mut().insert(result);
                let pass: fn(Response<ResBody>) -> _ = match location {
                    TokenLocation::Header => |response| response.map(ResponseBody::Left),
                    TokenLocation::Cookie => |response| with_cache_headers(TokenLocation::Cookie, response),
                    TokenLocation::None => |response| with_cache_headers(TokenLocation::None, response),
                };
                Either::Right(self.inner.call(request).map_ok(pass))
            }
        }
    }
}

fn with_cache_headers<B>(location: TokenLocation, mut response: Response<B>) -> Response<ResponseBody<B>> {
    set_cache_headers(location, response.headers_mut());
    response.map(ResponseBody::Left)
}
