//! A refresh token in the body beside an `Authorization` header: which of the two decides.

use chrono::TimeDelta;
use reqwest::Method;
use reqwest::header::HeaderValue;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, TestServer, on_both_engines};

/// Headers that are no credential, whatever the client meant by them.
const BROKEN: [&[u8]; 13] = [
    b"Bearer null",
    b"Bearer undefined",
    b"Bearer",
    b"Bearer ",
    b"bearer   ",
    b"Bearer a.b.c",
    b"Bearer one two",
    b"Bearer \xff\xfe",
    "Bearer jürgen".as_bytes(),
    b"Digest username=\"ann\"",
    b"undefined",
    b"eyJhbGciOiJIUzI1NiJ9.e30.x",
    b"",
];

struct Tokens {
    access: String,
    refresh: String,
}

async fn signed_in_again(server: &TestServer) -> Tokens {
    let answer = server.login().await;
    Tokens { access: answer.field("access_token"), refresh: answer.field("refresh_token") }
}

async fn send(server: &TestServer, route: (Method, &str), header: &[u8], body: Option<&Value>) -> Answer {
    let request = server.request(route.0, route.1);
    let request = request.header("authorization", HeaderValue::from_bytes(header).unwrap());
    server.send(body.into_iter().fold(request, reqwest::RequestBuilder::json)).await
}

async fn sign_out(server: &TestServer, header: &[u8], body: Option<&Value>) -> Answer {
    send(server, (Method::DELETE, "/logout"), header, body).await
}

fn bearer(token: &str) -> Vec<u8> {
    format!("Bearer {token}").into_bytes()
}

/// A token with another signature.
fn forged(token: &str) -> String {
    let (signed, _) = token.rsplit_once('.').unwrap();
    format!("{signed}.{}", "A".repeat(43))
}

on_both_engines! {
    async fn a_good_refresh_token_signs_out_whatever_broken_header_is_beside_it(server) {
        let expired = server.signed_in().await.0;
        server.later(TimeDelta::hours(25));
        let other = signed_in_again(&server).await;
        let not_genuine = [bearer(&expired), bearer(&forged(&other.access)), bearer(&other.refresh)];
        for header in BROKEN.iter().map(|header| header.to_vec()).chain(not_genuine) {
            for name in ["refresh_token", "token"] {
                let session = signed_in_again(&server).await;
                let answer = sign_out(&server, &header, Some(&json!({ name: session.refresh }))).await;
                assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&header));
                assert_eq!(server.refresh(&session.refresh).await.status, 400, "it has ended");
            }
        }
        assert_eq!(server.refresh(&other.refresh).await.status, 200, "no other session has ended");
    }

    async fn without_a_refresh_token_the_header_decides(server) {
        let (access, refresh) = server.signed_in().await;
        for header in BROKEN {
            let shown = String::from_utf8_lossy(header);
            let is_bearer = header.to_ascii_lowercase().starts_with(b"bearer");
            let expected = if is_bearer { (401, "invalid_token") } else { (400, "invalid_request") };
            for body in [None, Some(json!({})), Some(json!({ "refresh_token": null }))] {
                let answer = sign_out(&server, header, body.as_ref()).await;
                assert_eq!(answer.error(), expected, "{shown} {body:?}");
            }
        }
        assert_eq!(sign_out(&server, &bearer(&forged(&access)), None).await.status, 401);
        assert_eq!(server.refresh(&refresh).await.status, 200, "the session lives on");
    }

    async fn a_bad_refresh_token_is_a_401_even_beside_a_good_access_token(server) {
        let (access, refresh) = server.signed_in().await;
        for token in ["", "nonsense", "a.b.c", &forged(&refresh), &access] {
            for header in [bearer(&access), b"Bearer null".to_vec()] {
                let answer = sign_out(&server, &header, Some(&json!({ "refresh_token": token }))).await;
                assert_eq!(answer.error(), (401, "invalid_token"), "{token}");
            }
        }
        assert_eq!(server.refresh(&refresh).await.status, 200);
    }

    async fn a_genuine_access_token_beside_the_refresh_token_must_be_of_the_same_session(server) {
        let (access, refresh) = server.signed_in().await;
        let other = signed_in_again(&server).await;
        let body = json!({ "refresh_token": other.refresh });
        assert_eq!(sign_out(&server, &bearer(&access), Some(&body)).await.error(), (400, "invalid_request"));
        server.later(TimeDelta::hours(23));
        let late = sign_out(&server, &bearer(&access), Some(&body)).await;
        assert_eq!(late.error(), (400, "invalid_request"), "it still ends its own session");
        for token in [&refresh, &other.refresh] {
            assert_eq!(server.refresh(token).await.status, 200);
        }
        let own = sign_out(&server, &bearer(&other.access), Some(&body)).await;
        assert_eq!(own.status, 204);
        assert_eq!(server.refresh(&refresh).await.status, 200);
    }

    async fn signing_out_everywhere_ignores_a_broken_header_too(server) {
        let expired = server.signed_in().await.0;
        server.later(TimeDelta::hours(1));
        for header in BROKEN.iter().map(|header| header.to_vec()).chain([bearer(&expired)]) {
            let (one, other) = (signed_in_again(&server).await, signed_in_again(&server).await);
            let everywhere = (Method::DELETE, "/logout?everywhere=true");
            let body = json!({ "refresh_token": one.refresh });
            let answer = send(&server, everywhere.clone(), &header, Some(&body)).await;
            assert_eq!(answer.status, 204, "{}", String::from_utf8_lossy(&header));
            assert_eq!(server.refresh(&other.refresh).await.status, 400);
            let bad = json!({ "refresh_token": "nonsense" });
            assert_eq!(send(&server, everywhere, &header, Some(&bad)).await.status, 401);
        }
    }

    async fn a_refresh_ignores_every_header_but_basic(server) {
        let (access, mut refresh) = server.signed_in().await;
        let other = signed_in_again(&server).await;
        let of_tokens = [bearer(&access), bearer(&other.access), bearer(&forged(&access)), bearer(&refresh)];
        for header in BROKEN.iter().map(|header| header.to_vec()).chain(of_tokens) {
            let shown = String::from_utf8_lossy(&header);
            let route = (Method::POST, "/token");
            let answer = send(&server, route.clone(), &header, Some(&json!({ "refresh_token": refresh }))).await;
            assert_eq!(answer.status, 200, "{shown}: {}", answer.text);
            refresh = answer.field("refresh_token");
            let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
            let request = server.request(Method::POST, "/token").form(&form);
            let answer = server.send(request.header("authorization", HeaderValue::from_bytes(&header).unwrap())).await;
            assert_eq!(answer.status, 200, "{shown} with a form");
            refresh = answer.field("refresh_token");
            for bad in [json!({ "refresh_token": "nonsense" }), json!({})] {
                let answer = send(&server, route.clone(), &header, Some(&bad)).await;
                assert_eq!(answer.status, 400, "{shown}");
                assert_eq!(answer.header("www-authenticate"), None, "{shown}");
            }
        }
        assert_eq!(server.refresh(&other.refresh).await.status, 200);
    }
}

#[actix_web::test]
async fn client_credentials_are_never_ignored_and_json_gets_no_challenge() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let (_, refresh) = server.signed_in().await;
    let body = json!({ "refresh_token": refresh });
    for header in [b"Basic Z29wdHJpOng=".as_slice(), b"basic", b"BASIC x"] {
        for route in [
            (Method::POST, "/token"),
            (Method::DELETE, "/logout"),
            (Method::DELETE, "/logout?everywhere=true"),
        ] {
            let answer = send(&server, route.clone(), header, Some(&body)).await;
            assert_eq!(answer.error(), (400, "invalid_request"), "{route:?}");
            assert_eq!(answer.header("www-authenticate"), None, "{route:?}");
        }
        assert_eq!(sign_out(&server, header, None).await.error(), (400, "invalid_request"));
    }
    for (method, path) in [(Method::POST, "/token"), (Method::DELETE, "/logout")] {
        let twice = server.request(method, path).bearer_auth("null").bearer_auth("null").json(&body);
        assert_eq!(server.send(twice).await.error(), (400, "invalid_request"), "{path}");
    }
    assert_eq!(server.refresh(&refresh).await.status, 200, "none of these spent the token");
}
