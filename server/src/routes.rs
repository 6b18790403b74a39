//! The table of routes: which method and path, whom it admits, which handler. What is mounted is what the
//! table says, so a test that reads the table has seen every route.

use std::mem::discriminant;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, FromRequest, Handler, HttpResponse, Resource, Responder, ResponseError, guard};

use goptri::actix::BearerAuth;
use goptri::{Guard, Needs, ProtocolError};

/// A request whose body has not arrived, or which has not been answered, by then is given up.
const DEADLINE: Duration = Duration::from_mins(1);

/// Whom a route admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// Public; whoever presents a good access token is known to the handler.
    OptionalCaller,
    /// Who presents, in the body or the header, what the flow behind it checks by itself.
    TokenInBody,
    /// A service that presents the secret of the revocation feed, which the handler checks by itself.
    FeedClient,
    /// A caller with a good access token who has this.
    Caller(Needs),
}

/// One row of the table.
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path, with actix's `{name}` for parts.
    pub path: &'static str,
    /// Whom it admits.
    pub access: Access,
    deadline: Duration,
    handler: actix_web::Route,
}

impl Route {
    /// A row of the table.
    pub fn new<F, Args>(method: Method, path: &'static str, access: Access, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        // Whoever asks for the head alone gets what `GET` would say (RFC 9110 §9.3.2); the body stays behind.
        let handler = if method == Method::GET {
            web::route().guard(guard::Any(guard::Get()).or(guard::Head())).to(handler)
        } else {
            web::method(method.clone()).to(handler)
        };
        Self { method, path, access, deadline: DEADLINE, handler }
    }

    /// The same with another deadline than a minute, for what takes longer to arrive.
    #[must_use]
    pub fn within(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The handler, which is dropped when its time is over.
    fn in_time(self) -> actix_web::Route {
        let deadline = self.deadline;
        self.handler.wrap(from_fn(move |request, next| in_time(deadline, request, next)))
    }
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {:?}", self.method, self.path, self.access)
    }
}

async fn in_time(
    deadline: Duration,
    request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    let answered = tokio::time::timeout(deadline, next.call(request)).await;
    answered.unwrap_or_else(|_| Err(ProtocolError::TIMED_OUT.into()))
}

/// What a stranger is told of a path that leads nowhere. A caller is told so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownPath {
    /// That it leads nowhere: 404.
    NotFound,
    /// That a token is missing, as anywhere else: which paths there are is for callers to know.
    Unauthorized,
}

/// Mounts the table: each path behind the bearer middleware that its rows ask for.
///
/// # Panics
/// When the routes of one path differ in whom they admit: only one of them would be kept.
pub fn mount(table: Vec<Route>, guard: Guard, unknown: UnknownPath) -> impl FnOnce(&mut ServiceConfig) {
    move |config| {
        for (access, resource) in resources(table) {
            match access {
                Access::Public | Access::TokenInBody | Access::FeedClient => config.service(resource),
                Access::OptionalCaller => config.service(resource.wrap(BearerAuth::optional(guard.clone()))),
                Access::Caller(_) => config.service(resource.wrap(BearerAuth::required(guard.clone()))),
            };
        }
        match unknown {
            UnknownPath::NotFound => config.default_service(web::to(not_found)),
            UnknownPath::Unauthorized => {
                let nowhere = web::scope("").default_service(web::to(not_found));
                config.service(nowhere.wrap(BearerAuth::required(guard)))
            }
        };
    }
}

async fn not_found() -> HttpResponse {
    ProtocolError::NOT_FOUND.error_response()
}

/// One resource a path, in the table's order, which answers 405 to other methods.
fn resources(table: Vec<Route>) -> Vec<(Access, Resource)> {
    let mut by_path: Vec<(&str, Vec<Route>)> = Vec::new();
    for route in table {
        match by_path.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, routes)) => {
                let same =
                    routes.iter().all(|other| discriminant(&other.access) == discriminant(&route.access));
                assert!(same, "{} access different people by different methods", route.path);
                routes.push(route);
            }
            None => by_path.push((route.path, vec![route])),
        }
    }
    by_path
        .into_iter()
        .filter_map(|(path, routes)| Some((routes.first()?.access, resource(path, routes))))
        .collect()
}

fn resource(path: &str, routes: Vec<Route>) -> Resource {
    let names = |route: &Route| {
        if route.method == Method::GET { "GET, HEAD" } else { route.method.as_str() }.to_owned()
    };
    let allow = routes.iter().map(names).collect::<Vec<_>>().join(", ");
    let resource =
        routes.into_iter().fold(web::resource(path), |resource, route| resource.route(route.in_time()));
    resource.default_service(web::to(move || {
        let mut response = ProtocolError::METHOD_NOT_ALLOWED.error_response();
        if let Ok(allow) = allow.parse() {
            response.headers_mut().insert(ALLOW, allow);
        }
        std::future::ready(response)
    }))
}
