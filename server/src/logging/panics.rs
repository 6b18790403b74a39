//! Logs panics: the standard library would write to standard error itself, and wait for its reader.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};
use std::thread;

/// Logs every panic from now on, with a backtrace if `RUST_BACKTRACE` says so.
pub(super) fn log_panics() {
    panic::set_hook(Box::new(|info| {
        let backtrace = Backtrace::capture();
        let backtrace = (backtrace.status() == BacktraceStatus::Captured).then_some(&backtrace);
        let (current, at) = (thread::current(), info.location().map(tracing::field::display));
        let thread = current.name();
        let backtrace = backtrace.map(tracing::field::display);
        tracing::error!(thread, at, backtrace, "panicked: {}", message(info));
    }));
}

/// The text given to `panic!`.
fn message<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    info.payload_as_str().unwrap_or("without a message")
}
