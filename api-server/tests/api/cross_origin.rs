//! Pages of other origins, for each route of the table.

use api_server::http::routes;
use goptri::Scope;
use goptri_server::CrossOrigin;
use test_support::cross_origin::{CORS_ORIGINS, DeclaredRoute, LISTED_PAGE, Pages};

use crate::support::{GOPHER, TestServer, sign};

async fn server() -> TestServer {
    TestServer::start_with(tempfile::tempdir().unwrap(), &[CORS_ORIGINS]).await
}

/// CK-08. Covers new routes without a change: only routes of the table are mounted.
#[actix_web::test]
async fn each_route_is_for_the_pages_that_the_table_declares() {
    let server = server().await;
    let table = routes();
    assert!(table.len() >= 8, "the table is not empty");
    for route in table {
        let (declared, pages) = match route.path {
            "/verify" => (CrossOrigin::Forbidden, Pages::None),
            _ => (CrossOrigin::Listed, Pages::Listed),
        };
        assert_eq!(route.cross_origin, declared, "{route:?}");
        let headers = route.request_headers().map(|name| name.to_string()).collect();
        let method = route.method.to_string();
        DeclaredRoute { method, path: route.path, headers, pages }.check(&server).await;
    }
}

#[actix_web::test]
async fn a_page_can_read_why_a_request_is_refused() {
    let server = server().await;
    let from_page = |method: &str, path: &str| server.request(method, path).header("Origin", LISTED_PAGE);
    // It may read photos, and not write them.
    let token = sign(&server.claims());
    let mut writer = server.claims();
    writer.scope = Scope::parse("photos:write").unwrap();
    let writer = sign(&writer);
    let large = vec![0; (5 << 20) + 1];
    for (request, expected) in [
        (from_page("GET", "/me"), 401),
        (from_page("GET", "/me").bearer_auth("forged"), 401),
        (from_page("PUT", "/photos/a.png").bearer_auth(&token).body(GOPHER), 403),
        (from_page("PUT", "/photos/a.png").bearer_auth(&writer).body(large), 413),
        (from_page("PUT", "/photos/a.png").bearer_auth(&writer).body("no photo"), 415),
        (from_page("POST", "/healthz"), 405),
        (from_page("GET", "/nowhere"), 401),
        (from_page("GET", "/nowhere").bearer_auth(&token), 404),
    ] {
        let answer = server.send(request).await;
        assert_eq!(answer.status, expected, "{answer:?}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(LISTED_PAGE), "{answer:?}");
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{answer:?}");
    }
    let preflight = server
        .request("OPTIONS", "/nowhere")
        .header("Origin", LISTED_PAGE)
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "authorization");
    assert_eq!(server.send(preflight).await.status, 200);
}
