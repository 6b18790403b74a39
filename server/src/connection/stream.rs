//! The stream of one connection: it reads and writes as [`FlowControl`] allows, and fails if its client stalls.

use std::cell::{OnceCell, RefCell, RefMut};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_http::Extensions;
use actix_web::{HttpMessage, HttpRequest};
use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep, timeout};

use super::flow_control::{ClientWait, FlowControl, ReadDecision};
use super::limits::ConnectionLimits;
use super::transport::Transport;

/// The state of a connection. Its requests share it and report their progress to it.
#[derive(Debug, Default)]
pub(super) struct Connection {
    over_tls: bool,
    flow_control: RefCell<FlowControl>,
    /// Wakes the task that reads and writes.
    task: RefCell<Option<Waker>>,
    close_signal: OnceCell<Arc<CloseSignal>>,
}

/// Closes a connection from any thread.
#[derive(Debug, Default)]
struct CloseSignal {
    closed: AtomicBool,
    task: AtomicWaker,
}

/// A handle that closes the connection of a request. It does nothing in tests, whose requests have no connection.
#[derive(Debug, Default)]
pub struct ConnectionHandle(Option<Arc<CloseSignal>>);

/// How long, and how much, is read and discarded after the last response, so that the client can read it: the operating
/// system would reset a connection that is closed while bytes arrive.
pub(crate) const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 128 * 1024;

/// The response to a head that is too long.
const HEAD_TOO_LONG: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// The stream that the HTTP dispatcher reads and writes.
pub(crate) struct LimitedStream {
    /// `None` only while this is dropped.
    stream: Option<Transport>,
    /// Whether this is HTTP/2, which has a flow control of its own: it is not read in steps.
    multiplexed: bool,
    /// The client sends nothing more.
    ended: bool,
    /// What [`Transport::written`] returned at the last check.
    written: u64,
    limits: ConnectionLimits,
    connection: Rc<Connection>,
    /// The number of the current wait, and the timer that ends it.
    deadline: Option<(u64, Pin<Box<Sleep>>)>,
}

impl Connection {
    /// The connection of a request. With HTTP/2, each request has one of its own.
    fn of(request: &HttpRequest) -> Option<Rc<Self>> {
        request.conn_data().cloned().or_else(|| request.extensions().get().cloned())
    }

    /// A stream of an HTTP/2 connection.
    pub(super) fn of_stream() -> Rc<Self> {
        Rc::new(Self { over_tls: true, ..Self::default() })
    }

    /// The state to which the requests report.
    pub(super) fn flow_control(&self) -> RefMut<'_, FlowControl> {
        self.flow_control.borrow_mut()
    }

    /// Records that the response to the request in flight is complete.
    pub(super) fn end_response(&self) {
        let look_again = self.flow_control().end_response();
        if look_again && let Some(task) = &*self.task.borrow() {
            task.wake_by_ref();
        }
    }

    pub(super) fn register(&self, context: &Context<'_>) {
        let mut task = self.task.borrow_mut();
        if !task.as_ref().is_some_and(|task| task.will_wake(context.waker())) {
            *task = Some(context.waker().clone());
        }
        if let Some(close_signal) = self.close_signal.get() {
            close_signal.task.register(context.waker());
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.close_signal.get().is_some_and(|close_signal| close_signal.closed.load(Ordering::Acquire))
    }
}

impl ConnectionHandle {
    /// The handle to the request's connection.
    pub fn of(request: &HttpRequest) -> Self {
        Self(Connection::of(request).map(|connection| {
            let close_signal = connection.close_signal.get_or_init(Arc::default);
            if let Some(task) = &*connection.task.borrow() {
                close_signal.task.register(task);
            }
            Arc::clone(close_signal)
        }))
    }

    /// Closes the connection, or the stream of HTTP/2, immediately; unsent bytes are lost.
    pub fn shutdown(&self) {
        if let Some(close_signal) = &self.0 {
            close_signal.closed.store(true, Ordering::Release);
            close_signal.task.wake();
        }
    }
}

/// Whether the request came over TLS to this server itself.
pub(crate) fn is_over_tls(request: &HttpRequest) -> bool {
    Connection::of(request).is_some_and(|connection| connection.over_tls)
}

impl LimitedStream {
    pub(crate) fn new(stream: Transport, limits: ConnectionLimits) -> Self {
        let connection = Rc::new(Connection { over_tls: stream.is_tls(), ..Connection::default() });
        let (written, deadline) = (0, None);
        Self { stream: Some(stream), multiplexed: false, ended: false, written, limits, connection, deadline }
    }

    /// The same stream for HTTP/2: it is not read in steps.
    pub(super) fn multiplexed(mut self) -> Self {
        self.multiplexed = true;
        self
    }

    /// Makes the connection available to its requests.
    pub(crate) fn attach(&self, data: &mut Extensions) {
        data.insert(Rc::clone(&self.connection));
    }

    fn stream(&mut self) -> io::Result<Pin<&mut Transport>> {
        self.stream.as_mut().map(Pin::new).ok_or(io::ErrorKind::NotConnected.into())
    }

    /// Records whether the client reads. Called after a write or a flush. A TLS stream accepts bytes before the client
    /// reads them, so this compares the bytes that the operating system has taken.
    fn track_writing(&mut self, pending: bool, context: &Context<'_>) {
        let Some(stream) = &self.stream else { return };
        let (written, blocked) = (stream.written(), pending || stream.has_backlog());
        let mut flow_control = self.connection.flow_control();
        if (written != self.written || !blocked) && flow_control.unblock_writing() {
            // Reading was paused, and nothing else resumes it.
            context.waker().wake_by_ref();
        }
        self.written = written;
        if blocked {
            flow_control.block_writing();
        }
    }

    fn poll_sending<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut Transport>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        self.connection.register(context);
        let polled = poll(self.stream()?, context);
        self.track_writing(polled.is_pending(), context);
        if polled.is_pending() { self.pending_unless_stalled(context) } else { polled }
    }

    fn poll_read_up_to(
        &mut self,
        limit: usize,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut part = ReadBuf::new(buffer.initialize_unfilled_to(limit.min(buffer.remaining())));
        let polled = self.stream()?.poll_read(context, &mut part);
        let bytes = part.filled().len();
        if polled.is_ready() {
            buffer.advance(bytes);
            self.ended |= bytes == 0;
            self.connection.flow_control().received(bytes);
        }
        polled
    }

    /// Responds 431, because the dispatcher would accept a longer head. No other response is being written here.
    fn reject_head(&mut self, context: &mut Context<'_>) -> io::Error {
        if let Some(stream) = &mut self.stream {
            // Fits into the operating system's buffer.
            let _ = Pin::new(&mut *stream).poll_write(context, HEAD_TOO_LONG);
            let _ = Pin::new(stream).poll_flush(context);
        }
        io::ErrorKind::InvalidData.into()
    }

    /// Pending, or an error if the connection was closed or its client has stalled for too long.
    fn pending_unless_stalled<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.connection.is_closed() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let wait = self.connection.flow_control().client_wait();
        let Some((wait, number)) = wait else {
            self.deadline = None;
            return Poll::Pending;
        };
        if self.deadline.as_ref().is_none_or(|(of, _)| *of != number) {
            self.deadline = Some((number, Box::pin(sleep(self.limits.of(wait)))));
        }
        let over =
            self.deadline.as_mut().is_some_and(|(_, deadline)| deadline.as_mut().poll(context).is_ready());
        if over {
            // A client that reads nothing would not read the end of the connection either.
            self.ended |= self.multiplexed;
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl Drop for LimitedStream {
    /// Lingers if the client is in the middle of a request, such as one whose head is malformed. With HTTP/2, it may send
    /// at any time.
    fn drop(&mut self) {
        let wait = self.connection.flow_control().client_wait();
        let in_request = matches!(wait, Some((ClientWait::Head | ClientWait::Drain, _)));
        let sending = !self.ended && (in_request || self.multiplexed);
        if let (true, Some(stream), Ok(runtime)) = (sending, self.stream.take(), Handle::try_current()) {
            runtime.spawn(timeout(LINGER, stream.linger(LINGER_BYTES)));
        }
    }
}

impl ConnectionLimits {
    fn of(self, wait: ClientWait) -> Duration {
        match wait {
            ClientWait::Head => self.head,
            ClientWait::Drain => self.drain,
            ClientWait::Write => self.write,
        }
    }
}

impl AsyncRead for LimitedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.connection.register(context);
        if this.multiplexed {
            return match this.poll_read_up_to(usize::MAX, context, buffer) {
                Poll::Ready(done) => Poll::Ready(done),
                Poll::Pending => this.pending_unless_stalled(context),
            };
        }
        let reading = this.connection.flow_control().decide_read();
        match reading {
            ReadDecision::Now(limit) if !this.connection.is_closed() => {
                if let Poll::Ready(done) = this.poll_read_up_to(limit, context, buffer) {
                    return Poll::Ready(done);
                }
            }
            ReadDecision::TooLong => return Poll::Ready(Err(this.reject_head(context))),
            _ => {}
        }
        this.connection.flow_control().end_step();
        if reading == ReadDecision::NextStep {
            context.waker().wake_by_ref();
        }
        this.pending_unless_stalled(context)
    }
}

impl AsyncWrite for LimitedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_sending(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_sending(context, Transport::poll_flush)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_sending(context, Transport::poll_shutdown)
    }
}
