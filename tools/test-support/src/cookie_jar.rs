//! Cookies as a browser stores and sends them, for one host.

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::{Answer, LocalServer};

/// The cookies of one host.
#[derive(Debug, Clone, Default)]
pub struct CookieJar {
    cookies: Vec<SetCookie>,
}

/// The parts of a `Set-Cookie` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCookie {
    pub name: String,
    pub value: String,
    /// Each with its value, such as `Path=/`, in order.
    pub attributes: Vec<String>,
}

impl SetCookie {
    /// Every cookie that a response sets or expires.
    pub fn all_of(answer: &Answer) -> Vec<Self> {
        let headers = answer.headers.get_all("set-cookie").iter();
        headers.map(|header| Self::parse(header.to_str().unwrap())).collect()
    }

    fn parse(header: &str) -> Self {
        let mut parts = header.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        let attributes = parts.map(str::to_owned).collect();
        Self { name: name.to_owned(), value: value.to_owned(), attributes }
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter().filter_map(|attribute| attribute.split_once('='));
        attributes.find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    pub fn is_expired(&self) -> bool {
        self.attribute("Max-Age") == Some("0")
    }
}

impl CookieJar {
    /// Stores, replaces and deletes cookies as the response says.
    pub fn store(&mut self, answer: &Answer) {
        for cookie in SetCookie::all_of(answer) {
            self.cookies.retain(|known| known.name != cookie.name);
            if !cookie.is_expired() {
                self.cookies.push(cookie);
            }
        }
    }

    /// The value of a cookie.
    pub fn get(&self, name: &str) -> Option<String> {
        self.cookies.iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value.clone())
    }

    /// The `Cookie` header of a request with this path.
    pub fn header(&self, path: &str) -> String {
        let path = path.split('?').next().unwrap_or_default();
        let is_for = |cookie: &&SetCookie| {
            let scope = cookie.attribute("Path").unwrap_or_default();
            scope == "/" || path == scope || path.starts_with(&format!("{scope}/"))
        };
        let pairs = self.cookies.iter().filter(is_for);
        pairs.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect::<Vec<_>>().join("; ")
    }

    /// A request of a page of the server itself.
    pub fn request(&self, server: &LocalServer, method: Method, path: &str) -> RequestBuilder {
        self.foreign_request(server, method, path).header("sec-fetch-site", "same-origin")
    }

    /// A request that does not say which page sent it.
    pub fn foreign_request(&self, server: &LocalServer, method: Method, path: &str) -> RequestBuilder {
        let (request, cookies) = (server.request(method, path), self.header(path));
        if cookies.is_empty() { request } else { request.header("cookie", cookies) }
    }

    /// Sends JSON from a page of the server itself, and stores the cookies of the response.
    pub async fn send(&mut self, server: &LocalServer, method: Method, path: &str, body: &Value) -> Answer {
        let answer = server.send(self.request(server, method, path).json(body)).await;
        self.store(&answer);
        answer
    }
}

#[test]
fn a_cookie_is_sent_to_its_path_only_until_it_expires() {
    let cookie = |header| SetCookie::parse(header);
    let cookies =
        vec![cookie("session=x=; Path=/; HttpOnly"), cookie("refresh=y; Path=/token; HttpOnly; Max-Age=10")];
    let jar = CookieJar { cookies };
    assert_eq!(jar.header("/tokens"), "session=x=");
    assert_eq!(jar.header("/token?x"), "session=x=; refresh=y");
    assert_eq!(jar.header("/token/x"), "session=x=; refresh=y");
    assert!(cookie("a=; Path=/; Max-Age=0").is_expired() && !cookie("a=; Path=/").is_expired());
}
