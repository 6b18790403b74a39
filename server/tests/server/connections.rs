//! Connections of clients that send too much, read nothing, or wait: over real sockets, and over TLS on them.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, web};
use goptri_server::{ConnectionLimits, HttpServer, response_policy};

use test_support::{HTTP1, TIMEOUT};

use crate::tls_fixture::TlsFixture;

/// Times that are short enough to wait for.
const SHORT: Duration = Duration::from_millis(300);
/// So much longer that a test which waits for it fails.
const LONG: Duration = Duration::from_mins(10);

const PATIENT: ConnectionLimits =
    ConnectionLimits { keep_alive: LONG, handshake: LONG, head: LONG, drain: LONG, write: LONG };

/// Whether this is the copy of the module whose clients are behind a forwarder that does TLS for them.
fn is_over_tls() -> bool {
    module_path!().ends_with("over_tls")
}

struct Server {
    address: SocketAddr,
    handle: ServerHandle,
    /// Requests that were handled.
    handled: Arc<AtomicUsize>,
}

impl Server {
    fn start(limits: ConnectionLimits) -> Self {
        let handled = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&handled);
        let tls = is_over_tls().then(TlsFixture::new);
        let configured = tls.as_ref().map(TlsFixture::tls);
        let address = "127.0.0.1:0".parse().unwrap();
        let server = HttpServer::bind(address, "ADDR", limits, configured.as_ref(), move || {
            let count = Arc::clone(&count);
            let large = move || {
                count.fetch_add(1, Ordering::SeqCst);
                std::future::ready("x".repeat(16 * 1024))
            };
            App::new()
                .wrap(from_fn(response_policy))
                .route("/", web::to(HttpResponse::NoContent))
                .route("/large", web::to(large))
                .route("/length", web::to(length))
                .route("/unread", web::to(|| std::future::ready("not read")))
        })
        .unwrap();
        let address = match tls {
            Some(tls) => tls.forward_to(server.address(), HTTP1),
            None => server.address(),
        };
        let server = server.run(std::future::pending());
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { address, handle, handled }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn length(body: web::Payload) -> String {
    body.to_bytes_limited(10 << 20).await.unwrap().unwrap().len().to_string()
}

/// Runs a client that blocks.
async fn client<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    web::block(work).await.unwrap()
}

/// What the server sends until it closes the connection.
fn read_to_end(mut stream: &TcpStream) -> String {
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // A reset: the server closed the connection while its receive buffer still had bytes.
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("still open: {error}"),
        _ => String::from_utf8_lossy(&answer).into_owned(),
    }
}

/// One response that ends with `end`.
fn read_until(mut stream: &TcpStream, end: &str) -> String {
    let mut answer = Vec::new();
    while !answer.ends_with(end.as_bytes()) {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    String::from_utf8(answer).unwrap()
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[actix_web::test]
async fn an_idle_connection_is_closed_after_keep_alive_and_not_before() {
    let server = Server::start(ConnectionLimits { keep_alive: Duration::from_secs(1), ..PATIENT });
    let patient = Server::start(PATIENT);
    let (stream, other) = (server.connect(), patient.connect());
    client(move || {
        for mut stream in [&other, &stream] {
            stream.write_all(GET.as_bytes()).unwrap();
            assert!(read_until(stream, "\r\n\r\n").starts_with("HTTP/1.1 204"));
        }
        let started = Instant::now();
        assert_eq!(read_to_end(&stream), "");
        let idle = started.elapsed();
        assert!((500..3000).contains(&idle.as_millis()), "{idle:?}");
        // This one has been idle for longer.
        (&other).write_all(GET.as_bytes()).unwrap();
        assert!(read_until(&other, "\r\n\r\n").starts_with("HTTP/1.1 204"));
    })
    .await;
}

#[actix_web::test]
async fn a_body_that_is_not_finished_after_its_response_does_not_keep_the_connection_open() {
    let server = Server::start(ConnectionLimits { drain: SHORT, ..PATIENT });
    let head = "Host: a\r\nTransfer-Encoding: chunked\r\n";
    let table = [
        format!("POST /unread HTTP/1.1\r\n{head}\r\n"),
        format!("POST /unread HTTP/1.1\r\n{head}\r\n5"),
        format!("POST /unread HTTP/1.1\r\n{head}\r\n5\r\n"),
        format!("POST /unread HTTP/1.1\r\n{head}\r\n5\r\nab"),
        format!("POST /unread HTTP/1.1\r\n{head}\r\n5\r\nabcde"),
        format!("POST /unread HTTP/1.1\r\n{head}\r\n5\r\nabcde\r\n"),
        format!("POST /unread HTTP/1.1\r\n{head}\r\n5\r\nabcde\r\n0"),
        format!("POST /unread HTTP/1.1\r\n{head}\r\n5\r\nabcde\r\n0\r\n"),
        format!("GET /unread HTTP/1.1\r\n{head}\r\n"),
        format!("DELETE /unread HTTP/1.1\r\n{head}\r\n"),
        format!("POST /none HTTP/1.1\r\n{head}\r\n"),
        format!("POST /unread HTTP/1.1\r\n{head}Expect: 100-continue\r\n\r\n"),
        format!("POST /unread HTTP/1.1\r\n{head}Connection: keep-alive\r\n\r\n"),
        "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n".to_owned(),
        "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc".to_owned(),
        "POST /none HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n".to_owned(),
        format!("{GET}POST /unread HTTP/1.1\r\n{head}\r\n5\r\nab"),
    ];
    let streams = table.map(|request| (request, server.connect()));
    client(move || {
        for (request, stream) in &streams {
            let mut stream: &TcpStream = stream;
            stream.write_all(request.as_bytes()).unwrap();
        }
        for (request, stream) in &streams {
            let answer = read_to_end(stream);
            assert!(
                answer.contains("HTTP/1.1 200") || answer.contains("HTTP/1.1 404"),
                "{request}: {answer}"
            );
            assert!(answer.to_ascii_lowercase().contains("connection: close"), "{request}: {answer}");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_body_without_end_is_not_drained_for_longer_than_a_moment() {
    let server = Server::start(ConnectionLimits { drain: SHORT, ..PATIENT });
    let mut stream = server.connect();
    client(move || {
        stream.write_all(b"POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
        let started = Instant::now();
        while stream.write_all(b"5\r\nabcde\r\n").is_ok() {
            assert!(started.elapsed() < TIMEOUT, "it is still read");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_finished_body_that_was_not_read_ends_with_its_response() {
    let server = Server::start(PATIENT);
    let mut stream = server.connect();
    client(move || {
        let request =
            b"POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n";
        stream.write_all(request).unwrap();
        assert!(read_to_end(&stream).ends_with("not read"));
    })
    .await;
}

#[actix_web::test]
async fn the_head_of_a_later_request_must_be_finished_too() {
    let server = Server::start(ConnectionLimits { head: SHORT, ..PATIENT });
    let streams = [server.connect(), server.connect()];
    client(move || {
        for stream in &streams {
            let mut stream: &TcpStream = stream;
            stream.write_all(GET.as_bytes()).unwrap();
            assert!(read_until(stream, "\r\n\r\n").starts_with("HTTP/1.1 204"));
        }
        let [mut silent, mut slow] = streams;
        silent.write_all(b"GET / HTTP/1.1\r\nHost").unwrap();
        assert_eq!(read_to_end(&silent), "");
        let started = Instant::now();
        while slow.write_all(b"a").is_ok() {
            thread::sleep(Duration::from_millis(20));
            assert!(started.elapsed() < TIMEOUT, "a byte now and then keeps it open");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_client_that_still_sends_its_head_gets_the_431_for_it() {
    let server = Server::start(PATIENT);
    let streams = [server.connect(), server.connect()];
    client(move || {
        let too_many = "X-Header: with a value that is not short\r\n".repeat(2000);
        let too_long = format!("X-Header: {}\r\n", "a".repeat(100_000));
        for (stream, headers) in streams.iter().zip([too_many, too_long]) {
            let mut stream: &TcpStream = stream;
            stream.write_all(format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n").as_bytes()).unwrap();
            let answer = read_to_end(stream);
            assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
        }
    })
    .await;
}

#[actix_web::test]
async fn a_head_of_30_kib_is_read() {
    let server = Server::start(PATIENT);
    let stream = server.connect();
    client(move || {
        let long = "a".repeat(30_000);
        (&stream)
            .write_all(format!("GET / HTTP/1.1\r\nHost: a\r\nX-Header: {long}\r\n\r\n").as_bytes())
            .unwrap();
        assert!(read_until(&stream, "\r\n\r\n").starts_with("HTTP/1.1 204"));
    })
    .await;
}

#[actix_web::test]
async fn a_client_that_reads_nothing_is_not_read_from_and_is_disconnected() {
    let server = Server::start(ConnectionLimits { write: SHORT, ..PATIENT });
    let mut stream = server.connect();
    client(move || {
        let requests = "GET /large HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1000);
        let started = Instant::now();
        while stream.write_all(requests.as_bytes()).is_ok() {
            assert!(started.elapsed() < TIMEOUT, "it is still read");
        }
    })
    .await;
    // The operating system buffers some megabytes of responses, and the forwarder's too.
    let (handled, most) = (server.handled.load(Ordering::SeqCst), if is_over_tls() { 3000 } else { 1000 });
    assert!(handled < most, "{handled} requests were handled");
}

#[actix_web::test]
async fn a_client_that_reads_late_gets_the_response_to_each_pipelined_request() {
    const REQUESTS: usize = 5000;
    let server = Server::start(PATIENT);
    let stream = server.connect();
    let received = client(move || {
        let mut writing = stream.try_clone().unwrap();
        let writer = thread::spawn(move || {
            writing
                .write_all("GET /large HTTP/1.1\r\nHost: a\r\n\r\n".repeat(REQUESTS - 1).as_bytes())
                .unwrap();
            writing.write_all(b"GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        });
        let answers = read_to_end(&stream);
        writer.join().unwrap();
        answers.matches("HTTP/1.1 200").count()
    })
    .await;
    assert_eq!(received, REQUESTS);
}

#[actix_web::test]
async fn a_large_body_arrives_whole_with_and_without_its_length() {
    const BYTES: usize = 5 << 20;
    let server = Server::start(PATIENT);
    let streams = [server.connect(), server.connect()];
    client(move || {
        let [mut known, mut chunked] = streams;
        let body = vec![b'x'; BYTES];
        let head = format!(
            "POST /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {BYTES}\r\n\r\n"
        );
        known.write_all(head.as_bytes()).unwrap();
        known.write_all(&body).unwrap();
        assert!(read_to_end(&known).ends_with(&BYTES.to_string()));
        let head =
            "POST /length HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
        chunked.write_all(head.as_bytes()).unwrap();
        for part in body.chunks(1 << 16) {
            write!(chunked, "{:x}\r\n", part.len()).unwrap();
            chunked.write_all(part).unwrap();
            chunked.write_all(b"\r\n").unwrap();
        }
        chunked.write_all(b"0\r\n\r\n").unwrap();
        assert!(read_to_end(&chunked).ends_with(&BYTES.to_string()));
    })
    .await;
}
