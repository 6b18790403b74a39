//! A browser: it stores cookies, submits the forms of pages, and follows no redirect by itself.

use std::collections::HashMap;

use reqwest::{Method, RequestBuilder};
use test_support::{Answer, CookieJar, attribute, hidden_fields};
use url::Url;

use crate::support::{EMAIL, PASSWORD, TestServer};

pub(super) struct Browser<'a> {
    server: &'a TestServer,
    pub(super) jar: CookieJar,
}

impl<'a> Browser<'a> {
    pub(super) fn new(server: &'a TestServer) -> Self {
        Self { server, jar: CookieJar::default() }
    }

    /// Opens a page, as a link of another site does.
    pub(super) async fn open(&mut self, path: &str) -> Answer {
        let request = self.jar.foreign_request(self.server, Method::GET, path);
        self.send(request.header("sec-fetch-site", "cross-site")).await
    }

    /// Posts a form of a page of this server.
    pub(super) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.jar.request(self.server, Method::POST, path).form(fields);
        self.send(request).await
    }

    pub(super) async fn send(&mut self, request: RequestBuilder) -> Answer {
        let answer = self.server.send(request).await;
        self.jar.store(&answer);
        answer
    }

    /// Submits the form of a page that leads to `path`, with its hidden fields and these.
    pub(super) async fn submit(&mut self, page: &Answer, path: &str, fields: &[(&str, &str)]) -> Answer {
        let hidden = hidden_fields(page, path);
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        self.post(path, &all).await
    }

    /// Submits the sign-in form of a page.
    pub(super) async fn sign_in_as(&mut self, page: &Answer, email: &str, password: &str) -> Answer {
        self.submit(page, "/sign-in", &[("email", email), ("password", password)]).await
    }

    /// Follows a redirect within this server.
    pub(super) async fn follow(&mut self, redirect: &Answer) -> Answer {
        let location = location(redirect);
        assert!(location.starts_with('/'), "leads to {location}");
        self.open(&location).await
    }

    /// Signs Ann in for a request, and returns what comes next.
    pub(super) async fn sign_in(&mut self, request: &str) -> Answer {
        let page = self.open(request).await;
        assert!(is_sign_in(&page), "{} {}", page.status, page.text);
        let signed_in = self.sign_in_as(&page, EMAIL, PASSWORD).await;
        self.follow(&signed_in).await
    }

    /// Allows what the consent page asks for.
    pub(super) async fn allow(&mut self, page: &Answer) -> Answer {
        assert!(is_consent(page), "{} {}", page.status, page.text);
        self.submit(page, "/consent", &[("decision", "allow")]).await
    }

    /// The handle of the sign-in.
    pub(super) fn handle(&self) -> Option<String> {
        self.jar.get("signin")
    }
}

pub(super) fn hidden(page: &Answer, path: &str, name: &str) -> String {
    let fields = hidden_fields(page, path);
    fields.into_iter().find(|(known, _)| known == name).unwrap().1
}

/// The value of the input with that id.
pub(super) fn value_of(page: &Answer, id: &str) -> String {
    let tag = page.text.split("<input ").find(|tag| tag.contains(&format!("id=\"{id}\""))).unwrap();
    attribute(tag.split('>').next().unwrap(), "value")
}

pub(super) fn location(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "AS-06: {} {}", answer.status, answer.text);
    answer.header("location").unwrap().to_owned()
}

/// The parameters of a response in the query of `redirect_uri`.
pub(super) fn response(answer: &Answer, redirect_uri: &str) -> HashMap<String, String> {
    let location = location(answer);
    assert!(location.starts_with(redirect_uri), "leads to {location}");
    parameters(Url::parse(&location).unwrap().query().unwrap())
}

pub(super) fn parameters(encoded: &str) -> HashMap<String, String> {
    let mut parameters = HashMap::new();
    for (name, value) in url::form_urlencoded::parse(encoded.as_bytes()).into_owned() {
        assert_eq!(parameters.insert(name.clone(), value), None, "{name} occurs twice: {encoded}");
    }
    parameters
}

fn has_form(page: &Answer, path: &str) -> bool {
    page.status < 500 && page.text.contains(&format!("action=\"{path}\""))
}

pub(super) fn is_sign_in(page: &Answer) -> bool {
    page.status == 200 && has_form(page, "/sign-in")
}

pub(super) fn is_consent(page: &Answer) -> bool {
    page.status == 200 && has_form(page, "/consent")
}

pub(super) fn is_account_choice(page: &Answer) -> bool {
    page.status == 200 && has_form(page, "/authorize/account")
}
