//! The thread that writes the log to standard error.

use std::io::{ErrorKind, Write};
use std::thread::sleep;
use std::time::Duration;

use super::line_buffer::LineBuffer;

/// The pause between two writes, so that the lines of a busy server share a system call.
const WRITE_INTERVAL: Duration = Duration::from_millis(2);

/// The pause between two attempts to write to a non-blocking descriptor.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Writes lines forever. Calls `each_round` after each write, and once a second if there are none.
pub(super) fn write_lines(buffer: &LineBuffer, out: &mut impl Write, each_round: impl Fn()) -> ! {
    buffer.begin_writing();
    let mut writer = LineWriter { buffer, out, is_mid_line: false };
    let mut batch = Vec::new();
    loop {
        buffer.take_waiting(&mut batch);
        let written = !batch.is_empty() && writer.write(&batch);
        buffer.finish_batch(&mut batch);
        if written {
            report_dropped(buffer.take_unreported());
        }
        each_round();
        writer.write(&LineBuffer::take_own_lines());
        sleep(WRITE_INTERVAL);
    }
}

struct LineWriter<'a, W> {
    buffer: &'a LineBuffer,
    out: &'a mut W,
    /// The last write stopped within a line.
    is_mid_line: bool,
}

impl<W: Write> LineWriter<'_, W> {
    /// Writes `lines`, or counts those that cannot be written. Returns whether all were.
    fn write(&mut self, lines: &[u8]) -> bool {
        if self.is_mid_line && !lines.is_empty() {
            self.is_mid_line = write_all(self.out, b"\n") == 0;
        }
        let written = if self.is_mid_line { 0 } else { write_all(self.out, lines) };
        let (done, rest) = lines.split_at(written);
        if !rest.is_empty() {
            self.is_mid_line |= done.last().is_some_and(|last| *last != b'\n');
            self.buffer.count_dropped(rest.split_inclusive(|byte| *byte == b'\n').count() as u64);
        }
        rest.is_empty()
    }
}

fn report_dropped(lines: u64) {
    if lines > 0 {
        tracing::warn!(lines, "log lines were dropped, because standard error was not read or not writable");
    }
}

/// Returns how many bytes were written before an error.
fn write_all(out: &mut impl Write, bytes: &[u8]) -> usize {
    let mut written = 0;
    while written < bytes.len() {
        match out.write(&bytes[written..]) {
            Ok(0) => break,
            Ok(count) => written += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(RETRY_INTERVAL),
            Err(_) => break,
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

    use super::*;

    /// Marks the end of a test's writing.
    struct End;

    /// Standard error that answers each write with the next result.
    struct Scripted {
        results: Vec<io::Result<usize>>,
        written: Vec<u8>,
    }

    impl Write for Scripted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.results.is_empty() {
                panic_any(End);
            }
            let written = self.results.remove(0)?.min(bytes.len());
            self.written.extend_from_slice(&bytes[..written]);
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn error(kind: ErrorKind) -> io::Result<usize> {
        Err(kind.into())
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_writing_resumes_on_a_line_of_its_own() {
        let buffer = LineBuffer::default();
        let all = usize::MAX;
        let results = vec![
            error(ErrorKind::Interrupted),
            error(ErrorKind::WouldBlock),
            Ok(7),
            error(ErrorKind::BrokenPipe),
            error(ErrorKind::StorageFull),
            Ok(all),
            Ok(all),
        ];
        let mut out = Scripted { results, written: Vec::new() };
        let mut writer = LineWriter { buffer: &buffer, out: &mut out, is_mid_line: false };
        assert!(!writer.write(b"one\ntwo\nthree\n"));
        assert_eq!(buffer.dropped(), 2);
        assert!(!writer.write(b"four\n"));
        assert_eq!(buffer.dropped(), 3);
        assert!(writer.write(b"five\n"));
        assert_eq!((buffer.dropped(), buffer.take_unreported(), buffer.take_unreported()), (3, 3, 0));
        assert_eq!(out.written, b"one\ntwo\nfive\n");
    }

    #[test]
    fn a_writer_that_panics_has_finished_with_its_lines_and_the_next_one_goes_on() {
        let buffer = LineBuffer::default();
        buffer.add(b"one\n");
        let mut out = Scripted { results: Vec::new(), written: Vec::new() };
        let run = |out: &mut Scripted| {
            let ended = catch_unwind(AssertUnwindSafe(|| write_lines(&buffer, out, || ())));
            assert!(ended.unwrap_err().is::<End>());
        };
        run(&mut out);
        std::thread::scope(|scope| scope.spawn(|| buffer.add(b"two\n")).join().unwrap());
        out.results = vec![Ok(usize::MAX)];
        std::thread::scope(|scope| {
            let more = || {
                buffer.flush(Duration::from_hours(1));
                buffer.add(b"three\n");
            };
            scope.spawn(more);
            run(&mut out);
        });
        assert_eq!(out.written, b"two\n");
    }
}
