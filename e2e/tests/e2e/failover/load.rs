//! Clients that refresh, sign in and sign out, and repeat each request until it is answered, as a good client does.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::ledger::{Acknowledged, Ledger};
use crate::programs::{EMAIL, PASSWORD, TIMEOUT};

/// Clients that refresh, each one session at a time. Every tenth time, they sign out instead.
const CLIENTS: usize = 12;

/// Between two requests of a client.
const PAUSE: Duration = Duration::from_millis(10);

/// Before a request is repeated.
const REPEAT_AFTER: Duration = Duration::from_millis(50);

/// At least this many sessions stay.
const MIN_SESSIONS: usize = 48;

pub(super) struct Load {
    users: Arc<Users>,
    tasks: Vec<JoinHandle<()>>,
}

struct Users {
    client: Client,
    url: String,
    /// Tokens of sessions that are not in use at the moment.
    sessions: Mutex<VecDeque<String>>,
    ledger: Mutex<Ledger>,
    stopping: AtomicBool,
}

impl Load {
    pub(super) fn start(url: &str, tokens: Vec<String>) -> Self {
        let users = Arc::new(Users {
            client: Client::builder().timeout(TIMEOUT).build().unwrap(),
            url: url.to_owned(),
            ledger: Mutex::new(Ledger::new(tokens.clone())),
            sessions: Mutex::new(tokens.into()),
            stopping: AtomicBool::default(),
        });
        let mut tasks = vec![tokio::spawn(sign_in(Arc::clone(&users)))];
        tasks.extend((0..CLIENTS).map(|_| tokio::spawn(use_sessions(Arc::clone(&users)))));
        Self { users, tasks }
    }

    /// The ledger so far.
    pub(super) fn ledger(&self) -> Ledger {
        self.users.ledger.lock().unwrap().clone()
    }

    /// Waits until at least `least` requests are acknowledged.
    pub(super) async fn has_done(&self, least: Acknowledged) {
        let began = Instant::now();
        loop {
            let done = self.users.ledger.lock().unwrap().acknowledged();
            if done.refreshes >= least.refreshes
                && done.sign_ins >= least.sign_ins
                && done.sign_outs >= least.sign_outs
            {
                return;
            }
            assert!(began.elapsed() < TIMEOUT, "the load has stopped: {done:?}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn runs(&self, time: Duration) {
        sleep(time).await;
    }

    /// Waits until a request is acknowledged that was not before this call.
    pub(super) async fn writes_again(&self) {
        let began = Instant::now();
        while self.users.ledger.lock().unwrap().last() < began {
            assert!(began.elapsed() < TIMEOUT, "no write succeeds any more");
            sleep(Duration::from_millis(2)).await;
        }
    }

    /// Stops, and waits until every request is acknowledged.
    pub(super) async fn ends(self) -> Ledger {
        self.users.stopping.store(true, SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        self.users.ledger.lock().unwrap().clone()
    }
}

impl Users {
    fn is_stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    fn record(&self, record: impl FnOnce(&mut Ledger)) {
        record(&mut self.ledger.lock().unwrap());
    }

    /// The response, once there is one other than 503.
    async fn ask(&self, request: RequestBuilder) -> (StatusCode, Value) {
        let began = Instant::now();
        loop {
            if let Ok(answer) = request.try_clone().unwrap().send().await
                && answer.status() != 503
            {
                let status = answer.status();
                if let Ok(body) = answer.bytes().await {
                    return (status, serde_json::from_slice(&body).unwrap_or_default());
                }
            }
            assert!(began.elapsed() < TIMEOUT, "a request is not answered");
            self.record(Ledger::repeated);
            sleep(REPEAT_AFTER).await;
        }
    }

    async fn refresh(&self, token: String) {
        let request =
            self.client.post(format!("{}/token", self.url)).json(&json!({ "refresh_token": token }));
        let (status, tokens) = self.ask(request).await;
        if let (StatusCode::OK, Some(successor)) = (status, tokens["refresh_token"].as_str()) {
            self.record(|ledger| ledger.refreshed(&token, successor));
            self.sessions.lock().unwrap().push_back(successor.to_owned());
        } else {
            self.record(|ledger| ledger.refused(&token));
        }
    }

    async fn sign_out(&self, token: String) {
        let request =
            self.client.delete(format!("{}/logout", self.url)).json(&json!({ "refresh_token": token }));
        let (status, body) = self.ask(request).await;
        assert_eq!(status, 204, "{body}");
        self.record(|ledger| ledger.signed_out(&token));
    }
}

async fn use_sessions(users: Arc<Users>) {
    for number in 1_u64.. {
        if users.is_stopping() {
            return;
        }
        let next = {
            let mut sessions = users.sessions.lock().unwrap();
            let enough = sessions.len() > MIN_SESSIONS;
            sessions.pop_front().map(|token| (token, enough))
        };
        if let Some((token, enough)) = next {
            if enough && number.is_multiple_of(10) {
                users.sign_out(token).await;
            } else {
                users.refresh(token).await;
            }
        }
        sleep(PAUSE).await;
    }
}

async fn sign_in(users: Arc<Users>) {
    while !users.is_stopping() {
        let credentials = json!({ "email": EMAIL, "password": PASSWORD });
        let request = users.client.post(format!("{}/login", users.url)).json(&credentials);
        let (status, tokens) = users.ask(request).await;
        assert_eq!(status, 200, "{tokens}");
        let token = tokens["refresh_token"].as_str().unwrap().to_owned();
        users.record(|ledger| ledger.signed_in(&token));
        users.sessions.lock().unwrap().push_back(token);
        sleep(PAUSE).await;
    }
}
