//! Both servers, an application, and both proxies in front of it.

use reqwest::{Client, RequestBuilder, Response};
use serde_json::json;
use tempfile::TempDir;

use super::application::{Application, Recorded};
use super::proxies::{Proxy, Upstreams};
use crate::programs::{Database, EMAIL, PASSWORD, Server, TIMEOUT, api_server_that_follows, auth_server};

pub(super) const ISSUER: &str = "https://login.example.com";
pub(super) const AUDIENCE: &str = "https://api.example.com";

/// The session cookie, which `app.example.com` gets because of `SESSION_COOKIE_DOMAIN`.
pub(super) const COOKIE: &str = "__Secure-session";

/// Both servers, an application, and both proxies in front of it. Ann is registered.
pub(super) struct Site {
    pub(super) auth: Server,
    pub(super) api: Server,
    pub(super) application: Application,
    pub(super) proxies: [Proxy; 2],
    _database: Database,
    _folders: [TempDir; 2],
}

impl Site {
    pub(super) async fn start() -> Self {
        Self::with("", &[]).await
    }

    /// The proxies ask with this query, and api-server has these variables too.
    pub(super) async fn with(query: &'static str, variables: &[(&str, &str)]) -> Self {
        let database = Database::sqlite();
        let mut auth = auth_server(&database.url());
        auth.envs(variables_of_both());
        let auth = Server::start(auth);
        auth.register().await;
        let mut api = api_server_that_follows(&auth.url);
        api.envs(variables_of_both()).env("REQUEST_LOG", "off").envs(variables.iter().copied());
        let api = Server::start(api);
        let application = Application::start();
        let upstreams = Upstreams {
            application: application.address,
            api: api.url.trim_start_matches("http://").parse().unwrap(),
            query,
        };
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let proxies =
            [Proxy::nginx(folders[0].path(), &upstreams), Proxy::caddy(folders[1].path(), &upstreams)];
        Self { auth, api, application, proxies, _database: database, _folders: folders }
    }

    /// Waits until api-server has caught up with the feed.
    pub(super) async fn ready(self) -> Self {
        let started = std::time::Instant::now();
        while self.api.get("/readyz", "").await.status() != 200 {
            assert!(started.elapsed() < TIMEOUT, "{}", self.api.running.output());
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        self
    }

    /// Signs Ann in: the value of the session cookie.
    pub(super) async fn cookie(&self) -> String {
        let body = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
        let login =
            Client::new().post(format!("{}/login", self.auth.url)).header("Sec-Fetch-Site", "same-origin");
        let answer = login.json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut cookies =
            answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
        let session = cookies.find_map(|cookie| cookie.strip_prefix(&format!("{COOKIE}=")));
        let (value, attributes) = session.unwrap().split_once(';').unwrap();
        assert!(attributes.contains("Domain=example.com"), "{attributes}");
        value.to_owned()
    }

    /// The only request that the application got meanwhile.
    pub(super) async fn admitted(&self, request: RequestBuilder) -> Recorded {
        let answer = request.send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().contains_key("x-application")), (200, true));
        let mut recorded = self.application.take();
        assert_eq!(recorded.len(), 1);
        recorded.remove(0)
    }

    /// The response to a request of which the application got nothing.
    pub(super) async fn refused(&self, request: RequestBuilder, status: u16) -> Response {
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{answer:?}");
        assert!(!answer.headers().contains_key("x-application") && self.application.take().is_empty());
        answer
    }
}

fn variables_of_both() -> [(&'static str, &'static str); 4] {
    [
        ("ISSUER", ISSUER),
        ("AUDIENCE", AUDIENCE),
        ("SESSION_COOKIE_DOMAIN", "example.com"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ]
}
