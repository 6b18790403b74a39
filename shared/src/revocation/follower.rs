//! Follows the feed for as long as the program runs, on a thread of its own: no runtime is asked for, and none is held up.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::mem::{Discriminant, discriminant};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::connection::{Listener, Lost, hear};
use super::feed::{FeedSource, FeedTimeouts};
use super::revocations::RevocationSet;
use super::staleness::OnStale;
use crate::background_thread::OwnThread;
use crate::keys::KeyRefreshTrigger;

/// How often it looks after the set: one slice is swept, and whether it is stale is seen.
const TENDING: Duration = Duration::from_millis(100);

/// Keeps a set up to date until it is dropped.
#[derive(Debug)]
pub struct FeedFollower {
    revocations: RevocationSet,
    _thread: OwnThread,
}

/// Whoever stops following is connected no more.
struct Connected(RevocationSet);

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.set_connected(false);
    }
}

impl FeedFollower {
    /// Begins. It connects again, for ever, when the feed is lost; the set keeps what it has meanwhile.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(feed: FeedSource, revocations: RevocationSet) -> io::Result<Self> {
        let set = revocations.clone();
        let connected = Connected(revocations.clone());
        let thread = OwnThread::start("goptri-feed", async move {
            let _connected = connected;
            tokio::select! {
                () = follow(&feed, &set) => {}
                () = tend(&set) => {}
            }
        })?;
        Ok(Self { revocations, _thread: thread })
    }

    /// What it keeps up to date.
    pub fn revocations(&self) -> &RevocationSet {
        &self.revocations
    }
}

async fn follow(feed: &FeedSource, revocations: &RevocationSet) {
    let mut pauses = Pauses::new(feed.pace);
    let url = feed.url();
    let mut journal = Journal::new(&url, revocations, &feed.keys);
    loop {
        journal.steady = false;
        let lost = hear(feed, revocations, &mut journal).await;
        journal.lost(&lost);
        if journal.steady {
            pauses = Pauses::new(feed.pace);
        }
        sleep(pauses.next()).await;
    }
}

/// Sweeps, and says when the set becomes stale and when it no longer is.
async fn tend(revocations: &RevocationSet) {
    let mut ticks = interval(TENDING);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_stale = false;
    for slice in (0..RevocationSet::SLICES).cycle() {
        ticks.tick().await;
        if !revocations.is_empty() {
            revocations.sweep(slice);
        }
        // Before it has caught up, that is said elsewhere.
        let Some(age) = revocations.age() else { continue };
        let stale = revocations.is_stale();
        if stale && !was_stale {
            let age_seconds = age.as_secs();
            match revocations.staleness().on_stale {
                OnStale::Allow => tracing::warn!(
                    age_seconds,
                    "what is known of ended sessions is stale; ON_STALE=allow: their access tokens are accepted until they expire"
                ),
                OnStale::Refuse => tracing::error!(
                    age_seconds,
                    "what is known of ended sessions is stale; ON_STALE=refuse: no access token is accepted"
                ),
            }
        }
        if !stale && was_stale {
            tracing::info!("what is known of ended sessions is fresh again");
        }
        was_stale = stale;
    }
}

/// What the log is told: once when the feed is lost, once for each other reason meanwhile, and once when it is back.
struct Journal<'a> {
    url: &'a str,
    revocations: &'a RevocationSet,
    /// To be told when the ring of keys has changed.
    keys: &'a KeyRefreshTrigger,
    lost_since: Option<Duration>,
    reasons: Vec<Discriminant<Lost>>,
    /// Whether the present connection has lasted for a heartbeat.
    steady: bool,
}

impl<'a> Journal<'a> {
    fn new(url: &'a str, revocations: &'a RevocationSet, keys: &'a KeyRefreshTrigger) -> Self {
        Self { url, revocations, keys, lost_since: None, reasons: Vec::new(), steady: false }
    }

    fn lost(&mut self, reason: &Lost) {
        self.lost_since.get_or_insert(self.revocations.clock().elapsed());
        if self.reasons.contains(&discriminant(reason)) {
            return;
        }
        self.reasons.push(discriminant(reason));
        tracing::warn!(url = self.url, %reason, "the revocation feed is not heard; trying again and again");
    }
}

impl Listener for Journal<'_> {
    fn caught_up(&mut self) {
        let entries = self.revocations.len();
        match self.lost_since.take() {
            None => tracing::info!(url = self.url, entries, "the revocation feed is heard"),
            Some(since) => {
                let seconds = self.revocations.clock().elapsed().saturating_sub(since).as_secs();
                tracing::info!(
                    url = self.url,
                    entries,
                    after_seconds = seconds,
                    "the revocation feed is heard again"
                );
            }
        }
        self.reasons.clear();
        // Meanwhile, that may have gone unheard.
        self.keys.changed();
    }

    fn keys_changed(&mut self) {
        self.keys.changed();
    }

    fn heartbeat(&mut self) {
        self.steady = true;
    }
}

/// Twice as long each time, and each somewhere between half of that and all of it, so that those who lost it together
/// do not come back together.
struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    fn new(pace: FeedTimeouts) -> Self {
        Self { next: pace.shortest_pause, longest: pace.longest_pause }
    }

    fn next(&mut self) -> Duration {
        let pause = self.next.min(self.longest);
        self.next = pause.saturating_mul(2);
        // Chance enough to scatter; nothing depends on nobody foreseeing it.
        let chance = u32::from(RandomState::new().build_hasher().finish().to_be_bytes()[0]);
        pause / 2 + pause / 2 * chance / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_are_scattered() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..50 {
            let mut pauses = Pauses::new(FeedTimeouts::default());
            for longest in [100, 200, 400, 800, 1_500, 1_500] {
                let pause = pauses.next();
                let longest = Duration::from_millis(longest);
                assert!(longest / 2 <= pause && pause <= longest, "{pause:?} of {longest:?}");
                seen.insert(pause);
            }
        }
        assert!(seen.len() > 100, "{} different pauses", seen.len());
    }
}
