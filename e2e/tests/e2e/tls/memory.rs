//! The memory of connections over TLS.

#![cfg(target_os = "linux")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use goptri_server::raise_descriptor_limit;
use h2::client::SendRequest;
use http::{Method, Request};
use test_support::{HTTP1, HTTP2, connect_tls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;
use url::Url;

use super::Site;
use crate::programs::{Server, TIMEOUT};

/// The stated bounds for each connection (docs/deploy.md).
const MAX_KIB_IDLE: usize = 64;
const MAX_KIB_IN_FLIGHT: usize = 5 * 1024;

/// How many connections are idle.
const IDLE: usize = 200;

const REQUESTS_IN_FLIGHT: usize = 100;

/// A request head of about 31 KiB.
const FIELDS: usize = 8;
const FIELD_BYTES: usize = 3_900;

fn address(server: &Server) -> SocketAddr {
    Url::parse(&server.url).unwrap().socket_addrs(|| None).unwrap()[0]
}

/// A connection that has had one response.
async fn idle_http1(connector: &TlsConnector, address: SocketAddr) -> impl Sized {
    let mut stream = connect_tls(connector, address).await;
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = [0; 1024];
    let length = stream.read(&mut answer).await.unwrap();
    assert!(answer[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..length]));
    stream
}

/// The connection ends with the returned client.
async fn http2(connector: &TlsConnector, address: SocketAddr) -> SendRequest<Data> {
    let stream = connect_tls(connector, address).await;
    let (client, connection) = h2::client::Builder::new().handshake(stream).await.unwrap();
    tokio::spawn(connection);
    client
}

/// What is sent of a body.
type Data = std::io::Cursor<&'static [u8]>;

async fn idle_http2(connector: &TlsConnector, address: SocketAddr) -> impl Sized {
    let client = http2(connector, address).await;
    let request = Request::get("https://localhost/healthz").body(()).unwrap();
    let (answer, _) = client.clone().ready().await.unwrap().send_request(request, true).unwrap();
    assert_eq!(answer.await.unwrap().status(), 200);
    client
}

/// A sign-in with a head that is as long as permitted, and with a body that never ends.
fn unfinished_sign_in() -> Request<()> {
    let mut request = Request::builder().method(Method::POST).uri("https://localhost/login");
    for field in 0..FIELDS {
        request = request.header(format!("x-{field}"), "a".repeat(FIELD_BYTES));
    }
    request.header("content-type", "application/json").body(()).unwrap()
}

/// A connection with as many requests in flight as permitted.
async fn busy_http2(connector: &TlsConnector, address: SocketAddr) -> impl Sized {
    let client = http2(connector, address).await;
    let mut streams = Vec::new();
    for _ in 0..REQUESTS_IN_FLIGHT {
        let mut ready = client.clone().ready().await.unwrap();
        let (answer, mut body) = ready.send_request(unfinished_sign_in(), false).unwrap();
        body.send_data(Data::new(&[b' '; 2_500]), false).unwrap();
        streams.push((answer, body));
    }
    (client, streams)
}

async fn wait_for_memory(site: &Site, server: &Server, limit: usize) {
    let started = Instant::now();
    while server.running.status("VmRSS") > limit {
        assert!(started.elapsed() < TIMEOUT, "{} KiB, not {limit}", server.running.status("VmRSS"));
        site.new_client().get(format!("{}/healthz", server.url)).send().await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// What `connections` connections add to the memory of the server, in KiB each. Afterwards it is given back.
async fn kib_each<C>(
    site: &Site,
    server: &Server,
    connections: usize,
    mut open: impl AsyncFnMut(SocketAddr) -> C,
) -> usize {
    let (before, address) = (server.running.status("VmRSS"), address(server));
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(open(address).await);
    }
    let after = server.running.status("VmRSS");
    drop(opened);
    wait_for_memory(site, server, before * 3 / 2).await;
    after.saturating_sub(before) / connections
}

#[tokio::test]
async fn a_connection_over_tls_has_a_bound_and_is_given_back() {
    raise_descriptor_limit();
    let site = Site::start();
    let (http1, http2) = (site.authority.connector(HTTP1), site.authority.connector(HTTP2));
    for server in [&site.auth, &site.api] {
        // The first connections fill caches that stay.
        kib_each(&site, server, 20, async |address| idle_http2(&http2, address).await).await;
        let idle1 = kib_each(&site, server, IDLE, async |address| idle_http1(&http1, address).await).await;
        let idle2 = kib_each(&site, server, IDLE, async |address| idle_http2(&http2, address).await).await;
        assert!(idle1 <= MAX_KIB_IDLE && idle2 <= MAX_KIB_IDLE, "{idle1} KiB, {idle2} KiB");
    }
    let busy = kib_each(&site, &site.auth, 10, async |address| busy_http2(&http2, address).await).await;
    assert!((1024..=MAX_KIB_IN_FLIGHT).contains(&busy), "{busy} KiB");
}
