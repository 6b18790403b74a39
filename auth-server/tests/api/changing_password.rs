//! `POST /password`.

use auth_store::Store;
use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, EMAIL, Engine, PASSWORD, TestServer, on_both_engines};

const NEW_PASSWORD: &str = "tr0ub4dor and three more words";

async fn change(server: &TestServer, token: &str, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    server.send(server.request(Method::POST, "/password").bearer_auth(token).json(&body)).await
}

async fn login_with(server: &TestServer, password: &str) -> Answer {
    server.post("/login", &json!({ "email": EMAIL, "password": password })).await
}

on_both_engines! {
    /// PW-09, RT-09
    async fn a_new_password_ends_all_other_sessions_and_the_old_password(server) {
        let (here, here_refresh) = server.signed_in().await;
        let there = server.login().await;
        let changed = change(&server, &here, PASSWORD, NEW_PASSWORD).await;
        assert_eq!((changed.status, changed.text.as_str()), (204, ""));

        assert_eq!(server.refresh(&there.field("refresh_token")).await.error(), (400, "invalid_grant"));
        assert_eq!(server.get("/sessions", Some(&there.field("access_token"))).await.status, 401);
        assert_eq!(server.refresh(&here_refresh).await.status, 200, "the session that changed it lives on");
        assert_eq!(login_with(&server, PASSWORD).await.error(), (401, "invalid_credentials"));
        assert_eq!(login_with(&server, NEW_PASSWORD).await.status, 200);
    }

    async fn without_the_current_password_nothing_changes(server) {
        let (here, _) = server.signed_in().await;
        let there = server.login().await.field("refresh_token");
        let too_long = "x".repeat(1025);
        for wrong in ["", "not the password at all", &PASSWORD.to_uppercase(), too_long.as_str()] {
            let refused = change(&server, &here, wrong, NEW_PASSWORD).await;
            assert_eq!(refused.error(), (403, "invalid_credentials"), "{wrong}");
        }
        assert_eq!(server.refresh(&there).await.status, 200);
        assert_eq!(login_with(&server, PASSWORD).await.status, 200);
    }

    async fn a_new_password_must_meet_the_same_rules_as_a_first_one(server) {
        let (here, _) = server.signed_in().await;
        for (new, sentence) in [
            ("too short", "The password is too short; it needs at least 15 characters."),
            (EMAIL, "The password is the e-mail address or the name of this service."),
            (&"x".repeat(1025), "The password is longer than 1024 bytes."),
        ] {
            let refused = change(&server, &here, PASSWORD, new).await;
            assert_eq!(refused.error(), (422, "weak_password"));
            assert_eq!(refused.field("error_description"), sentence);
        }
        assert_eq!(login_with(&server, PASSWORD).await.status, 200);
    }

    async fn of_two_concurrent_changes_one_wins_and_only_its_password_works(server) {
        let (one, _) = server.signed_in().await;
        let other = server.login().await.field("access_token");
        let other_password = "another one of four words";
        let (first, second) = futures_util::future::join(
            change(&server, &one, PASSWORD, NEW_PASSWORD),
            change(&server, &other, PASSWORD, other_password),
        )
        .await;
        let (good, bad) = match (first.status, second.status) {
            (204, _) => (NEW_PASSWORD, other_password),
            _ => (other_password, NEW_PASSWORD),
        };
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert!(statuses == [204, 401] || statuses == [204, 403], "{} {}", first.text, second.text);
        assert_eq!(login_with(&server, good).await.status, 200);
        assert_eq!(login_with(&server, bad).await.status, 401);
    }
}

/// PW-11
#[actix_web::test]
async fn guesses_of_the_current_password_are_limited_as_at_sign_in() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let (here, _) = server.signed_in().await;
    for _ in 0..5 {
        assert_eq!(change(&server, &here, "a guess", NEW_PASSWORD).await.status, 403);
    }
    let slowed = change(&server, &here, PASSWORD, NEW_PASSWORD).await;
    assert_eq!(slowed.error(), (429, "too_many_requests"));
    assert_eq!(server.login().await.status, 429, "both count together");
    let seconds: i64 = slowed.header("retry-after").unwrap().parse().unwrap();
    server.later(TimeDelta::seconds(seconds));
    assert_eq!(change(&server, &here, PASSWORD, NEW_PASSWORD).await.status, 204);
    assert_eq!(login_with(&server, NEW_PASSWORD).await.status, 200);
}

/// RT-09
#[actix_web::test]
async fn disabling_or_deleting_a_user_ends_all_sessions_at_once() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let (access, refresh) = server.signed_in().await;
    let store: &dyn Store = server.store.as_ref();
    let ann = server.id_of_ann().await;
    store.disable_user(ann).await.unwrap();
    assert_eq!(server.refresh(&refresh).await.error(), (400, "invalid_grant"));
    assert_eq!(change(&server, &access, PASSWORD, NEW_PASSWORD).await.error(), (401, "invalid_token"));
    let refused = server.login().await;
    assert_eq!(refused.error(), (401, "invalid_credentials"), "the same as for a wrong password");

    store.enable_user(ann).await.unwrap();
    assert_eq!(server.refresh(&refresh).await.status, 400, "ended sessions stay ended");
    let again = server.login().await.field("refresh_token");
    store.delete_user(ann).await.unwrap();
    assert_eq!(server.refresh(&again).await.error(), (400, "invalid_grant"));
    assert_eq!(server.login().await.text, refused.text);
}
