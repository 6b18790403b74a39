//! `POST /token`.

use auth_domain::{ClientId, RefreshTokens};
use chrono::TimeDelta;
use reqwest::Method;
use scratch_pg::statements_between;
use serde_json::json;

use crate::support::{Answer, Engine, TestServer, configured, on_both_engines};

on_both_engines! {
    /// RT-03, RT-13
    async fn each_refresh_issues_new_tokens(server) {
        let (access, mut refresh) = server.signed_in().await;
        for _ in 0..3 {
            let answer = server.refresh(&refresh).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert_ne!(answer.field("access_token"), access);
            assert_ne!(answer.field("refresh_token"), refresh);
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            refresh = answer.field("refresh_token");
        }
    }

    async fn a_retry_after_a_lost_response_gets_the_same_successor(server) {
        let (_, first) = server.signed_in().await;
        let lost = server.refresh(&first).await.field("refresh_token");
        server.later(TimeDelta::seconds(59));
        assert_eq!(server.refresh(&first).await.field("refresh_token"), lost);
        assert_eq!(server.refresh(&lost).await.status, 200);
    }

    async fn a_late_retry_is_forgiven_once_and_a_second_one_in_eight_generations_is_theft(server) {
        let (_, first) = server.signed_in().await;
        let second = server.refresh(&first).await.field("refresh_token");
        server.later(TimeDelta::hours(5));
        assert_eq!(server.refresh(&first).await.field("refresh_token"), second, "forgiven");
        assert_eq!(server.refresh(&first).await.field("refresh_token"), second, "the same retry again");
        let third = server.refresh(&second).await.field("refresh_token");
        server.later(TimeDelta::hours(5));
        assert_eq!(server.refresh(&second).await.error(), (400, "invalid_grant"));
        assert_eq!(server.refresh(&third).await.error(), (400, "invalid_grant"), "the session has ended");
    }

    /// RT-05
    async fn a_request_that_newer_ones_overtook_gets_503_within_the_grace_and_is_theft_after_it(server) {
        let (_, first) = server.signed_in().await;
        let mut newest = server.refresh(&first).await.field("refresh_token");
        server.later(TimeDelta::seconds(20));
        for _ in 0..3 {
            newest = server.refresh(&newest).await.field("refresh_token");
            let late = server.refresh(&first).await;
            assert_eq!(late.error(), (503, "temporarily_unavailable"));
            let rest: i64 = late.header("retry-after").unwrap().parse().unwrap();
            assert!((20..=40).contains(&rest), "{rest}");
        }
        newest = server.refresh(&newest).await.field("refresh_token");
        server.later(TimeDelta::seconds(40));
        assert_eq!(server.refresh(&first).await.error(), (400, "invalid_grant"));
        assert_eq!(server.refresh(&newest).await.error(), (400, "invalid_grant"), "the session has ended");
    }

    /// A 400 would make the owner's client discard its token, and the theft would never be noticed.
    async fn an_owner_whom_a_thief_overtook_ends_the_session_after_the_grace(server) {
        let (_, owners) = server.signed_in().await;
        let thiefs = server.refresh(&owners).await.field("refresh_token");
        let thiefs = server.refresh(&thiefs).await.field("refresh_token");
        assert_eq!(server.refresh(&owners).await.error(), (503, "temporarily_unavailable"));
        server.later(TimeDelta::seconds(60));
        assert_eq!(server.refresh(&owners).await.error(), (400, "invalid_grant"));
        assert_eq!(server.refresh(&thiefs).await.error(), (400, "invalid_grant"), "the session has ended");
    }

    async fn without_a_grace_an_older_generation_is_theft_at_once(server where "REFRESH_GRACE" = "0") {
        let (_, first) = server.signed_in().await;
        let second = server.refresh(&first).await.field("refresh_token");
        let third = server.refresh(&second).await.field("refresh_token");
        assert_eq!(server.refresh(&first).await.error(), (400, "invalid_grant"));
        assert_eq!(server.refresh(&third).await.error(), (400, "invalid_grant"));
    }

    async fn a_form_refreshes_like_json(server) {
        let (_, mut refresh) = server.signed_in().await;
        for client in [None, Some("goptri")] {
            let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", &refresh)];
            form.extend(client.map(|client| ("client_id", client)));
            let answer = server.send(server.request(Method::POST, "/token").form(&form)).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            refresh = answer.field("refresh_token");
        }
        let answer = server.post("/token", &json!({ "token": refresh })).await;
        assert_eq!(answer.status, 200);
    }

    /// An app that attaches its expired access token to every request can still refresh.
    async fn a_bearer_token_in_the_header_is_ignored(server) {
        let (access, refresh) = server.signed_in().await;
        let request = server.request(Method::POST, "/token").bearer_auth(access);
        assert_eq!(server.send(request.json(&json!({ "refresh_token": refresh }))).await.status, 200);
    }

    /// JV-21
    async fn an_access_token_is_not_accepted_as_a_refresh_token(server) {
        let (access, _) = server.signed_in().await;
        assert_eq!(server.refresh(&access).await.error(), (400, "invalid_grant"));
    }

    /// RT-03
    async fn a_hundred_concurrent_refreshes_get_the_same_successor(server) {
        let (_, mut token) = server.signed_in().await;
        for generation in 1..=3 {
            let answers: Vec<Answer> = futures_util::future::join_all((0..100).map(|_| server.refresh(&token))).await;
            let mut successors: Vec<_> =
                answers.iter().map(|answer| (answer.status, answer.body["refresh_token"].clone())).collect();
            successors.dedup();
            assert!(successors.len() == 1 && successors[0].0 == 200, "all get one successor");
            token = answers[0].field("refresh_token");
            assert_eq!(generation_of(&token), generation, "one generation later");
        }
        assert_eq!(server.refresh(&token).await.status, 200);
    }
}

/// The generation of a refresh token.
fn generation_of(token: &str) -> i64 {
    let config = configured(&[]);
    let tokens = RefreshTokens::new(config.keys.refresh, config.issuer, None);
    tokens.verify(token, ClientId::built_in()).unwrap().generation.number()
}

type Fields<'a> = &'a [(&'a str, &'a str)];

#[actix_web::test]
async fn each_invalid_form_gets_the_error_of_the_rule_it_breaks() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let (_, refresh) = server.signed_in().await;
    let grant = ("grant_type", "refresh_token");
    let token = ("refresh_token", refresh.as_str());
    let table: [(Fields<'_>, (u16, &str)); 8] = [
        (&[token], (400, "invalid_request")),
        (&[("grant_type", ""), token], (400, "invalid_request")),
        (&[("grant_type", "password"), token], (400, "unsupported_grant_type")),
        (&[grant], (400, "invalid_request")),
        (&[grant, token, token], (400, "invalid_request")),
        (&[grant, token, ("client_id", "photo-printer")], (401, "invalid_client")),
        (&[grant, token, ("client_id", "goptri"), ("client_secret", "x")], (401, "invalid_client")),
        (&[grant, ("refresh_token", "nonsense")], (400, "invalid_grant")),
    ];
    for (form, (status, code)) in table {
        let answer = server.send(server.request(Method::POST, "/token").form(form)).await;
        assert_eq!(
            answer.error(),
            (status, code),
            "{:?}",
            form.iter().map(|(name, _)| name).collect::<Vec<_>>()
        );
    }
    let basic = server.request(Method::POST, "/token").basic_auth("goptri", Some("x")).form(&[grant, token]);
    let basic = server.send(basic).await;
    assert_eq!(basic.error(), (401, "invalid_client"));
    assert_eq!(basic.header("www-authenticate"), Some("Basic realm=\"goptri\""));
    let twice =
        server.request(Method::POST, "/token").bearer_auth("a").bearer_auth("b").form(&[grant, token]);
    assert_eq!(server.send(twice).await.error(), (400, "invalid_request"));
    assert_eq!(server.refresh(&refresh).await.status, 200, "none of these spent the token");
}

on_both_engines! {
    /// RT-05
    async fn without_grace_and_forgiveness_the_previous_token_is_theft(
        server where "REFRESH_GRACE" = "0", "REFRESH_FORGIVENESS" = "off"
    ) {
        let (_, first) = server.signed_in().await;
        let second = server.refresh(&first).await.field("refresh_token");
        assert_eq!(server.refresh(&first).await.error(), (400, "invalid_grant"), "without grace");
        assert_eq!(server.refresh(&second).await.error(), (400, "invalid_grant"));
    }

    async fn without_rotation_one_token_is_valid_for_the_whole_session(
        server where "REFRESH_ROTATION" = "off", "REFRESH_TOKEN_IDLE_TTL" = "1h"
    ) {
        let (access, refresh) = server.signed_in().await;
        for _ in 0..3 {
            server.later(TimeDelta::minutes(50));
            let answer = server.refresh(&refresh).await;
            assert_eq!(answer.field("refresh_token"), refresh);
            assert_ne!(answer.field("access_token"), access);
        }
        server.later(TimeDelta::minutes(61));
        assert_eq!(server.refresh(&refresh).await.error(), (400, "invalid_grant"), "idle too long");
        let other = server.login().await.field("refresh_token");
        assert_eq!(server.logout(&json!({ "refresh_token": other })).await.status, 204);
        assert_eq!(server.refresh(&other).await.error(), (400, "invalid_grant"));
    }

    /// RT-06
    async fn refreshing_does_not_extend_the_absolute_lifetime_of_a_session(
        server where "REFRESH_TOKEN_TTL" = "1h", "REFRESH_TOKEN_IDLE_TTL" = "20m"
    ) {
        let (_, mut token) = server.signed_in().await;
        for _ in 0..3 {
            server.later(TimeDelta::minutes(19));
            token = server.refresh(&token).await.field("refresh_token");
        }
        server.later(TimeDelta::minutes(4));
        assert_eq!(server.refresh(&token).await.error(), (400, "invalid_grant"));
    }

    /// RT-06
    async fn an_idle_session_ends(server where "REFRESH_TOKEN_IDLE_TTL" = "20m") {
        let (_, used) = server.signed_in().await;
        let idle = server.login().await.field("refresh_token");
        server.later(TimeDelta::minutes(19));
        let used = server.refresh(&used).await.field("refresh_token");
        server.later(TimeDelta::minutes(2));
        assert_eq!(server.refresh(&idle).await.error(), (400, "invalid_grant"));
        assert_eq!(server.refresh(&used).await.status, 200);
    }
}

#[actix_web::test]
async fn a_refresh_is_one_statement() {
    let server = TestServer::start(Engine::Postgres, &[]).await;
    let (_, mut token) = server.signed_in().await;
    let before = server.postgres().statements().await;
    for _ in 0..10 {
        token = server.refresh(&token).await.field("refresh_token");
    }
    let mut statements = statements_between(&before, server.postgres().statements().await);
    // Not counted: the sweep, the settings of each new connection, and the layout of the database.
    let of_others = [
        "select expires_at as",
        "delete from revocations",
        "select user_id, id,",
        "set ",
        "select id from database_id",
        "select exists (select from pg_catalog",
    ];
    statements.retain(|statement, _| !of_others.iter().any(|other| statement.starts_with(other)));
    let statements: Vec<_> = statements.into_iter().collect();
    let [(statement, 10)] = statements.as_slice() else { panic!("not one for each: {statements:#?}") };
    assert!(statement.starts_with("update sessions"), "{statement}");
}
