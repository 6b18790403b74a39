//! deploy/nginx/one-host.conf in a real nginx, before both real servers and a stand-in for the service in another
//! language, which answers with the head of each request.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use reqwest::{Client, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::nginx::{nginx, wait_until_it_listens};
use super::text_of;
use crate::programs::{
    Database, EMAIL, FEED_SECRET, PASSWORD, Running, Server, api_server_that_follows, auth_server,
    free_address,
};

/// Routes of both servers, of which the application's are public; and the feed, which is not public at all.
const NOT_AUTH_SERVERS: [&str; 5] = ["/", "/currentuser", "/healthz", "/readyz", "/revocations"];

struct Host {
    _nginx: Running,
    auth: Server,
    _api: Server,
    /// As a browser sees it.
    url: String,
    _folder: TempDir,
    _database: Database,
}

impl Host {
    fn start() -> Self {
        let (database, folder) = (Database::sqlite(), tempfile::tempdir().unwrap());
        let address: SocketAddr = free_address().parse().unwrap();
        let url = format!("http://localhost:{}", address.port());
        let audience = format!("{url}/api");
        let mut auth = auth_server(&database.url());
        auth.env("ISSUER", &url).env("AUDIENCE", &audience).env("TRUSTED_PROXIES", "127.0.0.1");
        let auth = Server::start(auth);
        let mut api = api_server_that_follows(&auth.url);
        api.env("ISSUER", &url).env("AUDIENCE", &audience);
        let api = Server::start(api);
        let mut configuration = text_of("deploy/nginx/one-host.conf");
        for (shipped, here) in [
            ("listen 8080;", format!("listen {address};")),
            ("server auth-server:4000;", format!("server {};", auth.url.trim_start_matches("http://"))),
            ("server api-server:3000;", format!("server {};", api.url.trim_start_matches("http://"))),
            ("server deliveries:5013;", format!("server {};", answers_with_the_head())),
        ] {
            assert!(configuration.contains(shipped), "no {shipped:?} in one-host.conf");
            configuration = configuration.replace(shipped, &here);
        }
        let mut nginx = nginx(folder.path(), &configuration);
        wait_until_it_listens(&mut nginx, address);
        Self { _nginx: nginx, auth, _api: api, url, _folder: folder, _database: database }
    }

    async fn get(&self, path: &str, cookie: &str) -> Response {
        let request = Client::new().get(format!("{}{path}", self.url));
        request.header("Cookie", cookie).send().await.unwrap()
    }

    /// The session cookie of a user who signed in on this host.
    async fn sign_in(&self) -> String {
        self.auth.register().await;
        let credentials = json!({ "email": EMAIL, "password": PASSWORD, "cookie": true });
        let login = Client::new()
            .post(format!("{}/login", self.url))
            .header("Sec-Fetch-Site", "same-origin")
            .json(&credentials)
            .send();
        let login = login.await.unwrap();
        assert_eq!(login.status(), 200);
        let cookies = login.headers().get_all("set-cookie");
        let cookie = cookies.iter().find_map(|cookie| {
            let cookie = cookie.to_str().unwrap();
            cookie.starts_with("session=").then(|| cookie.split(';').next().unwrap())
        });
        cookie.unwrap().to_owned()
    }
}

/// The address of a service that answers each request with the head of it.
fn answers_with_the_head() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().map(Result::unwrap).for_each(answer_with_the_head));
    address
}

fn answer_with_the_head(mut stream: TcpStream) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
    let head = lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let length = head.len();
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{head}").unwrap();
}

/// The paths of auth-server in docs/http.md, up to their first variable part.
fn routes_of_auth_server() -> Vec<String> {
    let page = text_of("docs/http.md");
    let (_, section) = page.split_once("\n## auth-server\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let paths = cells.filter_map(|(route, _)| route.split_once(' ')).map(|(_, path)| {
        let fixed = path.split('{').next().unwrap();
        if fixed == "/" { fixed.to_owned() } else { fixed.trim_end_matches('/').to_owned() }
    });
    // An asset needs its name.
    let elsewhere = |path: &String| path == "/assets" || NOT_AUTH_SERVERS.contains(&path.as_str());
    let paths: Vec<String> = paths.filter(|path| !elsewhere(path)).collect();
    assert!(paths.len() > 20, "{paths:?}");
    paths
}

#[tokio::test]
async fn one_cookie_is_for_both_servers_and_for_the_service_in_another_language() {
    let host = Host::start();
    let cookie = host.sign_in().await;
    let me: Value = host.get("/me", &cookie).await.json().await.unwrap();
    assert_eq!(me["email"], EMAIL);
    let user: Value = host.get("/currentuser", &cookie).await.json().await.unwrap();
    assert_eq!(user["currentUser"]["email"], EMAIL);
    let sessions = host.get("/sessions", &cookie).await;
    assert_eq!(sessions.status(), 200);
    let head = host.get("/deliveries", &cookie).await.text().await.unwrap().to_lowercase();
    assert!(
        head.starts_with("get /deliveries http/1.1")
            && head.contains(&format!("cookie: {cookie}").to_lowercase()),
        "{head}"
    );
}

#[tokio::test]
async fn every_route_of_auth_server_leads_there_and_the_feed_is_not_public() {
    let host = Host::start();
    // To a stranger, api-server does not say which routes it has.
    let cookie = host.sign_in().await;
    for path in routes_of_auth_server() {
        assert_ne!(host.get(&path, &cookie).await.status(), 404, "{path} leads to api-server");
    }
    assert_eq!(host.get("/revocations", &cookie).await.status(), 404);
    let page = host.get("/sign-in", "").await.text().await.unwrap();
    let (_, asset) = page.split_once("\"/assets/").unwrap();
    let asset = format!("/assets/{}", asset.split('"').next().unwrap());
    assert_eq!(host.get(&asset, "").await.status(), 200, "{asset}");
    let feed = Client::new().get(format!("{}/revocations", host.url)).bearer_auth(FEED_SECRET).send();
    // For api-server, the secret is an invalid access token.
    assert_eq!(feed.await.unwrap().status(), 401);
    let root: Value = host.get("/", "").await.json().await.unwrap();
    assert_eq!(root["name"], "api-server", "{root}");
}
