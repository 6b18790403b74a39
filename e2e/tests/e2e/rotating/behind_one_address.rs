//! Several auth-servers behind one address, as behind a Kubernetes service: api-server follows the feed of one of them and
//! fetches the keys of another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::emergency::{accepts, refresh, until_rejected};
use super::fleet::{FEED, Fleet, KEYS, LONG, api_member, client};
use super::keys::{Key, as_logged};
use super::session_tokens;
use crate::programs::TIMEOUT;

/// Forwards connections by their first request, and counts those for keys.
struct Balancer {
    url: String,
    key_requests: Arc<AtomicUsize>,
}

impl Balancer {
    /// Forwards the feed to `feed` and everything else to `other`.
    async fn before(feed: &str, other: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (feed, other) = (address(feed), address(other));
        let key_requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&key_requests);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(pass(near, feed.clone(), other.clone(), Arc::clone(&counted)));
            }
        });
        Self { url, key_requests }
    }

    /// Waits until the keys have been requested `times` times.
    async fn wait_for_key_requests(&self, times: usize) {
        let started = Instant::now();
        while self.key_requests.load(SeqCst) < times {
            assert!(started.elapsed() < TIMEOUT, "the keys were not requested {times} times");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn address(url: &str) -> String {
    url.trim_start_matches("http://").to_owned()
}

/// Adds `Connection: close`, so that each connection has one request.
async fn pass(mut near: TcpStream, feed: String, other: String, key_requests: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = near.read_u8().await else { return };
        head.push(byte);
    }
    let is_feed = head.starts_with(b"GET /revocations");
    let Ok(mut far) = TcpStream::connect(if is_feed { feed } else { other }).await else { return };
    let end = head.len() - 2;
    head.splice(end.., *b"connection: close\r\n\r\n");
    if far.write_all(&head).await.is_ok() {
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
    if !is_feed {
        key_requests.fetch_add(1, SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_fetches_keys_until_the_last_of_several_auth_servers_has_the_new_ones() {
    let (old, new) = (Key::pair("ed25519"), Key::pair("ed25519"));
    let mut fleet = Fleet::start(LONG, &[(KEYS, &old.text)], &[]).await;
    let session = session_tokens::open(&fleet.database.url(), &fleet.refresh.text, 1).await.remove(0);
    let balancer = Balancer::before(&fleet.auths[0].server.url, &fleet.auths[1].server.url).await;
    let api = api_member(&balancer.url, &[(FEED, &fleet.feed.text)]);
    api.is_ready().await;
    let client = client();
    let (token, next) = refresh(&client, &fleet.auths[0], &session).await;

    // By now the interval of regular requests has doubled several times, which would be too slow.
    balancer.wait_for_key_requests(6).await;
    fleet.auths[0].put(KEYS, &new.text);
    fleet.auths[0].says(&as_logged(&[&new]));
    balancer.wait_for_key_requests(balancer.key_requests.load(SeqCst) + 5).await;
    assert!(accepts(&client, &api, &token).await, "the one that was asked has the old key still");

    let since = Instant::now();
    fleet.auths[1].put(KEYS, &new.text);
    let took = until_rejected(&client, &api, &token, since).await;
    println!("behind one address: rejected {took:.0?} after the last auth-server had the new key");
    let (newer, _) = refresh(&client, &fleet.auths[1], &next).await;
    assert!(accepts(&client, &api, &newer).await);
}
