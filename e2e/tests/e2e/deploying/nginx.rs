//! deploy/nginx/goptri.conf in a real nginx, before both real servers.
//!
//! Only the ports and the paths of the certificates are replaced; the names resolve to the ports of the test.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::text_of;
use crate::programs::{
    Database, EMAIL, FEED_SECRET, PASSWORD, Running, Server, TIMEOUT, api_server_that_follows, auth_server,
    free_address,
};

const LOGIN: &str = "https://login.example.com";
const API: &str = "https://api.example.com";

/// nginx allows the feed to this address, and to no other.
const THIS_MACHINE: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// An address of the loopback network that is not in the configuration.
const ELSEWHERE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// nginx, both servers, and their users' view of them.
struct Site {
    _nginx: Running,
    auth: Server,
    _api: Server,
    metrics: String,
    http: SocketAddr,
    https: SocketAddr,
    certificate: Certificate,
    _folder: TempDir,
    _database: Database,
}

impl Site {
    fn start() -> Self {
        let (database, folder) = (Database::sqlite(), tempfile::tempdir().unwrap());
        let metrics = free_address();
        let mut auth = auth_server(&database.url());
        auth.env("ISSUER", LOGIN)
            .env("AUDIENCE", API)
            .env("TRUSTED_PROXIES", "127.0.0.1")
            .env("METRICS_ADDR", &metrics);
        let auth = Server::start(auth);
        let mut api = api_server_that_follows(&auth.url);
        api.env("ISSUER", LOGIN).env("AUDIENCE", API);
        let api = Server::start(api);
        let [http, https] = [(); 2].map(|()| free_address().parse::<SocketAddr>().unwrap());
        let certificate = write_certificate(folder.path(), &["login.example.com", "api.example.com"]);
        let shipped = text_of("deploy/nginx/goptri.conf");
        let configuration = for_test(&shipped, folder.path(), &[&auth, &api], http, https);
        let mut nginx = nginx(folder.path(), &configuration);
        wait_until_it_listens(&mut nginx, https);
        Self {
            _nginx: nginx,
            auth,
            _api: api,
            metrics,
            http,
            https,
            certificate,
            _folder: folder,
            _database: database,
        }
    }

    /// A client of that address, which finds both names at nginx.
    fn client_at(&self, address: Ipv4Addr) -> Client {
        let client = Client::builder()
            .local_address(IpAddr::from(address))
            .tls_certs_only([self.certificate.clone()])
            .https_only(true);
        Self::resolving(client, self.https)
    }

    fn resolving(client: ClientBuilder, port: SocketAddr) -> Client {
        client
            .redirect(Policy::none())
            .resolve("login.example.com", port)
            .resolve("api.example.com", port)
            .build()
            .unwrap()
    }

    /// Signs Ann in over https: her access token.
    async fn sign_in(&self, client: &Client) -> String {
        let credentials = json!({ "email": EMAIL, "password": PASSWORD });
        // What a client claims about its address counts for nothing.
        let login = client
            .post(format!("{LOGIN}/login"))
            .header("X-Forwarded-For", "203.0.113.9")
            .json(&credentials)
            .send();
        let tokens: Value = login.await.unwrap().json().await.unwrap();
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens}")).to_owned()
    }
}

/// A self-signed certificate for these names, and its key.
pub(super) fn write_certificate(folder: &Path, names: &[&str]) -> Certificate {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    fs::write(folder.join("fullchain.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("privkey.pem"), made.signing_key.serialize_pem()).unwrap();
    Certificate::from_pem(made.cert.pem().as_bytes()).unwrap()
}

/// The configuration with the ports and paths of the test. IPv6 is left out, as some containers have none.
fn for_test(
    shipped: &str,
    folder: &Path,
    servers: &[&Server; 2],
    http: SocketAddr,
    https: SocketAddr,
) -> String {
    let [auth, api] = servers.map(|server| server.url.trim_start_matches("http://"));
    let mut configuration = String::new();
    for line in shipped.lines().filter(|line| !line.trim_start().starts_with("listen [::]:")) {
        configuration.push_str(line);
        configuration.push('\n');
    }
    for (shipped, here) in [
        ("listen 80;", format!("listen {http};")),
        ("listen 443 ", format!("listen {https} ")),
        ("server 127.0.0.1:4000;", format!("server {auth};")),
        ("server 127.0.0.1:3000;", format!("server {api};")),
        ("/etc/letsencrypt/live/login.example.com", folder.display().to_string()),
        ("/etc/letsencrypt/live/api.example.com", folder.display().to_string()),
    ] {
        assert!(configuration.contains(shipped), "no {shipped:?} in goptri.conf");
        configuration = configuration.replace(shipped, &here);
    }
    configuration
}

/// nginx as an ordinary process with all its files in `folder`.
pub(crate) fn nginx(folder: &Path, configuration: &str) -> Running {
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};", folder.display()));
    let main = format!(
        "daemon off; master_process off; error_log stderr; pid {}/nginx.pid; events {{}} \
         http {{ access_log off; {} include goptri.conf; }}",
        folder.display(),
        temporary.concat()
    );
    fs::write(folder.join("nginx.conf"), main).unwrap();
    fs::write(folder.join("goptri.conf"), configuration).unwrap();
    let mut command = Command::new("nginx");
    // Debian has it where only root looks for programs.
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin");
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).args(["-e", "stderr"]);
    command.stdin(Stdio::null());
    Running::start(command)
}

pub(crate) fn wait_until_it_listens(proxy: &mut Running, address: SocketAddr) {
    let started = Instant::now();
    while std::net::TcpStream::connect(address).is_err() {
        let ended = proxy.child.try_wait().unwrap();
        assert!(ended.is_none() && started.elapsed() < TIMEOUT, "{}", proxy.output());
        std::thread::sleep(Duration::from_millis(5));
    }
}

async fn status_and_code(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
    (status, body["error"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn both_servers_are_used_over_https_and_see_the_address_of_the_client() {
    let site = Site::start();
    site.auth.register().await;
    let client = site.client_at(ELSEWHERE);
    let access = site.sign_in(&client).await;
    let me = client.get(format!("{API}/me")).bearer_auth(&access).send().await.unwrap();
    assert_eq!(me.headers()["strict-transport-security"], "max-age=31536000");
    let me: Value = me.json().await.unwrap();
    assert_eq!(me["email"], EMAIL);

    let sessions = client.get(format!("{LOGIN}/sessions")).bearer_auth(&access).send().await.unwrap();
    let sessions: Value = sessions.json().await.unwrap();
    assert_eq!(sessions["sessions"][0]["ip"], ELSEWHERE.to_string(), "{sessions}");
    assert!(!site.auth.running.output().contains("X-Forwarded-For"), "{}", site.auth.running.output());
}

#[tokio::test]
async fn plain_http_leads_to_https_and_to_nothing_else() {
    let site = Site::start();
    let client = Site::resolving(Client::builder(), site.http);
    for name in ["login.example.com", "api.example.com"] {
        let answer = client.get(format!("http://{name}/photos?a=b")).send().await.unwrap();
        assert_eq!(answer.status(), 301);
        assert_eq!(answer.headers()["location"], format!("https://{name}/photos?a=b"));
    }
    // The name in a request does not choose the target.
    let answer = client.get("http://login.example.com/").header("Host", "evil.example.net").send();
    let answer = answer.await.unwrap();
    assert_eq!(answer.headers()["location"], "https://login.example.com/");
}

#[tokio::test]
async fn bodies_as_large_as_the_servers_accept_pass_and_larger_ones_get_413() {
    let site = Site::start();
    site.auth.register().await;
    let client = site.client_at(ELSEWHERE);
    let access = site.sign_in(&client).await;
    let login = |bytes: usize| {
        let body = json!({ "email": EMAIL, "password": "x".repeat(bytes) });
        client.post(format!("{LOGIN}/login")).json(&body).send()
    };
    let (large, huge) = (login(20 * 1024).await.unwrap(), login(100 * 1024).await.unwrap());
    assert_eq!(status_and_code(large).await, (413, "payload_too_large".to_owned()), "from auth-server");
    assert_eq!(huge.status(), 413);

    let upload = |name: &str, bytes: usize| {
        let mut photo = include_bytes!("../../../../docs/gopher.png").to_vec();
        photo.resize(bytes, 0);
        client.put(format!("{API}/photos/{name}")).bearer_auth(&access).body(photo).send()
    };
    let (fits, large) =
        (upload("a.png", 5 << 20).await.unwrap(), upload("b.png", (5 << 20) + 1).await.unwrap());
    assert_eq!(fits.status(), 201);
    assert_eq!(status_and_code(large).await, (413, "payload_too_large".to_owned()), "from api-server");
}

#[tokio::test]
async fn metrics_and_the_feed_are_not_public() {
    let site = Site::start();
    site.auth.register().await;
    let client = site.client_at(ELSEWHERE);
    let access = site.sign_in(&client).await;
    let feed = client.get(format!("{LOGIN}/revocations")).bearer_auth(FEED_SECRET).send().await.unwrap();
    assert_eq!(feed.status(), 403, "even with the secret");
    for host in [LOGIN, API] {
        let metrics = client.get(format!("{host}/metrics")).bearer_auth(&access).send().await.unwrap();
        assert_eq!(metrics.status(), 404, "{host}");
    }
    let metrics = reqwest::get(format!("http://{}/metrics", site.metrics)).await.unwrap();
    assert_eq!(metrics.status(), 200, "they are at METRICS_ADDR");
}

#[tokio::test]
async fn an_allowed_follower_gets_each_event_of_the_feed_at_once() {
    let site = Site::start();
    site.auth.register().await;
    let access = site.sign_in(&site.client_at(ELSEWHERE)).await;
    let follower = site.client_at(THIS_MACHINE);
    // A buffer is passed on when it is full, or with the end of the stream, which does not come.
    tokio::time::timeout(Duration::from_secs(10), follow_a_sign_out(&follower, &access))
        .await
        .expect("the events are held back");
}

async fn follow_a_sign_out(follower: &Client, access: &str) {
    let feed = follower
        .get(format!("{LOGIN}/revocations"))
        .bearer_auth(FEED_SECRET)
        .header("Accept", "text/event-stream")
        .send();
    let mut feed = feed.await.unwrap();
    assert_eq!(feed.status(), 200);
    wait_for_event(&mut feed, "event: caught-up").await;
    let signed_out = follower.delete(format!("{LOGIN}/logout")).bearer_auth(access).send().await.unwrap();
    assert_eq!(signed_out.status(), 204);
    let began = Instant::now();
    wait_for_event(&mut feed, "event: revocations").await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

async fn wait_for_event(feed: &mut Response, event: &str) {
    let mut text = String::new();
    while !text.contains(event) {
        let piece = feed.chunk().await.unwrap().unwrap();
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
}
