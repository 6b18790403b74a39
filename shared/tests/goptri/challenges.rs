//! Responses to rejected requests: they do not reveal why a token is invalid.

use goptri::TokenError;
use serde_json::json;

use crate::protected_app::call;
use test_support::forge::{claims, good, one_for_each_rejection, rejection, with, with_claims};
use test_support::{bearing, get};

fn authorized(values: &[&[u8]]) -> actix_web::test::TestRequest {
    values.iter().fold(get("/api/me"), |request, value| {
        request.append_header((
            "Authorization",
            actix_web::http::header::HeaderValue::from_bytes(value).unwrap(),
        ))
    })
}

/// JV-27
#[actix_web::test]
async fn without_a_token_the_challenge_is_bare() {
    let schemes: [&[u8]; 7] =
        [b"Basic YTpi", b"Digest x", b"Bearerx y", b"Bear y", b"", b"Bearer\tx", b"Token abc"];
    let nothing = call(get("/api/me")).await;
    assert_eq!((nothing.status, nothing.header("www-authenticate")), (401, Some("Bearer")));
    for scheme in schemes {
        assert_eq!(call(authorized(&[scheme])).await, nothing, "{}", String::from_utf8_lossy(scheme));
    }
    let foreign = format!("Basic {}", good());
    assert_eq!(call(authorized(&[foreign.as_bytes()])).await, nothing);
}

/// JV-27
#[actix_web::test]
async fn every_invalid_token_gets_the_same_response() {
    let reference = call(bearing("/api/me", "nonsense")).await;
    assert_eq!(reference.error(), (401, "invalid_token"));
    assert_eq!(reference.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    let bad = one_for_each_rejection();
    assert_eq!(bad.len(), 19, "every variant of TokenError, and both parts of Json");
    for (reason, token) in bad {
        assert_eq!(rejection(&token), Some(reason));
        assert_eq!(call(bearing("/api/me", &token)).await, reference, "{reason:?}");
    }
    let no_text: [&[u8]; 5] = [b"Bearer", b"Bearer ", b"Bearer \xff\xfe", b"Bearer a b", b"Bearer Bearer x"];
    for value in no_text {
        assert_eq!(call(authorized(&[value])).await, reference, "{}", String::from_utf8_lossy(value));
    }
    let listed = format!("Bearer {0}, Bearer {0}", good());
    assert_eq!(call(authorized(&[listed.as_bytes()])).await, reference);
}

/// JV-27: a missing scope is reported only for a valid token.
#[actix_web::test]
async fn an_invalid_token_is_not_told_which_scope_is_missing() {
    let expired = with_claims(&with(with(claims(), "exp", 1), "scope", ""));
    assert_eq!(rejection(&expired), Some(TokenError::Expired));
    let answer = call(bearing("/api/upload", &expired)).await;
    assert_eq!(answer.error(), (401, "invalid_token"));
}

/// JV-19
#[actix_web::test]
async fn a_missing_scope_is_named_in_the_challenge() {
    let table = [
        ("/api/photos", "photos:read", 200),
        ("/api/photos", "photos:write photos:read", 200),
        ("/api/photos", "photos:write", 403),
        ("/api/photos", "photos photos:reader Photos:Read", 403),
        ("/api/photos", "", 403),
        ("/api/upload", "photos:read", 403),
        ("/api/upload", "photos:write", 200),
    ];
    for (path, scope, status) in table {
        let answer = call(bearing(path, &with_claims(&with(claims(), "scope", scope)))).await;
        assert_eq!(answer.status, status, "{path} with {scope:?}");
        if status == 403 {
            let wanted = if path == "/api/photos" { "photos:read" } else { "photos:write" };
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{wanted}\"");
            assert_eq!(answer.header("www-authenticate"), Some(challenge.as_str()));
            assert_eq!(answer.error().1, "insufficient_scope");
        }
    }
    let role = call(bearing("/api/administer", &good())).await;
    assert_eq!(
        (role.status, role.header("www-authenticate")),
        (403, Some("Bearer error=\"insufficient_scope\""))
    );
}

/// JV-26
#[actix_web::test]
async fn two_authorization_headers_are_rejected_even_if_they_are_equal() {
    let bearer = format!("Bearer {}", good());
    let (good, basic): (&[u8], &[u8]) = (bearer.as_bytes(), b"Basic YTpi");
    for pair in [[good, good], [good, basic], [basic, good], [basic, basic], [good, b"Bearer x"], [b"", good]]
    {
        let answer = call(authorized(&pair)).await;
        assert_eq!(answer.error(), (400, "invalid_request"));
        assert_eq!(answer.header("www-authenticate"), None);
    }
    let optional = call(authorized(&[good, good]).uri("/open/who")).await;
    assert_eq!(optional.status, 400);
}

/// JV-25
#[actix_web::test]
async fn a_token_in_the_query_in_a_form_or_in_another_header_counts_as_none() {
    let nothing = call(get("/api/me")).await;
    let token = good();
    let elsewhere = [
        get(&format!("/api/me?access_token={token}")),
        get(&format!("/api/me?token={token}&authorization=Bearer%20{token}")),
        actix_web::test::TestRequest::post().uri("/api/me").set_form([("access_token", &token)]),
        actix_web::test::TestRequest::post().uri("/api/me").set_json(json!({ "access_token": token })),
        get("/api/me").insert_header(("Proxy-Authorization", format!("Bearer {token}"))),
        get("/api/me").insert_header(("X-Authorization", format!("Bearer {token}"))),
    ];
    for request in elsewhere {
        assert_eq!(call(request).await, nothing);
    }
    assert_eq!(call(bearing("/api/me?access_token=x", &token)).await.status, 200);
}
