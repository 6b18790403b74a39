//! HTTP/2: what a client sees, and the limits of a connection whose client is hostile.

use std::cell::Cell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::http::header::{CONNECTION, COOKIE};
use actix_web::middleware::from_fn;
use actix_web::web::Bytes;
use actix_web::{App, HttpRequest, HttpResponse, web};
use futures_util::stream;
use goptri_server::{ClientAddress, ConnectionHandle, ConnectionLimits, HttpServer, response_policy};
use h2::client::{Connection, ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Method, Request, StatusCode};
use test_support::{HTTP2, TIMEOUT};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::client::TlsStream;

use crate::tls_fixture::TlsFixture;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_mins(10);
const PATIENT: ConnectionLimits =
    ConnectionLimits { keep_alive: LONG, handshake: LONG, head: LONG, drain: LONG, write: LONG };

struct Server {
    fixture: TlsFixture,
    address: SocketAddr,
    handle: ServerHandle,
    stop: Cell<Option<oneshot::Sender<()>>>,
    /// Requests that were begun.
    begun: Arc<AtomicUsize>,
}

impl Server {
    fn start(limits: ConnectionLimits) -> Self {
        let (fixture, begun) = (TlsFixture::new(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&begun);
        let (tls, address) = (fixture.tls(), "127.0.0.1:0".parse().unwrap());
        let server = HttpServer::bind(address, "ADDR", limits, Some(&tls), move || {
            let count = Arc::clone(&count);
            let wait = move |time: Duration| {
                count.fetch_add(1, Ordering::SeqCst);
                async move {
                    tokio::time::sleep(time).await;
                    "waited"
                }
            };
            let hang = wait.clone();
            App::new()
                .wrap(from_fn(response_policy))
                .route("/", web::to(HttpResponse::NoContent))
                .route("/describe", web::to(describe))
                .route("/large", web::to(|| std::future::ready("x".repeat(1 << 20))))
                .route("/endless", web::to(endless))
                .route("/closed", web::to(closed))
                .route("/failing", web::to(failing))
                .route("/wait", web::to(move || wait(SHORT * 2)))
                .route("/hang", web::to(move || hang(LONG)))
                .route("/length", web::to(length))
                .route("/unread", web::to(|| std::future::ready("not read")))
        })
        .unwrap();
        let address = server.address();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = server.run(async move { drop(stopped.await) });
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self { fixture, address, handle, stop: Cell::new(Some(stop)), begun }
    }

    /// A client, and its connection, which the caller must poll.
    async fn handshake(&self) -> (SendRequest<Bytes>, Connection<TlsStream<TcpStream>>) {
        let stream = self.fixture.connect(self.address, HTTP2).await;
        h2::client::handshake(stream).await.unwrap()
    }

    async fn connect(&self) -> SendRequest<Bytes> {
        let (client, connection) = self.handshake().await;
        actix_web::rt::spawn(connection);
        client
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn describe(request: HttpRequest, address: ClientAddress) -> HttpResponse {
    let cookies: Vec<_> =
        request.headers().get_all(COOKIE).map(|value| value.to_str().unwrap().to_owned()).collect();
    let text = format!("{} {} {address} {cookies:?}", request.method(), request.path());
    HttpResponse::Ok().insert_header((CONNECTION, "keep-alive")).insert_header(("x-two", "2")).body(text)
}

async fn endless() -> HttpResponse {
    HttpResponse::Ok()
        .streaming(stream::repeat_with(|| Ok::<_, actix_web::Error>(Bytes::from(vec![b'x'; 1 << 14]))))
}

/// A stream that the server closes from another thread.
async fn closed(request: HttpRequest) -> HttpResponse {
    let connection = ConnectionHandle::of(&request);
    std::thread::spawn(move || {
        std::thread::sleep(SHORT);
        connection.shutdown();
    });
    HttpResponse::Ok().streaming(stream::pending::<Result<Bytes, actix_web::Error>>())
}

async fn failing() -> HttpResponse {
    let chunks = [Ok(Bytes::from("begun")), Err(std::io::Error::other("the disk is gone"))];
    HttpResponse::Ok().streaming(stream::iter(chunks))
}

async fn length(body: web::Payload) -> String {
    body.to_bytes_limited(10 << 20).await.unwrap().unwrap().len().to_string()
}

fn request(method: Method, path: &str) -> Request<()> {
    let uri = format!("https://login.example.com{path}");
    Request::builder().method(method).uri(uri).body(()).unwrap()
}

async fn send(
    client: &SendRequest<Bytes>,
    request: Request<()>,
    ends: bool,
) -> (ResponseFuture, SendStream<Bytes>) {
    let mut client = client.clone().ready().await.unwrap();
    client.send_request(request, ends).unwrap()
}

async fn read(mut body: RecvStream) -> Result<String, h2::Error> {
    let mut text = Vec::new();
    while let Some(chunk) = body.data().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            // The response is complete, and the server wants nothing more of the request (RFC 9113 §8.1).
            Err(error) if error.reason() == Some(Reason::NO_ERROR) => break,
            Err(error) => return Err(error),
        };
        body.flow_control().release_capacity(chunk.len())?;
        text.extend(chunk);
    }
    Ok(String::from_utf8(text).unwrap())
}

async fn answer(client: &SendRequest<Bytes>, request: Request<()>) -> (StatusCode, HeaderMap, String) {
    let (response, _) = send(client, request, true).await;
    let (head, body) = response.await.unwrap().into_parts();
    (head.status, head.headers, read(body).await.unwrap())
}

/// What `future` resolves to, within the time limit of a test.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, future).await.expect("it takes too long")
}

#[actix_web::test]
async fn requests_are_answered_as_over_http_1() {
    let server = Server::start(PATIENT);
    let client = server.connect().await;
    let mut described = request(Method::GET, "/describe?a=b");
    // As browsers send them.
    described.headers_mut().append(COOKIE, "a=1".parse().unwrap());
    described.headers_mut().append(COOKIE, "b=2".parse().unwrap());
    let (status, headers, body) = answer(&client, described).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, "GET /describe 127.0.0.1 [\"a=1; b=2\"]"));
    assert_eq!(headers["content-length"], body.len().to_string());
    assert_eq!(headers["x-two"], "2");
    assert_eq!(headers["strict-transport-security"], "max-age=31536000");
    assert!(headers.contains_key("date") && headers.contains_key("x-request-id"), "{headers:?}");
    assert!(!headers.contains_key("connection"), "{headers:?}");

    let (status, headers, body) = answer(&client, request(Method::HEAD, "/large")).await;
    assert_eq!((status.as_u16(), body.as_str()), (200, ""));
    assert_eq!(headers["content-length"], (1 << 20).to_string());
    assert_eq!(answer(&client, request(Method::GET, "/")).await.0, 204);
    assert_eq!(answer(&client, request(Method::GET, "/nowhere")).await.0, 404);
    assert_eq!(answer(&client, request(Method::GET, "/large")).await.2.len(), 1 << 20);
}

#[actix_web::test]
async fn a_large_body_arrives_whole_and_one_that_is_not_read_is_not_waited_for() {
    const BYTES: usize = 5 << 20;
    let server = Server::start(PATIENT);
    let client = server.connect().await;
    for (path, expected) in [("/length", BYTES.to_string()), ("/unread", "not read".to_owned())] {
        let (response, mut body) = send(&client, request(Method::POST, path), false).await;
        actix_web::rt::spawn(async move {
            let mut left = BYTES;
            while left > 0 {
                body.reserve_capacity(left.min(1 << 16));
                let capacity = std::future::poll_fn(|context| body.poll_capacity(context)).await;
                let Some(Ok(capacity)) = capacity else { return };
                let part = capacity.min(left);
                left -= part;
                if body.send_data(vec![b'x'; part].into(), left == 0).is_err() {
                    return;
                }
            }
        });
        let response = soon(response).await.unwrap();
        assert_eq!(soon(read(response.into_body())).await.unwrap(), expected);
    }
}

#[actix_web::test]
async fn a_response_that_fails_is_not_taken_for_a_complete_one() {
    let server = Server::start(PATIENT);
    let client = server.connect().await;
    for (path, reason) in [("/failing", Reason::INTERNAL_ERROR), ("/closed", Reason::CANCEL)] {
        let (response, _) = send(&client, request(Method::GET, path), true).await;
        let answered = async { read(response.await?.into_body()).await };
        let error = soon(answered).await.unwrap_err();
        assert_eq!(error.reason(), Some(reason), "{path}: {error}");
    }
    assert_eq!(answer(&client, request(Method::GET, "/")).await.0, 204, "the others go on");
}

#[actix_web::test]
async fn an_idle_connection_is_closed_gracefully_after_keep_alive() {
    let server = Server::start(ConnectionLimits { keep_alive: SHORT, ..PATIENT });
    let (client, connection) = server.handshake().await;
    let connection = actix_web::rt::spawn(connection);
    // In flight for longer than the time.
    assert_eq!(answer(&client, request(Method::GET, "/wait")).await.2, "waited");
    let started = Instant::now();
    soon(connection).await.unwrap().unwrap();
    assert!(started.elapsed() > SHORT / 2, "{:?}", started.elapsed());

    let silent = Server::start(ConnectionLimits { head: SHORT, ..PATIENT });
    let (_client, connection) = silent.handshake().await;
    soon(connection).await.unwrap();
}

#[actix_web::test]
async fn a_client_that_reads_nothing_of_a_response_loses_it_and_keeps_the_others() {
    let server = Server::start(ConnectionLimits { write: SHORT, ..PATIENT });
    let client = server.connect().await;
    let (response, _) = send(&client, request(Method::GET, "/endless"), true).await;
    let unread = soon(response).await.unwrap().into_body();
    for _ in 0..5 {
        tokio::time::sleep(SHORT / 3).await;
        assert_eq!(answer(&client, request(Method::GET, "/")).await.0, 204);
    }
    tokio::time::sleep(SHORT).await;
    let error = soon(read(unread)).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::CANCEL), "{error}");
}

#[actix_web::test]
async fn a_client_whose_socket_is_not_read_is_disconnected() {
    let server = Server::start(ConnectionLimits { write: SHORT, ..PATIENT });
    let stream = server.fixture.connect(server.address, HTTP2).await;
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(1 << 30).initial_connection_window_size(1 << 30);
    let (client, mut connection) = builder.handshake::<_, Bytes>(stream).await.unwrap();
    let (_response, _) =
        client.clone().ready().await.unwrap().send_request(request(Method::GET, "/endless"), true).unwrap();
    let requested = tokio::time::timeout(SHORT / 3, &mut connection).await;
    assert!(requested.is_err(), "{requested:?}");
    // The connection is not read now.
    tokio::time::sleep(SHORT * 4).await;
    assert!(soon(connection).await.is_err(), "it was closed in the middle of a response");
}

#[actix_web::test]
async fn a_connection_has_at_most_a_hundred_requests_in_flight_even_if_the_client_resets_them() {
    let server = Server::start(PATIENT);
    let client = server.connect().await;
    let mut number = 0;
    // Until the server closes the connection, because too many of the requests that it has not begun are reset.
    while let Ok(mut ready) = client.clone().ready().await
        && let Ok((_response, mut stream)) = ready.send_request(request(Method::GET, "/hang"), false)
    {
        number += 1;
        assert!(number < 300, "the connection stays open");
        let sent = Instant::now();
        while server.begun.load(Ordering::SeqCst) < number.min(100) {
            assert!(sent.elapsed() < TIMEOUT, "request {number} is not begun");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if number > 100 {
            // More time than a request needs to begin.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stream.send_reset(Reason::CANCEL);
        // Sends the reset.
        tokio::task::yield_now().await;
    }
    assert_eq!(server.begun.load(Ordering::SeqCst), 100, "requests that were reset do not count");
}

#[actix_web::test]
async fn a_head_that_is_too_long_or_has_too_many_fields_gets_431() {
    let server = Server::start(PATIENT);
    let client = server.connect().await;
    let with_fields = |count: usize, length: usize| {
        let mut long = request(Method::GET, "/describe");
        for number in 0..count {
            let name: http::HeaderName = format!("x-{number}").parse().unwrap();
            long.headers_mut().insert(name, "a".repeat(length).parse().unwrap());
        }
        long
    };
    for (count, length, expected) in [(90, 100, 200), (100, 10, 431), (10, 3000, 200), (10, 4000, 431)] {
        let (response, _) = send(&client, with_fields(count, length), true).await;
        assert_eq!(soon(response).await.unwrap().status().as_u16(), expected, "{count} of {length}");
    }
}

#[actix_web::test]
async fn a_stop_finishes_requests_in_flight_and_closes_idle_connections() {
    let server = Server::start(PATIENT);
    let (idle, busy) = (server.handshake().await, server.handshake().await);
    let (_idle_client, idle) = (idle.0, actix_web::rt::spawn(idle.1));
    let (client, busy) = (busy.0, actix_web::rt::spawn(busy.1));
    let (response, _) = send(&client, request(Method::GET, "/wait"), true).await;
    while server.begun.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let started = Instant::now();
    server.stop.take().unwrap().send(()).unwrap();
    soon(idle).await.unwrap().unwrap();
    assert_eq!(soon(read(soon(response).await.unwrap().into_body())).await.unwrap(), "waited");
    soon(busy).await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}
