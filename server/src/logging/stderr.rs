//! Standard error of this process: written by one thread, so that no other ever waits for its reader.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{LazyLock, Once};
use std::thread;
use std::time::Duration;

use goptri_settings::{TaskHealth, supervise_thread};
use tracing_subscriber::fmt::MakeWriter;

use super::limits_per_kind::LimitsPerKind;
use super::line_buffer::LineBuffer;
use super::line_writer::write_lines;

/// How long the end of the process waits for the reader of its last lines.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The log of the process. There is one standard error, so there is one of these.
static LOG: LazyLock<Log> = LazyLock::new(|| Log {
    buffer: LineBuffer::default(),
    limits: LimitsPerKind::default(),
    health: TaskHealth::new("log writer"),
});

struct Log {
    buffer: LineBuffer,
    limits: LimitsPerKind,
    health: TaskHealth,
}

/// Writes each line to standard error, in the background.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub struct Stderr(());

impl Stderr {
    /// Starts the writing thread, unless it runs already.
    pub fn start() -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let writer = thread::Builder::new().name("log-writer".to_owned()).spawn(write);
            if let Err(error) = writer {
                let _ =
                    writeln!(io::stderr(), "the log is lost, since its thread cannot be started: {error}");
            }
        });
        Self(())
    }

    /// How many lines were lost, because standard error was not read or not writable.
    pub(crate) fn dropped_lines() -> u64 {
        LOG.buffer.dropped()
    }

    /// The state of the writing thread.
    pub(crate) fn health() -> &'static TaskHealth {
        &LOG.health
    }

    pub(super) fn limits() -> &'static LimitsPerKind {
        &LOG.limits
    }
}

/// The writing thread, which runs until the process ends.
fn write() {
    supervise_thread(&LOG.health, || {
        let report = || LOG.limits.report();
        // A descriptor of its own: a blocked write must not hold the lock of `io::stderr`.
        match io::stderr().as_fd().try_clone_to_owned() {
            Ok(stderr) => write_lines(&LOG.buffer, &mut File::from(stderr), report),
            Err(_) => write_lines(&LOG.buffer, &mut io::stderr(), report),
        }
    });
}

impl Write for Stderr {
    /// Never fails and never blocks.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LOG.buffer.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        *self
    }
}

/// Writes a line to standard error after those of the log. Errors are ignored, and the wait is limited.
pub fn print_error(line: impl Display) {
    let _ = Stderr::start();
    LOG.buffer.add(format!("{line}\n").as_bytes());
    flush_log();
}

/// Waits until the log is written, but no longer than a second. A program calls this before it ends.
pub fn flush_log() {
    LOG.limits.report_all();
    LOG.buffer.flush(FLUSH_TIMEOUT);
}
