//! Pages of other origins, for each route of the table.

use auth_server::routes;
use goptri_server::{Access, CrossOrigin};
use serde_json::json;
use test_support::cross_origin::{CORS_ORIGINS, DeclaredRoute, LISTED_PAGE, Pages};

use crate::support::{EMAIL, Engine, TestServer};

fn declared() -> Vec<DeclaredRoute> {
    let declared = |route: goptri_server::Route| DeclaredRoute {
        method: route.method.to_string(),
        path: route.path,
        headers: route.request_headers().map(|name| name.to_string()).collect(),
        pages: match route.cross_origin {
            CrossOrigin::Listed | CrossOrigin::ListedAndClients => Pages::Listed,
            CrossOrigin::EveryPage => Pages::Every,
            CrossOrigin::Forbidden => Pages::None,
        },
    };
    routes().into_iter().map(declared).collect()
}

/// CK-08. Covers new routes without a change: only routes of the table are mounted.
#[actix_web::test]
async fn each_route_is_for_the_pages_that_the_table_declares() {
    let server = TestServer::start(Engine::Sqlite, &[CORS_ORIGINS]).await;
    let table = declared();
    assert!(table.len() >= 10, "the table is not empty");
    for (route, access) in table.into_iter().zip(routes().iter().map(|route| route.access)) {
        route.check(&server).await;
        let expected = match route.path {
            path if path.starts_with("/.well-known/") => Pages::Every,
            "/revocations" => Pages::None,
            _ if access == Access::Page => Pages::None,
            _ => Pages::Listed,
        };
        assert_eq!(route.pages, expected, "{route:?}");
    }
}

/// CK-08
#[actix_web::test]
async fn without_the_setting_only_public_documents_are_for_other_origins() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    for route in declared().into_iter().filter(|route| route.pages != Pages::Every) {
        let request = server.request(route.method.as_str(), route.path).header("Origin", LISTED_PAGE);
        let answer = server.send(request).await;
        assert!(answer.header("access-control-allow-origin").is_none(), "{route:?}: {answer:?}");
    }
}

/// Any page can cause preflight requests, in the browsers of many users.
#[actix_web::test]
async fn preflight_requests_are_not_throttled_and_a_page_can_read_why_a_sign_in_is() {
    let server = TestServer::start(Engine::Sqlite, &[CORS_ORIGINS]).await;
    server.signed_in().await;
    let wrong = json!({ "email": EMAIL, "password": "not the password of this user" });
    let sign_in = || server.request("POST", "/login").header("Origin", LISTED_PAGE).json(&wrong);
    let mut last = server.send(sign_in()).await;
    for _ in 0..10 {
        last = server.send(sign_in()).await;
    }
    assert_eq!(last.status, 429);
    assert_eq!(last.header("access-control-allow-origin"), Some(LISTED_PAGE));
    assert!(last.header("retry-after").is_some());
    for _ in 0..200 {
        let preflight = server
            .request("OPTIONS", "/login")
            .header("Origin", LISTED_PAGE)
            .header("Access-Control-Request-Method", "POST")
            .header("Access-Control-Request-Headers", "content-type");
        assert_eq!(server.send(preflight).await.status, 200);
    }
}
