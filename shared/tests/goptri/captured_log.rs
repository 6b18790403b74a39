//! The log, kept for a test to read.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tracing::dispatcher::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

use test_support::TIMEOUT;

/// What was logged, for a test to read.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// From here until the guard is dropped, of this thread and of those that it starts.
    pub(crate) fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
        let logging = tracing::dispatcher::set_default(&subscriber.into());
        (log, logging)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits until something has happened; what was logged says why it does not.
    pub(crate) fn wait(&self, what: &str, until: impl Fn() -> bool) {
        let started = Instant::now();
        while !until() {
            assert!(started.elapsed() < TIMEOUT, "not yet: {what}\n{}", self.text());
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn times(&self, sentence: &str) -> usize {
        self.text().matches(sentence).count()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
