//! The caller, as the access token describes it.

use chrono::TimeDelta;
use goptri::Caller;
use goptri::token::Audience;
use serde_json::json;

use crate::support::{SESSION, TestServer, USER, sign};

#[actix_web::test]
async fn me_returns_the_claims_of_the_token() {
    let server = TestServer::start().await;
    let claims = server.claims();
    let me = server.get("/me", &sign(&claims)).await;
    assert_eq!(me.status, 200);
    assert_eq!(
        me.body,
        json!({ "sub": USER, "email": "ann@example.com", "roles": ["editor"], "scope": "photos:read", "sid": SESSION, "exp": claims.exp.seconds() })
    );
}

#[actix_web::test]
async fn a_clients_own_token_has_no_user() {
    let server = TestServer::start().await;
    let mut claims = server.claims();
    claims.client_id = "photo-printer".into();
    claims.caller = Caller::Client { id: claims.client_id.clone() };
    let token = sign(&claims);
    let me = server.get("/me", &token).await;
    assert_eq!(
        me.body,
        json!({ "sub": "photo-printer", "roles": [], "scope": "photos:read", "exp": claims.exp.seconds() })
    );
    assert_eq!(server.get("/currentuser", &token).await.body, json!({ "currentUser": null }));
}

#[actix_web::test]
async fn a_token_is_valid_until_it_expires() {
    let server = TestServer::start().await;
    let token = sign(&server.claims());
    server.clock.advance(TimeDelta::minutes(15));
    assert_eq!(server.get("/me", &token).await.status, 200, "the clocks may differ by 30 s");
    server.clock.advance(TimeDelta::seconds(31));
    let expired = server.get("/me", &token).await;
    assert_eq!((expired.status, expired.body["error"].as_str()), (401, Some("invalid_token")));
    assert_eq!(server.get("/currentuser", &token).await.body, json!({ "currentUser": null }));
}

#[actix_web::test]
async fn a_token_of_another_issuer_or_audience_is_rejected() {
    let server = TestServer::start().await;
    let mut issuer = server.claims();
    issuer.iss = "http://localhost:4001".into();
    let mut audience = server.claims();
    audience.aud = Audience(["http://localhost:3001".into()].into());
    for claims in [issuer, audience] {
        assert_eq!(server.get("/me", &sign(&claims)).await.status, 401);
    }
}
