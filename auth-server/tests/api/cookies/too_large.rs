//! Access tokens that do not fit into a cookie.

use auth_domain::{Role, UserIdOrEmail};
use reqwest::Method;
use serde_json::json;
use test_support::{CookieJar, SetCookie};

use super::{is_live, new_browser, renew};
use crate::support::{EMAIL, PASSWORD, TestServer, on_both_engines};

async fn set_roles(server: &TestServer, number: usize) {
    let roles: Vec<_> =
        (0..number).map(|number| Role::parse(&format!("role-{number:059}")).unwrap()).collect();
    let user = server.store.find_user(&UserIdOrEmail::parse(EMAIL).unwrap()).await.unwrap().unwrap();
    server.store.set_roles(user.id, &roles).await.unwrap();
}

on_both_engines! {
    /// CK-03
    async fn a_sign_in_whose_token_fits_into_no_cookie_opens_nothing(server) {
        assert_eq!(server.register().await.status, 201);
        set_roles(&server, 40).await;
        let user = server.id_of_ann().await;
        let body = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
        for _ in 0..20 {
            let answer = CookieJar::default().send(&server, Method::POST, "/login", &body).await;
            assert_eq!(answer.error(), (422, "cookie_too_large"), "{}", answer.text);
            assert_eq!(SetCookie::all_of(&answer), []);
        }
        assert_eq!(server.store.list_sessions(user, None, 10).await.unwrap(), []);
        let feed = server.store.read_revocations(None, 10).await.unwrap();
        assert!(feed.entries.is_empty(), "and ends nothing");
        assert_eq!(server.login().await.status, 200, "without cookies it works, and the right password was no guess");
    }

    /// CK-03
    async fn every_cookie_that_is_sent_is_one_that_browsers_store(server) {
        assert_eq!(server.register().await.status, 201);
        let body = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
        let mut statuses = Vec::new();
        for roles in 26..36 {
            set_roles(&server, roles).await;
            let answer = CookieJar::default().send(&server, Method::POST, "/login", &body).await;
            for cookie in SetCookie::all_of(&answer) {
                let length = cookie.name.len() + cookie.value.len();
                assert!((1..=4096).contains(&length), "{roles} roles: {length} bytes");
            }
            statuses.push(answer.status);
        }
        assert_eq!((statuses[0], statuses[9]), (200, 422), "{statuses:?}");
    }

    async fn a_user_who_gets_too_many_roles_keeps_the_session(server) {
        let mut jar = new_browser(&server).await;
        let access = jar.get("session");
        set_roles(&server, 40).await;
        for _ in 0..4 {
            let refresh = jar.get("refresh");
            let answer = renew(&server, &mut jar).await;
            assert_eq!(answer.error(), (422, "cookie_too_large"));
            assert_eq!(jar.get("session"), access, "the access cookie stays");
            assert_ne!(jar.get("refresh"), refresh, "the browser has the newest refresh token");
            server.later(chrono::TimeDelta::minutes(5));
        }
        set_roles(&server, 0).await;
        assert_eq!(renew(&server, &mut jar).await.status, 200);
        assert!(is_live(&server, &jar).await);
    }
}
