//! A limit on the lines of one kind per time window.

use std::time::Duration;

/// Permits the first lines of each window, and counts the others.
#[derive(Debug, Clone)]
pub struct LineLimit {
    max: u32,
    window: Duration,
    start: Option<Duration>,
    permitted: u32,
    left_out: u64,
}

impl LineLimit {
    /// At most `max` lines in a window, which begins with the first of them.
    pub const fn new(max: u32, window: Duration) -> Self {
        Self { max, window, start: None, permitted: 0, left_out: 0 }
    }

    /// Whether to log a line at `now`, on a monotonic clock.
    pub fn permits(&mut self, now: Duration) -> bool {
        if self.is_over(now) {
            (self.start, self.permitted) = (Some(now), 0);
        }
        let permitted = self.permitted < self.max;
        if permitted {
            self.permitted += 1;
        } else {
            self.left_out += 1;
        }
        permitted
    }

    /// Whether the current window has ended.
    pub fn is_over(&self, now: Duration) -> bool {
        self.start.is_none_or(|start| now.saturating_sub(start) >= self.window)
    }

    /// How many lines were left out since the last call.
    pub fn take_left_out(&mut self) -> u64 {
        std::mem::take(&mut self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_lines_of_each_window_are_permitted_and_the_others_counted() {
        let mut limit = LineLimit::new(2, Duration::from_mins(1));
        let mut permits = |seconds| limit.permits(Duration::from_secs(seconds));
        let permitted = [5, 6, 7, 64, 65, 66, 124, 125, 600].map(&mut permits);
        assert_eq!(permitted, [true, true, false, false, true, true, false, true, true]);
        assert_eq!((limit.take_left_out(), limit.take_left_out()), (3, 0));
        assert!(!limit.is_over(Duration::from_secs(659)) && limit.is_over(Duration::from_mins(11)));
    }
}
