//! Signing out by cookie.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;
use test_support::{Answer, SetCookie};

use super::{browser, is_live, new_browser, renew};
use crate::support::on_both_engines;

const BY_ACCESS: &str = "/logout";
const BY_REFRESH: &str = "/token";

fn expired(answer: &Answer) -> Vec<(String, String)> {
    let cookies = SetCookie::all_of(answer);
    assert!(cookies.iter().all(|cookie| cookie.is_expired() && cookie.value.is_empty()), "{cookies:?}");
    cookies
        .iter()
        .map(|cookie| (cookie.name.clone(), cookie.attribute("Path").unwrap_or_default().to_owned()))
        .collect()
}

fn pair(name: &str, path: &str) -> (String, String) {
    (name.to_owned(), path.to_owned())
}

on_both_engines! {
    /// CK-10
    async fn a_sign_out_by_either_cookie_ends_the_session_and_expires_both(server) {
        assert_eq!(server.register().await.status, 201);
        for path in [BY_ACCESS, BY_REFRESH] {
            let mut jar = browser(&server).await;
            let before = jar.clone();
            let answer = server.send(jar.request(&server, Method::DELETE, path)).await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""), "{path}");
            assert_eq!(expired(&answer), [pair("session", "/"), pair("refresh", "/token")]);
            assert_eq!(answer.header("clear-site-data"), Some("\"cache\""));
            assert_eq!(answer.header("cache-control"), Some("private, no-store"));
            jar.store(&answer);
            assert_eq!(jar.header("/token"), "", "the browser has none left");
            assert!(!is_live(&server, &before).await);
            assert_eq!(renew(&server, &mut before.clone()).await.error(), (400, "invalid_grant"));
            let again = server.send(before.request(&server, Method::DELETE, path)).await;
            assert_eq!(again.status, 204, "also if it has ended already");
        }
    }

    /// Chromium takes seconds to clear its cache.
    async fn chromium_is_not_asked_to_clear_its_cache(server) {
        let jar = new_browser(&server).await;
        let request = jar.request(&server, Method::DELETE, BY_ACCESS).header("sec-ch-ua", "\"Chromium\";v=\"140\"");
        let answer = server.send(request).await;
        assert_eq!((answer.status, answer.header("clear-site-data")), (204, None));
        assert_eq!(expired(&answer).len(), 2);
    }

    async fn the_last_refresh_cookie_and_an_older_one_end_the_session(server) {
        let first = new_browser(&server).await;
        let mut jar = first.clone();
        renew(&server, &mut jar).await;
        renew(&server, &mut jar).await;
        assert_eq!(server.send(first.request(&server, Method::DELETE, BY_REFRESH)).await.status, 204);
        assert!(!is_live(&server, &jar).await);
    }

    async fn an_expired_access_cookie_ends_its_session_for_a_day(server) {
        assert_eq!(server.register().await.status, 201);
        for (hours, status) in [(23, 204), (25, 401)] {
            let jar = browser(&server).await;
            server.later(TimeDelta::hours(hours));
            let answer = server.send(jar.request(&server, Method::DELETE, BY_ACCESS)).await;
            assert_eq!(answer.status, status, "{hours} h");
        }
    }

    /// CK-10: the other cookie may still end the session.
    async fn a_rejected_cookie_is_expired_and_the_other_one_is_not(server) {
        let mut jar = new_browser(&server).await;
        server.later(TimeDelta::hours(25));
        let answer = server.send(jar.request(&server, Method::DELETE, BY_ACCESS)).await;
        assert_eq!(answer.error(), (401, "invalid_token"));
        assert_eq!(answer.header("clear-site-data"), None);
        assert_eq!(expired(&answer), [pair("session", "/")]);
        jar.store(&answer);
        let answer = server.send(jar.request(&server, Method::DELETE, BY_REFRESH)).await;
        assert_eq!(answer.status, 204);
        for planted in ["session=x; session=y", "session=x"] {
            let request = server.request(Method::DELETE, BY_ACCESS).header("sec-fetch-site", "none");
            let answer = server.send(request.header("cookie", planted)).await;
            assert_eq!((answer.status, expired(&answer)), (401, vec![pair("session", "/")]), "{planted}");
        }
        let request = server.request(Method::DELETE, BY_REFRESH).header("sec-fetch-site", "none");
        let answer = server.send(request.header("cookie", "refresh=x")).await;
        assert_eq!((answer.status, expired(&answer)), (401, vec![pair("refresh", "/token")]));
    }

    async fn a_token_in_the_request_decides_and_not_the_cookie(server) {
        let jar = new_browser(&server).await;
        let other = server.login().await;
        let body = json!({ "refresh_token": other.field("refresh_token") });
        let answer = server.send(jar.request(&server, Method::DELETE, BY_ACCESS).json(&body)).await;
        assert_eq!((answer.status, SetCookie::all_of(&answer)), (204, vec![]));
        let third = server.login().await.field("access_token");
        let answer = server.send(jar.request(&server, Method::DELETE, BY_ACCESS).bearer_auth(third)).await;
        assert_eq!((answer.status, SetCookie::all_of(&answer)), (204, vec![]));
        for path in [BY_ACCESS, BY_REFRESH] {
            for header in ["Bearer null", "Bearer", "undefined", "", "Basic YTpi"] {
                let request = jar.request(&server, Method::DELETE, path).header("authorization", header);
                let answer = server.send(request).await;
                assert!(matches!(answer.status, 400 | 401), "{path} {header}");
                assert_eq!(SetCookie::all_of(&answer), []);
            }
        }
        assert!(is_live(&server, &jar).await, "a cookie never replaces a broken header");
    }

    async fn without_cookies_or_with_another_query_nothing_ends(server) {
        let jar = new_browser(&server).await;
        for path in [BY_ACCESS, BY_REFRESH] {
            let request = server.request(Method::DELETE, path).header("sec-fetch-site", "same-origin");
            assert_eq!(server.send(request).await.error(), (400, "invalid_request"), "{path}");
            let query = format!("{path}?everywhere=perhaps");
            let answer = server.send(jar.request(&server, Method::DELETE, &query)).await;
            assert_eq!((answer.error(), SetCookie::all_of(&answer)), ((400, "invalid_request"), vec![]));
        }
        assert!(is_live(&server, &jar).await);
    }

    async fn a_cookie_can_sign_out_everywhere(server) {
        assert_eq!(server.register().await.status, 201);
        for path in ["/logout?everywhere=true", "/token?everywhere=true"] {
            let (jar, other) = (browser(&server).await, browser(&server).await);
            let answer = server.send(jar.request(&server, Method::DELETE, path)).await;
            assert_eq!((answer.status, expired(&answer).len()), (204, 2), "{path}");
            assert!(!is_live(&server, &other).await);
        }
    }
}
