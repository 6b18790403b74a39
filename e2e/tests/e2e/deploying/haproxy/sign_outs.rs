//! Sign-outs, and how long each api-server still accepts the access token, measured at that api-server directly.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Client;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::load::Failure;
use super::site::{LOGIN, Site};
use crate::programs::TIMEOUT;

/// Sign-outs through HAProxy at a time: one of them may wait for a server that hangs.
const TASKS: usize = 4;

/// A sign-out through HAProxy that gets no answer is repeated after this pause; the next one follows after it.
const PAUSE: Duration = Duration::from_millis(600);

/// Between two calls at an api-server.
const POLL: Duration = Duration::from_millis(1);

/// A client with persistent connections, which gives up on a server that hangs.
fn direct_client() -> Client {
    Client::builder().timeout(Duration::from_secs(2)).build().unwrap()
}

async fn status(client: &Client, api: &str, token: &str) -> Option<u16> {
    let response = client.get(format!("{api}/me")).bearer_auth(token).send().await;
    response.ok().map(|response| response.status().as_u16())
}

/// How long after `since` the api-server rejects the token; nothing if it is out of service.
async fn until_rejected(
    client: &Client,
    api: &str,
    token: &str,
    since: Instant,
    in_service: &AtomicBool,
) -> Option<Duration> {
    loop {
        let status = status(client, api, token).await;
        if !in_service.load(SeqCst) {
            return None;
        }
        if status == Some(401) {
            return Some(since.elapsed());
        }
        assert!(since.elapsed() < TIMEOUT, "{api} still says {status:?} to a token that was signed out");
        sleep(POLL).await;
    }
}

/// Signs out at each auth-server in turn, several at a time. Returns the times of all api-servers.
pub(super) async fn at_each_auth_server(site: &Site, tokens: &[String]) -> Vec<Duration> {
    let auths = site.auths.each_ref().map(|auth| auth.server.url.clone());
    let apis = site.apis.each_ref().map(|api| api.server.url.clone());
    let chunks = tokens.chunks(tokens.len().div_ceil(auths.len()));
    let signing_out = auths.iter().zip(chunks).map(|(auth, tokens)| {
        let (client, apis) = (direct_client(), &apis);
        async move {
            let (mut took, in_service) = (Vec::new(), AtomicBool::new(true));
            for token in tokens {
                for api in apis {
                    assert_eq!(status(&client, api, token).await, Some(200));
                }
                let response =
                    client.delete(format!("{auth}/logout")).bearer_auth(token).send().await.unwrap();
                assert_eq!(response.status(), 204);
                let since = Instant::now();
                let all = apis.iter().map(|api| until_rejected(&client, api, token, since, &in_service));
                took.extend(join_all(all).await.into_iter().flatten());
            }
            took
        }
    });
    join_all(signing_out).await.concat()
}

/// Sign-outs through HAProxy, until it is stopped.
pub(super) struct SignOuts {
    shared: Arc<Shared>,
    tasks: Vec<JoinHandle<()>>,
}

struct Shared {
    apis: [String; 3],
    in_service: [AtomicBool; 3],
    stopping: AtomicBool,
    /// Tokens of sessions that were signed out.
    ended: Mutex<Vec<String>>,
    took: Mutex<Vec<Duration>>,
    failed: Mutex<Vec<Failure>>,
}

impl Shared {
    async fn run(&self, through: Client, tokens: Vec<String>) {
        let direct = direct_client();
        for token in tokens {
            if self.stopping.load(SeqCst) {
                return;
            }
            self.sign_out(&through, &token).await;
            let since = Instant::now();
            self.ended.lock().unwrap().push(token.clone());
            let all = self.apis.iter().zip(&self.in_service);
            let all = all.map(|(api, in_service)| until_rejected(&direct, api, &token, since, in_service));
            let took = join_all(all).await.into_iter().flatten();
            self.took.lock().unwrap().extend(took);
            sleep(PAUSE).await;
        }
        panic!("there are too few sessions to sign out");
    }

    /// Repeats the request until it is answered. A repeated one gets 401 if the first had effect.
    async fn sign_out(&self, through: &Client, token: &str) {
        for attempt in 0.. {
            let began = Instant::now();
            let response = through.delete(format!("{LOGIN}/logout")).bearer_auth(token).send().await;
            match response.map(|response| response.status().as_u16()) {
                Ok(204) => return,
                Ok(401) if attempt > 0 => return,
                Ok(status @ 400..500) => panic!("a sign-out got {status}"),
                other => {
                    let failure = Failure::new(began, &format!("DELETE /logout: {other:?}"));
                    self.failed.lock().unwrap().push(failure);
                }
            }
            sleep(PAUSE).await;
        }
    }
}

impl SignOuts {
    pub(super) fn start(site: &Site, tokens: &[String]) -> Self {
        let shared = Arc::new(Shared {
            apis: site.apis.each_ref().map(|api| api.server.url.clone()),
            in_service: [const { AtomicBool::new(true) }; 3],
            stopping: AtomicBool::new(false),
            ended: Mutex::default(),
            took: Mutex::default(),
            failed: Mutex::default(),
        });
        let start = |tokens: &[String]| {
            let (shared, through) = (Arc::clone(&shared), site.client_at(Ipv4Addr::LOCALHOST));
            let tokens = tokens.to_vec();
            tokio::spawn(async move { shared.run(through, tokens).await })
        };
        let tasks = tokens.chunks(tokens.len().div_ceil(TASKS)).map(start).collect();
        Self { shared, tasks }
    }

    /// From here on, times of this api-server are not measured: it restarts, is killed or hangs.
    pub(super) fn leaves_out(&self, api: usize) {
        self.shared.in_service[api].store(false, SeqCst);
    }

    pub(super) fn includes_again(&self, api: usize) {
        self.shared.in_service[api].store(true, SeqCst);
    }

    /// The times since the last call.
    pub(super) fn take_times(&self) -> Vec<Duration> {
        std::mem::take(&mut self.shared.took.lock().unwrap())
    }

    /// The failures since the last call.
    pub(super) fn take_failed(&self) -> Vec<Failure> {
        std::mem::take(&mut self.shared.failed.lock().unwrap())
    }

    /// Stops, and requires that every api-server rejects every token that was signed out. Returns their number.
    pub(super) async fn ends(self) -> usize {
        self.shared.stopping.store(true, SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        let (client, ended) = (direct_client(), self.shared.ended.lock().unwrap().clone());
        for token in &ended {
            for api in &self.shared.apis {
                assert_eq!(status(&client, api, token).await, Some(401), "{api}");
            }
        }
        ended.len()
    }
}
