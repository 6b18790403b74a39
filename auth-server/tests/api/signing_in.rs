//! `POST /login`, and the claims of the tokens.

use auth_server::Config;
use chrono::TimeDelta;
use goptri::AccessClaims;
use goptri::token::{BUILT_IN_CLIENT, UnverifiedJws};
use goptri_settings::Environment;
use reqwest::Method;
use serde_json::json;

use crate::support::{EMAIL, Engine, FEED_SECRET, PASSWORD, TestServer, on_both_engines};

fn claims(token: &str) -> AccessClaims {
    serde_json::from_str(&UnverifiedJws::parse(token).unwrap().payload_json().unwrap()).unwrap()
}

on_both_engines! {
    /// RT-13
    async fn the_response_to_a_sign_in_has_tokens_and_is_never_cached(
        server where "DEFAULT_SCOPE" = "photos:read photos:write"
    ) {
        assert_eq!(server.register().await.status, 201);
        let answer = server.login().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["token_type"], "Bearer");
        assert_eq!(answer.body["expires_in"], 900);
        assert_eq!(answer.body["scope"], "photos:read photos:write");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }

    async fn without_a_default_scope_a_sign_in_grants_none(server) {
        let (access, refresh) = server.signed_in().await;
        assert!(claims(&access).scope.as_str().is_empty());
        assert_eq!(server.get("/sessions", Some(&access)).await.status, 200, "the account needs no scope");
        let refreshed = server.refresh(&refresh).await;
        assert_eq!((refreshed.status, refreshed.body.get("scope")), (200, None));
    }

    async fn an_access_token_names_its_user_audience_and_lifetime(server) {
        let (access, _) = server.signed_in().await;
        let claims = claims(&access);
        assert_eq!(*claims.iss, *"http://localhost:4000");
        assert_eq!(*claims.aud.0, ["http://localhost:3000", "http://localhost:4000"]);
        assert_eq!(*claims.client_id, *BUILT_IN_CLIENT);
        let user = claims.user().unwrap();
        assert_eq!(user.email.as_deref(), Some(EMAIL));
        assert_eq!(user.email_verified, Some(false), "registration does not confirm the address");
        assert_eq!(claims.exp.seconds() - claims.iat.seconds(), 900);
        assert_eq!(user.auth_time, Some(claims.iat));
        assert!(claims.jti.len() == 32 && user.roles.is_empty());
    }

    async fn the_address_may_be_called_username_and_be_in_capitals(server) {
        assert_eq!(server.register().await.status, 201);
        let answer = server.post("/login", &json!({ "username": "ANN@EXAMPLE.COM", "password": PASSWORD })).await;
        assert_eq!(answer.status, 200);
        let both = server.post("/login", &json!({ "username": EMAIL, "email": EMAIL, "password": PASSWORD })).await;
        assert_eq!(both.error(), (400, "invalid_request"));
        let neither = server.post("/login", &json!({ "password": PASSWORD })).await;
        assert_eq!(neither.error(), (400, "invalid_request"));
    }

    /// PW-10: status, headers and body.
    async fn a_wrong_password_and_an_unknown_user_get_the_same_response(server) {
        assert_eq!(server.register().await.status, 201);
        let huge = "x".repeat(2000);
        let wrong = [(EMAIL, "wrong horse battery staple"), ("nobody@example.com", PASSWORD), ("no address", PASSWORD), (EMAIL, &huge), (EMAIL, "")];
        let mut seen = Vec::new();
        for (email, password) in wrong {
            let answer = server.post("/login", &json!({ "email": email, "password": password })).await;
            assert_eq!(answer.error(), (401, "invalid_credentials"));
            let mut headers = answer.headers.clone();
            headers.remove("date");
            headers.remove("x-request-id");
            seen.push((headers, answer.text));
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:?}");
    }

    /// PW-06
    async fn a_password_signs_in_in_every_unicode_form(server) {
        let composed = "Grüße aus Köln, Ångström";
        let decomposed = "Gru\u{308}ße aus Ko\u{308}ln, A\u{30a}ngstro\u{308}m";
        assert_eq!(server.post("/users", &json!({ "email": EMAIL, "password": decomposed })).await.status, 201);
        for password in [composed, decomposed] {
            let answer = server.post("/login", &json!({ "email": EMAIL, "password": password })).await;
            assert_eq!(answer.status, 200, "{password}");
        }
    }

    /// CK-09
    async fn each_sign_in_opens_a_new_session(server) {
        let (one, first) = server.signed_in().await;
        let other = server.login().await;
        assert_ne!(claims(&one).caller, claims(&other.field("access_token")).caller);
        assert_ne!(first, other.field("refresh_token"));
    }

    /// PW-04
    async fn every_character_of_a_password_counts(server) {
        let password = format!("{} ünï¢ødé 😀 ", "x".repeat(100));
        assert_eq!(server.post("/users", &json!({ "email": EMAIL, "password": password })).await.status, 201);
        let cut: String = password.chars().take(72).collect();
        for (presented, status) in [(password.as_str(), 200), (password.trim_end(), 401), (&password.to_uppercase(), 401), (&cut, 401)] {
            let answer = server.post("/login", &json!({ "email": EMAIL, "password": presented })).await;
            assert_eq!(answer.status, status, "{presented:?}");
        }
    }
}

on_both_engines! {
    async fn an_access_token_never_outlives_its_session(server where "REFRESH_TOKEN_TTL" = "10m") {
        assert_eq!(server.register().await.status, 201);
        let expires_in = server.login().await.body["expires_in"].as_i64().unwrap();
        assert!((599..=600).contains(&expires_in), "{expires_in}");
    }

    async fn tokens_are_dated_by_the_database_and_not_by_the_server(server) {
        let before = claims(&server.signed_in().await.0).iat.seconds();
        server.later(TimeDelta::days(3));
        let after = claims(&server.login().await.field("access_token")).iat.seconds();
        assert!((259_200..259_260).contains(&(after - before)), "{}", after - before);
    }
}

#[actix_web::test]
async fn currentuser_returns_the_caller_or_null() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let (access, refresh) = server.signed_in().await;
    let known = server.get("/currentuser", Some(&access)).await;
    let user = &known.body["currentUser"];
    assert_eq!(
        (known.status, user["email"].as_str(), user["roles"].as_array().map(Vec::len)),
        (200, Some(EMAIL), Some(0))
    );
    for token in [None, Some("nonsense"), Some(refresh.as_str())] {
        let answer = server.get("/currentuser", token).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"currentUser":null}"#));
    }
    server.later(TimeDelta::minutes(16));
    assert_eq!(server.get("/currentuser", Some(&access)).await.text, r#"{"currentUser":null}"#);
    let twice = server.request(Method::GET, "/currentuser").bearer_auth(&access).bearer_auth(&access);
    assert_eq!(server.send(twice).await.error(), (400, "invalid_request"));
}

#[test]
fn every_fault_of_a_configuration_is_named_at_once() {
    let environment = Environment::from_pairs([
        ("AUTH_SERVER_ADDR", "localhost"),
        ("DATABASE_URL", "mysql://root:hunter2@localhost/x"),
        ("ACCESS_TOKEN_SECRET", "changeme"),
        ("ACCESS_TOKEN_TTL", "2h"),
        ("REFRESH_GRACE", "2h"),
        ("REFRESH_TOKEN_IDLE_TTL", "0s"),
        ("AUDIENCE", "http://localhost:4000"),
        ("REFRESH_FORGIVENESS", "maybe"),
        ("REFRESH_TOKEN_TTL", "0s"),
        ("DEFAULT_SCOPE", "a  b"),
        ("REGISTRATION", "yes"),
        ("PASSWORD_MIN_LENGTH", "7"),
        ("TRUSTED_PROXIES", "localhost"),
        ("AUTO_MIGRATE", "true"),
        ("METRICS_ADDR", "9300"),
    ]);
    let faults = Config::from_environment(&environment).unwrap_err();
    let mut names: Vec<_> = faults.0.iter().map(|fault| fault.variable.as_str()).collect();
    names.sort_unstable();
    let expected = [
        "ACCESS_TOKEN_SECRET",
        "ACCESS_TOKEN_TTL",
        "AUDIENCE",
        "AUTH_SERVER_ADDR",
        "AUTO_MIGRATE",
        "DATABASE_URL",
        "DEFAULT_SCOPE",
        "FEED_SECRET",
        "METRICS_ADDR",
        "PASSWORD_MIN_LENGTH",
        "REFRESH_FORGIVENESS",
        "REFRESH_GRACE",
        "REFRESH_TOKEN_IDLE_TTL",
        "REFRESH_TOKEN_SECRET",
        "REFRESH_TOKEN_TTL",
        "REGISTRATION",
        "TRUSTED_PROXIES",
    ];
    assert_eq!(names, expected);
    assert!(!faults.to_string().contains("hunter2"));
}

/// Otherwise, a client that refreshes at the expiry of its access token would be too late.
#[test]
fn a_session_is_not_idle_sooner_than_its_access_token_ends() {
    for (idle, fits) in [("15m", false), ("16m", true)] {
        let environment = Environment::from_pairs([
            ("ACCESS_TOKEN_SECRET", "access-5f2a9c4be1d078365f2a9c4be1d07836"),
            ("REFRESH_TOKEN_SECRET", "refresh-c4be1d078365f2a9c4be1d078365f2a9"),
            ("FEED_SECRET", FEED_SECRET),
            ("REFRESH_TOKEN_IDLE_TTL", idle),
        ]);
        assert_eq!(Config::from_environment(&environment).is_ok(), fits, "{idle}");
    }
}
