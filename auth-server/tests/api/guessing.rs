//! Repeated failures slow down further attempts, and nothing else. The clock stands still, so that the seconds are exact.

use chrono::TimeDelta;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, EMAIL, Engine, PASSWORD, TestServer, on_both_engines};

const WRONG: &str = "wrong horse battery staple";

/// Longer than the limit for passwords, so that it fails without being hashed.
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
    assert_eq!(answer.error(), (429, "too_many_requests"));
    answer.header("retry-after").unwrap().parse().unwrap()
}

on_both_engines! {
    start: start_at_rest;

    /// PW-11
    async fn after_five_failures_even_the_right_password_must_wait(server) {
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
    async fn a_successful_sign_in_clears_earlier_failures(server) {
        assert_eq!(server.register().await.status, 201);
        for _ in 0..3 {
            for _ in 0..4 {
                assert_eq!(guess(&server, "ANN@example.com", WRONG, &[]).await.status, 401);
            }
            assert_eq!(server.login().await.status, 200);
        }
        assert_eq!(statuses(&server, EMAIL, WRONG, "", 6).await, [401, 401, 401, 401, 401, 429]);
    }

    /// PW-10
    async fn an_unknown_account_is_limited_like_a_known_one(server) {
        assert_eq!(server.register().await.status, 201);
        let mut series = Vec::new();
        for email in [EMAIL, "nobody@example.com", "no address"] {
            let mut seen = Vec::new();
            for _ in 0..7 {
                let Answer { status, mut headers, text, .. } = guess(&server, email, WRONG, &[]).await;
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

    /// PW-11: attempts in flight count too.
    async fn of_a_parallel_burst_five_attempts_are_judged(server) {
        assert_eq!(server.register().await.status, 201);
        let answers = join_all((0..50).map(|_| guess(&server, EMAIL, WRONG, &[]))).await;
        let judged = answers.iter().filter(|answer| answer.status == 401).count();
        let waiting = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!((judged, waiting), (5, 45));
    }
}

on_both_engines! {
    start: start_at_rest;

    /// PW-11: an attacker cannot lock the user out.
    async fn failures_from_one_address_do_not_slow_down_the_user_on_another(server where "TRUSTED_PROXIES" = "127.0.0.1") {
        assert_eq!(server.register().await.status, 201);
        for stranger in ["203.0.113.1", "203.0.113.2", "2001:db8:1:1::1"] {
            assert_eq!(statuses(&server, EMAIL, WRONG, stranger, 7).await, [401, 401, 401, 401, 401, 429, 429]);
            assert_eq!(guess(&server, EMAIL, PASSWORD, &["198.51.100.7"]).await.status, 200);
            assert_eq!(guess(&server, EMAIL, PASSWORD, &[stranger]).await.status, 429, "a success elsewhere does not help the attacker");
        }
    }
}

/// OP-07
#[actix_web::test]
async fn x_forwarded_for_of_an_untrusted_peer_is_ignored() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("TRUSTED_PROXIES", "10.0.0.0/8")]).await;
    for n in 0..5 {
        let claimed = format!("203.0.113.{n}");
        assert_eq!(guess(&server, EMAIL, WRONG, &[&claimed]).await.status, 401);
    }
    for claimed in ["203.0.113.9", "10.0.0.1", "garbage", ""] {
        retry_after(&guess(&server, EMAIL, WRONG, &[claimed]).await);
    }
}

/// OP-07: the proxy appends the real address to what the client claims.
#[actix_web::test]
async fn behind_a_trusted_proxy_the_address_that_the_client_claims_is_ignored() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("TRUSTED_PROXIES", "127.0.0.0/8")]).await;
    for n in 0..5 {
        let headers = [&format!("203.0.113.{n}") as &str, "198.51.100.7, 127.0.0.2"];
        assert_eq!(guess(&server, EMAIL, WRONG, &headers).await.status, 401);
    }
    retry_after(&guess(&server, EMAIL, WRONG, &["203.0.113.9, 198.51.100.7"]).await);
    assert_eq!(guess(&server, EMAIL, WRONG, &["198.51.100.7, 203.0.113.9"]).await.status, 401);
    // Garbage is ignored, and the address of the proxy counts.
    assert_eq!(guess(&server, EMAIL, WRONG, &["198.51.100.7, garbage"]).await.status, 401);
}

/// PW-11
#[actix_web::test]
async fn an_ipv6_prefix_of_64_bits_counts_as_one_address() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    for n in 0..5 {
        let from = format!("2001:db8:1:1:{n}::{n}");
        assert_eq!(guess(&server, EMAIL, &hopeless(), &[&from]).await.status, 401);
    }
    retry_after(&guess(&server, EMAIL, WRONG, &["2001:db8:1:1:ffff::"]).await);
    assert_eq!(guess(&server, EMAIL, WRONG, &["2001:db8:1:2::"]).await.status, 401);
}

/// PW-11: against trying one password on every account.
#[actix_web::test]
async fn an_address_has_a_hundred_failures_on_any_accounts_and_then_one_a_minute() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("TRUSTED_PROXIES", "127.0.0.1")]).await;
    assert_eq!(server.register().await.status, 201);
    for n in 0..100 {
        // Every other one is not an address.
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
async fn an_address_has_a_hundred_registrations_and_then_one_a_minute() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[]).await;
    let weak = |n: usize| json!({ "email": format!("{n}@example.com"), "password": "short" });
    for n in 0..99 {
        assert_eq!(server.post("/users", &weak(n)).await.status, 422);
    }
    assert_eq!(server.register().await.status, 201);
    retry_after(&server.post("/users", &weak(100)).await);
    assert_eq!(server.login().await.status, 200, "sign-ins are counted separately");
    server.later(TimeDelta::minutes(1));
    assert_eq!(server.post("/users", &weak(100)).await.status, 422);
}

#[actix_web::test]
async fn attempts_that_the_server_could_not_judge_do_not_count() {
    let server = TestServer::start_at_rest(Engine::Sqlite, &[("AUTO_MIGRATE", "off")]).await;
    for _ in 0..20 {
        assert_eq!(guess(&server, EMAIL, WRONG, &[]).await.error(), (503, "not_migrated"));
    }
    let unreadable: Value = json!({ "email": EMAIL });
    for _ in 0..20 {
        assert_eq!(server.post("/login", &unreadable).await.status, 400);
    }
}
