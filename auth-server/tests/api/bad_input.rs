//! Bad input gets a 4xx with one plain sentence, which never repeats the input.

use goptri_server::Access;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, EMAIL, Engine, PASSWORD, TestServer};

/// Part of every bad input; no response may contain it.
const MARKER: &str = "zq7marker";

fn assert_plain(answer: &Answer, status: u16, what: &str) {
    assert_eq!(answer.status, status, "{what}: {}", answer.text);
    let body = &answer.body;
    assert!(body["error"].is_string(), "{what}");
    let sentence = body["error_description"].as_str().unwrap();
    // AS-17
    assert!(
        sentence.bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)),
        "{what}: {sentence}"
    );
    let told = answer.text.to_lowercase();
    for word in [MARKER, "sql", "serde", "actix", "panick", "/src/", ".rs", "line 1", "column"] {
        assert!(!told.contains(word), "{what} tells {word}: {}", answer.text);
    }
    assert_eq!(answer.header("content-type"), Some("application/json"), "{what}");
    assert!(answer.header("server").is_none() && answer.header("x-request-id").is_some(), "{what}");
}

async fn server() -> TestServer {
    TestServer::start(Engine::Sqlite, &[]).await
}

/// AS-17, CK-07
#[actix_web::test]
async fn bodies_that_are_not_the_expected_json_get_400() {
    let server = server().await;
    let bodies = [
        ("nothing", String::new()),
        ("no JSON", format!("{{{MARKER}")),
        ("cut off", format!(r#"{{"email":"{MARKER}@example.com","passw"#)),
        ("an array", format!(r#"["{MARKER}"]"#)),
        ("an array in the order of the members", format!(r#"["{MARKER}@example.com","{PASSWORD}"]"#)),
        ("a text", format!(r#""{MARKER}""#)),
        ("a wrong type", format!(r#"{{"email":{{"{MARKER}":1}},"password":1}}"#)),
        ("a member missing", format!(r#"{{"email":"{MARKER}@example.com"}}"#)),
        (
            "a member doubled",
            format!(r#"{{"email":"{MARKER}@example.com","email":"b@example.com","password":"{MARKER}"}}"#),
        ),
        ("a lone surrogate", format!(r#"{{"email":"\ud800{MARKER}@example.com","password":"{PASSWORD}"}}"#)),
        ("a raw NUL", format!("{{\"email\":\"\0{MARKER}@example.com\",\"password\":\"{PASSWORD}\"}}")),
        ("too deep", "[".repeat(10_000)),
    ];
    for path in ["/users", "/login"] {
        for (what, body) in &bodies {
            let request = server
                .request(Method::POST, path)
                .header("content-type", "application/json")
                .body(body.clone());
            assert_plain(&server.send(request).await, 400, &format!("{path} {what}"));
        }
    }
    for (method, path) in [(Method::POST, "/token"), (Method::DELETE, "/logout")] {
        for (what, body) in
            bodies.iter().filter(|(what, _)| !what.contains("missing") && !what.contains("doubled"))
        {
            let request = server
                .request(method.clone(), path)
                .header("content-type", "application/json")
                .body(body.clone());
            assert_plain(&server.send(request).await, 400, &format!("{path} {what}"));
        }
    }
    let not_utf8 = server
        .request(Method::POST, "/login")
        .header("content-type", "application/json")
        .body(b"{\"email\":\"\xff\"}".to_vec());
    assert_plain(&server.send(not_utf8).await, 400, "not UTF-8");
}

#[actix_web::test]
async fn bodies_over_16_kib_get_413() {
    let server = server().await;
    for (method, path) in [
        (Method::POST, "/users"),
        (Method::POST, "/login"),
        (Method::POST, "/token"),
        (Method::DELETE, "/logout"),
        (Method::DELETE, "/logout?everywhere=true"),
    ] {
        for kib in [16, 1024] {
            let body = json!({ "email": EMAIL, "password": "x".repeat(kib * 1024), "refresh_token": "x" });
            let answer = server.send(server.request(method.clone(), path).json(&body)).await;
            assert_plain(&answer, 413, path);
            assert_eq!(answer.field("error"), "payload_too_large");
        }
    }
}

/// CK-07
#[actix_web::test]
async fn other_content_types_get_415() {
    let server = server().await;
    let body = json!({ "email": EMAIL, "password": PASSWORD, "refresh_token": MARKER }).to_string();
    for content_type in ["text/plain", "application/xml", "multipart/form-data; boundary=x", "", "nonsense"] {
        for (method, path) in [
            (Method::POST, "/users"),
            (Method::POST, "/login"),
            (Method::POST, "/token"),
            (Method::DELETE, "/logout"),
        ] {
            let request =
                server.request(method, path).header("content-type", content_type).body(body.clone());
            assert_plain(&server.send(request).await, 415, &format!("{path} as {content_type}"));
        }
    }
    let form = server.request(Method::POST, "/login").form(&[("email", EMAIL), ("password", PASSWORD)]);
    assert_plain(&server.send(form).await, 415, "a form at /login");
}

/// Every route that reads a body: those with POST or PUT, and `/logout`. To a form of a page, the response is a page.
#[actix_web::test]
async fn compressed_bodies_get_415_on_every_route_that_reads_a_body() {
    let server = server().await;
    let (access, refresh) = server.signed_in().await;
    let reads_a_body = |route: &goptri_server::Route| {
        matches!(route.method.as_str(), "POST" | "PUT") || route.path == "/logout"
    };
    let routes: Vec<_> = auth_server::routes().into_iter().filter(reads_a_body).collect();
    assert!(routes.len() >= 5, "{routes:?}");
    for route in routes {
        for kind in ["application/json", "application/x-www-form-urlencoded"] {
            let body = json!({ "refresh_token": refresh }).to_string();
            let method: Method = route.method.as_str().parse().unwrap();
            let request = server.request(method, route.path).bearer_auth(&access);
            let request = request.header("content-type", kind).header("content-encoding", "gzip").body(body);
            let answer = server.send(request).await;
            if route.access == Access::Page {
                assert_eq!(answer.status, 400, "{route:?} {kind}: {}", answer.text);
                continue;
            }
            assert_plain(&answer, 415, &format!("{route:?} {kind}"));
            assert!(answer.text.contains("send the body uncompressed"), "{}", answer.text);
        }
    }
    assert_eq!(server.refresh(&refresh).await.status, 200, "the session lives on");
}

#[actix_web::test]
async fn json_and_forms_that_begin_with_a_byte_order_mark_get_400_that_names_it() {
    let server = server().await;
    let (_, refresh) = server.signed_in().await;
    let json = json!({ "email": EMAIL, "password": PASSWORD, "refresh_token": refresh }).to_string();
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    for (method, path, kind, body) in [
        (Method::POST, "/users", "application/json", &json),
        (Method::POST, "/login", "application/json", &json),
        (Method::POST, "/token", "application/json", &json),
        (Method::POST, "/token", "application/x-www-form-urlencoded", &form),
        (Method::DELETE, "/logout", "application/json", &json),
    ] {
        let request =
            server.request(method, path).header("content-type", kind).body(format!("\u{feff}{body}"));
        let answer = server.send(request).await;
        assert_plain(&answer, 400, path);
        assert!(answer.text.contains("byte order mark"), "{}", answer.text);
    }
    assert_eq!(server.refresh(&refresh).await.status, 200, "the session lives on");
}

/// OP-09
#[actix_web::test]
async fn unknown_methods_are_405_and_unknown_paths_are_404() {
    let server = server().await;
    for (method, path, allow) in [
        ("GET", "/login", "POST"),
        ("PUT", "/token", "POST, DELETE"),
        ("POST", "/logout", "DELETE"),
        ("TRACE", "/healthz", "GET, HEAD"),
        ("BREW", "/users", "POST"),
    ] {
        let request = server.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
        let answer = server.send(request).await;
        assert_plain(&answer, 405, &format!("{method} {path}"));
        assert_eq!(answer.header("allow"), Some(allow));
    }
    for path in ["//", "/zq7marker", "/login/", "/users/1", "/..%2f..%2fetc/passwd", "/%00", "/\u{202e}"] {
        assert_plain(&server.get(path, None).await, 404, path);
    }
}

#[actix_web::test]
async fn malformed_refresh_tokens_get_400() {
    let server = server().await;
    let long = "x".repeat(9000);
    for token in ["", ".", "..", "a.b.c", "\0", "\r\n", "😀", "' or 1=1 --", "../../etc/passwd", &long] {
        assert_plain(&server.refresh(&format!("{token}{MARKER}")).await, 400, token);
    }
    assert_plain(&server.post("/token", &json!({ "refresh_token": null })).await, 400, "null");
    assert_plain(&server.post("/token", &json!({ "refresh_token": "a", "token": "a" })).await, 400, "both");
}
