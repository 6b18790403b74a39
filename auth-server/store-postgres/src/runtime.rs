//! The runtime that the connections live on.
//!
//! A socket belongs to the runtime in whose context it was opened, and dies with it. Each worker of a web server has
//! a runtime of its own, and the first worker that is done when the server stops would take down connections that a
//! request on another worker still needs. So the connections have a runtime that ends with the store. The work itself
//! stays on the caller's thread; only what wakes it comes from here.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::{Builder, EnterGuard, Handle, Runtime};

/// One thread that watches sockets and timers.
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

    /// Until the guard is dropped, this thread opens sockets and timers here.
    pub(crate) fn enter(&self) -> Option<EnterGuard<'_>> {
        self.0.as_ref().map(Runtime::enter)
    }

    /// Sets tasks on their way that nobody waits for.
    pub(crate) fn handle(&self) -> Handle {
        self.1.clone()
    }

    /// Drives `work` on the caller's own thread, in this context; also where it is dropped half-way, and gives a
    /// connection back.
    pub(crate) fn drive<F: Future>(&self, work: F) -> Driven<'_, F> {
        Driven { runtime: self, work: Some(Box::pin(work)) }
    }
}

/// What [`ConnectionRuntime::drive`] drives.
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
            // Only `drop` takes the work away.
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
    /// Without waiting, which a caller in another runtime must not do. The pool was closed before, or is given up.
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
