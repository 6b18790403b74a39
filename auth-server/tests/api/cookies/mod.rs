//! Sessions in cookies.

mod foreign_pages;
mod malformed;
mod remembered;
mod sessions;
mod sign_out;
mod too_large;

use reqwest::Method;
use serde_json::json;
use test_support::CookieJar;

use crate::support::{EMAIL, PASSWORD, TestServer};

/// Signs a registered user in; the browser has the cookies afterwards.
async fn browser(server: &TestServer) -> CookieJar {
    let mut jar = CookieJar::default();
    let body = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
    let answer = jar.send(server, Method::POST, "/login", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    jar
}

/// As [`browser`], for a user that is not registered yet.
async fn new_browser(server: &TestServer) -> CookieJar {
    assert_eq!(server.register().await.status, 201);
    browser(server).await
}

/// Whether the session of the browser is live.
async fn is_live(server: &TestServer, jar: &CookieJar) -> bool {
    server.send(jar.request(server, Method::GET, "/sessions")).await.status == 200
}

async fn renew(server: &TestServer, jar: &mut CookieJar) -> test_support::Answer {
    jar.send(server, Method::POST, "/token", &json!({ "cookie": true })).await
}
