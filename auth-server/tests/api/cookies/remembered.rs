//! Cookies that survive the end of the browser.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Answer, CookieJar, SetCookie};

use super::renew;
use crate::support::{EMAIL, PASSWORD, TestServer, on_both_engines};

const DAYS_400: i64 = 400 * 86_400;

async fn remembered(server: &TestServer) -> (CookieJar, Answer) {
    assert_eq!(server.register().await.status, 201);
    let mut jar = CookieJar::default();
    let body = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true, "remember": true });
    let answer = jar.send(server, Method::POST, "/login", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    (jar, answer)
}

/// `Max-Age` of both cookies, which is the same.
fn max_age(answer: &Answer) -> Option<i64> {
    let cookies = SetCookie::all_of(answer);
    let ages: Vec<_> = cookies.iter().map(|cookie| cookie.attribute("Max-Age")).collect();
    assert_eq!(ages.len(), 2, "{}", answer.text);
    assert_eq!(ages[0], ages[1]);
    assert!(cookies.iter().all(|cookie| cookie.attribute("Expires").is_none()));
    ages[0].map(|age| age.parse().unwrap())
}

/// At most a minute less than the expected age.
fn assert_about(age: Option<i64>, expected: i64) {
    assert!(age.is_some_and(|age| (expected - 60..=expected).contains(&age)), "{age:?}, not {expected}");
}

async fn renew_with(server: &TestServer, jar: &mut CookieJar, body: &Value) -> Answer {
    jar.send(server, Method::POST, "/token", body).await
}

on_both_engines! {
    async fn remembered_cookies_last_400_days_from_each_renewal(server) {
        let (mut jar, answer) = remembered(&server).await;
        assert_eq!(max_age(&answer), Some(DAYS_400));
        server.later(TimeDelta::days(300));
        for _ in 0..2 {
            assert_eq!(max_age(&renew(&server, &mut jar).await), Some(DAYS_400));
        }
        let forgotten = renew_with(&server, &mut jar, &json!({ "cookie": true, "remember": false })).await;
        assert_eq!(max_age(&forgotten), Some(DAYS_400), "false changes nothing");
    }

    async fn other_cookies_last_until_the_browser_is_closed(server) {
        let mut jar = super::new_browser(&server).await;
        assert_eq!(max_age(&renew(&server, &mut jar).await), None);
        let answer = renew_with(&server, &mut jar, &json!({ "cookie": true, "remember": true })).await;
        assert_eq!(max_age(&answer), Some(DAYS_400), "a renewal can ask for it");
        assert_eq!(max_age(&renew(&server, &mut jar).await), Some(DAYS_400));
    }
}

on_both_engines! {
    async fn remembered_cookies_end_with_their_session(server where "REFRESH_TOKEN_TTL" = "30d", "REFRESH_TOKEN_IDLE_TTL" = "20d") {
        let (mut jar, answer) = remembered(&server).await;
        assert_about(max_age(&answer), 20 * 86_400);
        server.later(TimeDelta::days(15));
        assert_about(max_age(&renew(&server, &mut jar).await), 15 * 86_400);
    }

    async fn without_rotation_they_last_from_the_last_use(server where "REFRESH_ROTATION" = "off", "REFRESH_TOKEN_IDLE_TTL" = "20d") {
        let (mut jar, answer) = remembered(&server).await;
        assert_about(max_age(&answer), 20 * 86_400);
        server.later(TimeDelta::days(15));
        assert_about(max_age(&renew(&server, &mut jar).await), 20 * 86_400);
    }
}
