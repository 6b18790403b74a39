//! HAProxy, three auth-servers on one Postgres, and three api-servers.
//!
//! Of the shipped configuration only addresses, paths and the system's users are replaced; the names resolve to the port
//! of the test.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::redirect::Policy;
use reqwest::{Certificate, Client};
use tempfile::TempDir;

use super::balancer::Balancer;
use super::mounted::Mounted;
use crate::deploying::text_of;
use crate::programs::{Database, Server, TIMEOUT, api_server_that_follows, auth_server, free_address};

pub(super) const LOGIN: &str = "https://login.example.com";
pub(super) const API: &str = "https://api.example.com";
/// The last is not in the configuration.
const NAMES: [&str; 3] = ["login.example.com", "api.example.com", "other.example.com"];

/// A server that can be started again on its address.
pub(super) struct Member {
    /// Its name in the configuration, with its backend.
    pub(super) name: String,
    pub(super) server: Server,
    command: Box<dyn Fn() -> Command + Send>,
}

impl Member {
    fn start(name: String, command: impl Fn() -> Command + Send + 'static) -> Self {
        Self { name, server: Server::start(command()), command: Box::new(command) }
    }

    /// Waits for its exit after SIGTERM.
    pub(super) fn has_stopped(&mut self) {
        assert_eq!(self.server.running.wait().code(), Some(0), "{}", self.server.running.output());
    }

    pub(super) fn start_again(&mut self) {
        self.server = Server::start((self.command)());
    }

    /// Starts the program of the same name in another folder.
    pub(super) fn start_from(&mut self, folder: &Path) {
        let command = (self.command)();
        let mut copy = Command::new(folder.join(Path::new(command.get_program()).file_name().unwrap()));
        copy.env_clear().stdin(Stdio::null());
        copy.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.server = Server::start(copy);
    }

    /// Waits until the log contains `text` that often.
    pub(super) async fn says_times(&self, text: &str, times: usize) {
        let started = Instant::now();
        while self.server.running.output().matches(text).count() < times {
            assert!(started.elapsed() < TIMEOUT, "{}: {}", self.name, self.server.running.output());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn is_ready(&self) {
        let started = Instant::now();
        while self.server.get("/readyz", "").await.status() != 200 {
            assert!(started.elapsed() < TIMEOUT, "{}", self.server.running.output());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

pub(super) struct Site {
    pub(super) balancer: Balancer,
    pub(super) auths: [Member; 3],
    pub(super) apis: [Member; 3],
    http: SocketAddr,
    https: SocketAddr,
    /// Where the private listener is.
    pub(super) services: String,
    certificate: Certificate,
    /// The secrets of all servers.
    pub(super) mounted: Mounted,
    _folder: TempDir,
    pub(super) database: Database,
}

impl Site {
    pub(super) async fn start() -> Self {
        let (database, folder) = (Database::postgres().await, tempfile::tempdir().unwrap());
        let mounted = Mounted::create(folder.path());
        let listeners = [(); 3].map(|()| free_address());
        let [http, https, services] = listeners.clone();
        let auths = [1, 2, 3].map(|number| {
            let (address, database, mounted) = (free_address(), database.url(), mounted.clone());
            let command = move || mounted.given_to(auth_member(&address, &database));
            Member::start(format!("auth/auth{number}"), command)
        });
        // They cannot catch up before HAProxy runs.
        let apis = [1, 2, 3].map(|number| {
            let (address, auth, mounted) = (free_address(), format!("http://{services}"), mounted.clone());
            let command = move || mounted.given_to(api_member(&address, &auth));
            Member::start(format!("api/api{number}"), command)
        });
        for auth in &auths {
            auth.is_ready().await;
        }
        let certificate = write_certificate(folder.path());
        let shipped = text_of("deploy/haproxy/haproxy.cfg");
        let configuration = for_test(&shipped, folder.path(), &listeners, auths.iter().chain(&apis));
        let balancer = Balancer::start(folder.path(), &configuration, &https);
        let [http, https] = [http, https].map(|address| address.parse().unwrap());
        let site = Self {
            balancer,
            auths,
            apis,
            http,
            https,
            services,
            certificate,
            mounted,
            _folder: folder,
            database,
        };
        for api in &site.apis {
            api.is_ready().await;
            site.balancer.takes(&api.name).await;
        }
        site
    }

    /// A client of that address, which finds all names at HAProxy.
    pub(super) fn client_at(&self, address: Ipv4Addr) -> Client {
        self.client(address, self.https)
    }

    /// The same without TLS.
    pub(super) fn plain_client(&self) -> Client {
        self.client(Ipv4Addr::LOCALHOST, self.http)
    }

    fn client(&self, address: Ipv4Addr, port: SocketAddr) -> Client {
        let client = Client::builder()
            .local_address(IpAddr::from(address))
            .tls_certs_only([self.certificate.clone()])
            .redirect(Policy::none())
            .timeout(TIMEOUT);
        NAMES.into_iter().fold(client, |client, name| client.resolve(name, port)).build().unwrap()
    }
}

fn auth_member(address: &str, database: &str) -> Command {
    let mut command = auth_server(database);
    command
        .env("AUTH_SERVER_ADDR", address)
        .env("TRUSTED_PROXIES", "127.0.0.1")
        .env("SHUTDOWN_DELAY", shutdown_delay("auth-server"));
    command
}

fn api_member(address: &str, auth: &str) -> Command {
    let mut command = api_server_that_follows(auth);
    command.env("API_SERVER_ADDR", address).env("SHUTDOWN_DELAY", shutdown_delay("api-server"));
    command
}

/// What the head of the configuration says that this server needs.
fn shutdown_delay(server: &str) -> String {
    let shipped = text_of("deploy/haproxy/haproxy.cfg");
    let line = shipped.lines().find(|line| line.starts_with(&format!("# {server}: "))).unwrap();
    let (_, delay) = line.split_once("SHUTDOWN_DELAY=").unwrap();
    delay.split(' ').next().unwrap().to_owned()
}

/// A self-signed certificate for the names, with its key.
fn write_certificate(folder: &Path) -> Certificate {
    let made = rcgen::generate_simple_self_signed(NAMES.map(str::to_owned)).unwrap();
    let pem = made.cert.pem();
    let certificates = folder.join("certs");
    fs::create_dir(&certificates).unwrap();
    fs::write(certificates.join("goptri.pem"), [pem.clone(), made.signing_key.serialize_pem()].concat())
        .unwrap();
    Certificate::from_pem(pem.as_bytes()).unwrap()
}

/// The configuration with the addresses and paths of the test. Its log goes to standard output.
fn for_test<'a>(
    shipped: &str,
    folder: &Path,
    [http, https, services]: &[String; 3],
    members: impl Iterator<Item = &'a Member>,
) -> String {
    let mut replaced = vec![
        ("log /dev/log local0".to_owned(), "log stdout format raw local0".to_owned()),
        ("    user haproxy\n".to_owned(), String::new()),
        ("    group haproxy\n".to_owned(), String::new()),
        ("bind :80".to_owned(), format!("bind {http}")),
        ("bind :443 ".to_owned(), format!("bind {https} ")),
        ("bind 10.0.0.10:4000".to_owned(), format!("bind {services}")),
        ("/etc/haproxy/certs/".to_owned(), format!("{}/certs/", folder.display())),
    ];
    for (number, member) in members.enumerate() {
        let shipped = match number {
            0..3 => format!(" 10.0.0.1{}:4000 ", number + 1),
            _ => format!(" 10.0.0.2{}:3000 ", number - 2),
        };
        replaced.push((shipped, format!(" {} ", member.server.url.trim_start_matches("http://"))));
    }
    replaced.into_iter().fold(shipped.to_owned(), |configuration, (shipped, here)| {
        assert!(configuration.contains(&shipped), "no {shipped:?} in haproxy.cfg");
        configuration.replace(&shipped, &here)
    })
}
