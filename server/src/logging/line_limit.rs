//! A limit on the lines of one kind per time window.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The largest `max`.
const MAX_LINES: u64 = (1 << COUNT_BITS) - 1;

/// The low bits of [`LineLimit::window`], which count lines. The others count milliseconds, for five centuries.
const COUNT_BITS: u32 = 20;

/// Permits the first lines of each window, and counts the others. Takes no lock.
#[derive(Debug)]
pub struct LineLimit {
    max: u64,
    length: Duration,
    /// The start of the window in milliseconds, plus 1, and in the low bits the lines that were permitted in it. 0: there
    /// was no line yet.
    window: AtomicU64,
    left_out: AtomicU64,
}

impl LineLimit {
    /// At most `max` lines in a window, which begins with the first of them.
    pub const fn new(max: u64, length: Duration) -> Self {
        let max = if max < MAX_LINES { max } else { MAX_LINES };
        Self { max, length, window: AtomicU64::new(0), left_out: AtomicU64::new(0) }
    }

    /// Whether to log a line at `now`, on a monotonic clock.
    pub fn permits(&self, now: Duration) -> bool {
        let count = |window: u64| {
            if self.has_ended(window, now) {
                Some(((millis(now) + 1) << COUNT_BITS) + 1)
            } else {
                (window & MAX_LINES < self.max).then_some(window + 1)
            }
        };
        let permitted = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).is_ok();
        if !permitted {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        permitted
    }

    /// Whether the current window has ended.
    pub fn is_over(&self, now: Duration) -> bool {
        self.has_ended(self.window.load(Ordering::Relaxed), now)
    }

    /// How many lines were left out since the last call.
    pub fn take_left_out(&self) -> u64 {
        self.left_out.swap(0, Ordering::Relaxed)
    }

    fn has_ended(&self, window: u64, now: Duration) -> bool {
        match (window >> COUNT_BITS).checked_sub(1) {
            Some(start) => millis(now).saturating_sub(start) >= millis(self.length),
            None => true,
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_of_each_window_are_permitted_and_the_others_counted() {
        let limit = LineLimit::new(2, Duration::from_mins(1));
        assert!(limit.is_over(Duration::ZERO));
        let permitted = [0, 6, 7, 59, 60, 61, 119, 120, 600].map(|s| limit.permits(Duration::from_secs(s)));
        assert_eq!(permitted, [true, true, false, false, true, true, false, true, true]);
        assert_eq!((limit.take_left_out(), limit.take_left_out()), (3, 0));
        assert!(!limit.is_over(Duration::from_secs(659)) && limit.is_over(Duration::from_mins(11)));
    }

    #[test]
    fn concurrent_lines_do_not_exceed_the_limit_and_each_is_counted() {
        let limit = LineLimit::new(20, Duration::from_secs(1));
        let run = || (0..1_000).filter(|_| limit.permits(Duration::from_secs(5))).count();
        let permitted: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(run)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        assert_eq!((permitted, limit.take_left_out(), limit.take_left_out()), (20, 3_980, 0));
    }
}
