//! The bearer layer in a service of axum: which requests it accepts, and its rejections.

use std::sync::Arc;
use std::time::Duration;

use goptri::Guard;
use goptri::cookie::{SessionCookie, encode};
use goptri::origin::Origins;
use goptri::revocation::{EntryKind, ManualMonotonicClock, OnStale, RevocationSet, StalenessPolicy};
use http1::{HeaderValue, Method, Request};
use serde_json::json;

use crate::protected_app::{call, guard};
use crate::revocation_set::{SESSION, entry};
use crate::tower_app::{bearing_token, call_tower, call_tower_guarded, get_path};
use test_support::forge::{
    AUDIENCE, ISSUER, NOW, USER, claims, good, one_for_each_rejection, stopped_clock, verifier, with,
    with_claims, without,
};
use test_support::{Answer, bearing, get};

const VARY: Option<&str> = Some("Sec-Fetch-Site, Origin, Cookie");
const PRIVATE: Option<&str> = Some("private, no-store");

fn with_cookie(path: &str, value: &str) -> http1::request::Builder {
    get_path(path).header("Cookie", format!("theme=dark; __Host-session={value}"))
}

fn authorized(values: &[&[u8]]) -> http1::request::Builder {
    values.iter().fold(get_path("/api/me"), |request, value| {
        request.header("Authorization", HeaderValue::from_bytes(value).unwrap())
    })
}

/// Without the length, which `axum` leaves to its server.
fn same(tower: &Answer, actix: &Answer) -> bool {
    let headers = ["content-type", "www-authenticate", "retry-after", "cache-control", "vary"];
    tower.status == actix.status
        && tower.bytes == actix.bytes
        && headers.iter().all(|name| tower.headers.get(*name) == actix.headers.get(*name))
}

#[actix_web::test]
async fn the_callers_claims_are_in_the_extensions() {
    let answer = call_tower(bearing_token("/api/claims", &good())).await;
    assert_eq!((answer.status, answer.body), (200, claims()));
    for scheme in ["bearer ", "BEARER ", "bEaReR ", "Bearer   "] {
        let request = get_path("/api/me").header("Authorization", format!("{scheme}{} ", good()));
        let answer = call_tower(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, USER), "{scheme}");
    }
}

/// The same decision, in the same bytes.
#[actix_web::test]
async fn each_rejection_is_that_of_the_middleware_for_actix() {
    let no_token = call_tower(get_path("/api/me")).await;
    assert_eq!(
        (no_token.error(), no_token.header("www-authenticate")),
        ((401, "missing_token"), Some("Bearer"))
    );
    assert!(same(&no_token, &call(get("/api/me")).await), "{no_token:?}");
    for (reason, token) in one_for_each_rejection() {
        let refused = call_tower(bearing_token("/api/me", &token)).await;
        assert_eq!(refused.error(), (401, "invalid_token"), "{reason:?}");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        assert!(same(&refused, &call(bearing("/api/me", &token)).await), "{refused:?}");
    }
    let lacking = with_claims(&with(claims(), "scope", "photos:write"));
    for path in ["/api/photos", "/api/administer"] {
        let refused = call_tower(bearing_token(path, &lacking)).await;
        assert_eq!(refused.error(), (403, "insufficient_scope"), "{path}");
        assert!(same(&refused, &call(bearing(path, &lacking)).await), "{refused:?}");
    }
}

#[actix_web::test]
async fn a_missing_scope_or_role_is_forbidden() {
    let client = without(with(claims(), "sub", "goptri"), "sid");
    for (path, claims, status) in [
        ("/api/photos", claims(), 200),
        ("/api/upload", claims(), 403),
        ("/api/upload", with(claims(), "scope", "photos:read photos:write"), 200),
        ("/api/photos", with(claims(), "scope", "photos photos:reader Photos:Read"), 403),
        ("/api/edit", claims(), 200),
        ("/api/edit", with(claims(), "roles", json!(["Editor", "*"])), 403),
        ("/api/edit", with(client, "roles", json!(["editor"])), 403),
        ("/api/administer", claims(), 403),
    ] {
        let answer = call_tower(bearing_token(path, &with_claims(&claims))).await;
        assert_eq!(answer.status, status, "{path} {claims}");
    }
    let named = call_tower(bearing_token("/api/upload", &good())).await;
    let challenge = "Bearer error=\"insufficient_scope\", scope=\"photos:write\"";
    assert_eq!(named.header("www-authenticate"), Some(challenge));
}

/// JV-26
#[actix_web::test]
async fn two_authorization_headers_and_other_schemes_are_rejected() {
    let bearer = format!("Bearer {}", good());
    let good: &[u8] = bearer.as_bytes();
    for pair in [[good, good], [good, b"Basic YTpi"], [b"", good]] {
        assert_eq!(call_tower(authorized(&pair)).await.error(), (400, "invalid_request"));
    }
    for scheme in [b"Basic YTpi".as_slice(), b"Digest x", b"Bearerx y", b""] {
        assert_eq!(call_tower(authorized(&[scheme])).await.error(), (401, "missing_token"));
    }
    for value in [b"Bearer".as_slice(), b"Bearer \xff\xfe", b"Bearer a b"] {
        assert_eq!(call_tower(authorized(&[value])).await.error(), (401, "invalid_token"));
    }
    let query = get_path(&format!("/api/me?access_token={}", test_support::forge::good()));
    assert_eq!(call_tower(query).await.error(), (401, "missing_token"), "JV-25");
}

#[actix_web::test]
async fn with_an_optional_token_an_invalid_one_counts_as_none() {
    let expired = with_claims(&with(claims(), "exp", 1));
    for (request, expected) in [
        (get_path("/open/who"), "anonymous"),
        (bearing_token("/open/who", &good()), USER),
        (bearing_token("/open/who", "nonsense"), "anonymous"),
        (bearing_token("/open/who", &expired), "anonymous"),
        (with_cookie("/open/who", &encode(&good())), USER),
        (bearing_token("/open/me", &good()), USER),
    ] {
        let answer = call_tower(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, expected));
    }
    assert_eq!(call_tower(get_path("/open/me")).await.error(), (401, "missing_token"));
    assert_eq!(call_tower(bearing_token("/open/me", "nonsense")).await.error(), (401, "invalid_token"));
    let two = authorized(&[b"Bearer x", b"Bearer x"]).uri("/open/who");
    assert_eq!(call_tower(two).await.status, 400);
}

/// Fails closed, so that a missing layer is noticed.
#[actix_web::test]
async fn without_the_layer_no_route_has_a_caller() {
    for (path, status) in [("/me", 500), ("/required", 401)] {
        for request in [get_path(path), bearing_token(path, &good())] {
            let answer = call_tower(request).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(!answer.text.contains(USER));
        }
    }
    assert_eq!(call_tower(bearing_token("/who", &good())).await.text, "anonymous");
    // A token that only the outer of two guards accepts gives the inner one no caller.
    assert_eq!(call_tower(bearing_token("/nested/who", &good())).await.text, "anonymous");
}

/// CK-05, JV-27
#[actix_web::test]
async fn responses_to_cookies_stay_out_of_caches() {
    let twice = format!("{0}; __Host-session={0}", encode(&good()));
    for (path, value, status) in [
        ("/api/me", encode(&good()), 200),
        ("/api/upload", encode(&good()), 403),
        ("/api/me", "nonsense".to_owned(), 401),
        ("/api/me", twice, 401),
        ("/open/who", encode(&good()), 200),
        ("/open/who", "nonsense".to_owned(), 200),
    ] {
        let answer = call_tower(with_cookie(path, &value)).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!((answer.header("cache-control"), answer.header("vary")), (PRIVATE, VARY), "{path}");
    }
    for path in ["/api/me", "/open/who"] {
        let anonymous = call_tower(get_path(path)).await;
        assert_eq!((anonymous.header("cache-control"), anonymous.header("vary")), (None, VARY), "{path}");
        let bearer = call_tower(bearing_token(path, &good())).await;
        assert_eq!((bearer.header("cache-control"), bearer.header("vary")), (None, None), "{path}");
    }
    let both = with_cookie("/api/me", &encode(&good())).header("Authorization", "Bearer nonsense");
    assert_eq!(call_tower(both).await.status, 401, "the cookie beside a header is ignored");
}

/// CK-04: a page of another origin can open a WebSocket with the cookie, and read its messages.
#[actix_web::test]
async fn a_get_that_opens_a_websocket_needs_a_page_that_may_send_it() {
    for (origin, status) in [(ISSUER, 200), ("https://evil.example", 403)] {
        let request = with_cookie("/api/me", &encode(&good())).header("Sec-WebSocket-Version", "13");
        assert_eq!(call_tower(request.header("Origin", origin)).await.status, status, "{origin}");
    }
}

/// CK-04
#[actix_web::test]
async fn an_unsafe_request_with_a_cookie_needs_a_page_that_may_send_it() {
    let origins = Origins::parse("https://app.example").unwrap();
    let guard =
        guard().with_session_cookie(SessionCookie::new(ISSUER, AUDIENCE).with_allowed_origins(&origins));
    let call = |request| call_tower_guarded(request, guard.clone());
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for (name, value, allowed) in [
            ("Sec-Fetch-Site", "same-origin", true),
            ("Sec-Fetch-Site", "none", true),
            ("Sec-Fetch-Site", "cross-site", false),
            ("Origin", ISSUER, true),
            ("Origin", AUDIENCE, true),
            ("Origin", "https://app.example", true),
            ("Origin", "https://evil.example", false),
            ("Origin", "null", false),
        ] {
            for (cookie, status) in [(encode(&good()), 200), ("nonsense".to_owned(), 401)] {
                let request = with_cookie("/api/me", &cookie).method(method.clone()).header(name, value);
                let answer = call(request).await;
                assert_eq!(answer.status, if allowed { status } else { 403 }, "{method} {name}: {value}");
                if !allowed {
                    assert_eq!(answer.error(), (403, "cross_site_request"));
                }
            }
        }
        let twice = with_cookie("/api/me", &encode(&good())).method(method.clone());
        let twice = twice.header("Sec-Fetch-Site", "none").header("Sec-Fetch-Site", "none");
        assert_eq!(call(twice).await.status, 403, "{method}");
        let bearer =
            bearing_token("/api/me", &good()).method(method).header("Origin", "https://evil.example");
        assert_eq!(call(bearer).await.status, 200);
    }
}

/// RV-07, JV-27
#[actix_web::test]
async fn a_revoked_token_is_invalid_and_a_stale_set_responds_503() {
    let staleness = StalenessPolicy { max_age: Duration::from_mins(1), on_stale: OnStale::Refuse };
    let set = RevocationSet::new(staleness, Arc::new(ManualMonotonicClock::default()));
    let guard = Guard::new(verifier(), stopped_clock()).with_revocations(set.clone());
    for path in ["/api/me", "/open/who"] {
        let stale = call_tower_guarded(bearing_token(path, &good()), guard.clone()).await;
        assert_eq!(stale.error(), (503, "temporarily_unavailable"), "{path}");
        assert_eq!((stale.header("retry-after"), stale.header("www-authenticate")), (Some("1"), None));
    }
    let forged = call_tower_guarded(bearing_token("/api/me", "forged"), guard.clone()).await;
    assert_eq!(forged.error(), (401, "invalid_token"));
    set.set_age(Duration::ZERO);
    assert_eq!(call_tower_guarded(bearing_token("/api/me", &good()), guard.clone()).await.status, 200);
    set.insert(&entry(EntryKind::Session, SESSION, NOW, 60)).unwrap();
    assert_eq!(call_tower_guarded(bearing_token("/api/me", &good()), guard).await, forged);
}

/// For logs and metrics of a layer outside.
#[actix_web::test]
async fn a_rejection_has_its_reason_in_the_extensions_of_the_response() {
    use tower::{Layer, ServiceExt, service_fn};

    let inner = service_fn(|_: Request<()>| async {
        Ok::<_, std::convert::Infallible>(http1::Response::new(axum::body::Body::empty()))
    });
    for (reason, token) in one_for_each_rejection() {
        let service = goptri::tower::BearerAuth::required(guard()).layer(inner);
        let refused = service.oneshot(bearing_token("/", &token).body(()).unwrap()).await.unwrap();
        assert_eq!(refused.extensions().get(), Some(&reason));
    }
}
