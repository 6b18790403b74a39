//! Runs a future in the background, whether or not the program has an async runtime.

use std::future::Future;
use std::io;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A thread with its own runtime. Dropping this stops the future.
#[derive(Debug)]
pub(crate) struct BackgroundThread {
    _stop: oneshot::Sender<()>,
}

impl BackgroundThread {
    /// Runs `work` with the log of the current thread.
    ///
    /// # Errors
    /// If the operating system cannot create a thread.
    pub(crate) fn start(name: &str, work: impl Future<Output = ()> + Send + 'static) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let log = tracing::dispatcher::get_default(Clone::clone);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            tracing::dispatcher::with_default(&log, || {
                runtime.block_on(async {
                    tokio::select! {
                        _ = stopped => {}
                        () = work => {}
                    }
                });
                // Does not wait for a DNS lookup, which may take long.
                runtime.shutdown_background();
            });
        })?;
        Ok(Self { _stop: stop })
    }
}
