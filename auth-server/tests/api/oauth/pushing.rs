//! `POST /par` (RFC 9126, O6).

use auth_domain::Digest;
use goptri_settings::Plain;

use super::fixture::{OAuth, SECRET, URI, page, printer, with};
use crate::support::{Answer, Engine, TestServer, on_both_engines};

const REQUEST: [(&str, &str); 6] = [
    ("response_type", "code"),
    ("redirect_uri", URI),
    ("scope", "photos:read"),
    ("state", "a b"),
    ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
    ("code_challenge_method", "S256"),
];

async fn push(server: &TestServer, fields: &[(&str, &str)]) -> Answer {
    server.form_as("printer", SECRET, "/par", fields).await
}

on_both_engines! {
    async fn a_request_is_kept_for_the_browser_without_the_credentials_of_the_client(server) {
        server.scope("photos:read").await;
        server.add(&printer()).await;
        let credentials = [("client_id", "printer"), ("client_secret", SECRET)];
        for answer in [
            push(&server, &REQUEST).await,
            server.form("/par", &[&REQUEST[..], &credentials].concat()).await,
        ] {
            assert_eq!((answer.status, answer.body["expires_in"].as_i64()), (201, Some(90)), "{}", answer.text);
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            let uri = answer.field("request_uri");
            assert!(uri.starts_with("urn:ietf:params:oauth:request_uri:"), "{uri}");
            let stored = server.store.find_pushed_request(&Digest::of(&Plain::new(uri)), false).await.unwrap();
            let stored = stored.unwrap();
            assert_eq!(stored.client_id.as_str(), "printer");
            assert!(stored.request.contains("state=a+b") && !stored.request.contains("secret"), "{stored:?}");
        }
    }

    /// PK-01, PK-02, AS-01, AS-09, AS-15: as at `/authorize`, but as JSON to the client.
    async fn what_authorize_would_refuse_is_refused_when_it_is_pushed(server) {
        server.scope("photos:read").await;
        server.add(&printer()).await;
        for (name, value, code) in [
            ("request_uri", Some("urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
            ("redirect_uri", None, "invalid_request"),
            ("redirect_uri", Some("https://evil.example/cb"), "invalid_request"),
            ("response_type", None, "invalid_request"),
            ("response_type", Some("token"), "unauthorized_client"),
            ("response_type", Some("id_token"), "unsupported_response_type"),
            ("code_challenge", None, "invalid_request"),
            ("code_challenge_method", None, "invalid_request"),
            ("code_challenge_method", Some("plain"), "invalid_request"),
            ("scope", Some("photos:delete"), "invalid_scope"),
            ("resource", Some("https://other.example"), "invalid_target"),
        ] {
            let answer = push(&server, &with(REQUEST.to_vec(), name, value)).await;
            assert_eq!(answer.error(), (400, code), "{name} {value:?}");
        }
        let twice = [&REQUEST[..], &[("state", "other")]].concat();
        assert_eq!(push(&server, &twice).await.error(), (400, "invalid_request"));
    }
}

/// AS-16
#[actix_web::test]
async fn only_an_authenticated_client_pushes() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    server.scope("photos:read").await;
    server.add(&printer()).await;
    server.add(&page()).await;
    assert_eq!(server.form("/par", &REQUEST).await.error(), (401, "invalid_client"));
    let wrong = server.form_as("printer", "wrong", "/par", &REQUEST).await;
    assert_eq!(wrong.error(), (401, "invalid_client"));
    assert!(wrong.header("www-authenticate").is_some());
    let other = [&REQUEST[..], &[("client_id", "page")]].concat();
    assert_eq!(push(&server, &other).await.error(), (400, "invalid_request"), "the names differ");
    assert_eq!(server.form("/par", &other).await.status, 201, "a public client");
}

/// Its id is no secret, and each request is stored.
#[actix_web::test]
async fn an_address_pushes_a_limited_number_of_requests_as_a_public_client() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    server.scope("photos:read").await;
    server.add(&printer()).await;
    server.add(&page()).await;
    let request = [&[("client_id", "page")], &REQUEST[1..]].concat();
    let mut pushed = 0;
    let refused = loop {
        let answer = server.form("/par", &request).await;
        if answer.status == 429 {
            break answer;
        }
        pushed += 1;
        assert!(pushed <= 100, "{} {}", answer.status, answer.text);
    };
    assert!(refused.header("retry-after").is_some());
    assert_eq!(push(&server, &REQUEST).await.status, 201, "a client with a secret is not limited");
}
