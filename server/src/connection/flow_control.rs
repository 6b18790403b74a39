//! The rules of a connection: when it may read, and how long it waits for the client.
//!
//! A client that sends requests and reads no responses makes a server queue both. So requests are read in small steps,
//! and not while a response waits to be written.

/// How many bytes a connection reads before the requests in them are handled: enough for most requests. The steps
/// are small because a parsed request takes up to a hundred times the memory of its text.
const STEP_BYTES: usize = 2 * 1024;

/// The steps of a long head grow up to this, because its beginning is parsed again after each step.
const HEAD_STEP_BYTES: usize = 4 * 1024;

/// The longest head.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// If the length of a body is known, its steps are longer by up to this number of bytes.
const MAX_EXTRA_STEP_BYTES: u64 = 60 * 1024;

/// The state of one connection.
#[derive(Debug, Default)]
pub(super) struct FlowControl {
    phase: Phase,
    /// Bytes read since the last step ended.
    read_in_step: usize,
    /// Bytes read outside of bodies since the connection last waited for a request.
    ahead: usize,
    /// How many bytes of the body are unread, if its length is known; otherwise 0.
    body_left: u64,
    write_blocked: bool,
    /// The connection wanted to read and must be woken after the response.
    paused: bool,
    /// The number of the current or next wait for the client.
    wait_number: u64,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No request is in flight. The connection has not read since the last response.
    #[default]
    Idle,
    /// No request is in flight. The head of one may be incomplete.
    Head,
    /// The handler reads the body of the request.
    Body,
    /// The body was read, or there is none.
    Response,
    /// The response is complete, but the body of its request was not read to its end.
    Drain,
}

/// Whether the connection may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadDecision {
    /// Read now, up to this number of bytes.
    Now(usize),
    /// Read once all bytes received so far are handled.
    NextStep,
    /// Read after the next response is written.
    Paused,
    /// Never again: the head exceeds its limit.
    TooLong,
}

/// What the server waits for from a client, within a time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientWait {
    /// The rest of the head of a request.
    Head,
    /// The rest of a body that no handler reads.
    Drain,
    /// Reading the responses.
    Write,
}

impl FlowControl {
    /// Decides whether the connection may read. Must be called before each read.
    pub(super) fn decide_read(&mut self) -> ReadDecision {
        if self.write_blocked {
            return ReadDecision::Paused;
        }
        if self.phase == Phase::Idle {
            // All requests that were read ahead are handled.
            (self.phase, self.ahead) = (Phase::Head, 0);
        }
        let extra = usize::try_from(self.body_left.min(MAX_EXTRA_STEP_BYTES)).unwrap_or(0);
        let step = match self.phase {
            Phase::Head if self.ahead >= MAX_HEAD_BYTES => return ReadDecision::TooLong,
            Phase::Head => (self.ahead / 2).clamp(STEP_BYTES, HEAD_STEP_BYTES),
            Phase::Response if self.ahead >= STEP_BYTES => {
                self.paused = true;
                return ReadDecision::Paused;
            }
            _ => STEP_BYTES + extra,
        };
        match step.saturating_sub(self.read_in_step) {
            0 => ReadDecision::NextStep,
            left => ReadDecision::Now(left),
        }
    }

    /// Records that bytes were read.
    pub(super) fn received(&mut self, bytes: usize) {
        self.read_in_step += bytes;
        match self.phase {
            Phase::Body => self.body_left = self.body_left.saturating_sub(bytes as u64),
            Phase::Idle | Phase::Head | Phase::Response => self.ahead += bytes,
            Phase::Drain => {}
        }
    }

    /// Records that the connection waits for bytes or for its next step.
    pub(super) fn end_step(&mut self) {
        self.read_in_step = 0;
    }

    /// Records that a request with a body begins; `length` is that of the body, if known.
    pub(super) fn begin_request_with_body(&mut self, length: Option<u64>) {
        (self.phase, self.body_left) = (Phase::Body, length.unwrap_or(0));
        self.wait_number += 1;
    }

    /// Records that a request without a body begins.
    pub(super) fn begin_request(&mut self) {
        self.phase = Phase::Response;
        self.wait_number += 1;
    }

    /// Records that the handler has read the body to its end.
    pub(super) fn end_body(&mut self) {
        if self.phase == Phase::Body {
            (self.phase, self.body_left) = (Phase::Response, 0);
        }
    }

    /// Whether the request in flight has a body that was not read to its end.
    pub(super) fn has_unread_body(&self) -> bool {
        self.phase == Phase::Body
    }

    /// Records that the last byte of the response is in the buffer, or that there will be no response. Returns whether
    /// the connection must check its state again.
    pub(super) fn end_response(&mut self) -> bool {
        let drain = self.has_unread_body();
        self.phase = if drain { Phase::Drain } else { Phase::Idle };
        self.body_left = 0;
        self.wait_number += 1;
        std::mem::take(&mut self.paused) || drain
    }

    /// Records that the client does not read its response.
    pub(super) fn block_writing(&mut self) {
        self.write_blocked = true;
    }

    /// Records that the client reads. Returns whether writing was blocked.
    pub(super) fn unblock_writing(&mut self) -> bool {
        let blocked = std::mem::take(&mut self.write_blocked);
        self.wait_number += u64::from(blocked);
        blocked
    }

    /// What the server waits for, with the number of the wait. `None`: for nothing that has a time limit.
    pub(super) fn client_wait(&self) -> Option<(ClientWait, u64)> {
        let wait = match self.phase {
            _ if self.write_blocked => ClientWait::Write,
            Phase::Drain => ClientWait::Drain,
            Phase::Head if self.ahead > 0 => ClientWait::Head,
            _ => return None,
        };
        Some((wait, self.wait_number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_wait(flow_control: &FlowControl) -> Option<ClientWait> {
        flow_control.client_wait().map(|(wait, _)| wait)
    }

    /// Reads `bytes` as the dispatcher does, 8 KiB at a time, and returns how many were read before the step ended.
    fn read(flow_control: &mut FlowControl, bytes: usize) -> usize {
        let mut read = 0;
        while let ReadDecision::Now(limit) = flow_control.decide_read()
            && read < bytes
        {
            let size = (bytes - read).min(8 * 1024).min(limit);
            flow_control.received(size);
            read += size;
        }
        flow_control.end_step();
        read
    }

    fn may_read(flow_control: &mut FlowControl) -> bool {
        matches!(flow_control.decide_read(), ReadDecision::Now(_))
    }

    #[test]
    fn a_client_that_reads_no_responses_is_not_read_from() {
        let mut flow_control = FlowControl::default();
        assert_eq!(read(&mut flow_control, 300), 300);
        flow_control.begin_request();
        flow_control.block_writing();
        assert_eq!(
            (flow_control.decide_read(), client_wait(&flow_control)),
            (ReadDecision::Paused, Some(ClientWait::Write))
        );
        flow_control.end_response();
        assert_eq!(
            (flow_control.decide_read(), client_wait(&flow_control)),
            (ReadDecision::Paused, Some(ClientWait::Write))
        );
        assert!(flow_control.unblock_writing() && !flow_control.unblock_writing());
        assert!(may_read(&mut flow_control) && client_wait(&flow_control).is_none());
    }

    #[test]
    fn few_requests_are_read_while_one_is_in_flight() {
        let mut flow_control = FlowControl::default();
        assert_eq!(read(&mut flow_control, 100_000), STEP_BYTES);
        flow_control.begin_request();
        assert_eq!(flow_control.decide_read(), ReadDecision::Paused);
        // The next ones are in the buffer already.
        for _ in 0..100 {
            flow_control.end_response();
            flow_control.begin_request();
            assert_eq!(flow_control.decide_read(), ReadDecision::Paused);
        }
        flow_control.end_response();
        assert_eq!(read(&mut flow_control, 100_000), STEP_BYTES);
    }

    #[test]
    fn a_small_request_in_flight_does_not_stop_reading_so_that_a_reset_is_noticed() {
        let mut flow_control = FlowControl::default();
        read(&mut flow_control, 300);
        flow_control.begin_request();
        assert!(may_read(&mut flow_control));
        assert_eq!(read(&mut flow_control, 100_000), STEP_BYTES);
        assert_eq!(flow_control.decide_read(), ReadDecision::Paused);
    }

    #[test]
    fn a_body_of_known_length_is_read_in_long_steps_and_another_in_short_ones() {
        for (length, expected) in [(Some(5 << 20), 62 * 1024), (Some(10), STEP_BYTES), (None, STEP_BYTES)] {
            let mut flow_control = FlowControl::default();
            flow_control.begin_request_with_body(length);
            let read = read(&mut flow_control, 1 << 20);
            assert!((expected..expected + 16).contains(&read), "{length:?}: {read}");
        }
    }

    #[test]
    fn a_long_head_is_read_in_few_steps_and_not_without_end() {
        let mut flow_control = FlowControl::default();
        let steps: Vec<usize> =
            std::iter::from_fn(|| Some(read(&mut flow_control, 1 << 20)).filter(|read| *read > 0)).collect();
        let bytes: usize = steps.iter().sum();
        assert!(
            (MAX_HEAD_BYTES..MAX_HEAD_BYTES + HEAD_STEP_BYTES).contains(&bytes) && steps.len() <= 10,
            "{steps:?}"
        );
        assert_eq!(flow_control.decide_read(), ReadDecision::TooLong);
    }

    #[test]
    fn an_unread_body_is_drained_after_the_response() {
        let mut flow_control = FlowControl::default();
        flow_control.begin_request_with_body(None);
        assert!(flow_control.has_unread_body() && client_wait(&flow_control).is_none());
        flow_control.end_response();
        assert!(may_read(&mut flow_control));
        assert_eq!(client_wait(&flow_control), Some(ClientWait::Drain));
    }

    #[test]
    fn a_body_that_was_read_is_not_drained() {
        let mut flow_control = FlowControl::default();
        flow_control.begin_request_with_body(Some(7));
        flow_control.end_body();
        assert!(!flow_control.has_unread_body());
        flow_control.end_response();
        assert!(may_read(&mut flow_control) && client_wait(&flow_control).is_none());
    }

    #[test]
    fn only_a_head_that_has_begun_must_be_completed() {
        let mut flow_control = FlowControl::default();
        assert!(may_read(&mut flow_control) && client_wait(&flow_control).is_none());
        flow_control.received(1);
        let first = flow_control.client_wait();
        assert_eq!(client_wait(&flow_control), Some(ClientWait::Head));
        flow_control.received(1);
        assert_eq!(flow_control.client_wait(), first, "more bytes of it give no more time");
        flow_control.begin_request();
        flow_control.end_response();
        assert!(may_read(&mut flow_control) && client_wait(&flow_control).is_none());
        flow_control.received(1);
        assert_ne!(flow_control.client_wait(), first, "the next head has a time of its own");
    }
}
