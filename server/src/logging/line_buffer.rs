//! The lines of the log that wait to be written. Adding one never waits for the reader of the log, and cannot fail.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The most bytes that wait to be written; further lines are dropped. As many more may be being written.
const CAPACITY: usize = 4 * 1024 * 1024;

/// How much of the buffer's memory is kept for the next lines.
const KEPT_CAPACITY: usize = 64 * 1024;

/// How long the writer waits for lines.
const MAX_WAIT: Duration = Duration::from_secs(1);

thread_local! {
    /// The lines that the writing thread itself logs. It writes them next, so they need no room in the buffer.
    static OWN_LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Lines that wait to be written.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    state: Mutex<State>,
    added: Condvar,
    finished: Condvar,
    dropped: AtomicU64,
    /// The part of `dropped` that the log has not reported yet.
    unreported: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    waiting: Vec<u8>,
    /// The bytes that are being written.
    in_progress: usize,
    /// All bytes that were added.
    added: u64,
}

impl State {
    /// How many of the added bytes are written or lost.
    fn finished(&self) -> u64 {
        self.added.saturating_sub((self.waiting.len() + self.in_progress) as u64)
    }
}

impl LineBuffer {
    /// Adds a line, or drops and counts it if the buffer is full.
    pub(super) fn add(&self, line: &[u8]) {
        let is_own = OWN_LINES.with_borrow_mut(|own| own.as_mut().map(|own| own.extend_from_slice(line)));
        if is_own.is_some() {
            return;
        }
        let mut state = self.state();
        if state.waiting.len() + line.len() > CAPACITY {
            drop(state);
            self.count_dropped(1);
            return;
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        state.added += line.len() as u64;
        drop(state);
        if was_empty {
            self.added.notify_one();
        }
    }

    /// Waits until every line added so far is written or lost, but at most for `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let state = self.state();
        let target = state.added;
        drop(self.finished.wait_timeout_while(state, limit, |state| state.finished() < target));
    }

    /// How many lines were dropped or could not be written.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    pub(super) fn count_dropped(&self, lines: u64) {
        self.dropped.fetch_add(lines, Ordering::Relaxed);
        self.unreported.fetch_add(lines, Ordering::Relaxed);
    }

    /// How many lines were dropped since this was called last.
    pub(super) fn take_unreported(&self) -> u64 {
        self.unreported.swap(0, Ordering::Relaxed)
    }

    /// Marks the current thread as the writer, whose own lines [`take_own_lines`](Self::take_own_lines) returns.
    pub(super) fn begin_writing(&self) {
        OWN_LINES.with_borrow_mut(|own| *own = Some(own.take().unwrap_or_default()));
        // A writer that panicked has lost its lines.
        self.finish();
    }

    /// Moves the waiting lines to `batch`, which must be empty. Waits up to a second for a line.
    pub(super) fn take_waiting(&self, batch: &mut Vec<u8>) {
        let nothing_waits = |state: &mut State| state.waiting.is_empty();
        let waited = self.added.wait_timeout_while(self.state(), MAX_WAIT, nothing_waits);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.waiting, batch);
        state.in_progress = batch.len();
    }

    /// The lines that the writing thread itself has logged since it last called this.
    pub(super) fn take_own_lines() -> Vec<u8> {
        OWN_LINES.with_borrow_mut(|own| own.as_mut().map(std::mem::take).unwrap_or_default())
    }

    /// Records that the lines taken last are written or lost, and empties `batch` for the next ones.
    pub(super) fn finish_batch(&self, batch: &mut Vec<u8>) {
        batch.clear();
        batch.shrink_to(KEPT_CAPACITY);
        self.finish();
    }

    fn finish(&self) {
        self.state().in_progress = 0;
        self.finished.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_buffer_drops_lines_and_counts_them_until_they_are_taken() {
        let buffer = LineBuffer::default();
        let line = vec![b'x'; CAPACITY / 4];
        for _ in 0..6 {
            buffer.add(&line);
        }
        assert_eq!(buffer.dropped(), 2);
        let mut batch = Vec::new();
        buffer.take_waiting(&mut batch);
        assert_eq!(batch.len(), CAPACITY);
        buffer.add(&line);
        assert_eq!(buffer.dropped(), 2);
    }

    #[test]
    fn a_flush_waits_for_lines_that_are_being_written_and_no_longer_than_its_limit() {
        let buffer = LineBuffer::default();
        buffer.flush(Duration::from_hours(1));
        buffer.add(b"one\n");
        let mut batch = Vec::new();
        buffer.take_waiting(&mut batch);
        buffer.flush(Duration::from_millis(1));
        std::thread::scope(|scope| {
            let flushing = scope.spawn(|| buffer.flush(Duration::from_hours(1)));
            buffer.finish_batch(&mut batch);
            flushing.join().unwrap();
        });
        assert!(batch.is_empty());
    }
}
