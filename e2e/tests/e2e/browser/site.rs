//! A page, the servers behind it, and a browser.

use std::time::Instant;

use serde_json::json;
use test_support::Proxy;

use super::chromium::{Chromium, Tab};
use super::relay::Relay;
use crate::programs::{
    Database, EMAIL, PASSWORD, Server, TIMEOUT, api_server_that_follows, auth_server, run,
};

/// Where the page keeps its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Bearer,
    Cookie,
}

impl Mode {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Cookie => "cookie",
        }
    }
}

pub(crate) const MODES: [Mode; 2] = [Mode::Bearer, Mode::Cookie];

/// A site: one origin with a page, auth-server at `/auth` and api-server at `/api`.
pub(crate) struct Site {
    mode: Mode,
    /// The connection between the browser and the site.
    pub(crate) network: Proxy,
    pub(crate) relay: Relay,
    pub(crate) origin: String,
    _auth: Server,
    api: Server,
    chromium: Chromium,
    database: Database,
}

impl Site {
    pub(crate) async fn start(mode: Mode) -> Self {
        Self::with(mode, &[]).await
    }

    /// With these variables for both servers.
    pub(crate) async fn with(mode: Mode, variables: &[(&str, &str)]) -> Self {
        let relay = Relay::start();
        let network = Proxy::before(&format!("http://127.0.0.1:{}", relay.port));
        let origin = format!("http://localhost:{}", network.address().port());
        let names = names_at(&origin);
        let database = Database::sqlite();
        let mut auth = auth_server(&database.url());
        auth.envs(names.clone()).envs(variables.iter().copied());
        let auth = Server::start(auth);
        let mut api = api_server_that_follows(&auth.url);
        api.envs(names).envs(variables.iter().copied());
        let api = Server::start(api);
        relay.pass_on("auth", &auth.url);
        relay.pass_on("api", &api.url);
        auth.register().await;
        Self { mode, network, relay, origin, _auth: auth, api, chromium: Chromium::start().await, database }
    }

    /// A new tab with the page, and `goptri` in it.
    pub(crate) async fn open(&self) -> Tab {
        let tab = self.chromium.open(&self.origin).await;
        let options = json!({ "authServer": "/auth", "api": "/api", "mode": self.mode.name() });
        let script = format!(
            "window.goptri = module.createClient({options}); window.changes = []; \
             goptri.onChange((change) => changes.push(change)); return document.title"
        );
        assert_eq!(tab.evaluate(&script).await, "Page");
        tab
    }

    /// A new tab in which Ann signs in.
    pub(crate) async fn signed_in(&self) -> Tab {
        let tab = self.open().await;
        let credentials = json!({ "email": EMAIL, "password": PASSWORD });
        let user = tab.run(&format!("await goptri.signIn({credentials}); return goptri.currentUser()")).await;
        assert_eq!(user["email"], EMAIL);
        tab
    }

    /// Makes api-server reject the access token of the browser, as if it had expired.
    pub(crate) async fn expire(&self, tab: &Tab) {
        let token = self.access_token(tab).await;
        let mut command = auth_server(&self.database.url());
        command.envs(names_at(&self.origin));
        let revoked = run(command, &["token", "revoke", &token], "");
        assert!(revoked.status.success(), "{}", String::from_utf8_lossy(&revoked.stderr));
        self.wait_until_rejected(&token).await;
    }

    pub(crate) async fn wait_until_rejected(&self, token: &str) {
        let started = Instant::now();
        while self.api.get("/me", token).await.status() != 401 {
            assert!(started.elapsed() < TIMEOUT, "the token stays valid");
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// The access token that the browser has.
    pub(crate) async fn access_token(&self, tab: &Tab) -> String {
        let script = match self.mode {
            Mode::Bearer => {
                "return JSON.parse(localStorage.getItem(Object.keys(localStorage)[0])).access".to_owned()
            }
            Mode::Cookie => {
                format!("return JSON.parse(atob('{}')).jwt", tab.cookie("session").await.unwrap())
            }
        };
        tab.evaluate(&script).await.as_str().unwrap().to_owned()
    }

    /// How many refreshes reached the relay.
    pub(crate) fn refreshes(&self) -> usize {
        self.relay.count("POST /auth/token")
    }
}

fn names_at(origin: &str) -> [(&'static str, String); 2] {
    [("ISSUER", format!("{origin}/auth")), ("AUDIENCE", format!("{origin}/api"))]
}
