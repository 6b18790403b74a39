//! A server that plays auth-server's part, controlled by the test byte by byte. Without further instructions it publishes
//! an empty set of keys.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use goptri::revocation::{Batch, CAUGHT_UP, Entry, EntryKind, HEARTBEAT, Heartbeat, REVOCATIONS};

use crate::TIMEOUT;

/// Passes each request to the test.
pub struct FeedServer {
    pub address: SocketAddr,
    asked: Receiver<Request>,
    asked_for_keys: Receiver<Request>,
    keys: Arc<PublishedKeys>,
}

/// The automatic response to requests for keys, and their number.
struct PublishedKeys {
    jwks: Mutex<Option<String>>,
    asked: AtomicUsize,
}

/// A request that waits for its response.
pub struct Request {
    /// The request line and headers.
    pub head: String,
    stream: TcpStream,
    /// When the server started, for `uptime_ms`.
    started: Instant,
}

impl FeedServer {
    pub fn start() -> Self {
        Self::publishing(Some(r#"{"keys":[]}"#.to_owned()))
    }

    /// Passes requests for keys to the test too: [`next_keys_request`](Self::next_keys_request).
    pub fn start_manual() -> Self {
        Self::publishing(None)
    }

    fn publishing(jwks: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ((hand, asked), (hand_for_keys, asked_for_keys)) = (channel(), channel());
        let started = Instant::now();
        let keys = Arc::new(PublishedKeys { jwks: jwks.into(), asked: AtomicUsize::new(0) });
        let published = Arc::clone(&keys);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                stream.set_nodelay(true).unwrap();
                let asked = Request::read(stream, started);
                if asked.head.starts_with("GET /.well-known/jwks.json ") {
                    published.asked.fetch_add(1, Ordering::SeqCst);
                    match published.jwks.lock().unwrap().clone() {
                        Some(jwks) => asked.publish(&jwks),
                        None => hand_for_keys.send(asked).unwrap_or_default(),
                    }
                } else if hand.send(asked).is_err() {
                    return;
                }
            }
        });
        Self { address, asked, asked_for_keys, keys }
    }

    /// Sets the published keys.
    pub fn publish(&self, jwks: &str) {
        *self.keys.jwks.lock().unwrap() = Some(jwks.to_owned());
    }

    /// The number of requests for keys.
    pub fn keys_requests(&self) -> usize {
        self.keys.asked.load(Ordering::SeqCst)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request for the feed.
    pub fn next_request(&self) -> Request {
        self.asked.recv_timeout(TIMEOUT).expect("no request for the feed")
    }

    /// The next request for keys.
    pub fn next_keys_request(&self) -> Request {
        self.asked_for_keys.recv_timeout(TIMEOUT).expect("no request for keys")
    }

    /// Returns whether a request for the feed arrives within that time.
    pub fn is_requested_within(&self, time: Duration) -> bool {
        self.asked.recv_timeout(time).is_ok()
    }
}

impl Request {
    fn read(mut stream: TcpStream, started: Instant) -> Self {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
            head.push(byte[0]);
        }
        Self { head: String::from_utf8(head).unwrap(), stream, started }
    }

    /// Sends raw bytes. Returns `false` if the follower has disconnected.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Sends a complete response that is not the feed.
    pub fn answer(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.send(answer.as_bytes());
    }

    /// Responds with a set of keys.
    pub fn publish(self, jwks: &str) {
        self.answer("200 OK", "Content-Type: application/jwk-set+json\r\n", jwks);
    }

    /// Sends the headers of the feed.
    #[must_use]
    pub fn accept(mut self) -> Self {
        self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        );
        self
    }

    /// Sends an event.
    pub fn event(&mut self, name: &str, data: &str) -> bool {
        self.send(format!("event: {name}\ndata: {data}\n\n").as_bytes())
    }

    pub fn revoke(&mut self, entries: Vec<Entry>) -> bool {
        self.event(REVOCATIONS, &serde_json::to_string(&Batch { entries }).unwrap())
    }

    pub fn caught_up(&mut self, age_ms: u64) -> bool {
        self.event(CAUGHT_UP, &self.beat(age_ms))
    }

    pub fn heartbeat(&mut self, age_ms: u64) -> bool {
        self.event(HEARTBEAT, &self.beat(age_ms))
    }

    /// Waits until the follower has closed the connection.
    pub fn wait_until_closed(mut self) {
        self.stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let ended = self.stream.read(&mut [0]);
        assert!(
            ended.as_ref().is_ok_and(|read| *read == 0)
                || ended.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset),
            "{ended:?}"
        );
    }

    fn beat(&self, age_ms: u64) -> String {
        let uptime_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap();
        serde_json::to_string(&Heartbeat { age_ms, uptime_ms }).unwrap()
    }
}

/// An entry.
pub fn entry(kind: EntryKind, subject: &str, revoked_at: i64, expires_in: u64) -> Entry {
    let revoked_at = serde_json::from_value(revoked_at.into()).unwrap();
    Entry { kind, subject: subject.to_owned(), revoked_at, expires_in }
}
