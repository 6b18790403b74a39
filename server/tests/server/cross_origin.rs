//! Cross-origin resource sharing: which responses a page of another origin may read.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse};
use goptri::origin::Origins;
use goptri::{Guard, ProtocolError, Requirement};
use goptri_server::{Access, RequestObserver, Route, UnknownPath, mount, response_policy};
use test_support::Answer;
use test_support::cross_origin::{CORS_ORIGINS, LISTED_PAGE};
use test_support::forge::{stopped_clock, verifier};

fn table() -> Vec<Route> {
    let hello = || std::future::ready("hello");
    let broken = || std::future::ready(HttpResponse::InternalServerError().body("the cause"));
    let unavailable = || std::future::ready(Err::<&str, _>(ProtocolError::UNAVAILABLE));
    let never = std::future::pending::<&'static str>;
    vec![
        Route::new(Method::GET, "/broken", Access::Public, broken),
        Route::new(Method::GET, "/unavailable", Access::Public, unavailable),
        Route::new(Method::GET, "/slow", Access::Public, never).with_timeout(Duration::from_millis(5)),
        Route::new(Method::GET, "/guarded", Access::Caller(Requirement::AnyToken), hello),
        Route::new(Method::GET, "/document", Access::Public, hello).for_every_origin(),
        Route::new(Method::GET, "/page", Access::Public, hello).for_no_other_origin(),
    ]
}

async fn call(request: TestRequest) -> Answer {
    let (requests, origins) = (RequestObserver::new(&table(), true), Origins::parse(CORS_ORIGINS.1).unwrap());
    let guard = Guard::new(verifier(), stopped_clock());
    let app = App::new().wrap(from_fn(response_policy)).configure(mount(
        table(),
        guard,
        UnknownPath::NotFound,
        origins,
        requests,
    ));
    Answer::of_app(call_service(&init_service(app).await, request.to_request()).await).await
}

fn from(origin: &str, path: &str) -> TestRequest {
    TestRequest::get().uri(path).insert_header(("Origin", origin))
}

/// CK-08
#[actix_web::test]
async fn a_listed_page_can_read_every_error() {
    for (path, status) in
        [("/broken", 500), ("/unavailable", 503), ("/slow", 408), ("/guarded", 401), ("/nowhere", 404)]
    {
        let answer = call(from(LISTED_PAGE, path)).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED_PAGE), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{path}");
        assert!(answer.header("vary").unwrap().contains("Origin"), "{path}");
        assert!(!answer.text.contains("the cause"));
        let other = call(from("https://app.example.com.evil.example", path)).await;
        assert_eq!(other.status, status, "it is handled as without CORS");
        let found = other.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
        assert!(!found, "headers of CORS for another page: {other:?}");
    }
}

/// CK-08
#[actix_web::test]
async fn a_public_document_is_for_every_page_without_cookies_and_a_page_for_none() {
    for origin in [LISTED_PAGE, "https://evil.example", "null"] {
        let document = call(from(origin, "/document")).await;
        assert_eq!(document.header("access-control-allow-origin"), Some("*"), "{origin}");
        assert_eq!(document.header("access-control-allow-credentials"), None, "{origin}");
        let page = call(from(origin, "/page")).await;
        assert_eq!((page.status, page.header("access-control-allow-origin")), (200, None), "{origin}");
    }
}

/// CK-08
#[actix_web::test]
async fn two_origins_are_none() {
    let request = from(LISTED_PAGE, "/guarded").append_header(("Origin", LISTED_PAGE));
    assert_eq!(call(request).await.header("access-control-allow-origin"), None);
}

#[actix_web::test]
async fn a_preflight_request_is_answered_before_the_credential_is_looked_at() {
    let preflight = |origin: &str| {
        from(origin, "/guarded")
            .method(Method::OPTIONS)
            .insert_header(("Access-Control-Request-Method", "GET"))
            .insert_header(("Access-Control-Request-Headers", "authorization"))
    };
    let answer = call(preflight(LISTED_PAGE)).await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (200, None));
    assert_eq!(answer.header("access-control-allow-headers"), Some("authorization"));
    let refused = call(preflight("https://evil.example")).await;
    assert_eq!((refused.status, refused.header("access-control-allow-origin")), (401, None));
}
