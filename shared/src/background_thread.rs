//! Runs a task in the background, whether or not the program has an async runtime.

use std::future::Future;
use std::io;
use std::thread;

use goptri_settings::{TaskHealth, supervise};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::sleep;

/// A thread with its own runtime. Dropping this stops the task.
#[derive(Debug)]
pub(crate) struct BackgroundThread {
    health: TaskHealth,
    _stop: oneshot::Sender<()>,
}

impl BackgroundThread {
    /// Runs the task that `start` returns, with the tracing subscriber of the current thread. Restarts it, after a
    /// pause, when it panics or ends.
    ///
    /// # Errors
    /// If the operating system cannot create a thread.
    pub(crate) fn start<F>(
        name: &'static str,
        mut start: impl FnMut() -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = ()>,
    {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let log = tracing::dispatcher::get_default(Clone::clone);
        let health = TaskHealth::new(name);
        let supervised = health.clone();
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            tracing::dispatcher::with_default(&log, || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = supervise(supervised, &mut start, sleep) => {}
                    }
                });
                // Does not wait for a DNS lookup, which may take long.
                runtime.shutdown_background();
            });
        })?;
        Ok(Self { health, _stop: stop })
    }

    /// Says whether the task is down.
    pub(crate) fn health(&self) -> &TaskHealth {
        &self.health
    }
}
