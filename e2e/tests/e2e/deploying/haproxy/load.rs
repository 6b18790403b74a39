//! Devices that refresh and call the API, and users who sign in, all through HAProxy. Records every request that failed.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::site::{API, LOGIN, Site};
use crate::programs::{EMAIL, PASSWORD, TIMEOUT};

/// Devices, each with a session of its own.
pub(super) const DEVICES: usize = 16;

/// Between two refreshes of a device: 40 a second of all.
const REFRESH_EVERY: Duration = Duration::from_millis(400);

/// Addresses from which users sign in.
const ADDRESSES: u8 = 8;

/// Between two sign-ins from an address: 4 a second of all.
const SIGN_IN_EVERY: Duration = Duration::from_secs(2);

/// Before a request that failed is repeated.
const PAUSE: Duration = Duration::from_millis(50);

pub(super) struct Load {
    ledger: Arc<Ledger>,
    tasks: Vec<JoinHandle<()>>,
}

/// A request without an answer, or with 5xx.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) began: Instant,
    /// What it was, what happened, and when.
    #[expect(dead_code, reason = "it is printed")]
    what: String,
}

impl Failure {
    pub(super) fn new(began: Instant, what: &str) -> Self {
        Self { began, what: format!("{what}, after {:?}", began.elapsed()) }
    }
}

/// What was answered.
#[derive(Default)]
struct Ledger {
    stopping: AtomicBool,
    answered: AtomicU64,
    failed: Mutex<Vec<Failure>>,
    /// Wrong answers, such as the 400 of a session that has ended.
    wrong: Mutex<Vec<String>>,
}

impl Ledger {
    /// The body of a 200. Anything else is recorded.
    async fn ask(&self, what: &str, request: RequestBuilder) -> Option<Value> {
        let began = Instant::now();
        let answer = async {
            let response = request.send().await?;
            Ok::<_, reqwest::Error>((response.status().as_u16(), response.bytes().await?))
        };
        let text = match answer.await {
            Ok((200, body)) => {
                self.answered.fetch_add(1, SeqCst);
                return Some(serde_json::from_slice(&body).unwrap_or_default());
            }
            Ok((status, body)) => format!("{what}: {status} {}", String::from_utf8_lossy(&body)),
            Err(error) => format!("{what}: {error:?}"),
        };
        if text.starts_with(&format!("{what}: 4")) {
            self.wrong.lock().unwrap().push(text);
        } else {
            self.failed.lock().unwrap().push(Failure::new(began, &text));
        }
        None
    }

    /// Refreshes and calls the API twice, again and again. A refresh that failed is repeated with the same token.
    async fn device(&self, client: Client, mut refresh: String) {
        while !self.stopping.load(SeqCst) {
            let began = Instant::now();
            let body = json!({ "refresh_token": refresh });
            let request = client.post(format!("{LOGIN}/token")).json(&body);
            let Some(tokens) = self.ask("POST /token", request).await else {
                sleep(PAUSE).await;
                continue;
            };
            let access = tokens["access_token"].as_str().unwrap();
            tokens["refresh_token"].as_str().unwrap().clone_into(&mut refresh);
            for path in ["/me", "/currentuser"] {
                self.ask(path, client.get(format!("{API}{path}")).bearer_auth(access)).await;
            }
            sleep(REFRESH_EVERY.saturating_sub(began.elapsed())).await;
        }
    }

    async fn sign_ins(&self, client: Client) {
        let credentials = json!({ "email": EMAIL, "password": PASSWORD });
        while !self.stopping.load(SeqCst) {
            self.ask("POST /login", client.post(format!("{LOGIN}/login")).json(&credentials)).await;
            sleep(SIGN_IN_EVERY).await;
        }
    }
}

impl Load {
    /// Starts with one refresh token for each device.
    pub(super) fn start(site: &Site, tokens: Vec<String>) -> Self {
        assert_eq!(tokens.len(), DEVICES);
        let ledger = Arc::new(Ledger::default());
        let mut tasks = Vec::new();
        for token in tokens {
            let (ledger, client) = (Arc::clone(&ledger), site.client_at(Ipv4Addr::LOCALHOST));
            tasks.push(tokio::spawn(async move { ledger.device(client, token).await }));
        }
        for address in 0..ADDRESSES {
            let (ledger, client) =
                (Arc::clone(&ledger), site.client_at(Ipv4Addr::new(127, 0, 0, 2 + address)));
            tasks.push(tokio::spawn(async move { ledger.sign_ins(client).await }));
        }
        Self { ledger, tasks }
    }

    pub(super) fn answered(&self) -> u64 {
        self.ledger.answered.load(SeqCst)
    }

    /// Waits for the answers of about two seconds.
    pub(super) async fn runs(&self) {
        let (enough, started) = (self.answered() + 200, Instant::now());
        while self.answered() < enough {
            assert!(
                started.elapsed() < TIMEOUT,
                "the load has stopped: {:#?}",
                self.ledger.failed.lock().unwrap()
            );
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// The failures since the last call. Fails if an answer was wrong.
    pub(super) fn take_failed(&self) -> Vec<Failure> {
        let wrong = self.ledger.wrong.lock().unwrap();
        assert!(wrong.is_empty(), "{} wrong answers: {:#?}", wrong.len(), &wrong[..wrong.len().min(20)]);
        std::mem::take(&mut self.ledger.failed.lock().unwrap())
    }

    /// Lets every device finish, so that its last refresh was answered with 200.
    pub(super) async fn ends(self) {
        self.runs().await;
        self.ledger.stopping.store(true, SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}
