//! A layer for routes that need a scope or a role.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::TryFutureExt;
use futures_util::future::{Either, MapOk};
use http1::{Extensions, Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::respond::{ResponseBody, reject};
use crate::access_claims::AccessClaims;
use crate::bearer;
use crate::permission::{Permission, Requirement};
use crate::protocol_error::ProtocolError;

/// A layer that rejects callers without a scope or a role. It belongs inside [`BearerAuth`](super::BearerAuth); outside
/// it, it rejects every request and logs an error.
#[derive(Debug, Clone, Copy)]
pub struct Require(Requirement);

impl Require {
    /// Rejects callers who do not meet `requirement`.
    pub const fn new(requirement: Requirement) -> Self {
        Self(requirement)
    }

    /// Rejects tokens without this scope.
    pub const fn scope(scope: &'static str) -> Self {
        Self(Requirement::Scope(scope))
    }

    /// Rejects users without this role, and clients.
    pub const fn role(role: &'static str) -> Self {
        Self(Requirement::Role(role))
    }

    /// Rejects callers without the permission `P`.
    pub const fn permission<P: Permission>() -> Self {
        Self(P::REQUIRES)
    }
}

/// The claims of the caller, from the extensions of a request that has passed through
/// [`BearerAuth`](super::BearerAuth), if the access token meets `requirement`.
///
/// # Errors
/// 401 without a valid token, 403 if it lacks the permission.
pub fn authorize(
    extensions: &Extensions,
    requirement: Requirement,
) -> Result<Arc<AccessClaims>, ProtocolError> {
    bearer::authorize(extensions.get(), requirement, "")
}

impl<S> Layer<S> for Require {
    type Service = RequireService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequireService { requirement: self.0, inner }
    }
}

/// The service that [`Require`] wraps around another.
#[derive(Debug, Clone)]
pub struct RequireService<S> {
    requirement: Requirement,
    inner: S,
}

type Passed<F, B> = MapOk<F, fn(Response<B>) -> Response<ResponseBody<B>>>;

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RequireService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = Either<Ready<Result<Self::Response, S::Error>>, Passed<S::Future, ResBody>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let authorized =
            bearer::authorize(request.extensions().get(), self.requirement, request.uri().path());
        if let Err(error) = authorized {
            return Either::Left(ready(Ok(reject(&error, request.headers()))));
        }
        let pass: fn(Response<ResBody>) -> _ = |response| response.map(ResponseBody::Left);
        Either::Right(self.inner.call(request).map_ok(pass))
    }
}
