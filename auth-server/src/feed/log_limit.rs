//! Limits how often one message is logged, so that a misconfigured follower does not fill the log.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The shortest time between two messages.
const INTERVAL: Duration = Duration::from_mins(1);

/// When the message was last logged.
#[derive(Debug, Default)]
pub(super) struct LogLimit(Mutex<Option<Duration>>);

impl LogLimit {
    /// Whether to log the message at `now`, on a monotonic clock.
    pub(super) fn permits(&self, now: Duration) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let permitted = last.is_none_or(|last| now.saturating_sub(last) >= INTERVAL);
        if permitted {
            *last = Some(now);
        }
        permitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_logged_once_a_minute() {
        let limit = LogLimit::default();
        let permitted =
            [5, 6, 64, 65, 66, 124, 125, 600].map(|seconds| limit.permits(Duration::from_secs(seconds)));
        assert_eq!(permitted, [true, false, false, true, false, false, true, true]);
    }
}
