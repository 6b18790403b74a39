//! `GET /sessions`, `DELETE /sessions/{id}`, and which callers may use account routes.

use std::collections::BTreeSet;

use auth_domain::{NewSession, SessionId, SessionKey};
use chrono::{DateTime, TimeDelta};
use goptri_settings::Plain;
use reqwest::Method;
use reqwest::header::USER_AGENT;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Answer, EMAIL, Engine, PASSWORD, TestServer, as_application, on_both_engines};

async fn listed(server: &TestServer, token: &str) -> Vec<Value> {
    let answer = server.get("/sessions", Some(token)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.body["sessions"].as_array().unwrap().clone()
}

fn ids(sessions: &[Value]) -> BTreeSet<String> {
    sessions.iter().map(|session| session["id"].as_str().unwrap().to_owned()).collect()
}

/// Calls every account route with this token.
async fn act_on_account(server: &TestServer, token: &str) -> Vec<Answer> {
    let unknown = format!("/sessions/{}", Uuid::nil());
    let body = json!({ "current_password": PASSWORD, "new_password": "another good password" });
    vec![
        server.get("/sessions", Some(token)).await,
        server.delete(&unknown, token).await,
        server.send(server.request(Method::POST, "/password").bearer_auth(token).json(&body)).await,
        server.delete("/logout?everywhere=true", token).await,
    ]
}

on_both_engines! {
    async fn a_user_lists_their_sessions_and_ends_one_on_another_device(server) {
        let (_, phone) = server.signed_in().await;
        server.later(TimeDelta::hours(2));
        let laptop = server
            .request(Method::POST, "/login")
            .header(USER_AGENT, "Firefox on a laptop")
            .json(&json!({ "email": EMAIL, "password": PASSWORD }));
        let laptop = server.send(laptop).await.field("access_token");
        server.later(TimeDelta::minutes(5));

        let sessions = listed(&server, &laptop).await;
        assert_eq!(sessions.len(), 2);
        let (first, second) = (&sessions[0], &sessions[1]);
        assert_eq!((first["current"].as_bool(), second["current"].as_bool()), (Some(false), Some(true)));
        assert_eq!((second["user_agent"].as_str(), second["ip"].as_str()), (Some("Firefox on a laptop"), Some("127.0.0.1")));
        assert_eq!((first["client_id"].as_str(), first["user_agent"].as_str()), (Some("goptri"), None));
        let time = |session: &Value, name: &str| DateTime::parse_from_rfc3339(session[name].as_str().unwrap()).unwrap();
        let between = time(second, "created_at") - time(first, "created_at");
        assert!((between - TimeDelta::hours(2)).abs() < TimeDelta::minutes(1), "{between}");
        assert_eq!(time(first, "last_used_at"), time(first, "created_at"));
        let refreshed = server.refresh(&phone).await;
        let phone_after = &listed(&server, &laptop).await[0];
        assert!(time(phone_after, "last_used_at") > time(phone_after, "created_at"));

        let path = format!("/sessions/{}", first["id"].as_str().unwrap());
        for _ in 0..2 {
            let ended = server.delete(&path, &laptop).await;
            assert_eq!((ended.status, ended.text.as_str()), (204, ""), "also if it has already ended");
        }
        assert_eq!(server.refresh(&refreshed.field("refresh_token")).await.error(), (400, "invalid_grant"));
        assert_eq!(server.get("/sessions", Some(&refreshed.field("access_token"))).await.error(), (401, "invalid_token"));
        assert_eq!(ids(&listed(&server, &laptop).await), ids(std::slice::from_ref(second)));
    }

    /// RV-10
    async fn a_user_neither_lists_nor_ends_sessions_of_another_user(server) {
        let (ann, ann_refresh) = server.signed_in().await;
        let body = json!({ "email": "bob@example.com", "password": PASSWORD });
        assert_eq!(server.post("/users", &body).await.status, 201);
        let bob = server.post("/login", &body).await.field("access_token");
        let (anns, bobs) = (ids(&listed(&server, &ann).await), ids(&listed(&server, &bob).await));
        assert!(anns.is_disjoint(&bobs));
        for id in &anns {
            assert_eq!(server.delete(&format!("/sessions/{id}"), &bob).await.status, 204);
        }
        assert_eq!(server.refresh(&ann_refresh).await.status, 200);
        assert_eq!(ids(&listed(&server, &ann).await), anns);
    }

    async fn sessions_that_ended_by_time_are_not_listed(server where "REFRESH_TOKEN_TTL" = "3h", "REFRESH_TOKEN_IDLE_TTL" = "2h") {
        let (_, idle) = server.signed_in().await;
        let in_use = server.login().await.field("refresh_token");
        server.later(TimeDelta::minutes(100));
        let in_use = server.refresh(&in_use).await;
        assert_eq!(listed(&server, &in_use.field("access_token")).await.len(), 2);
        server.later(TimeDelta::minutes(30));
        let in_use = server.refresh(&in_use.field("refresh_token")).await;
        assert_eq!(listed(&server, &in_use.field("access_token")).await.len(), 1);
        assert_eq!(server.refresh(&idle).await.status, 400);
        server.later(TimeDelta::minutes(40));
        let in_use = server.refresh(&in_use.field("refresh_token")).await;
        server.later(TimeDelta::minutes(10) + TimeDelta::seconds(10));
        let over = server.get("/sessions", Some(&in_use.field("access_token"))).await;
        assert_eq!(over.error(), (401, "invalid_token"), "the token is within the leeway, and the session has ended");
    }

    async fn account_routes_require_a_valid_token_for_this_server_and_a_live_session(server) {
        let (access, refresh) = server.signed_in().await;
        let (_, still_there) = (server.login().await, server.login().await);
        let applications = as_application(&access);
        let ended = server.login().await;
        assert_eq!(server.logout(&json!({ "refresh_token": ended.field("refresh_token") })).await.status, 204);
        let expired = server.login().await.field("access_token");
        server.later(TimeDelta::minutes(16));
        let ended = ended.field("access_token");
        for (what, token) in [("an application's", &applications), ("an ended", &ended), ("an expired", &expired), ("a refresh", &refresh)] {
            for answer in act_on_account(&server, token).await {
                assert_eq!(answer.error(), (401, "invalid_token"), "{what} token: {}", answer.text);
            }
        }
        assert_eq!(server.refresh(&still_there.field("refresh_token")).await.status, 200, "no session ended");
        assert_eq!(server.login().await.status, 200, "the password is unchanged");
    }

    async fn account_routes_reject_a_fresh_token_of_an_application(server) {
        let (access, _) = server.signed_in().await;
        for answer in act_on_account(&server, &as_application(&access)).await {
            assert_eq!(answer.error(), (401, "invalid_token"), "{}", answer.text);
        }
        assert_eq!(listed(&server, &access).await.len(), 1);
        let signed_out = server.delete("/logout", &as_application(&access)).await;
        assert_eq!(signed_out.status, 204, "it can end its own session");
    }

    /// RV-12: invented ids do not fill the feed.
    async fn ending_an_unknown_session_adds_no_entry_to_the_feed(server) {
        let (access, _) = server.signed_in().await;
        for number in 0..5 {
            let path = format!("/sessions/{}", Uuid::from_u128(number));
            assert_eq!(server.delete(&path, &access).await.status, 204);
        }
        assert_eq!(server.delete("/sessions/nonsense", &access).await.error(), (404, "not_found"));
        server.later(TimeDelta::days(1));
        assert_eq!(server.store.sweep_revocations(100).await.unwrap(), 0);
    }
}

#[actix_web::test]
async fn a_corrupt_session_can_be_ended() {
    let server = TestServer::start(Engine::Postgres, &[]).await;
    let (_, refresh) = server.signed_in().await;
    let corrupt = r#"update sessions set scope = 'a"b'"#;
    server.postgres().execute(corrupt).await;
    let access = server.login().await.field("access_token");
    let sessions = listed(&server, &access).await;
    assert_eq!((sessions.len(), &sessions[0]["current"]), (2, &Value::Bool(false)));
    assert_eq!(server.refresh(&refresh).await.status, 500, "corrupt");

    let corrupt = format!("/sessions/{}", sessions[0]["id"].as_str().unwrap());
    assert_eq!(server.delete(&corrupt, &access).await.status, 204);
    assert_eq!(ids(&listed(&server, &access).await), ids(&sessions[1..]));
    assert_eq!(server.store.read_revocations(None, 9).await.unwrap().entries.len(), 1);
}

#[actix_web::test]
async fn many_sessions_are_listed_page_by_page() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let (access, _) = server.signed_in().await;
    let user_id = server.id_of_ann().await;
    let name = auth_domain::Email::parse(EMAIL).unwrap().key();
    let verified_hash = server.store.credentials(&name).await.unwrap().unwrap().password_hash.unwrap();
    for number in 1..=250 {
        let key = SessionKey { user_id, id: SessionId(Uuid::from_u128(number)) };
        let lifetime = (number % 2 == 0).then(TimeDelta::zero);
        let session = NewSession::for_test(key, verified_hash.clone(), &Plain::new(number.to_string()));
        server.store.open_session(&NewSession { lifetime, ..session }).await.unwrap();
    }
    let mut all = Vec::new();
    let mut path = "/sessions".to_owned();
    loop {
        let page = server.get(&path, Some(&access)).await.body;
        all.extend(page["sessions"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/sessions?after={next}");
    }
    assert_eq!((all.len(), ids(&all).len()), (126, 126), "the other half had ended by time");
    for query in ["after=1", "after", "before=x", "after=&after="] {
        let refused = server.get(&format!("/sessions?{query}"), Some(&access)).await;
        assert_eq!(refused.error(), (400, "invalid_request"), "{query}");
    }
}
