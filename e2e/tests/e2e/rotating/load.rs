//! Constant load on all four servers: about 200 verifications and 20 refreshes per second, fewer on a slow machine.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use goptri::clock::{Clock, SystemClock};
use tokio::task::JoinHandle;

use super::fleet::{CLOCK_LEEWAY, Fleet, client};
use super::session_tokens;
use super::users::Users;
use crate::programs::TIMEOUT;

pub(super) struct Load {
    users: Arc<Users>,
    tasks: Vec<JoinHandle<()>>,
    began: Instant,
    sessions: u64,
}

impl Load {
    pub(super) async fn start(fleet: &Fleet) -> Self {
        let sessions = session_tokens::open(&fleet.database.url(), &fleet.refresh.text, 80).await;
        let urls: Vec<String> = fleet.all().map(|member| member.server.url.clone()).collect();
        let number = sessions.len() as u64;
        let (users, tasks) = Users::start(client(), sessions, urls.try_into().unwrap());
        Self { users, tasks, began: Instant::now(), sessions: number }
    }

    /// Waits for the load of about a second.
    pub(super) async fn runs(&self) {
        self.does(200, 20).await;
    }

    /// Waits for a third of that.
    pub(super) async fn runs_briefly(&self) {
        self.does(66, 6).await;
    }

    /// Waits until every session has been refreshed.
    pub(super) async fn refreshes_every_session(&self) {
        self.does(0, self.sessions + 8).await;
    }

    async fn does(&self, verifications: u64, refreshes: u64) {
        let counts = [&self.users.verified, &self.users.refreshed];
        let before = counts.map(|count| count.load(SeqCst));
        let enough = [before[0] + verifications, before[1] + refreshes];
        self.until(|| counts.iter().zip(enough).all(|(count, enough)| count.load(SeqCst) >= enough)).await;
    }

    /// Waits as the page says: until `CLOCK_LEEWAY` after the last token of the key has expired.
    pub(super) async fn waits_for_expiry_of_tokens_of(&self, kid: &str) {
        let leeway = i64::try_from(CLOCK_LEEWAY.as_secs()).unwrap();
        self.until(|| {
            let last = self.users.last_ends.lock().unwrap().get(kid).copied().unwrap_or_default();
            SystemClock.now().timestamp() > last + leeway
        })
        .await;
    }

    async fn until(&self, done: impl Fn() -> bool) {
        let started = Instant::now();
        while !done() {
            assert!(
                started.elapsed() < TIMEOUT,
                "the load has stopped: {:?}",
                self.users.refused.lock().unwrap()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// From here on access tokens may be rejected, until `expects_rejection_of`. Refreshes may not.
    pub(super) fn tolerates_refusals(&self) {
        self.users.tolerant.store(true, SeqCst);
    }

    /// All servers reject tokens of the key; all other valid tokens must be accepted again.
    pub(super) fn expects_rejection_of(&self, kid: &str) {
        self.users.forget_tokens_of(kid);
        self.users.tolerant.store(false, SeqCst);
    }

    /// Stops sending requests to a server, as a load balancer does before a restart.
    pub(super) fn leaves_out(&self, server: usize) {
        self.users.in_service[server].store(false, SeqCst);
    }

    pub(super) fn includes_again(&self, server: usize) {
        self.users.in_service[server].store(true, SeqCst);
    }

    /// Stops, and requires that nothing valid was rejected. Returns how many requests did not reach a server.
    pub(super) async fn ends(self, what: &str) -> u64 {
        self.runs().await;
        self.users.stopping.store(true, SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        let users = self.users;
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        let [verified, refreshed, signed_out, unreached] =
            [&users.verified, &users.refreshed, &users.signed_out, &users.unreached]
                .map(|count| count.load(SeqCst));
        println!(
            "{what}: {verified} verifications, {refreshed} refreshes and {signed_out} sign-outs in {millis} ms ({} and {} a second); refused: {}",
            verified * 1_000 / millis,
            refreshed * 1_000 / millis,
            users.refused.lock().unwrap().len(),
        );
        assert!(signed_out > 0);
        let refused = users.refused.lock().unwrap();
        assert!(
            refused.is_empty(),
            "{} valid requests were rejected: {:#?}",
            refused.len(),
            &refused[..refused.len().min(20)]
        );
        unreached
    }
}
