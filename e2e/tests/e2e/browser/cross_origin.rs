//! A page on another origin than both servers.

use serde_json::json;

use super::chromium::{Chromium, Tab};
use super::relay::Relay;
use super::site::{MODES, Mode};
use crate::programs::{
    Database, EMAIL, PASSWORD, Server, api_server_that_follows, auth_server, free_address,
};

/// The servers, each at an origin of its own, and a browser with a page of a third one.
struct Apart {
    page: Relay,
    auth: String,
    api: String,
    chromium: Chromium,
    _servers: [Server; 2],
    _database: Database,
}

impl Apart {
    async fn start() -> Self {
        let (page, database) = (Relay::start(), Database::sqlite());
        let addresses = [free_address(), free_address()];
        let [issuer, audience] =
            [0, 1].map(|index: usize| addresses[index].replace("127.0.0.1", "http://localhost"));
        let names = [
            ("ISSUER", issuer.clone()),
            ("AUDIENCE", audience.clone()),
            ("CORS_ORIGINS", format!("http://localhost:{}", page.port)),
        ];
        let mut auth = auth_server(&database.url());
        auth.envs(names.clone()).env("AUTH_SERVER_ADDR", &addresses[0]);
        let auth = Server::start(auth);
        let mut api = api_server_that_follows(&auth.url);
        api.envs(names).env("API_SERVER_ADDR", &addresses[1]);
        let api = Server::start(api);
        auth.register().await;
        let chromium = Chromium::start().await;
        Self { page, auth: issuer, api: audience, chromium, _servers: [auth, api], _database: database }
    }

    /// The page at this host name.
    async fn open(&self, host: &str, mode: Mode) -> Tab {
        let tab = self.chromium.open(&format!("http://{host}:{}", self.page.port)).await;
        let options = json!({ "authServer": self.auth, "api": self.api, "mode": mode.name() });
        tab.evaluate(&format!("window.goptri = module.createClient({options}); return null")).await;
        tab
    }
}

fn sign_in(password: &str) -> String {
    format!("await goptri.signIn({});", json!({ "email": EMAIL, "password": password }))
}

/// CK-08
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_a_listed_origin_uses_both_servers_and_reads_why_it_is_rejected() {
    let apart = Apart::start().await;
    for mode in MODES {
        let tab = apart.open("localhost", mode).await;
        let rejected = "const response = await goptri.fetch('/me'); \
             return [response.status, (await response.json()).error]";
        assert_eq!(tab.run(rejected).await, json!([401, "missing_token"]));
        let used = format!(
            "{} const photo = new Blob([new Uint8Array({:?})]); \
             const put = await goptri.fetch('/photos/a.png', {{ method: 'PUT', body: photo }}); \
             const removed = await goptri.fetch('/photos/a.png', {{ method: 'DELETE' }}); \
             return [put.status, removed.status, (await goptri.currentUser()).email]",
            sign_in(PASSWORD),
            include_bytes!("../../../../docs/gopher.png"),
        );
        assert_eq!(tab.run(&used).await, json!([201, 204, EMAIL]));
        let signed_out = "await goptri.signOut({ everywhere: true }); return goptri.currentUser()";
        assert_eq!(tab.run(signed_out).await, json!(null));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttled_page_reads_how_long_to_wait() {
    let apart = Apart::start().await;
    let tab = apart.open("localhost", Mode::Bearer).await;
    let mut failed = json!(null);
    for _ in 0..40 {
        failed = tab.run(&sign_in("not the password at all")).await;
        if failed["code"] != "invalid_credentials" {
            break;
        }
    }
    assert_eq!(failed["code"], "too_many_requests");
    assert!(failed["retryAfter"].as_u64().unwrap() > 0, "{failed}");
}

/// CK-08
#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_an_origin_that_is_not_listed_reads_nothing() {
    let apart = Apart::start().await;
    for mode in MODES {
        let tab = apart.open("127.0.0.1", mode).await;
        assert_eq!(tab.run(&sign_in(PASSWORD)).await["code"], "network");
        let call = tab.run(&format!("return (await fetch('{}/me')).status", apart.api)).await;
        assert!(call["code"].as_str().unwrap().starts_with("TypeError"), "{call}");
    }
}
