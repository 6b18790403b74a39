//! CORS for pages that are clients (W5): `/token`, `/revoke` and `/par`, without cookies.

use auth_domain::Client;
use auth_store::RunningServers;
use test_support::cross_origin::{CORS_ORIGINS, LISTED_PAGE};
use tokio::time::timeout;

use super::fixture::{page, printer};
use crate::support::{Answer, Engine, TIMEOUT, TestServer};

const PAGE: &str = "https://page.example";

/// A server that knows the page from its start.
async fn server(variables: &[(&str, &str)]) -> TestServer {
    let server = TestServer::start_after(Engine::Sqlite, variables, async |store, _, _| {
        store.migrate(RunningServers::Stopped).await.unwrap();
        let uri = auth_domain::RedirectUri::parse("https://page.example/cb").unwrap();
        store.add_client(&Client { redirect_uris: vec![uri], ..page() }).await.unwrap();
        store.add_client(&printer()).await.unwrap();
    });
    let server = server.await;
    // The job reads the clients for the first time after the server listens.
    let known = async {
        while preflight(&server, "/token", PAGE, "POST").await.header("access-control-allow-origin").is_none()
        {
            tokio::task::yield_now().await;
        }
    };
    timeout(TIMEOUT, known).await.unwrap();
    server
}

async fn preflight(server: &TestServer, path: &str, origin: &str, method: &str) -> Answer {
    let request = server
        .request("OPTIONS", path)
        .header("Origin", origin)
        .header("Access-Control-Request-Method", method)
        .header("Access-Control-Request-Headers", "authorization,content-type");
    server.send(request).await
}

fn allowed(answer: &Answer) -> [Option<&str>; 2] {
    ["access-control-allow-origin", "access-control-allow-credentials"].map(|name| answer.header(name))
}

/// CK-08
#[actix_web::test]
async fn a_page_that_is_a_public_client_reads_its_tokens_without_cookies() {
    for variables in [&[][..], &[CORS_ORIGINS]] {
        let server = server(variables).await;
        for path in ["/token", "/revoke", "/par"] {
            let answer = preflight(&server, path, PAGE, "POST").await;
            assert_eq!((answer.status, allowed(&answer)), (200, [Some(PAGE), None]), "{path}");
            assert_eq!(answer.header("access-control-allow-methods"), Some("POST"), "{path}");
            let request = server.request("POST", path).header("Origin", PAGE).form(&[("client_id", "page")]);
            let answer = server.send(request).await;
            assert_eq!((answer.status, allowed(&answer)), (400, [Some(PAGE), None]), "{path}");
        }
        // The refresh cookie is not for it.
        let answer = preflight(&server, "/token", PAGE, "DELETE").await;
        assert_eq!((answer.status, allowed(&answer)), (400, [None, None]));
        for path in ["/login", "/logout", "/sessions", "/users"] {
            assert_eq!(allowed(&preflight(&server, path, PAGE, "POST").await), [None, None], "{path}");
        }
    }
}

/// CK-08
#[actix_web::test]
async fn confidential_clients_and_look_alikes_of_a_page_are_not_admitted() {
    let server = server(&[CORS_ORIGINS]).await;
    for origin in [
        "https://printer.example",
        "https://page.example:8443",
        "http://page.example",
        "https://page.example/",
        "https://PAGE.example",
        "https://evil.page.example",
        "https://page.example.evil.example",
        "null",
    ] {
        let answer = preflight(&server, "/token", origin, "POST").await;
        assert_eq!(allowed(&answer), [None, None], "{origin}");
        assert_eq!(answer.header("vary"), Some("Origin"), "{origin}");
    }
    let listed = preflight(&server, "/token", LISTED_PAGE, "DELETE").await;
    assert_eq!(allowed(&listed), [Some(LISTED_PAGE), Some("true")]);
}
