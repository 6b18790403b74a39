//! The table of routes: a service enforces what the table declares.

use std::time::Duration;

use actix_web::App;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, try_call_service};
use goptri::actix::Bearer;
use goptri::origin::Origins;
use goptri::{Guard, Requirement};
use goptri_server::{Access, RequestObserver, Route, UnknownPath, mount, response_policy};

use test_support::forge::{USER, good, stopped_clock, verifier};
use test_support::{Answer, bearing, get};

fn guard() -> Guard {
    Guard::new(verifier(), stopped_clock()).with_token_cache(100)
}

async fn hello() -> &'static str {
    "hello"
}

async fn current(caller: Option<Bearer>) -> String {
    caller.map_or_else(|| "no caller".to_owned(), |caller| caller.subject().to_owned())
}

/// The token of [`good`] has the scope `photos:read`.
fn table() -> Vec<Route> {
    let scope = |scope| Access::Caller(Requirement::Scope(scope));
    vec![
        Route::new(Method::GET, "/healthz", Access::Public, hello),
        Route::new(Method::POST, "/login", Access::CredentialInRequest, hello),
        Route::new(Method::GET, "/currentuser", Access::OptionalCaller, current),
        Route::new(Method::GET, "/photos/{name}", scope("photos:read"), hello),
        Route::new(Method::PUT, "/photos/{name}", Access::Caller(Requirement::AnyToken), hello),
        Route::new(Method::POST, "/users", Access::Public, hello),
        Route::new(Method::GET, "/users", scope("photos:read"), hello),
        Route::new(Method::DELETE, "/users", scope("users:write"), hello),
        Route::new(Method::PUT, "/users", Access::Caller(Requirement::Role("admin")), hello),
    ]
}

async fn call_table(table: Vec<Route>, unknown: UnknownPath, request: TestRequest) -> Answer {
    let requests = RequestObserver::new(&table, true);
    let app = App::new().wrap(from_fn(response_policy)).configure(mount(
        table,
        guard(),
        unknown,
        Origins::default(),
        requests,
    ));
    Answer::of_app(call_service(&init_service(app).await, request.to_request()).await).await
}

async fn call(request: TestRequest) -> Answer {
    call_table(table(), UnknownPath::Unauthorized, request).await
}

/// No handler here requires a permission, so only the table is enforced; by method, where a path has several.
#[actix_web::test]
async fn each_route_accepts_what_the_table_declares() {
    for route in table() {
        let path = route.path.replace("{name}", "cat.png");
        let anonymous = call(TestRequest::default().method(route.method.clone()).uri(&path)).await.status;
        let caller = call(bearing(&path, &good()).method(route.method.clone())).await.status;
        let forger = call(bearing(&path, "nonsense").method(route.method.clone())).await.status;
        let expected = match route.access {
            Access::Caller(Requirement::AnyToken | Requirement::Scope("photos:read")) => (401, 200, 401),
            Access::Caller(_) => (401, 403, 401),
            _ => (200, 200, 200),
        };
        assert_eq!((anonymous, caller, forger), expected, "{route:?}");
    }
}

#[actix_web::test]
async fn a_caller_without_the_permission_is_told_the_missing_scope() {
    let refused = call(bearing("/users", &good()).method(Method::DELETE)).await;
    assert_eq!(refused.error(), (403, "insufficient_scope"));
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"users:write\"";
    assert_eq!(refused.header("www-authenticate"), Some(challenge));
}

#[actix_web::test]
async fn an_optional_caller_is_known_to_the_handler() {
    assert_eq!(call(get("/currentuser")).await.text, "no caller");
    assert_eq!(call(bearing("/currentuser", &good())).await.text, USER);
}

#[actix_web::test]
async fn head_gets_the_headers_of_get() {
    let whole = call(get("/healthz")).await;
    let head = call(TestRequest::default().method(Method::HEAD).uri("/healthz")).await;
    assert_eq!((head.status, head.header("content-type")), (whole.status, whole.header("content-type")));
    assert_eq!(call(TestRequest::default().method(Method::HEAD).uri("/photos/cat.png")).await.status, 401);
}

#[actix_web::test]
async fn another_method_gets_405_with_the_allowed_ones() {
    let table = [
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::TRACE, "/healthz", "GET, HEAD"),
        (Method::GET, "/login", "POST"),
        (Method::DELETE, "/currentuser", "GET, HEAD"),
        (Method::POST, "/photos/cat.png", "GET, HEAD, PUT"),
        (Method::PATCH, "/users", "POST, GET, HEAD, DELETE, PUT"),
    ];
    for (method, path, allow) in table {
        let answer = call(bearing(path, &good()).method(method.clone())).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{method} {path}");
        assert_eq!(answer.error().1, "method_not_allowed");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let anonymous = call(TestRequest::post().uri("/photos/cat.png")).await;
    assert_eq!(
        anonymous.status, 401,
        "where every method needs a caller, only callers learn which there are"
    );
    let anonymous = call(TestRequest::patch().uri("/users")).await;
    assert_eq!(anonymous.status, 405, "a public route there is no secret");
}

#[actix_web::test]
async fn an_unknown_path_gets_401_without_a_token_and_404_with_one() {
    for path in
        ["/", "/nowhere", "/photos", "/photos/", "/photos/a/b", "/login/", "/healthz/x", "//healthz", "/%00"]
    {
        let anonymous = call(get(path)).await;
        assert_eq!((anonymous.status, anonymous.header("www-authenticate")), (401, Some("Bearer")), "{path}");
        let caller = call(bearing(path, &good())).await;
        assert_eq!(caller.error(), (404, "not_found"), "{path}");
        assert_eq!(caller.header("content-type"), Some("application/json"));
    }
}

#[actix_web::test]
async fn with_public_paths_an_unknown_one_gets_404_for_every_request() {
    for request in [get("/nowhere"), bearing("/nowhere", &good()), bearing("/nowhere", "nonsense")] {
        let answer = call_table(table(), UnknownPath::NotFound, request).await;
        assert_eq!(answer.error(), (404, "not_found"));
    }
    let anonymous = call_table(table(), UnknownPath::NotFound, get("/photos/cat.png")).await;
    assert_eq!(anonymous.status, 401);
}

async fn never() -> &'static str {
    std::future::pending().await
}

#[actix_web::test]
async fn a_handler_that_exceeds_the_timeout_of_its_route_is_dropped() {
    let slow = |path, timeout| Route::new(Method::GET, path, Access::Public, never).with_timeout(timeout);
    let table = vec![
        slow("/short", Duration::from_millis(5)),
        slow("/long", Duration::from_mins(5)),
        Route::new(Method::PUT, "/short", Access::Public, hello),
    ];
    let requests = RequestObserver::new(&table, true);
    let mounted = mount(table, guard(), UnknownPath::NotFound, Origins::default(), requests);
    let app = init_service(App::new().wrap(from_fn(response_policy)).configure(mounted)).await;
    let long =
        tokio::time::timeout(Duration::from_millis(50), try_call_service(&app, get("/long").to_request()));
    assert!(long.await.is_err(), "each route has its own timeout");
    let answer = Answer::of_app(call_service(&app, get("/short").to_request()).await).await;
    assert_eq!(answer.error(), (408, "request_timeout"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(call_service(&app, TestRequest::put().uri("/short").to_request()).await.status(), 200);
}
