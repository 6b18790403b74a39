//! Which requests reach which servers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use reqwest::{Client, Response};
use serde_json::{Value, json};

use super::balancer::Logged;
use super::site::{API, LOGIN, Site};
use crate::programs::{EMAIL, FEED_SECRET, PASSWORD, TIMEOUT};

async fn get(client: &Client, url: &str) -> Response {
    client.get(url).bearer_auth(FEED_SECRET).send().await.unwrap()
}

async fn sign_in(client: &Client, path: &str) -> Value {
    let credentials = json!({ "email": EMAIL, "password": PASSWORD });
    // What a client claims about its address counts for nothing.
    let login = client.post(format!("{LOGIN}{path}")).header("X-Forwarded-For", "203.0.113.9");
    let response = login.json(&credentials).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_names_lead_to_their_servers_and_the_feed_is_on_the_private_listener_only() {
    let site = Site::start().await;
    site.auths[0].server.register().await;
    let client = site.client_at(Ipv4Addr::new(127, 0, 0, 2));
    let tokens = sign_in(&client, "/login").await;
    let access = tokens["access_token"].as_str().unwrap();
    let me = client.get(format!("{API}/me")).bearer_auth(access).send().await.unwrap();
    assert_eq!(me.headers()["strict-transport-security"], "max-age=31536000");
    assert_eq!(me.json::<Value>().await.unwrap()["email"], EMAIL);
    let sessions = client.get(format!("{LOGIN}/sessions")).bearer_auth(access).send().await.unwrap();
    assert_eq!(sessions.json::<Value>().await.unwrap()["sessions"][0]["ip"], "127.0.0.2");

    for path in ["/revocations", "/%72evocations", "/revocations?after="] {
        assert_eq!(get(&client, &format!("{LOGIN}{path}")).await.status(), 403, "{path}");
    }
    assert_eq!(get(&client, "https://other.example.com/healthz").await.status(), 404);
    for host in [LOGIN, API] {
        let metrics = client.get(format!("{host}/metrics")).bearer_auth(access).send().await.unwrap();
        assert_eq!(metrics.status(), 404, "{host}");
    }
    let inside = |path: &str| format!("http://{}{path}", site.services);
    for (path, status) in [("/revocations", 200), ("/.well-known/jwks.json", 200), ("/sessions", 403)] {
        assert_eq!(get(&Client::new(), &inside(path)).await.status(), status, "{path}");
    }

    let plain = site.plain_client();
    let redirected = get(&plain, "http://api.example.com/photos?a=b").await;
    assert_eq!(redirected.status(), 301);
    assert_eq!(redirected.headers()["location"], "https://api.example.com/photos?a=b");
    assert_eq!(get(&plain, "http://other.example.com/").await.status(), 404);
}

/// The last bytes of addresses from which users sign in, each with each of these paths.
const ADDRESSES: std::ops::Range<u8> = 2..20;
const PATHS: [&str; 3] = ["/login", "/%6Cogin", "/login"];

/// The limits on wrong passwords are counted by each process.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_from_one_address_reach_one_server_and_those_from_many_addresses_reach_all() {
    let site = Site::start().await;
    site.auths[0].server.register().await;
    for address in ADDRESSES {
        let client = site.client_at(Ipv4Addr::new(127, 0, 0, address));
        for path in PATHS {
            sign_in(&client, path).await;
        }
    }
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for logged in logged_sign_ins(&site).await {
        used.entry(logged.client).or_default().insert(logged.server);
    }
    assert!(used.len() == ADDRESSES.len() && used.values().all(|servers| servers.len() == 1), "{used:?}");
    let all: BTreeSet<String> = used.into_values().flatten().collect();
    assert!(all.len() == 3 && all.iter().all(|server| server.starts_with("passwords/")), "{all:?}");
}

/// A line may be written after its client has the response.
async fn logged_sign_ins(site: &Site) -> Vec<Logged> {
    let started = Instant::now();
    loop {
        let mut logged = site.balancer.requests();
        logged.retain(|logged| logged.request.contains("ogin "));
        if logged.len() == ADDRESSES.len() * PATHS.len() {
            return logged;
        }
        assert!(started.elapsed() < TIMEOUT, "{} sign-ins are logged", logged.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ready_server_clients_get_the_503_of_the_servers() {
    let mut site = Site::start().await;
    for member in &mut site.apis {
        member.server.running.signal("KILL");
    }
    for member in &site.apis {
        site.balancer.says(&member.name, "DOWN", 1).await;
    }
    let response = get(&site.client_at(Ipv4Addr::LOCALHOST), &format!("{API}/me")).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "temporarily_unavailable");
}
