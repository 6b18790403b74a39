//! The connections of a pool: which are idle, how many are open, and what the last fault said about them.

use std::collections::VecDeque;
use std::time::Duration;

/// A connection older than this is replaced, because a server process grows with its age.
const MAX_AGE: Duration = Duration::from_mins(30);

/// A connection that was idle for longer is closed.
const MAX_IDLE: Duration = Duration::from_mins(10);

/// How long after a refused connection the pool tries to have one more again.
const REGROW_AFTER: Duration = Duration::from_secs(10);

/// An open connection.
pub(super) struct Held<T> {
    pub(super) connection: T,
    /// The epoch in which connecting began.
    epoch: u64,
    opened: Duration,
}

struct Idle<T> {
    held: Held<T>,
    since: Duration,
}

/// The state of a pool. Times are those of its monotonic clock.
pub(super) struct Slots<T> {
    /// Last in, first out: the connection that was used last is at the back, and is taken first.
    idle: VecDeque<Idle<T>>,
    open: u32,
    /// The number of faults so far. Connections of earlier epochs are closed when they come back.
    epoch: u64,
    max: u32,
    /// How many of `max` connections the server refused.
    withheld: u32,
    regrow_at: Duration,
    connected_before: bool,
    /// When the database was lost. `None`: it was not, or a later connection succeeded.
    lost_at: Option<Duration>,
}

impl<T> Slots<T> {
    pub(super) fn new(max: u32) -> Self {
        Self {
            idle: VecDeque::new(),
            open: 0,
            epoch: 0,
            max,
            withheld: 0,
            regrow_at: Duration::ZERO,
            connected_before: false,
            lost_at: None,
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn open(&self) -> u32 {
        self.open
    }

    pub(super) fn idle(&self) -> u32 {
        u32::try_from(self.idle.len()).unwrap_or(u32::MAX)
    }

    /// Counts a connection that began to connect in `epoch`.
    pub(super) fn opened(&mut self, connection: T, epoch: u64, now: Duration) -> Held<T> {
        self.open += 1;
        self.connected_before = true;
        if epoch == self.epoch {
            self.lost_at = None;
        }
        if self.withheld > 0 {
            // The server has room again.
            self.regrow_at = now;
        }
        Held { connection, epoch, opened: now }
    }

    /// Counts a connection as closed.
    pub(super) fn closed(&mut self, held: Held<T>) -> T {
        self.open = self.open.saturating_sub(1);
        held.connection
    }

    /// Takes the connection that was used last, and says how long it was idle.
    pub(super) fn take(&mut self, now: Duration) -> Option<(Held<T>, Duration)> {
        let Idle { held, since } = self.idle.pop_back()?;
        Some((held, now.saturating_sub(since)))
    }

    /// Takes a connection back. Returns those that are to be closed.
    pub(super) fn put_back(&mut self, held: Held<T>, now: Duration) -> Vec<T> {
        let mut close = Vec::new();
        if held.epoch == self.epoch && now.saturating_sub(held.opened) < MAX_AGE {
            self.idle.push_back(Idle { held, since: now });
        } else {
            close.push(self.closed(held));
        }
        if self.idle.front().is_some_and(|idle| now.saturating_sub(idle.since) > MAX_IDLE)
            && let Some(idle) = self.idle.pop_front()
        {
            close.push(self.closed(idle.held));
        }
        close
    }

    /// Records that the database was lost, as a connection has shown. Returns the idle connections, which the caller
    /// must close. `None`: that connection is from before an earlier fault, so it says nothing about the present ones.
    pub(super) fn fault(&mut self, shown_by: &Held<T>, now: Duration) -> Option<Vec<T>> {
        if shown_by.epoch != self.epoch {
            return None;
        }
        self.epoch += 1;
        self.lost_at.get_or_insert(now);
        Some(self.take_all())
    }

    /// Another pool met a fault: connections from before it are not used again. Returns the idle ones.
    pub(super) fn clear(&mut self) -> Vec<T> {
        self.epoch += 1;
        self.take_all()
    }

    pub(super) fn take_all(&mut self) -> Vec<T> {
        let idle = std::mem::take(&mut self.idle);
        idle.into_iter().map(|idle| self.closed(idle.held)).collect()
    }

    /// Records that connecting failed because the database is lost. Returns whether to retry at `next`: until `limit`
    /// after the loss. Not before the first connection: nothing was lost then, and the configuration may be wrong.
    pub(super) fn connecting_failed(&mut self, now: Duration, next: Duration, limit: Duration) -> bool {
        if !self.connected_before {
            return false;
        }
        let lost_at = *self.lost_at.get_or_insert(now);
        next.saturating_sub(lost_at) < limit
    }

    /// Whether a caller may wait longer than usual for a connection.
    pub(super) fn is_lost(&self) -> bool {
        self.lost_at.is_some()
    }

    /// Records that the server grants no more connections. Returns whether the caller's permit is to be withheld; the
    /// last one is not.
    pub(super) fn withhold(&mut self, now: Duration) -> bool {
        self.regrow_at = now + REGROW_AFTER;
        let more = self.withheld + 1 < self.max;
        if more {
            self.withheld += 1;
        }
        more
    }

    /// Whether it is time to try one more connection than the server granted. Then a permit is to be added.
    pub(super) fn regrow(&mut self, now: Duration) -> bool {
        let due = self.withheld > 0 && now >= self.regrow_at;
        if due {
            self.withheld -= 1;
            self.regrow_at = now + REGROW_AFTER;
        }
        due
    }
}
