//! Starts a program on a free port, reads its log, stops it, and leaves nothing behind.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use reqwest::{Certificate, Client, ClientBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) use test_support::{
    ACCESS_TOKEN_SECRET, EMAIL, FEED_SECRET, PASSWORD, REFRESH_TOKEN_SECRET, TIMEOUT,
};

/// The program of that name, as the workspace built it.
pub(crate) fn program(name: &str) -> Command {
    let of_tests = std::env::current_exe().unwrap();
    let path: PathBuf = of_tests.ancestors().nth(2).unwrap().join(name);
    assert!(path.exists(), "{} is not built; run scripts/test, or cargo build --workspace", path.display());
    let mut command = Command::new(path);
    command.env_clear().stdin(Stdio::null());
    command
}

/// The database of a test, deleted with this value.
pub(crate) enum Database {
    Sqlite(TempDir),
    Postgres(scratch_pg::Database),
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(crate) async fn postgres() -> Self {
        Self::Postgres(scratch_pg::Database::fresh().await)
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite://{}", folder.path().join("goptri.db").display()),
            Self::Postgres(database) => database.url().to_owned(),
        }
    }
}

/// Runs a command with `input` on its standard input.
pub(crate) fn run(mut command: Command, arguments: &[&str], input: &str) -> Output {
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// A running program and its output so far.
pub(crate) struct Running {
    pub(crate) child: Child,
    output: Arc<Mutex<String>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = Arc::new(Mutex::new(String::new()));
        collect(child.stdout.take().unwrap(), Arc::clone(&output));
        collect(child.stderr.take().unwrap(), Arc::clone(&output));
        Self { child, output }
    }

    pub(crate) fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// Waits until a line of the output contains `text`, and returns the word after it.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let started = Instant::now();
        loop {
            let output = self.output();
            if let Some((_, after)) = output.split_once(text).filter(|(_, after)| after.contains('\n')) {
                return after.split_whitespace().next().unwrap_or_default().to_owned();
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended ({status}) without {text:?}:\n{}", self.output());
            }
            assert!(started.elapsed() < TIMEOUT, "no {text:?} in:\n{output}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal by name.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// The whole output, once the program has ended.
    pub(crate) fn whole_output(&mut self) -> String {
        self.wait();
        let started = Instant::now();
        // Each thread that still collects output holds a reference.
        while Arc::strong_count(&self.output) > 1 {
            assert!(started.elapsed() < TIMEOUT, "its output does not end");
            thread::sleep(Duration::from_millis(5));
        }
        self.output()
    }

    /// A line of `/proc/PID/status` on Linux in KiB, such as `VmRSS` (memory now) or `VmHWM` (the most so far).
    pub(crate) fn status(&self, name: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').split_whitespace().next().unwrap().parse().unwrap()
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < TIMEOUT, "it does not end:\n{}", self.output());
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, output: Arc<Mutex<String>>) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut output = output.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
        }
    });
}

/// auth-server with the secrets of the tests on a port of its own.
pub(crate) fn auth_server(database_url: &str) -> Command {
    let mut command = program("auth-server");
    command
        .env("AUTH_SERVER_ADDR", "127.0.0.1:0")
        .env("DATABASE_URL", database_url)
        .env("DEFAULT_SCOPE", "photos:read photos:write")
        .env("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)
        .env("REFRESH_TOKEN_SECRET", REFRESH_TOKEN_SECRET)
        .env("FEED_SECRET", FEED_SECRET);
    command
}

/// api-server with the secrets of the tests on a port of its own, and a folder of photos that all of them share. It
/// cannot reach an auth-server: it serves, and is not ready.
pub(crate) fn api_server() -> Command {
    api_server_that_follows("http://127.0.0.1:1")
}

/// [`api_server`] that follows the feed of the auth-server at this URL.
pub(crate) fn api_server_that_follows(auth_server: &str) -> Command {
    let mut command = program("api-server");
    command
        .env("API_SERVER_ADDR", "127.0.0.1:0")
        .env("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET)
        .env("FEED_SECRET", FEED_SECRET)
        .env("AUTH_SERVER_URL", auth_server)
        .env("PHOTOS_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/photos"));
    command
}

/// A server that listens, and its URL.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) url: String,
    client: Client,
}

impl Server {
    pub(crate) fn start(command: Command) -> Self {
        Self::start_for(command, Client::builder())
    }

    /// A server with a certificate by that authority.
    pub(crate) fn start_with_certificate(command: Command, authority: &str) -> Self {
        Self::start_for(command, client_trusting(authority))
    }

    fn start_for(command: Command, client: ClientBuilder) -> Self {
        let mut running = Running::start(command);
        let url = running.wait_for("listens on ");
        Self { running, url, client: client.pool_max_idle_per_host(0).build().unwrap() }
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.client.post(format!("{}{path}", self.url)).json(body).send().await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str, body: &Value) -> Response {
        self.client.delete(format!("{}{path}", self.url)).json(body).send().await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Response {
        self.client.get(format!("{}{path}", self.url)).bearer_auth(token).send().await.unwrap()
    }

    /// Registers Ann.
    pub(crate) async fn register(&self) {
        let answer = self.post("/users", &json!({ "email": EMAIL, "password": PASSWORD })).await;
        assert_eq!(answer.status(), 201);
    }

    /// Signs Ann in, and returns her access token and her refresh token.
    pub(crate) async fn sign_in(&self) -> (String, String) {
        let answer = self.post("/login", &json!({ "email": EMAIL, "password": PASSWORD })).await;
        assert_eq!(answer.status(), 200);
        let tokens: Value = answer.json().await.unwrap();
        let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
        (token("access_token"), token("refresh_token"))
    }

    /// A TCP connection, for requests that no client library sends.
    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.url.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }
}

/// A client that trusts this authority, in PEM, and no other.
pub(crate) fn client_trusting(authority: &str) -> ClientBuilder {
    let authority = Certificate::from_pem(authority.as_bytes()).unwrap();
    Client::builder().tls_certs_only([authority]).https_only(true)
}

/// An address on which no program listens, for a program that must find it again. Its port is below those that the
/// operating system gives to others.
pub(crate) fn free_address() -> String {
    static USED: AtomicU32 = AtomicU32::new(0);
    loop {
        // Each test is a process of its own, and begins at another port.
        let number = std::process::id().wrapping_mul(61).wrapping_add(USED.fetch_add(1, Relaxed));
        let address = format!("127.0.0.1:{}", 10_000 + number % 20_000);
        if TcpListener::bind(&address).is_ok() {
            return address;
        }
    }
}

/// The rest of what the other side sends.
pub(crate) fn read_to_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let _ = stream.shutdown(Shutdown::Both);
    String::from_utf8_lossy(&answer).into_owned()
}
