//! Work that goes on beside a program, whatever runtime that has, if any.

use std::future::Future;
use std::io;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// A thread with a runtime of its own, until this is dropped.
#[derive(Debug)]
pub(crate) struct OwnThread {
    _stop: oneshot::Sender<()>,
}

impl OwnThread {
    /// Runs `work`, which logs to where this thread does.
    ///
    /// # Errors
    /// When the operating system gives no thread.
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
                // A look-up of a name may take long, and nobody waits for it.
                runtime.shutdown_background();
            });
        })?;
        Ok(Self { _stop: stop })
    }
}
