//! auth-server's side of the revocation feed, played by a test word by word, well or badly. It publishes no keys, unless the
//! test says which, or answers those who ask for them itself.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use goptri::revocation::{Batch, CAUGHT_UP, Entry, EntryKind, HEARTBEAT, Heartbeat, REVOCATIONS};

/// Nothing here takes so long; a test that waits longer has failed.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Listens; who comes is handed to the test.
pub(crate) struct FeedServer {
    pub(crate) address: SocketAddr,
    asked: Receiver<Asked>,
    asked_for_keys: Receiver<Asked>,
    keys: Arc<PublishedKeys>,
}

/// What is answered to who asks for keys, if the test does not do it, and how often that was.
struct PublishedKeys {
    jwks: Mutex<Option<String>>,
    asked: AtomicUsize,
}

/// A follower that has asked for the feed, and waits.
pub(crate) struct Asked {
    /// Its request, as it came.
    pub(crate) head: String,
    stream: TcpStream,
    /// Since when it is up, as far as it says.
    started: Instant,
}

impl FeedServer {
    pub(crate) fn start() -> Self {
        Self::publishing(Some(r#"{"keys":[]}"#.to_owned()))
    }

    /// The test answers who asks for keys: [`next_for_keys`](Self::next_for_keys).
    pub(crate) fn start_by_hand() -> Self {
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
                let asked = Asked::read(stream, started);
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

    /// From now on these are its public keys.
    pub(crate) fn publish(&self, jwks: &str) {
        *self.keys.jwks.lock().unwrap() = Some(jwks.to_owned());
    }

    /// How often it was asked for its keys.
    pub(crate) fn keys_asked(&self) -> usize {
        self.keys.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next follower that comes.
    pub(crate) fn next(&self) -> Asked {
        self.asked.recv_timeout(PATIENCE).expect("nobody asks for the feed")
    }

    /// The next follower that comes for keys, where the test answers it.
    pub(crate) fn next_for_keys(&self) -> Asked {
        self.asked_for_keys.recv_timeout(PATIENCE).expect("nobody asks for keys")
    }

    /// Whether somebody asks within that time.
    pub(crate) fn is_asked_within(&self, time: Duration) -> bool {
        self.asked.recv_timeout(time).is_ok()
    }
}

impl Asked {
    fn read(mut stream: TcpStream, started: Instant) -> Self {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
            head.push(byte[0]);
        }
        Self { head: String::from_utf8(head).unwrap(), stream, started }
    }

    /// Sends these very bytes; `false` when the other side has gone.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// Another answer than the feed.
    pub(crate) fn answer(mut self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}");
        self.send(answer.as_bytes());
    }

    /// A set of keys, as auth-server publishes it.
    pub(crate) fn publish(self, jwks: &str) {
        self.answer("200 OK", "Content-Type: application/jwk-set+json\r\n", jwks);
    }

    /// Begins to answer as auth-server does.
    #[must_use]
    pub(crate) fn accept(mut self) -> Self {
        self.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
        );
        self
    }

    /// An event with that data.
    pub(crate) fn event(&mut self, name: &str, data: &str) -> bool {
        self.send(format!("event: {name}\ndata: {data}\n\n").as_bytes())
    }

    pub(crate) fn revoke(&mut self, entries: Vec<Entry>) -> bool {
        self.event(REVOCATIONS, &serde_json::to_string(&Batch { entries }).unwrap())
    }

    pub(crate) fn caught_up(&mut self, age_ms: u64) -> bool {
        self.event(CAUGHT_UP, &self.beat(age_ms))
    }

    pub(crate) fn heartbeat(&mut self, age_ms: u64) -> bool {
        self.event(HEARTBEAT, &self.beat(age_ms))
    }

    /// Waits until the other side has closed the connection.
    pub(crate) fn wait_until_closed(mut self) {
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
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

/// The end of something, which everybody must know for so many seconds.
pub(crate) fn end(kind: EntryKind, subject: &str, revoked_at: i64, expires_in: u64) -> Entry {
    let revoked_at = serde_json::from_value(revoked_at.into()).unwrap();
    Entry { kind, subject: subject.to_owned(), revoked_at, expires_in }
}
