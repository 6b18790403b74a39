//! A flood of failing sign-ins: memory stays bounded, sessions can be refreshed, and the owner of an attacked account can
//! sign in.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread::{self, available_parallelism};

use auth_domain::{Email, NewUser, PasswordHash, UserId};
use auth_store::{AddUserOutcome, Maintenance as _, RunningServers, Users as _};
use goptri::clock::SystemClock;
use goptri_settings::Environment;
use reqwest::Client;
use serde_json::{Value, json};
use store_sqlite::SqliteStore;
use uuid::Uuid;

use crate::programs::{Database, EMAIL, PASSWORD, Server, auth_server};

/// scripts/flood sends 100,000.
const GUESSES: &str = "4000";
const ACCOUNTS: usize = 1000;
const CONNECTIONS: usize = 16;

/// A hash without a known password.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY";

fn account(n: usize) -> String {
    if n.is_multiple_of(ACCOUNTS) { EMAIL.to_owned() } else { format!("user{}@example.com", n % ACCOUNTS) }
}

async fn add_accounts(url: &str) {
    let store = SqliteStore::connect(url, Arc::new(SystemClock)).unwrap();
    store.migrate(RunningServers::Possible).await.unwrap();
    for n in 1..ACCOUNTS {
        let user = NewUser {
            id: UserId(Uuid::from_u128(n as u128)),
            email: Email::parse(&account(n)).unwrap(),
            email_verified: true,
            password_hash: PasswordHash::from_phc(HASH.to_owned()),
            roles: Vec::new(),
        };
        assert!(matches!(store.add_user(&user).await.unwrap(), AddUserOutcome::Added(_)));
    }
    store.close().await;
}

/// Half of the requests come from one address. The others come from thousands of addresses, most with a password that is
/// too long: it counts as a failure and is not hashed, so that the flood hits the counters and not the hashing.
fn guess(n: usize) -> String {
    let spread = n % 2 == 1;
    let from = if spread { format!("10.{}.{}.1", n / 256 % 64, n % 256) } else { "203.0.113.1".to_owned() };
    let password = if spread && n % 100 != 1 { "x".repeat(1100) } else { format!("wrong password {n}") };
    let body = json!({ "email": account(n / 2), "password": password }).to_string();
    format!(
        "POST /login HTTP/1.1\r\nhost: x\r\nx-forwarded-for: {from}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The status of the next response on this connection; skips the body.
fn status(connection: &mut BufReader<TcpStream>) -> u16 {
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        assert_ne!(connection.read_line(&mut line).unwrap(), 0, "the server closed the connection");
        match line.trim_end().split_once([' ', ':']) {
            None => break,
            Some(("HTTP/1.1", rest)) => status = rest[..3].parse().unwrap(),
            Some((name, rest)) if name.eq_ignore_ascii_case("content-length") => {
                length = rest.trim().parse().unwrap();
            }
            Some(_) => {}
        }
    }
    connection.read_exact(&mut vec![0; length]).unwrap();
    status
}

/// Sends these guesses on several connections and counts the responses by status.
fn flood(server: &Server, guesses: std::ops::Range<usize>) -> BTreeMap<u16, usize> {
    let counted = thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|first| {
                let mut connection = BufReader::new(server.connect());
                let guesses = guesses.clone().skip(first).step_by(CONNECTIONS);
                scope.spawn(move || {
                    let mut answers = BTreeMap::new();
                    for n in guesses {
                        connection.get_mut().write_all(guess(n).as_bytes()).unwrap();
                        *answers.entry(status(&mut connection)).or_insert(0) += 1;
                    }
                    answers
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    counted.into_iter().fold(BTreeMap::new(), |mut all, (status, times)| {
        *all.entry(status).or_insert(0) += times;
        all
    })
}

/// PW-11, OP-07
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_failing_sign_ins_takes_bounded_memory_and_locks_no_user_out() {
    let guesses: usize = Environment::load()
        .unwrap()
        .with_default("GUESSES", GUESSES)
        .get("GUESSES")
        .unwrap()
        .parse()
        .unwrap();
    let database = Database::sqlite();
    add_accounts(&database.url()).await;
    let mut command = auth_server(&database.url());
    command.env("TRUSTED_PROXIES", "127.0.0.1");
    let auth = Arc::new(Server::start(command));
    auth.register().await;
    let (_, mut refresh) = auth.sign_in().await;
    // Warm up: the first ones allocate the memory for hashing.
    let warm = guesses / 10;
    flood(&auth, 0..warm);
    let before = auth.running.status("VmRSS");

    let flooding = tokio::task::spawn_blocking({
        let auth = Arc::clone(&auth);
        move || flood(&auth, warm..guesses)
    });
    let mut refreshed = 0;
    while !flooding.is_finished() {
        let answer = auth.post("/token", &json!({ "refresh_token": refresh })).await;
        assert_eq!(answer.status(), 200);
        let tokens: Value = answer.json().await.unwrap();
        tokens["refresh_token"].as_str().unwrap().clone_into(&mut refresh);
        refreshed += 1;
    }
    let answers = flooding.await.unwrap();
    let after = auth.running.status("VmRSS");
    println!("{answers:?}; {refreshed} refreshes during the flood; {before} KiB before, {after} KiB after");

    assert!(answers.keys().all(|status| [401, 429, 503].contains(status)), "{answers:?}");
    assert!(answers[&429] > guesses / 3, "{answers:?}");
    assert!(refreshed > 5, "only {refreshed} refreshes");
    // The counters take at most 5 MiB; the rest is the allocator's, and 19 MiB for hashing on each core.
    let most = 256 * 1024 + available_parallelism().unwrap().get() * 19 * 1024;
    assert!(after < before + 32 * 1024 && after < most, "{before} KiB, then {after} KiB");
    // The owner, from an address without failures.
    sign_in_from(&auth, "198.51.100.7").await;
    let mut auth = Arc::into_inner(auth).unwrap().running;
    auth.signal("TERM");
    assert!(auth.whole_output().contains("ip=203.0.113.1 reason=too many attempts from this address"));
}

/// OP-08
#[tokio::test]
async fn a_throttled_registration_is_logged() {
    let database = Database::sqlite();
    let mut auth = Server::start(auth_server(&database.url()));
    let weak = json!({ "email": EMAIL, "password": "weak" });
    for _ in 0..100 {
        assert_eq!(auth.post("/users", &weak).await.status(), 422);
    }
    assert_eq!(auth.post("/users", &weak).await.status(), 429);
    auth.running.signal("TERM");
    let logged = auth.running.whole_output();
    let throttled = logged.lines().filter(|line| line.contains("answered") && line.contains("status=429"));
    assert_eq!(throttled.count(), 1, "{logged}");
}

async fn sign_in_from(server: &Server, from: &str) {
    let request = Client::new().post(format!("{}/login", server.url)).header("x-forwarded-for", from);
    let answer = request.json(&json!({ "email": EMAIL, "password": PASSWORD })).send().await.unwrap();
    assert_eq!(answer.status(), 200, "from {from}");
}

/// OP-07
#[tokio::test]
async fn a_session_has_the_address_of_the_client_and_not_of_the_proxy() {
    for (trusted, expected) in [("127.0.0.1", true), ("", false)] {
        let database = Database::sqlite();
        let mut command = auth_server(&database.url());
        command.env("TRUSTED_PROXIES", trusted);
        let mut auth = Server::start(command);
        auth.register().await;
        for _ in 0..2 {
            sign_in_from(&auth, "198.51.100.7").await;
        }
        let Database::Sqlite(folder) = &database else { unreachable!() };
        let files = fs::read_dir(folder.path()).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
        let stored = String::from_utf8_lossy(&files.collect::<Vec<_>>().concat()).into_owned();
        assert_eq!(stored.contains("198.51.100.7"), expected, "{trusted:?}");
        assert_eq!(stored.contains("127.0.0.1"), !expected, "{trusted:?}");
        // A proxy that is not in TRUSTED_PROXIES is logged once.
        auth.running.signal("TERM");
        let logged = auth.running.whole_output().matches("add it to TRUSTED_PROXIES").count();
        assert_eq!(logged, usize::from(!expected), "{trusted:?}");
    }
}
