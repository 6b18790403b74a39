//! Restarts background tasks that panic or end, and records which of them are down.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(feature = "testing")]
use std::task::Waker;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use crate::Backoff;

/// The first and the longest pause before a restart.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// After a restart, a task counts as up once it has run for this long.
const RECOVERED_AFTER: Duration = Duration::from_secs(1);

/// The state of a background task. Clones share it.
#[derive(Clone)]
pub struct TaskHealth {
    name: &'static str,
    runs: Arc<Mutex<Runs>>,
}

struct Runs {
    backoff: Backoff,
    state: RunState,
    #[cfg(feature = "testing")]
    kill: Kill,
}

#[derive(Clone, Copy)]
enum RunState {
    /// It has never ended.
    FirstRun,
    Down,
    RestartedAt(Instant),
}

/// Lets a test make a task panic.
#[cfg(feature = "testing")]
#[derive(Default)]
struct Kill {
    is_due: bool,
    waker: Option<Waker>,
}

/// Why the run of a thread has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThreadEnd {
    /// The thread is no longer needed.
    Finished,
    /// It should still be running.
    Unexpected,
}

impl TaskHealth {
    /// A task that is about to start. `name` is for the operator.
    pub fn new(name: &'static str) -> Self {
        let runs = Runs {
            backoff: new_backoff(),
            state: RunState::FirstRun,
            #[cfg(feature = "testing")]
            kill: Kill::default(),
        };
        Self { name, runs: Arc::new(Mutex::new(runs)) }
    }

    /// The name of the task.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Whether the task has panicked or ended, and has not run for a second since.
    pub fn is_down(&self) -> bool {
        match self.runs().state {
            RunState::FirstRun => false,
            RunState::Down => true,
            RunState::RestartedAt(start) => start.elapsed() < RECOVERED_AFTER,
        }
    }

    fn restarted(&self) {
        let mut runs = self.runs();
        if matches!(runs.state, RunState::Down) {
            runs.state = RunState::RestartedAt(now());
        }
    }

    /// Logs the end of a run, and returns the pause before the next.
    fn ended(&self, end: &str) -> Duration {
        let mut runs = self.runs();
        let was_stable = match runs.state {
            RunState::FirstRun | RunState::Down => false,
            RunState::RestartedAt(start) => start.elapsed() > 2 * MAX_PAUSE,
        };
        if was_stable {
            runs.backoff = new_backoff();
        }
        runs.state = RunState::Down;
        let pause = runs.backoff.next();
        drop(runs);
        let pause_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        tracing::error!(task = self.name, pause_ms, "a background task {end}; it is restarted");
        pause
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "testing")]
impl TaskHealth {
    /// Makes the task panic: wakes a future, which panics when it is polled, and lets a thread panic at its next
    /// call of [`panic_if_killed`](Self::panic_if_killed).
    pub fn kill(&self) {
        let mut runs = self.runs();
        runs.kill.is_due = true;
        if let Some(waker) = runs.kill.waker.take() {
            drop(runs);
            waker.wake();
        }
    }

    /// The place at which a thread dies of [`kill`](Self::kill).
    ///
    /// # Panics
    /// If `kill` was called since the last panic.
    pub fn panic_if_killed(&self) {
        let is_due = std::mem::take(&mut self.runs().kill.is_due);
        assert!(!is_due, "a test kills the task {:?}", self.name);
    }
}

#[cfg(not(feature = "testing"))]
impl TaskHealth {
    /// Does nothing, except in tests.
    pub fn panic_if_killed(&self) {}
}

impl fmt::Debug for TaskHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHealth")
            .field("name", &self.name)
            .field("is_down", &self.is_down())
            .finish_non_exhaustive()
    }
}

#[expect(clippy::disallowed_methods, reason = "real time: no decision about a token depends on it")]
fn now() -> Instant {
    Instant::now()
}

fn new_backoff() -> Backoff {
    Backoff::new(MIN_PAUSE, MAX_PAUSE)
}

/// Runs a task forever: restarts it after a pause whenever it panics or ends. `sleep` is that of the caller's runtime.
pub async fn supervise<F, S>(health: TaskHealth, mut start: impl FnMut() -> F, sleep: impl Fn(Duration) -> S)
where
    F: Future<Output = ()>,
    S: Future<Output = ()>,
{
    loop {
        health.restarted();
        let end = run(&health, &mut start).await;
        sleep(health.ended(end)).await;
    }
}

/// Returns how the task ended.
async fn run<F: Future<Output = ()>>(health: &TaskHealth, start: &mut impl FnMut() -> F) -> &'static str {
    const PANICKED: &str = "panicked";
    let Ok(task) = catch_unwind(AssertUnwindSafe(start)) else { return PANICKED };
    let mut task = pin!(task);
    let poll = |context: &mut Context<'_>| {
        // Unwind safe: the task is dropped.
        let polled = catch_unwind(AssertUnwindSafe(|| {
            remember_waker(health, context);
            health.panic_if_killed();
            task.as_mut().poll(context)
        }));
        polled.map_or(Poll::Ready(PANICKED), |polled| polled.map(|()| "has ended"))
    };
    poll_fn(poll).await
}

#[cfg(feature = "testing")]
fn remember_waker(health: &TaskHealth, context: &Context<'_>) {
    health.runs().kill.waker = Some(context.waker().clone());
}

#[cfg(not(feature = "testing"))]
fn remember_waker(_: &TaskHealth, _: &Context<'_>) {}

/// Runs the work of a thread until it is finished: restarts it after a pause whenever it panics or ends otherwise.
pub fn supervise_thread(health: &TaskHealth, mut work: impl FnMut() -> ThreadEnd) {
    loop {
        health.restarted();
        // Unwind safe: the work starts from the beginning.
        let end = match catch_unwind(AssertUnwindSafe(&mut work)) {
            Ok(ThreadEnd::Finished) => return,
            Ok(ThreadEnd::Unexpected) => "has ended",
            Err(_) => "panicked",
        };
        thread::sleep(health.ended(end));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};
    use std::pin::Pin;
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_task_that_panics_or_ends_is_down_until_it_has_run_again_for_a_second() {
        let health = TaskHealth::new("sweep");
        let (runs, pauses) = (Cell::new(0), Cell::new(Vec::new()));
        let start = || -> Pin<Box<dyn Future<Output = ()>>> {
            runs.set(runs.get() + 1);
            match runs.get() {
                1 => Box::pin(ready(())),
                2 => Box::pin(async { panic!("as a test") }),
                3 => panic!("before it has a future"),
                _ => Box::pin(pending()),
            }
        };
        let sleep = |pause| {
            assert!(health.is_down());
            pauses.set([pauses.take(), vec![pause]].concat());
            ready(())
        };
        assert!(!health.is_down());
        let mut supervised = pin!(supervise(health.clone(), start, sleep));
        let polled = supervised.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
        let pauses = pauses.take();
        assert!(runs.get() == 4 && pauses.len() == 3, "{pauses:?}");
        assert!(pauses.iter().zip(&pauses[1..]).all(|(one, next)| *next <= MAX_PAUSE && *one <= 2 * *next));
        assert!(health.is_down(), "it may panic again immediately");
        health.runs().state = RunState::RestartedAt(now().checked_sub(RECOVERED_AFTER).unwrap());
        assert!(!health.is_down());
    }

    #[test]
    fn a_thread_is_restarted_until_it_is_finished() {
        let health = TaskHealth::new("files");
        let mut runs = 0;
        supervise_thread(&health, || {
            runs += 1;
            match runs {
                1 => panic!("as a test"),
                2 => ThreadEnd::Unexpected,
                _ => ThreadEnd::Finished,
            }
        });
        assert!(runs == 3 && health.is_down());
    }
}
