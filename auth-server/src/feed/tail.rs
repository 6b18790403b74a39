//! Follows the database, and tells the hub what is new.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_store::{Cursor, Store, StoreError};
use tokio::time::{sleep, timeout};

use super::events;
use super::hub::Hub;
use super::pulse::Pulse;

/// How often the database is asked while anybody subscribes. What this server itself ends, it asks for at once.
const POLL: Duration = Duration::from_millis(50);

/// After a pass that took longer than that, the database has a rest as long, and no longer than this. As long as a
/// transaction is open anywhere on a Postgres server, each pass reads all that has ended since it began.
const LONGEST_REST: Duration = Duration::from_secs(1);

/// After a failure, at first and at most.
const SHORTEST_BACK_OFF: Duration = Duration::from_millis(100);
const LONGEST_BACK_OFF: Duration = Duration::from_secs(1);

/// So many entries are read in one statement.
const PAGE: u32 = 1_000;

/// Whoever reads the database for all subscribers.
pub(super) struct Tail {
    store: Arc<dyn Store>,
    hub: Hub,
    pulse: Pulse,
    cursor: Option<Cursor>,
    /// Told in the pass before this one. As long as an old transaction is open, Postgres gives them again.
    told: HashSet<(i64, String)>,
}

impl Tail {
    pub(super) fn new(store: Arc<dyn Store>, hub: Hub, pulse: Pulse) -> Self {
        Self { store, hub, pulse, cursor: None, told: HashSet::new() }
    }

    /// Never ends.
    pub(super) async fn run(mut self) {
        let mut back_off = SHORTEST_BACK_OFF;
        loop {
            if self.hub.len() == 0 {
                self.pulse.stop();
                self.hub.somebody().await;
                self.begin_anew();
                self.cursor = self.newest().await;
            }
            match self.pass().await {
                Ok(reading) => {
                    back_off = SHORTEST_BACK_OFF;
                    let rest = rest_after(reading);
                    sleep(rest).await;
                    let _ = timeout(POLL.saturating_sub(rest), self.something_to_do()).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the revocation feed cannot read what has ended; its followers see its age grow");
                    // Whatever database answers next, nothing that it has may be taken for known.
                    self.begin_anew();
                    sleep(back_off).await;
                    back_off = (back_off * 2).min(LONGEST_BACK_OFF);
                }
            }
        }
    }

    /// This server has ended something, or a new subscriber waits.
    async fn something_to_do(&self) {
        tokio::select! {
            () = self.store.wait_for_append() => {}
            () = self.pulse.wanted() => {}
        }
    }

    fn begin_anew(&mut self) {
        (self.cursor, self.told) = (None, HashSet::new());
    }

    /// Where to begin when nobody is to be told what was before: they read that by themselves. `None`: at the first.
    async fn newest(&self) -> Option<Cursor> {
        self.store.newest_revocation().await.ok()
    }

    /// Tells all that is new since the last pass, and says how long the database took.
    async fn pass(&mut self) -> Result<Duration, StoreError> {
        let began = Instant::now();
        let (mut seen, mut reading) = (HashSet::new(), Duration::ZERO);
        loop {
            let asked = Instant::now();
            let page = self.store.follow_revocations(self.cursor.as_ref(), PAGE).await?;
            reading += asked.elapsed();
            let mut entries = page.entries;
            entries.retain(|entry| {
                let name = (entry.seq, entry.subject.clone());
                let new = !self.told.contains(&name);
                seen.insert(name);
                new
            });
            for piece in events::revocations(entries, page.now) {
                self.hub.tell(&piece).await;
            }
            self.cursor = Some(page.next);
            if !page.more {
                break;
            }
        }
        self.told = seen;
        self.pulse.read(began);
        Ok(reading)
    }
}

/// How long the database is left alone after a pass for which it took so long, whatever is ended meanwhile.
fn rest_after(reading: Duration) -> Duration {
    if reading <= POLL { Duration::ZERO } else { reading.min(LONGEST_REST) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_long_pass_the_database_rests_for_as_long_and_for_a_second_at_most() {
        for (reading, rest) in
            [(0, 0), (1, 0), (50, 0), (51, 51), (400, 400), (1_000, 1_000), (20_000, 1_000)]
        {
            let [reading, rest] = [reading, rest].map(Duration::from_millis);
            assert_eq!(rest_after(reading), rest, "after {reading:?}");
        }
    }
}
