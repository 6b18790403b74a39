//! People who use all four servers all the time: 200 verifications and 20 refreshes a second where the machine is fast enough,
//! and the same number over a longer time where it is not.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use goptri::clock::{Clock, SystemClock};
use tokio::task::JoinHandle;

use super::fleet::{CLOCK_LEEWAY, Fleet, client};
use super::people::People;
use super::session_tokens;
use crate::programs::TIMEOUT;

pub(super) struct Load {
    people: Arc<People>,
    tasks: Vec<JoinHandle<()>>,
    began: Instant,
    sessions: u64,
}

impl Load {
    pub(super) async fn start(fleet: &Fleet) -> Self {
        let sessions = session_tokens::open(&fleet.database.url(), &fleet.refresh.text, 80).await;
        let urls: Vec<String> = fleet.all().map(|member| member.server.url.clone()).collect();
        let number = sessions.len() as u64;
        let (people, tasks) = People::start(client(), sessions, urls.try_into().unwrap());
        Self { people, tasks, began: Instant::now(), sessions: number }
    }

    /// Waits until a second's worth of everything has been done.
    pub(super) async fn goes_on(&self) {
        self.does(200, 20).await;
    }

    /// A third of it.
    pub(super) async fn goes_on_a_little(&self) {
        self.does(66, 6).await;
    }

    /// Waits until every session has been refreshed.
    pub(super) async fn refreshes_everybody(&self) {
        self.does(0, self.sessions + 8).await;
    }

    async fn does(&self, verifications: u64, refreshes: u64) {
        let counts = [&self.people.verified, &self.people.refreshed];
        let before = counts.map(|count| count.load(SeqCst));
        let enough = [before[0] + verifications, before[1] + refreshes];
        self.until(|| counts.iter().zip(enough).all(|(count, enough)| count.load(SeqCst) >= enough)).await;
    }

    /// Waits as the page says: until the last token of that key has ended, and for `CLOCK_LEEWAY` after it.
    pub(super) async fn outlives_tokens_of(&self, kid: &str) {
        let leeway = i64::try_from(CLOCK_LEEWAY.as_secs()).unwrap();
        self.until(|| {
            let last = self.people.last_ends.lock().unwrap().get(kid).copied().unwrap_or_default();
            SystemClock.now().timestamp() > last + leeway
        })
        .await;
    }

    async fn until(&self, done: impl Fn() -> bool) {
        let started = Instant::now();
        while !done() {
            assert!(
                started.elapsed() < TIMEOUT,
                "the load stands still: {:?}",
                self.people.refused.lock().unwrap()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// An access token may be refused until that key is taken back. A refresh may not.
    pub(super) fn tolerates_refusals(&self) {
        self.people.tolerant.store(true, SeqCst);
    }

    /// Every server refuses what that key signed: from now on, whatever else is valid is accepted.
    pub(super) fn sees_taken_back(&self, kid: &str) {
        self.people.gives_up(kid);
        self.people.tolerant.store(false, SeqCst);
    }

    /// As a load balancer does with a server that is about to be restarted.
    pub(super) fn leaves_out(&self, server: usize) {
        self.people.in_service[server].store(false, SeqCst);
    }

    pub(super) fn asks_again(&self, server: usize) {
        self.people.in_service[server].store(true, SeqCst);
    }

    /// Stops, and requires that nothing valid was refused. How many requests did not reach a server.
    pub(super) async fn ends(self, what: &str) -> u64 {
        self.goes_on().await;
        self.people.stopping.store(true, SeqCst);
        for task in self.tasks {
            task.await.unwrap();
        }
        let people = self.people;
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        let [verified, refreshed, signed_out, unreached] =
            [&people.verified, &people.refreshed, &people.signed_out, &people.unreached]
                .map(|count| count.load(SeqCst));
        println!(
            "{what}: {verified} verifications, {refreshed} refreshes and {signed_out} sign-outs in {millis} ms ({} and {} a second); refused: {}",
            verified * 1_000 / millis,
            refreshed * 1_000 / millis,
            people.refused.lock().unwrap().len(),
        );
        assert!(signed_out > 0);
        let refused = people.refused.lock().unwrap();
        assert!(
            refused.is_empty(),
            "{} of what was valid was refused: {:#?}",
            refused.len(),
            &refused[..refused.len().min(20)]
        );
        unreached
    }
}
