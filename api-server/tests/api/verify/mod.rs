//! `GET /verify`, as proxies ask it.

mod original_request;

use goptri::Caller;
use goptri::cookie::encode;
use reqwest::RequestBuilder;
use test_support::Answer;

use crate::support::{TestServer, USER, answer, sign};

type Headers<'a> = &'a [(&'a str, &'a str)];

const IDENTITY: [&str; 4] = ["x-auth-user", "x-auth-email", "x-auth-roles", "x-auth-scope"];

async fn with(more: &[(&str, &str)]) -> TestServer {
    TestServer::start_with(tempfile::tempdir().unwrap(), more).await
}

async fn ask(request: RequestBuilder, headers: Headers<'_>) -> Answer {
    answer(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

/// A question about a request with the session cookie and these headers.
async fn ask_by_cookie(server: &TestServer, headers: Headers<'_>) -> Answer {
    let cookie = format!("a=b; session={}", encode(&sign(&server.claims())));
    ask(server.request("GET", "/verify").header("Cookie", cookie), headers).await
}

fn identity(answer: &Answer) -> Vec<&str> {
    IDENTITY.iter().filter_map(|name| answer.header(name)).collect()
}

#[actix_web::test]
async fn a_valid_token_gets_204_with_all_four_headers_and_without_a_body() {
    let server = TestServer::start().await;
    let token = sign(&server.claims());
    let mut unconfirmed = server.claims();
    if let Caller::User(user) = &mut unconfirmed.caller {
        user.email_verified = None;
        user.roles = Vec::new();
    }
    for method in ["GET", "HEAD"] {
        let admitted = answer(server.request(method, "/verify").bearer_auth(&token)).await;
        assert_eq!((admitted.status, admitted.bytes.len()), (204, 0));
        assert_eq!(identity(&admitted), [USER, "ann@example.com", "editor", "photos:read"]);
        assert_eq!(admitted.header("cache-control"), Some("private, no-store"));
        let admitted = answer(server.request(method, "/verify").bearer_auth(sign(&unconfirmed))).await;
        assert_eq!(identity(&admitted), [USER, "", "", "photos:read"]);
    }
    let admitted = ask_by_cookie(&server, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!((admitted.status, identity(&admitted).len()), (204, 4));
}

/// Two credentials get 400 elsewhere. nginx would turn that into 500.
#[actix_web::test]
async fn every_other_credential_gets_401_and_the_url_of_the_sign_in_page() {
    let server = with(&[("ISSUER", "https://login.example.com/auth")]).await;
    let mut claims = server.claims();
    claims.iss = "https://login.example.com/auth".into();
    let (token, cookie) = (sign(&claims), encode(&sign(&claims)));
    let bearer = format!("Bearer {token}");
    assert_eq!(ask(server.request("GET", "/verify"), &[("Authorization", &bearer)]).await.status, 204);
    let twice = format!("__Host-session={cookie}; __Host-session={cookie}");
    let table: [(Headers<'_>, &str, Option<&str>); 8] = [
        (&[], "missing_token", Some("Bearer")),
        (&[("Authorization", "Basic YTpi")], "missing_token", Some("Bearer")),
        (&[("Authorization", "Bearer forged")], "invalid_token", Some("Bearer error=\"invalid_token\"")),
        (&[("Authorization", "Bearer")], "invalid_token", Some("Bearer error=\"invalid_token\"")),
        (&[("Authorization", &bearer), ("Authorization", &bearer)], "invalid_token", None),
        (&[("Cookie", &twice), ("Sec-Fetch-Site", "none")], "invalid_token", None),
        (&[("Cookie", "__Host-session=x"), ("Sec-Fetch-Site", "none")], "invalid_token", None),
        (&[("Cookie", "session=x")], "missing_token", None),
    ];
    for (headers, code, challenge) in table {
        let refused = ask(server.request("GET", "/verify"), headers).await;
        assert_eq!(refused.error(), (401, code), "{headers:?}");
        assert_eq!(refused.header("x-sign-in"), Some("https://login.example.com/auth/sign-in"));
        assert!(challenge.is_none() || refused.header("www-authenticate") == challenge, "{refused:?}");
        assert!(identity(&refused).is_empty());
    }
}

#[actix_web::test]
async fn a_scope_that_the_token_lacks_gets_403() {
    let server = TestServer::start().await;
    let token = sign(&server.claims());
    for (query, expected) in [
        ("scope=photos:read", 204),
        ("scope=photos:read&scope=photos:read&redirect=1", 204),
        ("scope=photos:write", 403),
        ("scope=photos:read+photos:write", 403),
        ("scope=photos:read&scope=photos:write", 403),
    ] {
        let path = format!("/verify?{query}");
        let decided = server.get(&path, &token).await;
        assert_eq!(decided.status, expected, "{query}");
        if expected == 403 {
            assert_eq!(decided.error(), (403, "insufficient_scope"));
            let challenge = decided.header("www-authenticate").unwrap();
            assert!(challenge.contains("scope=\"photos:") && challenge.contains("photos:write\""));
        }
        assert_eq!(answer(server.request("GET", &path)).await.status, 401, "without a token");
    }
}

#[actix_web::test]
async fn the_token_of_an_application_counts_only_for_a_scope_that_the_proxy_demands() {
    let server = TestServer::start().await;
    let mut claims = server.claims();
    claims.client_id = "printer".into();
    let token = sign(&claims);
    let refused = server.get("/verify", &token).await;
    assert_eq!(refused.error(), (403, "insufficient_scope"));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"insufficient_scope\""));
    assert!(identity(&refused).is_empty());
    assert_eq!(server.get("/verify?scope=photos:read", &token).await.status, 204);
    assert_eq!(server.get("/verify?scope=photos:write", &token).await.status, 403);
}

#[actix_web::test]
async fn a_misspelt_query_admits_no_caller() {
    let server = TestServer::start().await;
    let token = sign(&server.claims());
    for query in ["scopes=photos:read", "scope=", "scope=a%22", "redirect=2", "x=1"] {
        let refused = server.get(&format!("/verify?{query}"), &token).await;
        assert_eq!(refused.error(), (403, "invalid_request"), "{query}");
        assert!(identity(&refused).is_empty());
    }
}

/// Proxies ask with `GET`, whatever the original method is.
#[actix_web::test]
async fn other_methods_are_not_allowed() {
    let server = TestServer::start().await;
    let token = sign(&server.claims());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        let refused = answer(server.request(method, "/verify").bearer_auth(&token)).await;
        assert_eq!(refused.error(), (405, "method_not_allowed"), "{method}");
        assert_eq!(refused.header("allow"), Some("GET, HEAD"));
    }
}

#[actix_web::test]
async fn a_server_that_cannot_decide_answers_503() {
    let server = with(&[("ON_STALE", "refuse")]).await;
    let undecided = server.get("/verify", &sign(&server.claims())).await;
    assert_eq!(undecided.error(), (503, "temporarily_unavailable"));
    assert!(undecided.header("retry-after").is_some() && identity(&undecided).is_empty());
    let forged = server.get("/verify", "forged").await;
    assert_eq!(forged.status, 401, "that much is certain");
}
