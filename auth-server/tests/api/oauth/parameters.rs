//! Parameters of applications: sent twice, empty, in the wrong place, or as another type of body.

use reqwest::Method;
use serde_json::json;

use super::fixture::{OAuth, SECRET, fields, printer, with};
use crate::support::{Engine, TestServer};

/// AS-09
#[actix_web::test]
async fn a_parameter_that_is_sent_twice_is_refused_and_spends_nothing() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    server.add(&printer()).await;
    let code = server.code(server.sign_in_row().await, "printer", "photos:read").await;
    for twice in [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("code", ""),
        ("redirect_uri", "https://evil.example"),
        ("code_verifier", "x"),
        ("unknown", "x"),
    ] {
        let mut doubled = fields(&code);
        doubled.extend([twice, ("unknown", "y")]);
        let answer = server.form_as("printer", SECRET, "/token", &doubled).await;
        assert_eq!(answer.error(), (400, "invalid_request"), "{twice:?}");
    }
    let doubled_id = with(fields(&code), "client_id", Some("printer"));
    let doubled_id = [&doubled_id[..], &[("client_id", "goptri")]].concat();
    assert_eq!(server.form("/token", &doubled_id).await.error(), (400, "invalid_request"));
    let unknown = [&fields(&code)[..], &[("audience", "x"), ("scope", "")]].concat();
    let answer = server.form_as("printer", SECRET, "/token", &unknown).await;
    assert_eq!(answer.status, 200, "unknown ones are ignored: {}", answer.text);
}

/// AS-09, AS-10
#[actix_web::test]
async fn empty_parameters_are_missing_ones_and_those_in_the_query_do_not_count() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    server.add(&printer()).await;
    let code = server.code(server.sign_in_row().await, "printer", "photos:read").await;
    for name in ["grant_type", "code", "code_verifier"] {
        let value = fields(&code).into_iter().find(|(known, _)| *known == name).unwrap().1;
        for path in ["/token".to_owned(), format!("/token?{name}={value}")] {
            for changed in [with(fields(&code), name, None), with(fields(&code), name, Some(""))] {
                let answer = server.form_as("printer", SECRET, &path, &changed).await;
                assert_eq!(answer.error(), (400, "invalid_request"), "{path} {name}");
            }
        }
    }
    assert_eq!(server.redeem(&code).await.status, 200);
}

/// AS-10
#[actix_web::test]
async fn applications_send_forms_only() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    server.add(&printer()).await;
    let body = json!({ "token": "x", "client_id": "printer", "client_secret": SECRET });
    for path in ["/revoke", "/par"] {
        assert_eq!(server.post(path, &body).await.error(), (415, "unsupported_media_type"), "{path}");
        let text = server.request(Method::POST, path).header("content-type", "text/plain").body("token=x");
        assert_eq!(server.send(text).await.status, 415, "{path}");
    }
    // In JSON, a request is the first party's.
    let code = json!({ "grant_type": "authorization_code", "code": "x", "client_id": "printer" });
    assert_eq!(server.post("/token", &code).await.error(), (400, "invalid_request"));
}
