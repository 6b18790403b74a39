//! Who fails again and again waits, and nobody else does. The clock stands still, so that the seconds are exact.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, EMAIL, Engine, PASSWORD, TestServer, on_both_engines};

const WRONG: &str = "wrong horse battery staple";

/// Longer than any password may be, so that it fails without being hashed.
fn hopeless() -> String {
    "x".repeat(2000)
}

async fn guess(server: &TestServer, email: &str, password: &str, forwarded_for: &[&str]) -> Answer {
    let request =
        server.request(Method::POST, "/login").json(&json!({ "email": email, "password": password }));
    let request =
        forwarded_for.iter().fold(request, |request, from| request.header("x-forwarded-for", *from));
    server.send(request).await
}

async fn statuses(server: &TestServer, email: &str, password: &str, from: &str, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        statuses.push(guess(server, email, password, &[from]).await.status);
    }
    statuses
}

fn retry_after(answer: &Answer) -> i64 {
    assert_eq!(answer.error(), (429, "too_many_requests".into()));
    answer.header("retry-after").unwrap().parse().unwrap()
}

on_both_engines! {
    start: start_at_rest;

    /// PW-11
    async fn the_sixth_attempt_in_a_row_waits_also_when_it_is_right(server) {
        assert_eq!(server.register().await.status, 201);
        for _ in 0..5 {
            assert_eq!(guess(&server, EMAIL, WRONG, &[]).await.status, 401);
        }
        for _ in 0..3 {
            assert_eq!(retry_after(&server.login().await), 15);
        }
        server.later(TimeDelta::seconds(14));
        assert_eq!(retry_after(&server.login().await), 1);
        server.later(TimeDelta::seconds(1));
        assert_eq!(server.login().await.status, 200);
    }

    /// PW-11
    async fn a_success_forgets_the_failures_before_it(server) {
        assert_eq!(server.register().await.status, 201);
        for _ in 0..3 {
            for _ in 0..4 {
                assert_eq!(guess(&server, "ANN@example.com", WRONG, &[]).await.status, 401);
            }
            assert_eq!(server.login().await.status, 200);
        }
        assert_eq!(statuses(&server, EMAIL, WRONG, "", 6).await, [401, 401, 401, 401, 401, 429]);
    }

    /// PW-10: also when throttled, an account that is not there looks like one that is.
    async fn an_unknown_account_is_slowed_down_alike(server) {
        assert_eq!(server.register().await.status, 201);
        let mut series = Vec::new();
        for email in [EMAIL, "nobody@example.com", "no address"] {
            let mut seen = Vec::new();
            for _ in 0..7 {
                let Answer { status, mut headers, text } = guess(&server, email, WRONG, &[]).await;
                for each_its_own in ["date", "x-request-id"] {
                    assert!(headers.remove(each_its_own).is_some());
                }
                seen.push((status, headers, text));
            }
            assert_eq!(seen[4].0, 401);
            assert!(seen[5].0 == 429 && seen[5].1["retry-after"] == "15", "{:?}", seen[5]);
            series.push(seen);
        }
        series.dedup();
        assert_eq!(series.len(), 1, "{series:?}");
    }

    /// PW-11: in flight counts too.
    async fn of_a_parallel_burst_five_are_judged(server) {
        assert_eq!(server.register().await.status, 201);
        let answers = join_all((0..50).map(|_| guess(&server, EMAIL, WRONG, &[]))).await;
        let judged = answers.iter().filter(|answer| answer.status == 401).count();
        let waiting = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!((judged, waiting), (5, 45));
    }
}

on_both_engines! {
    start: start_at_rest;

    /// PW-11: no stranger locks the owner out.
    async fn the_owner_elsewhere_is_never_slowed_down(server where "TRUSTED_PROXIES" = "127.0.0.1") {
        assert_eq!(server.register().await.status, 201);
        for stranger in ["203.0.113.1", "203.0.113.2", "2001:db8:1:1::1"] {
            assert_eq!(statuses(&server, EMAIL, WRONG, stranger, 7).await, [401, 401, 401, 401, 401, 429, 429]);
            assert_eq!(guess(&server, EMAIL, PASSWORD, &["198.51.100.7"]).await.status, 200);
            assert_eq!(guess(&server, EMAIL, PASSWORD, &[stranger]).await.status, 429, "nor lets the stranger in");
        }
    }
}

/// OP-07
#[actix_web::test]
async fn an_address_that_nobody_vouches_for_is_not_believed() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("TRUSTED_PROXIES", "10.0.0.0/8")]).await;
    for n in 0..5 {
        let claimed = format!("203.0.113.{n}");
        assert_eq!(guess(&server, EMAIL, WRONG, &[&claimed]).await.status, 401);
    }
    for claimed in ["203.0.113.9", "10.0.0.1", "garbage", ""] {
        retry_after(&guess(&server, EMAIL, WRONG, &[claimed]).await);
    }
}

/// OP-07: a client's own claim stands before what the proxy adds.
#[actix_web::test]
async fn behind_a_proxy_the_client_claims_in_vain() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    for n in 0..5 {
        let headers = [&format!("203.0.113.{n}") as &str, "198.51.100.7, 127.0.0.2"];
        assert_eq!(guess(&server, EMAIL, WRONG, &headers).await.status, 401);
    }
    retry_after(&guess(&server, EMAIL, WRONG, &["203.0.113.9, 198.51.100.7"]).await);
    assert_eq!(guess(&server, EMAIL, WRONG, &["198.51.100.7, 203.0.113.9"]).await.status, 401);
    // Garbage is no failure of the server; whoever sends it is taken for the proxy.
    assert_eq!(guess(&server, EMAIL, WRONG, &["198.51.100.7, garbage"]).await.status, 401);
}

/// PW-11
#[actix_web::test]
async fn in_ipv6_a_64_is_one_address() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    for n in 0..5 {
        let from = format!("2001:db8:1:1:{n}::{n}");
        assert_eq!(guess(&server, EMAIL, &hopeless(), &[&from]).await.status, 401);
    }
    retry_after(&guess(&server, EMAIL, WRONG, &["2001:db8:1:1:ffff::"]).await);
    assert_eq!(guess(&server, EMAIL, WRONG, &["2001:db8:1:2::"]).await.status, 401);
}

/// PW-11: the same password on every account.
#[actix_web::test]
async fn an_address_fails_a_hundred_times_on_any_accounts_and_then_once_a_minute() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    assert_eq!(server.register().await.status, 201);
    for n in 0..100 {
        // Also what is no address at all.
        let email = if n % 2 == 0 { format!("{n}@example.com") } else { format!("number {n}") };
        assert_eq!(guess(&server, &email, &hopeless(), &["203.0.113.1"]).await.status, 401);
    }
    let refused = guess(&server, "another@example.com", &hopeless(), &["203.0.113.1"]).await;
    assert_eq!(retry_after(&refused), 60);
    assert_eq!(guess(&server, EMAIL, PASSWORD, &["203.0.113.2"]).await.status, 200);
    server.later(TimeDelta::minutes(1));
    assert_eq!(statuses(&server, "x", &hopeless(), "203.0.113.1", 2).await, [401, 429]);
}

#[actix_web::test]
async fn an_address_registers_a_hundred_times_and_then_once_a_minute() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[]).await;
    let weak = |n: usize| json!({ "email": format!("{n}@example.com"), "password": "short" });
    for n in 0..99 {
        assert_eq!(server.post("/users", &weak(n)).await.status, 422);
    }
    assert_eq!(server.register().await.status, 201);
    retry_after(&server.post("/users", &weak(100)).await);
    assert_eq!(server.login().await.status, 200, "who is registered signs in");
    server.later(TimeDelta::minutes(1));
    assert_eq!(server.post("/users", &weak(100)).await.status, 422);
}

#[actix_web::test]
async fn what_this_side_could_not_judge_counts_against_nobody() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("AUTO_MIGRATE", "off")]).await;
    for _ in 0..20 {
        assert_eq!(guess(&server, EMAIL, WRONG, &[]).await.error(), (503, "not_migrated".into()));
    }
    let unreadable: Value = json!({ "email": EMAIL });
    for _ in 0..20 {
        assert_eq!(server.post("/login", &unreadable).await.status, 400);
    }
}
