//! The jobs that wait for a hashing thread.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::argon::HashMemory;
use super::queue::FairQueue;

/// A job. A thread calls it with its memory. The queue calls it with `None` if it evicts the job.
pub(super) type Job = Box<dyn FnOnce(Option<&mut HashMemory>) + Send>;

/// A queue that blocks the threads that take from it.
pub(super) struct Jobs {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    queue: FairQueue<IpAddr, Job>,
    closed: bool,
}

/// What a thread gets.
pub(super) enum Next {
    Job(Job),
    /// None was queued in time.
    Timeout,
    /// The queue is closed, and empty.
    Closed,
}

impl Jobs {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State { queue: FairQueue::new(capacity), closed: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Queues a job of this client. A full queue evicts one job: see [`FairQueue::push`].
    pub(super) fn push(&self, client: IpAddr, job: Job) {
        let evicted = self.lock().queue.push(client, job);
        self.changed.notify_one();
        if let Some(evicted) = evicted {
            evicted(None);
        }
    }

    /// The next job, if there is one.
    pub(super) fn try_next(&self) -> Option<Job> {
        self.lock().queue.pop()
    }

    /// Waits for the next job, for at most `timeout`.
    pub(super) fn next(&self, timeout: Option<Duration>) -> Next {
        let mut state = self.lock();
        let is_idle = |state: &mut State| state.queue.len() == 0 && !state.closed;
        if let Some(timeout) = timeout {
            let waited = self.changed.wait_timeout_while(state, timeout, is_idle);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        } else {
            state = self.changed.wait_while(state, is_idle).unwrap_or_else(PoisonError::into_inner);
        }
        match state.queue.pop() {
            Some(job) => Next::Job(job),
            None if state.closed => Next::Closed,
            None => Next::Timeout,
        }
    }

    /// Lets the threads end when the queue is empty.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    pub(super) fn len(&self) -> usize {
        self.lock().queue.len()
    }

    /// No job runs while the lock is held, so no panic leaves the queue in between.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("waiting", &self.len()).finish_non_exhaustive()
    }
}
