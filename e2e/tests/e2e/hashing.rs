//! Threads and memory of password hashing, as the operating system reports them.

#![cfg(target_os = "linux")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Client;
use serde_json::json;
use tokio::task::JoinSet;

use crate::programs::{Database, EMAIL, PASSWORD, Server, auth_server};

/// The memory of one hash.
const KIB_OF_A_HASH: usize = 19_456;

/// The name and the niceness of each thread of a process.
fn threads(process: &str) -> Vec<(String, i32)> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.unwrap().path().join("stat")).ok())
        .map(|stat| {
            let (name, fields) = stat.split_once('(').unwrap().1.rsplit_once(')').unwrap();
            // The 19th field; the name is the second.
            (name.to_owned(), fields.split_whitespace().nth(16).unwrap().parse().unwrap())
        })
        .collect()
}

/// Signs in `times` times, eight at a time, each with its own client address.
async fn sign_in(server: &Arc<Server>, times: usize) {
    let mut signing_in = JoinSet::new();
    for number in 0..8 {
        let server = Arc::clone(server);
        signing_in.spawn(async move {
            let body = json!({ "email": EMAIL, "password": PASSWORD });
            for _ in 0..times / 8 {
                let answer = Client::new()
                    .post(format!("{}/login", server.url))
                    .header("x-forwarded-for", format!("192.0.2.{number}"))
                    .json(&body);
                assert_eq!(answer.send().await.unwrap().status(), 200);
            }
        });
    }
    signing_in.join_all().await;
}

/// PW-12
#[tokio::test]
async fn only_hashing_threads_have_a_lower_priority() {
    let database = Database::sqlite();
    let auth = Server::start(auth_server(&database.url()));
    auth.register().await;
    auth.sign_in().await;
    let ours = threads("self").into_iter().map(|(_, niceness)| niceness).max().unwrap();
    let (hashing, others): (Vec<_>, Vec<_>) = threads(&auth.running.child.id().to_string())
        .into_iter()
        .partition(|(name, _)| name.starts_with("hashing-"));
    assert_eq!(hashing.len(), std::thread::available_parallelism().unwrap().get());
    assert!(hashing.iter().all(|(_, niceness)| *niceness == (ours + 10).min(19)), "{hashing:?}");
    assert!(others.len() > 2 && others.iter().all(|(_, niceness)| *niceness == ours), "{others:?}");
}

#[tokio::test]
async fn sign_ins_do_not_leak_memory() {
    let database = Database::sqlite();
    let mut command = auth_server(&database.url());
    command.env("TRUSTED_PROXIES", "127.0.0.1");
    let auth = Arc::new(Server::start(command));
    auth.register().await;
    sign_in(&auth, 40).await;
    let (before, most_before) = (auth.running.status("VmRSS"), auth.running.status("VmHWM"));
    sign_in(&auth, 240).await;
    let (after, most_after) = (auth.running.status("VmRSS"), auth.running.status("VmHWM"));
    println!(
        "KiB after 40 sign-ins: {before}, at most {most_before}; after 280: {after}, at most {most_after}"
    );
    assert!(most_after < most_before + KIB_OF_A_HASH / 2, "{most_before} {most_after}");
}

/// A sign-in from this address, through a trusted proxy: its status.
async fn sign_in_from(client: &Client, server: &Server, address: &str, email: &str) -> u16 {
    let body = json!({ "email": email, "password": PASSWORD });
    let sent = client.post(format!("{}/login", server.url)).header("x-forwarded-for", address).json(&body);
    sent.send().await.unwrap().status().as_u16()
}

/// PW-12
#[tokio::test]
async fn a_sign_in_waits_for_one_hash_of_each_other_address_and_not_for_all_that_they_have_queued() {
    const ACCOUNTS: usize = 5;
    let database = Database::sqlite();
    let mut command = auth_server(&database.url());
    command.env("TRUSTED_PROXIES", "127.0.0.1");
    let auth = Arc::new(Server::start(command));
    auth.register().await;
    let client = Client::new();
    let account = |number: usize| format!("user{number}@example.com");
    for number in 0..ACCOUNTS {
        let added = auth.post("/users", &json!({ "email": account(number), "password": PASSWORD })).await;
        assert_eq!(added.status(), 201);
    }
    let (mut noise, answered) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
    let threads = std::thread::available_parallelism().unwrap().get();
    for number in 0..200 * threads {
        let (client, auth, email) = (client.clone(), Arc::clone(&auth), account(number % ACCOUNTS));
        let answered = Arc::clone(&answered);
        noise.spawn(async move {
            let status = sign_in_from(&client, &auth, &format!("192.0.2.{}", number % 4), &email).await;
            answered.fetch_add(usize::from(status == 200), Ordering::SeqCst);
        });
    }
    // The others wait in the queue, or will.
    noise.join_next().await.unwrap().unwrap();
    let before = answered.load(Ordering::SeqCst);
    assert_eq!(sign_in_from(&client, &auth, "198.51.100.7", EMAIL).await, 200);
    let overtaken_by = answered.load(Ordering::SeqCst) - before;
    assert!(overtaken_by < 40 * threads, "{overtaken_by} of the others were first");
    noise.join_all().await;
}
