//! The bearer middleware with session cookies.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use goptri::cookie::{SessionCookie, encode};
use goptri::origin::Origins;
use goptri::{Environment, Guard, GuardBuilder, TokenError};
use goptri_settings::Settings;

use crate::protected_app::{call, call_guarded, guard};
use test_support::forge::{
    AUDIENCE, ISSUER, SECRET, USER, claims, good, one_for_each_rejection, stopped_clock, with, with_claims,
};
use test_support::{bearing, get};

const VARY: Option<&str> = Some("Sec-Fetch-Site, Origin, Cookie");
const PRIVATE: Option<&str> = Some("private, no-store");

fn with_cookie(path: &str, value: &str) -> TestRequest {
    get(path).insert_header(("Cookie", format!("theme=dark; __Host-session={value}")))
}

#[actix_web::test]
async fn a_cookie_is_accepted_like_a_bearer_token() {
    for (path, status, text) in [
        ("/api/me", 200, USER),
        ("/api/photos", 200, "photos"),
        ("/api/edit", 200, "edited"),
        ("/open/me", 200, USER),
        ("/open/who", 200, USER),
    ] {
        let answer = call(with_cookie(path, &encode(&good()))).await;
        assert_eq!((answer.status, answer.text.as_str()), (status, text), "{path}");
    }
    // JV-19
    let forbidden = call(with_cookie("/api/upload", &encode(&good()))).await;
    assert_eq!(forbidden.error(), (403, "insufficient_scope"));
}

/// JV-27
#[actix_web::test]
async fn a_bad_token_in_a_cookie_gets_the_same_response_for_every_reason() {
    let mut tokens: Vec<_> = one_for_each_rejection().into_iter().map(|(_, token)| encode(&token)).collect();
    tokens.push("nonsense".to_owned());
    tokens.push(format!("{0}; __Host-session={0}", encode(&good())));
    tokens.push(format!("{}; __Host-session=x", encode(&good())));
    for value in tokens {
        let rejected = call(with_cookie("/api/me", &value)).await;
        assert_eq!(rejected.error(), (401, "invalid_token"), "{value}");
        assert_eq!(rejected.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
        assert_eq!(call(with_cookie("/open/who", &value)).await.text, "anonymous");
    }
}

/// CK-05
#[actix_web::test]
async fn responses_to_cookies_stay_out_of_caches() {
    for (path, value) in [
        ("/api/me", encode(&good())),
        ("/api/upload", encode(&good())),
        ("/api/me", "nonsense".to_owned()),
        ("/open/who", encode(&good())),
        ("/open/who", "nonsense".to_owned()),
    ] {
        let answer = call(with_cookie(path, &value)).await;
        assert_eq!((answer.header("cache-control"), answer.header("vary")), (PRIVATE, VARY), "{path}");
    }
    for path in ["/api/me", "/open/who"] {
        let anonymous = call(get(path)).await;
        assert_eq!((anonymous.header("cache-control"), anonymous.header("vary")), (None, VARY), "{path}");
        let bearer = call(bearing(path, &good())).await;
        assert_eq!((bearer.header("cache-control"), bearer.header("vary")), (None, None), "{path}");
    }
}

/// CK-04: a page of another origin can open a WebSocket with the cookie, and read its messages.
#[actix_web::test]
async fn a_get_that_opens_a_websocket_needs_a_page_that_may_send_it() {
    for (origin, status) in [(ISSUER, 200), ("https://evil.example", 403)] {
        let request = with_cookie("/api/me", &encode(&good())).insert_header(("Sec-WebSocket-Version", "13"));
        assert_eq!(call(request.insert_header(("Origin", origin))).await.status, status, "{origin}");
    }
    let plain = with_cookie("/api/me", &encode(&good())).insert_header(("Origin", "https://evil.example"));
    assert_eq!(call(plain).await.status, 200);
}

/// CK-04
#[actix_web::test]
async fn an_unsafe_request_with_a_cookie_needs_a_page_that_may_send_it() {
    let origins = Origins::parse("https://app.example").unwrap();
    let guard =
        guard().with_session_cookie(SessionCookie::new(ISSUER, AUDIENCE).with_allowed_origins(&origins));
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        for (name, value, status) in [
            ("Sec-Fetch-Site", "same-origin", 200),
            ("Sec-Fetch-Site", "none", 200),
            ("Sec-Fetch-Site", "same-site", 403),
            ("Sec-Fetch-Site", "cross-site", 403),
            ("Origin", ISSUER, 200),
            ("Origin", AUDIENCE, 200),
            ("Origin", "https://app.example", 200),
            ("Origin", "https://evil.example", 403),
            ("Origin", "null", 403),
            ("Host", "app.example", 403),
        ] {
            for path in ["/api/me", "/open/me"] {
                let request = with_cookie(path, &encode(&good())).method(method.clone());
                let answer = call_guarded(request.insert_header((name, value)), guard.clone()).await;
                assert_eq!(answer.status, status, "{method} {path} {name}: {value}");
                assert_eq!(answer.header("cache-control"), PRIVATE);
                // A foreign page does not learn whether its visitor is signed in.
                let request = with_cookie(path, "nonsense").method(method.clone());
                let answer = call_guarded(request.insert_header((name, value)), guard.clone()).await;
                assert_eq!(answer.status, if status == 403 { 403 } else { 401 }, "{method} {path}");
            }
        }
        let bearer =
            bearing("/api/me", &good()).method(method).insert_header(("Origin", "https://evil.example"));
        assert_eq!(call_guarded(bearer, guard.clone()).await.status, 200);
    }
}

/// CK-04
#[actix_web::test]
async fn by_default_the_pages_of_issuer_and_audience_may_send_a_cookie() {
    for (origin, status) in [(ISSUER, 200), (AUDIENCE, 200), ("https://app.example", 403)] {
        let request = with_cookie("/api/me", &encode(&good())).method(Method::POST);
        let answer = call_guarded(request.insert_header(("Origin", origin)), guard()).await;
        assert_eq!(answer.status, status, "{origin}");
    }
}

#[actix_web::test]
async fn the_name_of_the_cookie_is_that_of_the_guard() {
    let named = SessionCookie::new(ISSUER, AUDIENCE).with_name("photos").unwrap();
    let guard = guard().with_session_cookie(named);
    let value = encode(&good());
    for (name, status) in [("__Host-photos", 200), ("__Host-session", 401), ("photos", 401)] {
        let request = get("/api/me").insert_header(("Cookie", format!("{name}={value}")));
        assert_eq!(call_guarded(request, guard.clone()).await.status, status, "{name}");
    }
}

#[actix_web::test]
async fn the_name_of_the_cookie_may_be_in_the_environment() {
    let environment = Environment::from_pairs([
        ("ACCESS_TOKEN_SECRET", SECRET),
        ("ISSUER", ISSUER),
        ("AUDIENCE", AUDIENCE),
        ("SESSION_COOKIE_NAME", "photos"),
    ]);
    let builder = GuardBuilder::from_settings(&Settings::new(&environment)).unwrap();
    let guard = builder.clock(stopped_clock()).build().unwrap();
    let request = get("/api/me").insert_header(("Cookie", format!("__Host-photos={}", encode(&good()))));
    assert_eq!(call_guarded(request, guard).await.status, 200);
}

#[test]
fn a_cookie_and_a_header_with_one_token_share_its_place_in_the_cache() {
    let guard = guard();
    let other = with_claims(&with(claims(), "jti", "another"));
    guard.verify(&good()).unwrap();
    assert_eq!(guard.cached_tokens(), 1);
    assert_eq!(guard.verify_cookie(encode(&good()).as_bytes()).unwrap().jti, "7c0d");
    assert_eq!(guard.cached_tokens(), 1);
    guard.verify_cookie(encode(&other).as_bytes()).unwrap();
    assert_eq!(guard.cached_tokens(), 2);
}

/// CK-11
#[test]
fn a_long_cookie_is_rejected_before_anything_is_allocated() {
    let guard: Guard = guard();
    let long = "A".repeat(1 << 20);
    let counted = allocation_counter::measure(|| {
        assert_eq!(guard.verify_cookie(long.as_bytes()).err(), Some(TokenError::MalformedCookie));
    });
    assert_eq!(counted.count_total, 0);
    // What a cookie decodes to is shorter than the cookie.
    let longest = "A".repeat(4096);
    let counted = allocation_counter::measure(|| {
        assert_eq!(guard.verify_cookie(longest.as_bytes()).err(), Some(TokenError::MalformedCookie));
    });
    assert!(counted.bytes_max <= 4096, "{} bytes", counted.bytes_max);
}
