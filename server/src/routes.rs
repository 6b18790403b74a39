//! The table of routes: method, path, access and handler of each. `mount` mounts exactly this table, so a test
//! that reads the table has seen every route.

use std::fmt;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{
    Error, FromRequest, Handler, HttpMessage, HttpResponse, Resource, Responder, ResponseError, guard,
};

use goptri::actix::{BearerAuth, authorize};
use goptri::{Guard, ProtocolError, Requirement};

use crate::cross_origin::{AllowedOrigins, AllowedPages, CrossOrigin, CrossOriginPolicy};
use crate::request_observer::{MatchedRoute, RequestObserver};

/// How long a request may take, from its head to the head of the response.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// Which requests a route accepts. [`mount`] enforces the variants that mention an access token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Every request. No credential is read.
    Public,
    /// Every request. A valid access token makes its caller known to the handler; an invalid one is ignored.
    OptionalCaller,
    /// Every request. The handler verifies the credential itself, which is in the body or in a header.
    CredentialInRequest,
    /// Requests with a secret of the revocation feed as bearer token, which the handler verifies.
    FeedClient,
    /// Every request of a browser to a page, which reads its own cookies and no access token. The handler rejects forms of
    /// other sites. No page of another origin may read it (AS-07).
    Page,
    /// Requests with a valid access token that meets this requirement. Others get 401 or 403.
    Caller(Requirement),
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.write_str("public"),
            Self::OptionalCaller => f.write_str("access token, optional"),
            Self::CredentialInRequest => f.write_str("credentials in the request"),
            Self::FeedClient => f.write_str("feed secret"),
            Self::Page => f.write_str("page"),
            Self::Caller(Requirement::AnyToken) => f.write_str("access token"),
            Self::Caller(Requirement::Scope(scope)) => write!(f, "access token with the scope {scope}"),
            Self::Caller(Requirement::Role(role)) => write!(f, "access token of a user with the role {role}"),
            Self::Caller(_) => f.write_str("access token with a permission"),
        }
    }
}

/// One row of the table.
pub struct Route {
    /// The method; a `GET` route also answers `HEAD`.
    pub method: Method,
    /// The path, a template with `{name}` for variable segments.
    pub path: &'static str,
    /// Which requests it accepts.
    pub access: Access,
    /// Which pages of other origins may use it.
    pub cross_origin: CrossOrigin,
    takes_body: bool,
    other_headers: &'static [HeaderName],
    timeout: Duration,
    handler: actix_web::Route,
}

impl Route {
    /// A row of the table, with a timeout of one minute, for the pages in `CORS_ORIGINS`. `POST` and `PUT` take a body.
    pub fn new<F, Args>(method: Method, path: &'static str, access: Access, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        // HEAD gets the headers of GET (RFC 9110 §9.3.2); actix-web drops the body.
        let handler = if method == Method::GET {
            web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler)
        } else {
            web::method(method.clone()).to(handler)
        };
        let cross_origin = match access {
            // The feed is for services, and pages are for users.
            Access::FeedClient | Access::Page => CrossOrigin::Forbidden,
            _ => CrossOrigin::Listed,
        };
        let takes_body = matches!(method, Method::POST | Method::PUT);
        let (other_headers, timeout) = (&[][..], REQUEST_TIMEOUT);
        Self { method, path, access, cross_origin, takes_body, other_headers, timeout, handler }
    }

    /// Permits pages of every origin, without cookies.
    #[must_use]
    pub fn for_every_origin(mut self) -> Self {
        self.cross_origin = CrossOrigin::EveryPage;
        self
    }

    /// Also permits pages that are OAuth clients, without cookies.
    #[must_use]
    pub fn for_clients(mut self) -> Self {
        self.cross_origin = CrossOrigin::ListedAndClients;
        self
    }

    /// Permits no page of another origin.
    #[must_use]
    pub fn for_no_other_origin(mut self) -> Self {
        self.cross_origin = CrossOrigin::Forbidden;
        self
    }

    /// Declares that requests have a body.
    #[must_use]
    pub fn with_body(mut self) -> Self {
        self.takes_body = true;
        self
    }

    /// Declares headers that the handler reads, besides `Authorization` and `Content-Type`.
    #[must_use]
    pub fn with_headers(mut self, headers: &'static [HeaderName]) -> Self {
        self.other_headers = headers;
        self
    }

    /// The headers that it takes from pages, besides those that every request may have.
    pub fn request_headers(&self) -> impl Iterator<Item = HeaderName> {
        let has_credential = !matches!(self.access, Access::Public | Access::FeedClient | Access::Page);
        let usual = [has_credential.then_some(AUTHORIZATION), self.takes_body.then_some(CONTENT_TYPE)];
        usual.into_iter().flatten().chain(self.other_headers.iter().cloned())
    }

    /// Sets another timeout, for bodies that take longer to arrive.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The methods it answers, as in an `Allow` header.
    fn methods(&self) -> &str {
        if self.method == Method::GET { "GET, HEAD" } else { self.method.as_str() }
    }

    /// The handler, wrapped in everything that the row declares.
    fn into_handler(self, guard: &Guard, requests: &RequestObserver) -> actix_web::Route {
        let (matched, timeout) = (requests.route(&self), self.timeout);
        let guarded = match self.access {
            Access::Public | Access::CredentialInRequest | Access::FeedClient | Access::Page => self.handler,
            Access::OptionalCaller => self.handler.wrap(BearerAuth::optional(guard.clone())),
            Access::Caller(Requirement::AnyToken) => self.handler.wrap(BearerAuth::required(guard.clone())),
            Access::Caller(requirement) => self
                .handler
                .wrap(from_fn(move |request, next| require_permission(requirement, request, next)))
                .wrap(BearerAuth::required(guard.clone())),
        };
        guarded.wrap(from_fn(move |request, next| with_deadline(timeout, matched, request, next)))
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:?}", self.method, self.path, self.access)
    }
}

/// Drops a handler that exceeds the timeout, and responds 408.
async fn with_deadline(
    timeout: Duration,
    matched: MatchedRoute,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    request.extensions_mut().insert(matched);
    let http_request = request.request().clone();
    match tokio::time::timeout(timeout, next.call(request)).await {
        Ok(answered) => answered.map(ServiceResponse::map_into_boxed_body),
        Err(_) => Ok(ServiceResponse::from_err(ProtocolError::TIMED_OUT, http_request)),
    }
}

/// Rejects callers whose token lacks the permission that the table declares, independent of the handler's signature.
async fn require_permission(
    requirement: Requirement,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let authorized = authorize(request.request(), requirement);
    match authorized {
        Ok(_) => next.call(request).await.map(ServiceResponse::map_into_boxed_body),
        Err(error) => Ok(request.error_response(error)),
    }
}

/// The response to a path that no route has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownPath {
    /// 404 for every request.
    NotFound,
    /// 401 without a valid access token, so that only callers learn which paths exist; 404 with one.
    Unauthorized,
}

/// Mounts the table. Each route enforces its own access; `requests` observes all of them. Pages of `origins` may use the
/// routes that the table declares.
pub fn mount(
    table: Vec<Route>,
    guard: Guard,
    unknown: UnknownPath,
    origins: impl Into<AllowedOrigins>,
    requests: RequestObserver,
) -> impl FnOnce(&mut ServiceConfig) {
    let origins = origins.into();
    move |config| {
        for (path, routes) in by_path(table) {
            let policy = policy(&routes, &origins);
            let resource = resource(path, routes, &guard, &requests);
            match policy {
                Some(policy) => config.service(resource.wrap(policy)),
                None => config.service(resource),
            };
        }
        // Pages may read these errors too.
        let (unknown_paths, policy) = (
            web::scope("").default_service(web::to(not_found)),
            CrossOriginPolicy::of_unknown_paths(origins),
        );
        match unknown {
            UnknownPath::NotFound => config.service(unknown_paths.wrap(policy)),
            UnknownPath::Unauthorized => {
                config.service(unknown_paths.wrap(BearerAuth::required(guard)).wrap(policy))
            }
        };
        config.app_data(Data::new(requests));
    }
}

/// The policy that the routes of one path declare for pages of other origins. `None`: no such page may use them, so
/// they need none. The first route decides for the whole path, except about clients: about these, each route decides.
fn policy(routes: &[Route], origins: &AllowedOrigins) -> Option<CrossOriginPolicy> {
    let methods_for_clients: Vec<_> =
        methods(routes.iter().filter(|route| route.cross_origin == CrossOrigin::ListedAndClients)).collect();
    let pages = match routes.first()?.cross_origin {
        CrossOrigin::Forbidden => return None,
        CrossOrigin::EveryPage => AllowedPages::All,
        CrossOrigin::Listed | CrossOrigin::ListedAndClients
            if origins.listed.is_empty() && methods_for_clients.is_empty() =>
        {
            return None;
        }
        CrossOrigin::Listed | CrossOrigin::ListedAndClients => AllowedPages::Some(origins.clone()),
    };
    let headers = routes.iter().flat_map(Route::request_headers).collect();
    Some(CrossOriginPolicy { pages, methods: methods(routes).collect(), methods_for_clients, headers })
}

fn methods<'a>(routes: impl IntoIterator<Item = &'a Route>) -> impl Iterator<Item = Method> {
    routes.into_iter().flat_map(|route| {
        let head = (route.method == Method::GET).then_some(Method::HEAD);
        [route.method.clone()].into_iter().chain(head)
    })
}

async fn not_found() -> HttpResponse {
    ProtocolError::NOT_FOUND.error_response()
}

/// The routes of each path, in the table's order.
fn by_path(table: Vec<Route>) -> Vec<(&'static str, Vec<Route>)> {
    let mut by_path: Vec<(&'static str, Vec<Route>)> = Vec::new();
    for route in table {
        match by_path.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, routes)) => routes.push(route),
            None => by_path.push((route.path, vec![route])),
        }
    }
    by_path
}

/// The routes of one path. Other methods get 405; if every route there requires a caller, then so does the 405.
fn resource(path: &str, routes: Vec<Route>, guard: &Guard, requests: &RequestObserver) -> Resource {
    let allow = routes.iter().map(Route::methods).collect::<Vec<_>>().join(", ");
    let for_callers = routes.iter().all(|route| matches!(route.access, Access::Caller(_)));
    let resource = routes
        .into_iter()
        .fold(web::resource(path), |resource, route| resource.route(route.into_handler(guard, requests)));
    let reject = web::to(move || {
        let mut response = ProtocolError::METHOD_NOT_ALLOWED.error_response();
        if let Ok(allow) = allow.parse() {
            response.headers_mut().insert(ALLOW, allow);
        }
        std::future::ready(response)
    });
    resource.default_service(if for_callers {
        reject.wrap(BearerAuth::required(guard.clone()))
    } else {
        reject
    })
}
