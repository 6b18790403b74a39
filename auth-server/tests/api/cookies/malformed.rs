//! Cookies that are no cookies of this server.

use reqwest::Method;
use serde_json::json;
use test_support::SetCookie;

use super::new_browser;
use crate::support::{EMAIL, TestServer, on_both_engines};

fn values(good: &str, access: &str) -> Vec<String> {
    let percent = good.replace('=', "%3D").replace('+', "%2B");
    vec![
        String::new(),
        "nonsense".to_owned(),
        access.to_owned(),
        format!("\"{good}\""),
        if percent == good { format!("%65{}", &good[1..]) } else { percent },
        // base64 of: nonsense, {}, {"jwt":1}, null
        "bm9uc2Vuc2U=".to_owned(),
        "e30=".to_owned(),
        "eyJqd3QiOjF9".to_owned(),
        "bnVsbA==".to_owned(),
        goptri::cookie::encode("a.b.c"),
        goptri::cookie::encode(""),
        "A".repeat(8 * 1024),
        format!("{good}{}", "=".repeat(8 * 1024)),
    ]
}

async fn with(server: &TestServer, method: Method, path: &str, cookies: &[String]) -> test_support::Answer {
    let request = server.request(method, path).header("sec-fetch-site", "same-origin");
    server.send(cookies.iter().fold(request, |request, cookie| request.header("cookie", cookie))).await
}

on_both_engines! {
    /// CK-11
    async fn a_malformed_cookie_is_rejected_and_counts_as_none_where_a_token_is_optional(server) {
        let jar = new_browser(&server).await;
        let good = jar.get("session").unwrap();
        let access = goptri::cookie::decode(good.as_bytes()).unwrap();
        let mut requests: Vec<_> =
            values(&good, &access).into_iter().map(|value| vec![format!("a=b; session={value}; c=d")]).collect();
        requests.push(vec![format!("session={good}; session={good}")]);
        requests.push(vec![format!("session={good}; session=")]);
        requests.push(vec![format!("session={good}"), format!("session={good}")]);
        for cookies in requests {
            let shown = cookies.join(" | ");
            let anonymous = with(&server, Method::GET, "/currentuser", &cookies).await;
            assert_eq!((anonymous.status, &anonymous.body), (200, &json!({ "currentUser": null })), "{shown}");
            let rejected = with(&server, Method::GET, "/sessions", &cookies).await;
            assert_eq!(rejected.error(), (401, "invalid_token"), "{shown}");
            assert_eq!(rejected.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
            assert_eq!(SetCookie::all_of(&rejected), []);
            assert_eq!(with(&server, Method::DELETE, "/logout", &cookies).await.status, 401, "{shown}");
        }
        // Others, and a name in other letters, are not looked at.
        for other in ["", "a=b", "SESSION=x", "sessions=x", "session"] {
            let rejected = with(&server, Method::GET, "/sessions", &[other.to_owned()]).await;
            assert_eq!(rejected.error(), (401, "missing_token"), "{other}");
        }
        let user = with(&server, Method::GET, "/currentuser", &[format!("session={good}")]).await;
        assert_eq!(user.body["currentUser"]["email"], EMAIL);
    }

    async fn cookies_beside_an_authorization_header_are_ignored(server) {
        let jar = new_browser(&server).await;
        let send = async |path: &str, header: &str| {
            let request = jar.request(&server, Method::GET, path).header("authorization", header);
            server.send(request).await
        };
        for header in ["Bearer null", "Bearer", "Bearer a.b.c", "Basic YTpi", "undefined", ""] {
            assert_eq!(send("/sessions", header).await.status, 401, "{header}");
            assert_eq!(send("/currentuser", header).await.body, json!({ "currentUser": null }), "{header}");
        }
        let basic = send("/sessions", "Basic YTpi").await;
        assert_eq!(basic.header("www-authenticate"), Some("Bearer"));
        let own = server.login().await.field("access_token");
        let answer = send("/sessions", &format!("Bearer {own}")).await;
        assert_eq!((answer.status, answer.header("vary")), (200, None), "the cookie does not matter");
    }

    async fn a_refresh_token_is_no_access_token_in_a_cookie(server) {
        let jar = new_browser(&server).await;
        let refresh = goptri::cookie::encode(&jar.get("refresh").unwrap());
        let swapped = [format!("session={refresh}")];
        assert_eq!(with(&server, Method::GET, "/sessions", &swapped).await.error(), (401, "invalid_token"));
        let access = goptri::cookie::decode(jar.get("session").unwrap().as_bytes()).unwrap();
        for value in [access, jar.get("session").unwrap(), refresh] {
            let request = server.request(Method::POST, "/token").header("sec-fetch-site", "none");
            let request = request.header("cookie", format!("refresh={value}")).json(&json!({ "cookie": true }));
            assert_eq!(server.send(request).await.error(), (400, "invalid_grant"));
        }
    }
}
