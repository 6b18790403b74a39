//! Callers with a session cookie.

use goptri::cookie::encode;
use reqwest::RequestBuilder;
use serde_json::json;

use crate::support::{GOPHER, TestServer, USER, answer, sign};

const PHOTO: &str = "/photos/gopher.png";

fn with_cookie(request: RequestBuilder, token: &str) -> RequestBuilder {
    request.header("cookie", format!("theme=dark; session={}", encode(token)))
}

#[actix_web::test]
async fn a_cookie_is_accepted_wherever_a_bearer_token_is() {
    let server = TestServer::start().await;
    let token = server.user(USER);
    let send = async |method: &str, path: &str| {
        let request =
            with_cookie(server.request(method, path), &token).header("sec-fetch-site", "same-origin");
        answer(request.body(if method == "PUT" { GOPHER.to_vec() } else { Vec::new() })).await
    };
    for (method, path, status) in [
        ("GET", "/me", 200),
        ("PUT", PHOTO, 201),
        ("GET", "/photos", 200),
        ("GET", PHOTO, 200),
        ("HEAD", PHOTO, 200),
        ("GET", "/currentuser", 200),
        ("DELETE", PHOTO, 204),
        ("GET", "/nowhere", 404),
        ("POST", "/me", 405),
    ] {
        let answer = send(method, path).await;
        assert_eq!(answer.status, status, "{method} {path}");
        // CK-05
        assert_eq!(answer.header("cache-control"), Some("private, no-store"), "{method} {path}");
        let varies =
            answer.headers.get_all("vary").iter().any(|vary| vary == "Sec-Fetch-Site, Origin, Cookie");
        assert!(varies, "{method} {path}: {:?}", answer.headers);
    }
    // JV-19
    let reader = with_cookie(server.request("DELETE", PHOTO), &sign(&server.claims()));
    let reader = answer(reader.header("sec-fetch-site", "none")).await;
    assert_eq!(reader.error(), (403, "insufficient_scope"));
}

/// CK-04
#[actix_web::test]
async fn a_foreign_page_changes_no_photo() {
    let server = TestServer::start().await;
    let token = server.ann_has_the_gopher().await;
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("host", "localhost:3000"),
    ] {
        for method in ["PUT", "DELETE"] {
            let request = with_cookie(server.request(method, PHOTO), &token).header(name, value);
            let rejected = answer(request.body(GOPHER)).await;
            assert_eq!(rejected.error(), (403, "cross_site_request"), "{method} {name}: {value}");
        }
    }
    assert_eq!(server.get(PHOTO, &token).await.status, 200);
    assert_eq!(server.files().len(), 1);
    let own = with_cookie(server.request("DELETE", PHOTO), &token).header("origin", "http://localhost:4000");
    assert_eq!(answer(own).await.status, 204);
}

/// CK-11
#[actix_web::test]
async fn a_malformed_cookie_is_no_user_and_no_caller() {
    let server = TestServer::start().await;
    let good = encode(&sign(&server.claims()));
    for cookies in [
        "session=".to_owned(),
        "session=nonsense".to_owned(),
        "session=e30=".to_owned(),
        format!("session=\"{good}\""),
        format!("session=%65{}", &good[1..]),
        format!("session={}", "A".repeat(8 * 1024)),
        format!("session={good}; session={good}"),
        format!("session={}", encode("a.b.c")),
    ] {
        let user = answer(server.request("GET", "/currentuser").header("cookie", &cookies)).await;
        assert_eq!((user.status, user.body), (200, json!({ "currentUser": null })), "{cookies}");
        let me = answer(server.request("GET", "/me").header("cookie", &cookies)).await;
        assert_eq!(me.error(), (401, "invalid_token"), "{cookies}");
        assert_eq!(me.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        assert_eq!(me.header("set-cookie"), None);
    }
    let user = with_cookie(server.request("GET", "/currentuser"), &sign(&server.claims()));
    assert_eq!(answer(user).await.body["currentUser"]["id"], USER);
}

/// RV-07: while revocations are unknown, a signed-out user must not be shown as signed in, nor a user as signed out.
#[actix_web::test]
async fn a_user_is_unknown_until_the_revocations_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::start_with(folder, &[("AUTH_SERVER_URL", "http://127.0.0.1:1")]).await;
    let user = with_cookie(server.request("GET", "/currentuser"), &sign(&server.claims()));
    assert_eq!(answer(user).await.error(), (503, "temporarily_unavailable"));
    let nothing = answer(server.request("GET", "/currentuser")).await;
    assert_eq!((nothing.status, nothing.body), (200, json!({ "currentUser": null })));
}
