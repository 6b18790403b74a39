//! More sign-ins than can be hashed: those beyond the queue are rejected immediately, and refreshes are not delayed.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, EMAIL, Engine, PASSWORD, TestServer};

/// With more cores the queue would be longer and take longer to fill.
const THREADS: usize = 2;

/// More than the threads and the queue hold.
const MANY: usize = 300;

/// Refreshes until `stop`, requires that each succeeds, and returns how long each took.
async fn refresh_until(
    server: &TestServer,
    token: &mut String,
    stop: impl Fn(usize) -> bool,
) -> Vec<Duration> {
    let mut took = Vec::new();
    while !stop(took.len()) {
        let started = Instant::now();
        let answer = server.refresh(token).await;
        took.push(started.elapsed());
        assert_eq!(answer.status, 200, "{}", answer.text);
        *token = answer.field("refresh_token");
    }
    took
}

/// Sends all sign-ins at once, every other one for an unknown user, and returns the responses as they arrive.
async fn sign_in_at_once(server: &TestServer) -> Vec<(bool, Answer)> {
    let answers = RefCell::new(Vec::new());
    join_all((0..MANY).map(|n| {
        let (known, answers) = (n % 2 == 0, &answers);
        let email = if known { EMAIL } else { "nobody@example.com" };
        async move {
            // Each from an address of its own, so that the throttle does not apply.
            let from = format!("10.0.{}.{}", n / 250, n % 250);
            let body = json!({ "email": email, "password": PASSWORD });
            let request = server.request(Method::POST, "/login").header("x-forwarded-for", from).json(&body);
            let answer = server.send(request).await;
            answers.borrow_mut().push((known, answer));
        }
    }))
    .await;
    answers.into_inner()
}

async fn delays_no_refresh(engine: Engine) {
    let server =
        TestServer::start_after(engine, &[("TRUSTED_PROXIES", "127.0.0.1")], async |_, _, config| {
            config.hashing_threads = THREADS;
        })
        .await;
    let (_, mut refresh) = server.signed_in().await;
    let alone = refresh_until(&server, &mut refresh, |done| done == 200).await;
    let over = Cell::new(false);
    let flood = async {
        let answers = sign_in_at_once(&server).await;
        over.set(true);
        answers
    };
    let (answers, during) = join(flood, refresh_until(&server, &mut refresh, |_| over.get())).await;

    let (mut hashed, mut after_a_refusal, mut refused) = (0, 0, [0, 0]);
    for (known, answer) in &answers {
        if answer.status == 503 {
            assert_eq!(answer.error(), (503, "temporarily_unavailable"));
            assert_eq!(answer.header("retry-after"), Some("5"));
            refused[usize::from(*known)] += 1;
        } else {
            assert_eq!(answer.status, if *known { 200 } else { 401 }, "{}", answer.text);
            hashed += 1;
            after_a_refusal += usize::from(refused != [0, 0]);
        }
    }
    assert!(refused[0] > 0 && refused[1] > 0, "the queue rejects known and unknown users: {refused:?}");
    assert!(after_a_refusal > hashed / 2, "refusals are immediate");
    assert!(!during.is_empty());
    print(&format!("alone, {} refreshes", alone.len()), alone);
    print(
        &format!("while {hashed} are hashed and {refused:?} are rejected, {} refreshes", during.len()),
        during,
    );
}

#[expect(clippy::print_stdout, reason = "figures for those who ask for them")]
fn print(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let percentile = |percent| took[(took.len() - 1) * percent / 100];
    println!("{what}: p50 {:?}, p99 {:?}", percentile(50), percentile(99));
}

/// PW-12
#[actix_web::test]
async fn a_flood_of_sign_ins_delays_no_refresh_on_sqlite() {
    delays_no_refresh(Engine::Sqlite).await;
}

/// PW-12
#[actix_web::test]
async fn a_flood_of_sign_ins_delays_no_refresh_on_postgres() {
    delays_no_refresh(Engine::Postgres).await;
}
