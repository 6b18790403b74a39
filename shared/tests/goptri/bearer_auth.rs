//! Which requests the bearer middleware accepts, and which claims the handler receives.

use std::sync::Arc;

use goptri::Guard;
use serde_json::json;

use crate::protected_app::{CountingClock, call, call_guarded};
use test_support::forge::{USER, claims, good, verifier, with, with_claims, without};
use test_support::{bearing, get};

#[actix_web::test]
async fn the_callers_claims_reach_the_handler() {
    let answer = call(bearing("/api/claims", &good())).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, claims());
}

/// RFC 9110 §11.1: a scheme is case-insensitive.
#[actix_web::test]
async fn the_scheme_is_case_insensitive_and_spaces_around_the_token_are_ignored() {
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "] {
        let answer =
            call(get("/api/me").insert_header(("Authorization", format!("{scheme}{}", good())))).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, USER), "{scheme}");
    }
}

/// JV-19: a role belongs to a user, until the token expires.
#[actix_web::test]
async fn a_role_is_a_permission() {
    let clients = without(with(claims(), "sub", "goptri"), "sid");
    let table = [
        ("/api/edit", json!(["editor"]), 200),
        ("/api/edit", json!(["reader", "editor"]), 200),
        ("/api/edit", json!([]), 403),
        ("/api/edit", json!(["Editor", "editors", "edit", "*"]), 403),
        ("/api/administer", json!(["editor"]), 403),
        ("/api/administer", json!(["admin"]), 200),
    ];
    for (path, roles, expected) in table {
        let answer = call(bearing(path, &with_claims(&with(claims(), "roles", roles.clone())))).await;
        assert_eq!(answer.status, expected, "{path} with {roles}");
        let answer = call(bearing(path, &with_claims(&with(clients.clone(), "roles", roles.clone())))).await;
        assert_eq!(answer.status, 403, "{path} by a client with {roles}");
    }
}

/// Fails closed, so that a missing middleware is noticed.
#[actix_web::test]
async fn a_bearer_parameter_on_a_route_without_the_middleware_rejects_every_request() {
    for request in [get("/me"), bearing("/me", &good()), bearing("/me", "nonsense")] {
        let answer = call(request).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
        assert!(!answer.text.contains(USER));
    }
    assert_eq!(call(bearing("/who", &good())).await.text, "anonymous");
}

#[actix_web::test]
async fn with_an_optional_token_an_invalid_one_counts_as_none() {
    let table = [
        (get("/open/who"), 200, "anonymous"),
        (bearing("/open/who", &good()), 200, USER),
        (bearing("/open/who", "nonsense"), 200, "anonymous"),
        (bearing("/open/who", &with_claims(&with(claims(), "exp", 1))), 200, "anonymous"),
        (get("/open/who").insert_header(("Authorization", "Basic YTpi")), 200, "anonymous"),
        (bearing("/open/me", &good()), 200, USER),
    ];
    for (request, status, body) in table {
        let answer = call(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (status, body));
    }
    // A handler that requires a caller rejects the request with the reason.
    let anonymous = call(get("/open/me")).await;
    assert_eq!((anonymous.status, anonymous.header("www-authenticate")), (401, Some("Bearer")));
    let bad = call(bearing("/open/me", "nonsense")).await;
    assert_eq!(bad.error(), (401, "invalid_token"));
}

#[actix_web::test]
async fn a_token_is_verified_once_however_often_the_handler_asks_for_its_caller() {
    let clock = CountingClock::default();
    let guard = Guard::new(verifier(), Arc::new(clock.clone()));
    let answer = call_guarded(bearing("/api/thrice", &good()), guard.clone()).await;
    assert_eq!((answer.status, answer.text), (200, format!("{USER} 7c0d photos:read")));
    assert_eq!(clock.asked(), 1);
    call_guarded(get("/api/thrice"), guard).await;
    assert_eq!(clock.asked(), 1, "without a token there is nothing to verify");
}
