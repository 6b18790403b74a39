//! Whether a server can take requests: whether its background tasks run, and whether it is stopping.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use goptri::ProtocolError;
use goptri_settings::{Settings, TaskHealth, parse_duration, supervise};
use tokio::time::sleep;

use crate::logging::Stderr;

/// A longer delay is a mistake: an orchestrator would kill the server first.
const MAX_DELAY: Duration = Duration::from_mins(10);

/// The state that `/readyz` reports besides what the server itself checks. Clones share it.
#[derive(Debug, Clone)]
pub struct ServerState(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    is_stopping: AtomicBool,
    tasks: Mutex<Vec<TaskHealth>>,
}

/// `SHUTDOWN_DELAY`: how long a server that was asked to stop still serves, with `/readyz` at 503.
pub fn shutdown_delay(settings: &Settings<'_>) -> Option<Duration> {
    settings.value("SHUTDOWN_DELAY", "0", |text| match parse_duration(text)?.to_std() {
        Ok(delay) if delay <= MAX_DELAY => Ok(delay),
        _ => Err(format!("is {text:?}; it must be at most 10m")),
    })
}

impl Default for ServerState {
    fn default() -> Self {
        let tasks = vec![Stderr::health().clone()];
        Self(Arc::new(Inner { is_stopping: AtomicBool::new(false), tasks: Mutex::new(tasks) }))
    }
}

impl ServerState {
    /// Adds a task that is supervised elsewhere: while it is down, the server is not ready.
    pub fn add_task(&self, task: TaskHealth) {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }

    /// Adds a task, and runs it forever: it is restarted, after a pause, when it panics or ends.
    pub fn supervise<F>(
        &self,
        name: &'static str,
        start: impl FnMut() -> F + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let health = TaskHealth::new(name);
        self.add_task(health.clone());
        supervise(health, start, sleep)
    }

    /// The tasks that were added.
    pub fn tasks(&self) -> Vec<TaskHealth> {
        self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks whether the server should receive requests.
    ///
    /// # Errors
    /// 503, with the reason.
    pub fn check_ready(&self) -> Result<(), ProtocolError> {
        if self.0.is_stopping.load(Ordering::Relaxed) {
            return Err(ProtocolError::UNAVAILABLE.with_description("This server is stopping."));
        }
        match self.tasks().iter().find(|task| task.is_down()) {
            Some(task) => {
                let sentence =
                    format!("This server restarts a background task that failed: {}.", task.name());
                Err(ProtocolError::UNAVAILABLE.with_description(&sentence))
            }
            None => Ok(()),
        }
    }

    /// Waits for `stop`, then lets the server serve for `delay` while it is not ready, so that load balancers stop
    /// routing requests to it before it closes its listener.
    pub async fn delay_stop(self, stop: impl Future<Output = ()>, delay: Duration) {
        stop.await;
        self.0.is_stopping.store(true, Ordering::Relaxed);
        if !delay.is_zero() {
            let seconds = delay.as_secs_f64();
            tracing::info!(seconds, "no longer ready: still serving for SHUTDOWN_DELAY");
            sleep(delay).await;
        }
        tracing::info!("stopping: finishing the requests in flight");
    }
}
