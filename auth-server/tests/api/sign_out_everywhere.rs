//! `DELETE /logout?everywhere=true`.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Engine, TestServer, as_application, on_both_engines};

const EVERYWHERE: &str = "/logout?everywhere=true";

async fn by_refresh_token(server: &TestServer, token: &str) -> Answer {
    server.send(server.request(Method::DELETE, EVERYWHERE).json(&json!({ "refresh_token": token }))).await
}

async fn assert_all_refresh(server: &TestServer, tokens: &[&str]) {
    for token in tokens {
        assert_eq!(server.refresh(token).await.status, 200);
    }
}

on_both_engines! {
    async fn everywhere_ends_all_sessions_of_the_user_and_no_others(server) {
        let (access, refresh) = server.signed_in().await;
        let other = server.login().await;
        let bob = json!({ "email": "bob@example.com", "password": "correct horse battery staple" });
        assert_eq!(server.post("/users", &bob).await.status, 201);
        let bobs = server.post("/login", &bob).await.field("refresh_token");

        let ended = server.delete(EVERYWHERE, &access).await;
        assert_eq!((ended.status, ended.text.as_str()), (204, ""));
        for token in [refresh, other.field("refresh_token")] {
            assert_eq!(server.refresh(&token).await.error(), (400, "invalid_grant"));
        }
        assert_eq!(server.delete(EVERYWHERE, &access).await.error(), (401, "invalid_token"), "the session has ended");
        assert_eq!(server.refresh(&bobs).await.status, 200);
        assert_eq!(server.login().await.status, 200);
    }

    async fn a_refresh_token_that_would_refresh_ends_everything_too(server) {
        let (_, first) = server.signed_in().await;
        let other = server.login().await.field("refresh_token");
        server.refresh(&first).await.field("refresh_token");
        assert_eq!(by_refresh_token(&server, &first).await.status, 204, "a retry within the grace");
        assert_eq!(server.refresh(&other).await.status, 400);
    }

    async fn a_token_that_would_not_refresh_ends_nothing(server) {
        let (access, first) = server.signed_in().await;
        let other = server.login().await.field("refresh_token");
        let second = server.refresh(&first).await.field("refresh_token");
        let third = server.refresh(&second).await.field("refresh_token");
        let ended = server.login().await.field("refresh_token");
        assert_eq!(server.logout(&json!({ "refresh_token": ended })).await.status, 204);
        for token in [&first, &ended, &access, "", "nonsense"] {
            assert_eq!(by_refresh_token(&server, token).await.error(), (401, "invalid_token"), "{token}");
        }
        assert_all_refresh(&server, &[&third, &other]).await;
    }

    async fn everywhere_rejects_expired_tokens_and_those_of_applications(server) {
        let (access, refresh) = server.signed_in().await;
        let other = server.login().await.field("refresh_token");
        let applications = as_application(&access);
        assert_eq!(server.delete(EVERYWHERE, &applications).await.error(), (401, "invalid_token"));
        server.later(TimeDelta::minutes(16));
        assert_eq!(server.delete(EVERYWHERE, &access).await.error(), (401, "invalid_token"));
        assert_all_refresh(&server, &[&refresh, &other]).await;
    }

    async fn no_token_or_tokens_of_two_sessions_get_400_and_end_nothing(server) {
        let (access, refresh) = server.signed_in().await;
        let other = server.login().await.field("refresh_token");
        let both = server.request(Method::DELETE, EVERYWHERE).bearer_auth(&access).json(&json!({ "token": other }));
        assert_eq!(server.send(both).await.error(), (400, "invalid_request"));
        let nothing = server.send(server.request(Method::DELETE, EVERYWHERE)).await;
        assert_eq!(nothing.error(), (400, "invalid_request"));
        assert_all_refresh(&server, &[&refresh, &other]).await;
    }
}

#[actix_web::test]
async fn an_invalid_query_ends_nothing() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let (access, refresh) = server.signed_in().await;
    for query in
        ["everywhere", "everywhere=yes", "everywhere=true&everywhere=true", "all=true", "everywhere=true&x=y"]
    {
        let refused = server.delete(&format!("/logout?{query}"), &access).await;
        assert_eq!(refused.error(), (400, "invalid_request"), "{query}");
    }
    let other = server.login().await.field("refresh_token");
    assert_eq!(server.delete("/logout?everywhere=false", &access).await.status, 204);
    assert_eq!(server.refresh(&refresh).await.status, 400);
    assert_eq!(server.refresh(&other).await.status, 200, "only one session ended");
}
