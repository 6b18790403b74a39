//! What people do at the servers all the time: they present access tokens, refresh them, and sign out. Whatever is refused to
//! them although it is valid is noted.

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

/// At each of the four servers, besides those of tokens that were just issued: 4 × 40 + 4 × 22 in a second.
const VERIFY_EVERY: Duration = Duration::from_millis(25);
/// By each of four clients: 22 in a second.
const REFRESH_EVERY: Duration = Duration::from_millis(180);
/// So many stay signed in.
const ENOUGH: usize = 40;
const SIGN_OUT_EVERY: Duration = Duration::from_millis(600);

/// An access token, by which key, and until when it is valid.
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

/// All of them.
pub(super) struct People {
    client: Client,
    /// The auth-servers first.
    urls: [String; 4],
    pub(super) in_service: [AtomicBool; 4],
    /// Refresh tokens that nobody uses at the moment.
    sessions: Mutex<VecDeque<String>>,
    /// Access tokens that are valid.
    held: Mutex<VecDeque<Issued>>,
    /// Sessions that nobody may count on any more.
    ended: Mutex<HashSet<String>>,
    /// By key, when the last token of that key ends.
    pub(super) last_ends: Mutex<HashMap<String, i64>>,
    pub(super) verified: AtomicU64,
    pub(super) refreshed: AtomicU64,
    pub(super) signed_out: AtomicU64,
    pub(super) unreached: AtomicU64,
    pub(super) refused: Mutex<Vec<String>>,
    /// Whether an access token may be refused for the moment: some servers have a new key that others do not have.
    pub(super) tolerant: AtomicBool,
    /// Keys whose tokens are refused for good.
    taken_back: Mutex<HashSet<String>>,
    pub(super) stopping: AtomicBool,
}

impl People {
    /// With these refresh tokens, at these servers: the auth-servers first. They begin at once.
    pub(super) fn start(
        client: Client,
        sessions: Vec<String>,
        urls: [String; 4],
    ) -> (Arc<Self>, Vec<JoinHandle<()>>) {
        let people = Arc::new(Self {
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
            taken_back: Mutex::default(),
            stopping: AtomicBool::default(),
        });
        let mut tasks = vec![tokio::spawn(sign_out(Arc::clone(&people)))];
        tasks.extend((0..4).map(|server| tokio::spawn(verify(Arc::clone(&people), server))));
        tasks.extend((0..4).map(|first| tokio::spawn(refresh(Arc::clone(&people), first))));
        (people, tasks)
    }

    fn stopping(&self) -> bool {
        self.stopping.load(SeqCst)
    }

    fn refused(&self, what: String) {
        self.refused.lock().unwrap().push(what);
    }

    /// From now on nobody relies on a token of that key.
    pub(super) fn gives_up(&self, kid: &str) {
        self.taken_back.lock().unwrap().insert(kid.to_owned());
        self.held.lock().unwrap().retain(|held| held.kid != kid);
    }

    /// Whether a refusal of that token, which is about to be presented, counts.
    fn counts(&self, issued: &Issued) -> bool {
        !self.tolerant.load(SeqCst) && !self.taken_back.lock().unwrap().contains(&issued.kid)
    }

    /// One of those that are valid still, each in its turn.
    fn held(&self) -> Option<Issued> {
        let mut held = self.held.lock().unwrap();
        held.retain(Issued::is_valid);
        let next = held.pop_front()?;
        held.push_back(next.clone());
        Some(next)
    }

    /// Somebody who may sign out: enough stay, however long the test takes.
    fn one_of_many(&self) -> Option<String> {
        let mut sessions = self.sessions.lock().unwrap();
        if sessions.len() > ENOUGH { sessions.pop_front() } else { None }
    }

    /// The answer. A connection that the server was just closing is no answer; the next one counts.
    async fn ask(&self, request: RequestBuilder) -> Option<(StatusCode, Value)> {
        for _ in 0..2 {
            if let Ok(answer) = request.try_clone().unwrap().send().await {
                let status = answer.status();
                // Whoever signs out gets no body.
                if let Ok(body) = answer.bytes().await {
                    return Some((status, serde_json::from_slice(&body).unwrap_or_default()));
                }
            }
        }
        self.unreached.fetch_add(1, SeqCst);
        None
    }

    /// Presents the token there. A refusal counts if the token was still valid when the answer was here.
    async fn present(&self, issued: &Issued, server: usize) {
        if !self.in_service[server].load(SeqCst) {
            return;
        }
        let path = if server < 2 { "/currentuser" } else { "/me" };
        let url = format!("{}{path}", self.urls[server]);
        let counts = self.counts(issued);
        let Some((status, body)) = self.ask(self.client.get(&url).bearer_auth(&issued.token)).await else {
            return;
        };
        let known = status == 200 && (server >= 2 || body["currentUser"].is_object());
        if !known && counts && issued.is_valid() && !self.ended.lock().unwrap().contains(&issued.sid) {
            self.refused(format!("{url} says {status} to a token of the key {}", issued.kid));
        }
        self.verified.fetch_add(1, SeqCst);
    }

    /// A refresh at one of the auth-servers, again and again until one answers.
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

async fn verify(people: Arc<People>, server: usize) {
    let mut ticks = paced(VERIFY_EVERY);
    while !people.stopping() {
        ticks.tick().await;
        if let Some(issued) = people.held() {
            people.present(&issued, server).await;
        }
    }
}

/// Each new token is presented to everybody at once: nobody may be later to know its key than its holder.
async fn refresh(people: Arc<People>, first: usize) {
    let mut ticks = paced(REFRESH_EVERY);
    for turn in first.. {
        ticks.tick().await;
        if people.stopping() {
            return;
        }
        let Some(session) = people.sessions.lock().unwrap().pop_front() else { continue };
        let Some((issued, next)) = people.refresh(&session, turn).await else { continue };
        let everywhere = (0..4).map(|server| people.present(&issued, server));
        futures_util::future::join_all(everywhere).await;
        people.sessions.lock().unwrap().push_back(next);
        people.held.lock().unwrap().push_back(issued);
    }
}

/// With the access token, at the auth-server that did not issue it.
async fn sign_out(people: Arc<People>) {
    let mut ticks = paced(SIGN_OUT_EVERY);
    for turn in 0.. {
        ticks.tick().await;
        if people.stopping() {
            return;
        }
        let other = (turn + 1) % 2;
        if !people.in_service[other].load(SeqCst) {
            continue;
        }
        let Some(session) = people.one_of_many() else { continue };
        let Some((issued, _)) = people.refresh(&session, turn).await else { continue };
        people.ended.lock().unwrap().insert(issued.sid.clone());
        people.held.lock().unwrap().retain(|held| held.sid != issued.sid);
        let url = format!("{}/logout", people.urls[other]);
        let counts = people.counts(&issued);
        match people.ask(people.client.delete(&url).bearer_auth(&issued.token)).await {
            Some((StatusCode::NO_CONTENT, _)) => {
                people.signed_out.fetch_add(1, SeqCst);
            }
            Some((status, _)) if counts && issued.is_valid() => {
                people.refused(format!("{url} says {status}"));
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
