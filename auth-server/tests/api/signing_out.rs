//! `DELETE /logout`.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Engine, TestServer, on_both_engines};

async fn by_access_token(server: &TestServer, token: &str) -> Answer {
    server.send(server.request(Method::DELETE, "/logout").bearer_auth(token)).await
}

on_both_engines! {
    async fn a_signed_out_session_cannot_be_refreshed_and_signing_out_is_idempotent(server) {
        let (_, refresh) = server.signed_in().await;
        let other_device = server.login().await.field("refresh_token");
        let answer = server.logout(&json!({ "refresh_token": refresh })).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        assert_eq!(server.refresh(&refresh).await.error(), (400, "invalid_grant"));
        assert_eq!(server.logout(&json!({ "token": refresh })).await.status, 204, "it had already ended");
        assert_eq!(server.refresh(&other_device).await.status, 200, "other devices stay signed in");
    }

    async fn any_generation_of_the_refresh_token_signs_out(server) {
        let (_, first) = server.signed_in().await;
        let second = server.refresh(&first).await.field("refresh_token");
        let third = server.refresh(&second).await.field("refresh_token");
        assert_eq!(server.logout(&json!({ "refresh_token": first })).await.status, 204);
        assert_eq!(server.refresh(&third).await.error(), (400, "invalid_grant"));
    }

    async fn an_access_token_ends_its_session_for_a_day_after_its_expiry(server) {
        let (access, refresh) = server.signed_in().await;
        server.later(TimeDelta::hours(23));
        assert_eq!(by_access_token(&server, &access).await.status, 204);
        assert_eq!(server.refresh(&refresh).await.error(), (400, "invalid_grant"));

        let late = server.login().await;
        server.later(TimeDelta::hours(25));
        assert_eq!(by_access_token(&server, &late.field("access_token")).await.error(), (401, "invalid_token"));
        assert_eq!(server.refresh(&late.field("refresh_token")).await.status, 200);
    }

    async fn an_invalid_token_gets_401_and_ends_nothing(server) {
        let (access, refresh) = server.signed_in().await;
        let mangled = format!("{}A", &refresh[..refresh.len() - 1]);
        let mangled = if mangled == refresh { format!("{}B", &refresh[..refresh.len() - 1]) } else { mangled };
        for token in ["", "nonsense", "a.b.c", &mangled, &access] {
            let answer = server.logout(&json!({ "refresh_token": token })).await;
            assert_eq!(answer.error(), (401, "invalid_token"), "{token}");
            assert_eq!(answer.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        }
        for token in ["nonsense", &refresh] {
            assert_eq!(by_access_token(&server, token).await.error(), (401, "invalid_token"));
        }
        assert_eq!(server.refresh(&refresh).await.status, 200, "the session lives on");
    }

    async fn sign_out_without_a_token_or_with_tokens_of_two_sessions_gets_400(server) {
        let (access, refresh) = server.signed_in().await;
        let other = server.login().await;
        let nothing = server.send(server.request(Method::DELETE, "/logout")).await;
        assert_eq!(nothing.error(), (400, "invalid_request"));
        assert_eq!(server.logout(&json!({})).await.error(), (400, "invalid_request"));
        let doubled = server.logout(&json!({ "token": refresh, "refresh_token": refresh })).await;
        assert_eq!(doubled.error(), (400, "invalid_request"));
        let body = json!({ "refresh_token": other.field("refresh_token") });
        let two = server.request(Method::DELETE, "/logout").bearer_auth(&access).json(&body);
        assert_eq!(server.send(two).await.error(), (400, "invalid_request"));
        let twice = server.request(Method::DELETE, "/logout").bearer_auth(&access).bearer_auth(&access);
        assert_eq!(server.send(twice).await.error(), (400, "invalid_request"));
        for token in [refresh, other.field("refresh_token")] {
            assert_eq!(server.refresh(&token).await.status, 200);
        }
    }
}

#[actix_web::test]
async fn both_tokens_of_one_session_end_it() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let (access, refresh) = server.signed_in().await;
    let both = server
        .request(Method::DELETE, "/logout")
        .bearer_auth(&access)
        .json(&json!({ "refresh_token": refresh }));
    assert_eq!(server.send(both).await.status, 204);
    assert_eq!(server.refresh(&refresh).await.status, 400);
}
