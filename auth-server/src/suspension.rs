//! Notices that this process was suspended: stopped (SIGSTOP), or asleep with its machine. A request that it reads
//! afterwards may have waited in a socket all the time, while its client gave up and went on at another server.

use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use goptri::revocation::MonotonicClock;

/// A thread beats this often.
const BEAT: Duration = Duration::from_millis(250);

/// A longer time without a beat counts as a suspension.
const MIN_SUSPENSION: Duration = Duration::from_secs(2);

/// For this long after a suspension, a request may be from before it. Longer than the database may take to respond.
const DOUBT: Duration = Duration::from_secs(30);

/// When this process was suspended. Clones share it, and the thread that watches ends with the last one.
#[derive(Debug, Clone)]
pub(crate) struct Suspensions(Arc<Beats>);

#[derive(Debug)]
struct Beats {
    clock: Arc<dyn MonotonicClock>,
    times: Mutex<Times>,
}

#[derive(Debug, Clone, Copy)]
struct Times {
    /// The last beat.
    beat: Duration,
    /// When the last suspension ended.
    woken: Option<Duration>,
}

impl Suspensions {
    /// Starts the thread.
    ///
    /// # Errors
    /// The operating system refuses a thread.
    pub(crate) fn watch(clock: Arc<dyn MonotonicClock>) -> io::Result<Self> {
        let beats = Beats::begin(clock);
        let watched: Weak<Beats> = Arc::downgrade(&beats);
        thread::Builder::new().name("suspensions".to_owned()).spawn(move || {
            while let Some(beats) = watched.upgrade() {
                beats.beat();
                drop(beats);
                thread::sleep(BEAT);
            }
        })?;
        Ok(Self(beats))
    }

    /// Whether a request that is being answered may be from before a suspension. Correct even if the thread has not run
    /// since then: this call is a beat, too.
    pub(crate) fn may_have_delayed_a_request(&self) -> bool {
        let Times { beat: now, woken } = self.0.beat();
        woken.is_some_and(|woken| now.saturating_sub(woken) < DOUBT)
    }
}

impl Beats {
    fn begin(clock: Arc<dyn MonotonicClock>) -> Arc<Self> {
        let times = Times { beat: clock.elapsed(), woken: None };
        Arc::new(Self { clock, times: Mutex::new(times) })
    }

    fn beat(&self) -> Times {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.elapsed();
        let gap = now.saturating_sub(times.beat);
        if gap > MIN_SUSPENSION {
            tracing::warn!(seconds = gap.as_secs(), "this process was suspended");
            times.woken = Some(now);
        }
        times.beat = now;
        *times
    }
}

#[cfg(test)]
mod tests {
    use goptri::revocation::ManualMonotonicClock;

    use super::*;

    #[test]
    fn a_suspension_casts_doubt_on_requests_for_thirty_seconds() {
        let clock = ManualMonotonicClock::default();
        let suspensions = Suspensions(Beats::begin(Arc::new(clock.clone())));
        let after = |millis| {
            clock.advance(Duration::from_millis(millis));
            suspensions.may_have_delayed_a_request()
        };
        assert!(!after(0), "at the start");
        assert!(!after(1_500), "the thread was late");
        assert!(after(2_500), "woken, and the thread did not run yet");
        for _ in 0..15 {
            assert!(after(1_900));
        }
        assert!(!after(1_900), "it is over");
        assert!(after(60_000), "the next suspension");
    }

    #[test]
    fn the_thread_ends_with_the_last_clone() {
        let suspensions = Suspensions::watch(Arc::new(ManualMonotonicClock::default())).unwrap();
        let beats = Arc::downgrade(&suspensions.0);
        drop(suspensions);
        while beats.upgrade().is_some() {
            thread::yield_now();
        }
    }
}
