//! Signing in with cookies, and renewing them.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use test_support::{CookieJar, SetCookie};

use super::{browser, is_live, new_browser, renew};
use crate::support::{EMAIL, Engine, PASSWORD, TestServer, on_both_engines};

fn lines(cookies: &[SetCookie]) -> Vec<(&str, String)> {
    cookies.iter().map(|cookie| (cookie.name.as_str(), cookie.attributes.join("; "))).collect()
}

on_both_engines! {
    /// CK-02
    async fn a_sign_in_with_cookies_returns_no_token_in_its_body(server) {
        assert_eq!(server.register().await.status, 201);
        let mut jar = CookieJar::default();
        let body = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
        let answer = jar.send(&server, Method::POST, "/login", &body).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "expires_in": 900 })));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        let cookies = SetCookie::all_of(&answer);
        assert_eq!(
            lines(&cookies),
            [
                ("session", "Path=/; HttpOnly; SameSite=Lax".to_owned()),
                ("refresh", "Path=/token; HttpOnly; SameSite=Strict".to_owned()),
            ]
        );
        let access = goptri::cookie::decode(cookies[0].value.as_bytes()).unwrap();
        assert_eq!(server.get("/sessions", Some(&access)).await.status, 200, "it is an access token");
        assert_eq!(server.refresh(&cookies[1].value).await.status, 200, "it is a refresh token");
    }

    async fn a_cookie_is_accepted_wherever_a_bearer_token_is(server) {
        let jar = new_browser(&server).await;
        let known = server.send(jar.request(&server, Method::GET, "/currentuser")).await;
        assert_eq!(known.body["currentUser"]["email"], EMAIL);
        let sessions = server.send(jar.request(&server, Method::GET, "/sessions")).await;
        assert_eq!((sessions.status, &sessions.body["sessions"][0]["current"]), (200, &json!(true)));
        let other = server.login().await.field("refresh_token");
        let id = server.send(jar.request(&server, Method::GET, "/sessions")).await.body["sessions"][1]["id"].clone();
        let path = format!("/sessions/{}", id.as_str().unwrap());
        assert_eq!(server.send(jar.request(&server, Method::DELETE, &path)).await.status, 204);
        assert_eq!(server.refresh(&other).await.status, 400);
        let passwords = json!({ "current_password": PASSWORD, "new_password": "another long horse battery" });
        let changed = server.send(jar.request(&server, Method::POST, "/password").json(&passwords)).await;
        assert_eq!(changed.status, 204);
        assert!(is_live(&server, &jar).await);
    }

    /// CK-02
    async fn a_refresh_by_cookie_renews_both_cookies_and_returns_no_token(server) {
        let mut jar = new_browser(&server).await;
        let first = jar.clone();
        let answer = renew(&server, &mut jar).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "expires_in": 900 })));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        assert_eq!(answer.header("vary"), Some("Sec-Fetch-Site, Origin, Cookie"));
        for name in ["session", "refresh"] {
            assert_ne!(jar.get(name), first.get(name), "{name}");
        }
        assert!(is_live(&server, &jar).await);
        // A lost response: the old cookie gets the same successor.
        let mut retried = first;
        assert_eq!(renew(&server, &mut retried).await.status, 200);
        assert_eq!(retried.get("refresh"), jar.get("refresh"));
    }

    async fn a_bearer_session_can_move_into_cookies(server) {
        let (_, refresh) = server.signed_in().await;
        let mut jar = CookieJar::default();
        let body = json!({ "refresh_token": refresh, "cookie": true });
        let answer = jar.send(&server, Method::POST, "/token", &body).await;
        assert_eq!((answer.status, &answer.body), (200, &json!({ "expires_in": 900 })));
        assert!(is_live(&server, &jar).await);
        assert_eq!(renew(&server, &mut jar).await.status, 200);
    }

    /// CK-02: an attacker's script could otherwise read the tokens of a page's user.
    async fn the_refresh_cookie_counts_only_where_its_tokens_stay_out_of_the_body(server) {
        let jar = new_browser(&server).await;
        for body in [json!({}), json!({ "cookie": false }), json!({ "remember": true })] {
            let answer = server.send(jar.request(&server, Method::POST, "/token").json(&body)).await;
            assert_eq!(answer.error(), (400, "invalid_request"), "{body}");
        }
        let form = [("grant_type", "refresh_token"), ("cookie", "true")];
        let answer = server.send(jar.request(&server, Method::POST, "/token").form(&form)).await;
        assert_eq!(answer.error(), (400, "invalid_request"));
        let form = [("grant_type", "refresh_token"), ("cookie", "true"), ("refresh_token", &jar.get("refresh").unwrap())];
        let answer = server.send(jar.request(&server, Method::POST, "/token").form(&form)).await;
        assert_eq!(SetCookie::all_of(&answer), [], "a form sets no cookies: {}", answer.status);
    }

    async fn without_a_usable_refresh_cookie_a_renewal_says_what_to_do(server) {
        let mut jar = new_browser(&server).await;
        let none = CookieJar::default().send(&server, Method::POST, "/token", &json!({ "cookie": true })).await;
        assert_eq!(none.error(), (400, "invalid_grant"));
        let renewal = || jar.request(&server, Method::POST, "/token").json(&json!({ "cookie": true }));
        for header in ["Bearer null", "Bearer", "undefined", ""] {
            let ignored = server.send(renewal().header("authorization", header)).await;
            assert_eq!(ignored.error(), (400, "invalid_request"), "{header}");
        }
        let basic = server.send(renewal().header("authorization", "Basic YTpi")).await;
        assert_eq!((basic.error(), basic.header("www-authenticate")), ((400, "invalid_request"), None));
        // CK-11
        let twice = renewal().header("cookie", format!("refresh={}", jar.get("refresh").unwrap()));
        let twice = server.send(twice).await;
        assert_eq!(twice.error(), (400, "invalid_request"));
        for answer in [none, basic, twice] {
            assert_eq!(SetCookie::all_of(&answer), []);
        }
        assert_eq!(renew(&server, &mut jar).await.status, 200, "none of these spent it");
    }

    /// CK-09
    async fn a_sign_in_never_adopts_what_is_in_the_cookies(server) {
        let first = new_browser(&server).await;
        let mut jar = first.clone();
        let body = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
        assert_eq!(jar.send(&server, Method::POST, "/login", &body).await.status, 200);
        for name in ["session", "refresh"] {
            assert_ne!(jar.get(name), first.get(name));
        }
        let sessions = server.send(jar.request(&server, Method::GET, "/sessions")).await;
        assert_eq!(sessions.body["sessions"].as_array().unwrap().len(), 2);
        // An invented cookie changes nothing.
        let planted = server.request(Method::POST, "/login").header("sec-fetch-site", "same-origin");
        let planted = server.send(planted.header("cookie", "session=planted; refresh=planted").json(&body)).await;
        assert_eq!(planted.status, 200);
        assert!(!planted.headers.get_all("set-cookie").iter().any(|header| header.to_str().unwrap().contains("planted")));
    }
}

#[actix_web::test]
async fn the_cookies_of_an_https_issuer_have_prefixes() {
    let issuer = ("ISSUER", "https://login.example.com/auth");
    for (domain, name, attributes) in [
        (None, "__Host-session", "Path=/; HttpOnly; SameSite=Lax; Secure"),
        (Some("example.com"), "__Secure-app", "Path=/; HttpOnly; SameSite=Lax; Secure; Domain=example.com"),
    ] {
        let more = domain.map(|domain| [("SESSION_COOKIE_DOMAIN", domain), ("SESSION_COOKIE_NAME", "app")]);
        let variables = [issuer].into_iter().chain(more.into_iter().flatten()).collect::<Vec<_>>();
        let server = TestServer::start(Engine::Sqlite, &variables).await;
        assert_eq!(server.register().await.status, 201);
        let body = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
        let mut jar = CookieJar::default();
        let answer = jar.send(&server, Method::POST, "/login", &body).await;
        assert_eq!(
            lines(&SetCookie::all_of(&answer)),
            [
                (name, attributes.to_owned()),
                ("__Secure-refresh", "Path=/auth/token; HttpOnly; SameSite=Strict; Secure".to_owned()),
            ]
        );
        assert!(is_live(&server, &jar).await);
    }
}

on_both_engines! {
    async fn no_error_expires_a_cookie(server where "REFRESH_FORGIVENESS" = "off") {
        let jar = new_browser(&server).await;
        let mut owner = jar.clone();
        renew(&server, &mut owner).await;
        renew(&server, &mut owner).await;
        let overtaken = renew(&server, &mut jar.clone()).await;
        assert_eq!(overtaken.error(), (503, "temporarily_unavailable"));
        server.later(TimeDelta::hours(1));
        let expired = server.send(jar.request(&server, Method::GET, "/sessions")).await;
        assert_eq!(expired.error(), (401, "invalid_token"));
        let theft = renew(&server, &mut jar.clone()).await;
        assert_eq!(theft.error(), (400, "invalid_grant"));
        let ended = renew(&server, &mut owner).await;
        assert_eq!(ended.error(), (400, "invalid_grant"));
        let other = browser(&server).await;
        server.store.close().await;
        let unavailable = renew(&server, &mut other.clone()).await;
        assert_eq!(unavailable.error(), (503, "temporarily_unavailable"));
        let sign_outs = [(Method::DELETE, "/logout"), (Method::DELETE, "/token")];
        let mut answers = vec![overtaken, expired, theft, ended, unavailable];
        for (method, path) in sign_outs {
            let answer = server.send(other.request(&server, method, path)).await;
            assert_eq!(answer.error(), (503, "temporarily_unavailable"), "{path}");
            assert_eq!(answer.header("clear-site-data"), None);
            answers.push(answer);
        }
        for answer in answers {
            assert_eq!(SetCookie::all_of(&answer), [], "{}", answer.text);
            assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        }
    }
}
