//! The table of routes: what it says is what a service does.

use std::sync::Arc;
use std::time::Duration;

use actix_web::App;
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service, try_call_service};
use goptri::actix::Bearer;
use goptri::{Guard, Needs, PhotosRead};
use goptri_server::{Access, Route, UnknownPath, mount, response_policy};

use test_support::forge::{PERSON, StoppedClock, good, verifier};
use test_support::{Answer, bearing, get};

fn guard() -> Guard {
    Guard::new(verifier(), Arc::new(StoppedClock)).with_token_cache(100)
}

async fn hello() -> &'static str {
    "hello"
}

async fn who(caller: Option<Bearer>) -> String {
    caller.map_or_else(|| "nobody".to_owned(), |caller| caller.sub.clone())
}

async fn photos(_: Bearer<PhotosRead>) -> &'static str {
    "photos"
}

async fn upload(_: Bearer) -> &'static str {
    "uploaded"
}

fn table() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/healthz", Access::Public, hello),
        Route::new(Method::POST, "/login", Access::TokenInBody, hello),
        Route::new(Method::GET, "/currentuser", Access::OptionalCaller, who),
        Route::new(Method::GET, "/photos/{name}", Access::Caller(Needs::Scope("photos:read")), photos),
        Route::new(Method::PUT, "/photos/{name}", Access::Caller(Needs::AnyToken), upload),
    ]
}

async fn call_table(table: Vec<Route>, unknown: UnknownPath, request: TestRequest) -> Answer {
    let app = App::new().wrap(from_fn(response_policy)).configure(mount(table, guard(), unknown));
    Answer::of(call_service(&init_service(app).await, request.to_request()).await.map_into_boxed_body()).await
}

async fn call(request: TestRequest) -> Answer {
    call_table(table(), UnknownPath::Unauthorized, request).await
}

#[actix_web::test]
async fn each_route_admits_whom_the_table_says() {
    for route in table() {
        let path = route.path.replace("{name}", "cat.png");
        let stranger = call(TestRequest::default().method(route.method.clone()).uri(&path)).await.status;
        let caller = call(bearing(&path, &good()).method(route.method.clone())).await.status;
        let forger = call(bearing(&path, "nonsense").method(route.method.clone())).await.status;
        let expected =
            if matches!(route.access, Access::Caller(_)) { (401, 200, 401) } else { (200, 200, 200) };
        assert_eq!((stranger, caller, forger), expected, "{route:?}");
    }
}

#[actix_web::test]
async fn where_anybody_is_admitted_a_caller_is_known() {
    assert_eq!(call(get("/currentuser")).await.body, "nobody");
    assert_eq!(call(bearing("/currentuser", &good())).await.body, PERSON);
}

#[actix_web::test]
async fn the_head_alone_is_given_where_the_whole_is() {
    let whole = call(get("/healthz")).await;
    let head = call(TestRequest::default().method(Method::HEAD).uri("/healthz")).await;
    assert_eq!((head.status, head.header("content-type")), (whole.status, whole.header("content-type")));
    assert_eq!(call(TestRequest::default().method(Method::HEAD).uri("/photos/cat.png")).await.status, 401);
}

#[actix_web::test]
async fn another_method_is_a_405_that_names_those_allowed() {
    let table = [
        (Method::POST, "/healthz", "GET, HEAD"),
        (Method::TRACE, "/healthz", "GET, HEAD"),
        (Method::GET, "/login", "POST"),
        (Method::DELETE, "/currentuser", "GET, HEAD"),
        (Method::POST, "/photos/cat.png", "GET, HEAD, PUT"),
    ];
    for (method, path, allow) in table {
        let answer = call(bearing(path, &good()).method(method.clone())).await;
        assert_eq!((answer.status, answer.header("allow")), (405, vec![allow]), "{method} {path}");
        assert_eq!(answer.error(), "method_not_allowed");
        assert_eq!(answer.header("content-type"), ["application/json"]);
    }
    let stranger = call(TestRequest::post().uri("/photos/cat.png")).await;
    assert_eq!(stranger.status, 401, "a stranger does not learn what is behind the middleware");
}

#[actix_web::test]
async fn an_unknown_path_is_a_401_for_strangers_and_a_404_for_callers() {
    for path in
        ["/", "/nowhere", "/photos", "/photos/", "/photos/a/b", "/login/", "/healthz/x", "//healthz", "/%00"]
    {
        let stranger = call(get(path)).await;
        assert_eq!((stranger.status, stranger.header("www-authenticate")), (401, vec!["Bearer"]), "{path}");
        let caller = call(bearing(path, &good())).await;
        assert_eq!((caller.status, caller.error()), (404, "not_found".to_owned()), "{path}");
        assert_eq!(caller.header("content-type"), ["application/json"]);
    }
}

#[actix_web::test]
async fn where_paths_are_no_secret_an_unknown_one_is_a_404_for_everybody() {
    for request in [get("/nowhere"), bearing("/nowhere", &good()), bearing("/nowhere", "nonsense")] {
        let answer = call_table(table(), UnknownPath::NotFound, request).await;
        assert_eq!((answer.status, answer.error()), (404, "not_found".to_owned()));
    }
    let stranger = call_table(table(), UnknownPath::NotFound, get("/photos/cat.png")).await;
    assert_eq!(stranger.status, 401);
}

async fn never() -> &'static str {
    std::future::pending().await
}

#[actix_web::test]
async fn what_is_not_answered_within_its_routes_deadline_is_given_up() {
    let slow = |path, deadline| Route::new(Method::GET, path, Access::Public, never).within(deadline);
    let table = vec![
        slow("/short", Duration::from_millis(5)),
        slow("/long", Duration::from_mins(5)),
        Route::new(Method::PUT, "/short", Access::Public, hello),
    ];
    let app = init_service(App::new().wrap(from_fn(response_policy)).configure(mount(
        table,
        guard(),
        UnknownPath::NotFound,
    )))
    .await;
    let long =
        tokio::time::timeout(Duration::from_millis(50), try_call_service(&app, get("/long").to_request()));
    assert!(long.await.is_err(), "the one route's deadline is not the other's");
    let error = try_call_service(&app, get("/short").to_request()).await.unwrap_err();
    // As the server does with what comes out of the outermost middleware.
    let answer = Answer::of(get("/short").to_srv_request().into_response(error.error_response())).await;
    assert_eq!((answer.status, answer.error().as_str()), (408, "request_timeout"));
    assert_eq!(answer.header("cache-control"), ["no-store"]);
    assert_eq!(call_service(&app, TestRequest::put().uri("/short").to_request()).await.status(), 200);
}

/// The middleware stands before a whole path, so a table that is mixed there could not be kept.
#[actix_web::test]
#[should_panic(expected = "/users access different people")]
async fn a_path_with_routes_for_strangers_and_for_callers_is_no_table() {
    let mixed = vec![
        Route::new(Method::POST, "/users", Access::Public, hello),
        Route::new(Method::GET, "/users", Access::Caller(Needs::Role("admin")), hello),
    ];
    call_table(mixed, UnknownPath::NotFound, get("/users")).await;
}
