//! Users who present access tokens, refresh and sign out. Records every rejection of a valid token.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use goptri::clock::{Clock, SystemClock};
use goptri::token::UnverifiedJws;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// At each of the four servers, besides those of new tokens: 4 × 40 + 4 × 22 per second.
const VERIFY_EVERY: Duration = Duration::from_millis(25);
/// By each of four clients: 22 per second.
const REFRESH_EVERY: Duration = Duration::from_millis(180);
/// At least this many sessions stay.
const MIN_SESSIONS: usize = 40;
const SIGN_OUT_EVERY: Duration = Duration::from_millis(600);

/// An access token, its key and its expiry.
#[derive(Debug, Clone)]
struct Issued {
    token: String,
    kid: String,
    sid: String,
    exp: i64,
}

impl Issued {
    fn read(token: &str) -> Self {
        let compact = UnverifiedJws::parse(token).unwrap();
        let claims: Value = serde_json::from_str(&compact.payload_json().unwrap()).unwrap();
        let header: Value = serde_json::from_str(compact.header_json()).unwrap();
        let sid = claims["sid"].as_str().unwrap().to_owned();
        Self {
            token: token.to_owned(),
            kid: header["kid"].as_str().unwrap().to_owned(),
            sid,
            exp: claims["exp"].as_i64().unwrap(),
        }
    }

    fn is_valid(&self) -> bool {
        SystemClock.now().timestamp() < self.exp
    }
}

pub(super) struct Users {
    client: Client,
    /// The auth-servers first.
    urls: [String; 4],
    pub(super) in_service: [AtomicBool; 4],
    /// Refresh tokens not in use at the moment.
    sessions: Mutex<VecDeque<String>>,
    /// Valid access tokens.
    held: Mutex<VecDeque<Issued>>,
    /// Sessions that were signed out.
    ended: Mutex<HashSet<String>>,
    /// The expiry of the last token, by key.
    pub(super) last_ends: Mutex<HashMap<String, i64>>,
    pub(super) verified: AtomicU64,
    pub(super) refreshed: AtomicU64,
    pub(super) signed_out: AtomicU64,
    pub(super) unreached: AtomicU64,
    pub(super) refused: Mutex<Vec<String>>,
    /// Whether access tokens may be rejected at the moment, while only some servers have a new key.
    pub(super) tolerant: AtomicBool,
    /// Keys whose tokens must be rejected.
    removed_keys: Mutex<HashSet<String>>,
    pub(super) stopping: AtomicBool,
}

impl Users {
    /// Starts with these refresh tokens at these servers, the auth-servers first.
    pub(super) fn start(
        client: Client,
        sessions: Vec<String>,
        urls: [String; 4],
    ) -> (Arc<Self>, Vec<JoinHandle<()>>) {
        let users = Arc::new(Self {
            client,
            urls,
            in_service: [const { AtomicBool::new(true) }; 4],
            sessions: Mutex::new(sessions.into()),
            held: Mutex::default(),
            ended: Mutex::default(),
            last_ends: Mutex::default(),
            verified: AtomicU64::default(),
            refreshed: AtomicU64::default(),
            signed_out: AtomicU64::default(),
            unreached: AtomicU64::default(),
            refused: Mutex::default(),
            tolerant: AtomicBool::default(),
            removed_keys: Mutex::default(),
            stopping: AtomicBool::default(),
        });
        let mut tasks = vec![tokio::spawn(sign_out(Arc::clone(&users)))];
        tasks.extend((0..4).map(|server| tokio::spawn(verify(Arc::clone(&users), server))));
        tasks.extend((0..4).map(|first| tokio::spawn(refresh(Arc::clone(&users), first))));
        (users, tasks)
    }

    fn stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    fn refused(&self, what: String) {
        self.refused.lock().unwrap().push(what);
    }

    /// Drops the tokens of a key.
    pub(super) fn forget_tokens_of(&self, kid: &str) {
        self.removed_keys.lock().unwrap().insert(kid.to_owned());
        self.held.lock().unwrap().retain(|held| held.kid != kid);
    }

    /// Whether a rejection of the token is a failure.
    fn counts(&self, issued: &Issued) -> bool {
        !self.tolerant.load(SeqCst) && !self.removed_keys.lock().unwrap().contains(&issued.kid)
    }

    /// The next valid token, round robin.
    fn held(&self) -> Option<Issued> {
        let mut held = self.held.lock().unwrap();
        held.retain(Issued::is_valid);
        let next = held.pop_front()?;
        held.push_back(next.clone());
        Some(next)
    }

    /// A session that may sign out, if enough remain.
    fn surplus_session(&self) -> Option<String> {
        let mut sessions = self.sessions.lock().unwrap();
        if sessions.len() > MIN_SESSIONS { sessions.pop_front() } else { None }
    }

    /// The response. Retries once if the server was closing the connection.
    async fn ask(&self, request: RequestBuilder) -> Option<(StatusCode, Value)> {
        for _ in 0..2 {
            if let Ok(answer) = request.try_clone().unwrap().send().await {
                let status = answer.status();
                // A sign-out has no body.
                if let Ok(body) = answer.bytes().await {
                    return Some((status, serde_json::from_slice(&body).unwrap_or_default()));
                }
            }
        }
        self.unreached.fetch_add(1, SeqCst);
        None
    }

    /// Presents the token. A rejection is a failure if the token was still valid when the response arrived.
    async fn present(&self, issued: &Issued, server: usize) {
        if !self.in_service[server].load(SeqCst) {
            return;
        }
        let path = if server < 2 { "/currentuser" } else { "/me" };
        let url = format!("{}{path}", self.urls[server]);
        let counted = self.counts(issued);
        let Some((status, body)) = self.ask(self.client.get(&url).bearer_auth(&issued.token)).await else {
            return;
        };
        let known = status == 200 && (server >= 2 || body["currentUser"].is_object());
        // A request that was sent before rejections were tolerated may arrive after the keys were replaced.
        let counts = counted && self.counts(issued);
        if !known && counts && issued.is_valid() && !self.ended.lock().unwrap().contains(&issued.sid) {
            self.refused(format!("{url} says {status} to a token of the key {}", issued.kid));
        }
        self.verified.fetch_add(1, SeqCst);
    }

    /// Refreshes at one of the auth-servers, and retries until one responds.
    async fn refresh(&self, refresh_token: &str, first: usize) -> Option<(Issued, String)> {
        let body = json!({ "refresh_token": refresh_token });
        for server in (0..2).cycle().skip(first % 2) {
            if self.stopping() {
                return None;
            }
            if !self.in_service[server].load(SeqCst) {
                continue;
            }
            let url = format!("{}/token", self.urls[server]);
            let Some((status, tokens)) = self.ask(self.client.post(&url).json(&body)).await else { continue };
            let (Some(access), Some(next)) =
                (tokens["access_token"].as_str(), tokens["refresh_token"].as_str())
            else {
                self.refused(format!("{url} says {status}: {}", tokens["error"]));
                return None;
            };
            self.refreshed.fetch_add(1, SeqCst);
            let issued = Issued::read(access);
            let mut last_ends = self.last_ends.lock().unwrap();
            let last = last_ends.entry(issued.kid.clone()).or_default();
            *last = issued.exp.max(*last);
            return Some((issued, next.to_owned()));
        }
        None
    }
}

async fn verify(users: Arc<Users>, server: usize) {
    let mut ticks = paced(VERIFY_EVERY);
    while !users.stopping() {
        ticks.tick().await;
        if let Some(issued) = users.held() {
            users.present(&issued, server).await;
        }
    }
}

/// Presents each new token to all servers at the same time: each must know its key already.
async fn refresh(users: Arc<Users>, first: usize) {
    let mut ticks = paced(REFRESH_EVERY);
    for turn in first.. {
        ticks.tick().await;
        if users.stopping() {
            return;
        }
        let Some(session) = users.sessions.lock().unwrap().pop_front() else { continue };
        let Some((issued, next)) = users.refresh(&session, turn).await else { continue };
        let everywhere = (0..4).map(|server| users.present(&issued, server));
        futures_util::future::join_all(everywhere).await;
        users.sessions.lock().unwrap().push_back(next);
        users.held.lock().unwrap().push_back(issued);
    }
}

/// With the access token, at the auth-server that did not issue it.
async fn sign_out(users: Arc<Users>) {
    let mut ticks = paced(SIGN_OUT_EVERY);
    for turn in 0.. {
        ticks.tick().await;
        if users.stopping() {
            return;
        }
        let other = (turn + 1) % 2;
        if !users.in_service[other].load(SeqCst) {
            continue;
        }
        let Some(session) = users.surplus_session() else { continue };
        let Some((issued, _)) = users.refresh(&session, turn).await else { continue };
        users.ended.lock().unwrap().insert(issued.sid.clone());
        users.held.lock().unwrap().retain(|held| held.sid != issued.sid);
        let url = format!("{}/logout", users.urls[other]);
        let counted = users.counts(&issued);
        match users.ask(users.client.delete(&url).bearer_auth(&issued.token)).await {
            Some((StatusCode::NO_CONTENT, _)) => {
                users.signed_out.fetch_add(1, SeqCst);
            }
            Some((status, _)) if counted && users.counts(&issued) && issued.is_valid() => {
                users.refused(format!("{url} says {status}"));
            }
            Some(_) | None => {}
        }
    }
}

fn paced(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
