//! The runtime of the connections.
//!
//! A socket belongs to the runtime in which it was opened, and is unusable after that runtime ends. Each worker of a web
//! server has a runtime of its own, so during shutdown the first worker to end would break connections that requests on
//! other workers still use. Therefore the connections have a runtime that ends with the store. Futures are still polled
//! on the caller's thread; only their wake-ups come from this runtime.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

/// A runtime with one thread, for sockets and timers.
pub(crate) struct ConnectionRuntime(Option<Runtime>, Handle);

impl ConnectionRuntime {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store-postgres")
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        Ok(Self(Some(runtime), handle))
    }

    /// Until the guard is dropped, this thread creates sockets and timers in this runtime.
    pub(crate) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.as_ref().map(Runtime::enter)
    }

    /// The handle for spawning detached tasks.
    pub(crate) fn handle(&self) -> Handle {
        self.1.clone()
    }

    /// Polls `work` on the caller's thread in the context of this runtime. Drops it in that context too, because a
    /// dropped connection returns to its pool.
    pub(crate) fn drive<F: Future>(&self, work: F) -> Driven<'_, F> {
        Driven { runtime: self, work: Some(Box::pin(work)) }
    }
}

/// The future of [`ConnectionRuntime::drive`].
pub(crate) struct Driven<'a, F> {
    runtime: &'a ConnectionRuntime,
    work: Option<Pin<Box<F>>>,
}

impl<F: Future> Future for Driven<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let runtime = self.runtime;
        let _entered = runtime.enter();
        match &mut self.work {
            Some(work) => work.as_mut().poll(context),
            // Only `drop` removes it.
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for Driven<'_, F> {
    fn drop(&mut self) {
        let _entered = self.runtime.enter();
        self.work = None;
    }
}

impl Drop for ConnectionRuntime {
    /// Does not wait, which would panic inside another runtime. The pool was closed before, or is abandoned.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for ConnectionRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionRuntime")
    }
}
