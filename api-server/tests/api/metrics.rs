//! The numbers for Prometheus, and that nobody else sees them.

use std::sync::Arc;

use api_server::{Application, Config, StartError};
use goptri::clock::SystemClock;
use goptri::revocation::{EntryKind, SystemMonotonicClock};

use crate::support::{TIMEOUT, TestServer, environment_with, sign};
use test_support::feed_server::{FeedServer, entry};

/// The value of a number.
fn number(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

async fn read(url: &str) -> String {
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    answer.text().await.unwrap()
}

#[actix_web::test]
async fn the_age_of_the_feed_and_what_is_known_are_numbers() {
    let feed = FeedServer::start();
    let variables = [("AUTH_SERVER_URL", feed.url()), ("METRICS_ADDR", "127.0.0.1:0".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = TestServer::start_with(tempfile::tempdir().unwrap(), &variables);
    let url = server.metrics.clone().unwrap();
    let before = read(&url).await;
    assert!(number(&before, "goptri_feed_age_seconds").is_infinite(), "{before}");
    assert_eq!(
        (number(&before, "goptri_feed_entries"), number(&before, "goptri_feed_connected")),
        (0.0, 0.0)
    );
    assert!(before.ends_with("# EOF\n"), "{before}");

    let mut asked = feed.next_request().accept();
    asked.revoke(vec![entry(EntryKind::Session, "a", 0, 60), entry(EntryKind::Token, "b", 0, 60)]);
    asked.caught_up(7_000);
    let started = std::time::Instant::now();
    while number(&read(&url).await, "goptri_feed_connected") < 1.0 {
        assert!(started.elapsed() < TIMEOUT);
    }
    let after = read(&url).await;
    let age = number(&after, "goptri_feed_age_seconds");
    assert!((7.0..60.0).contains(&age), "{after}");
    assert_eq!((number(&after, "goptri_feed_entries"), number(&after, "goptri_feed_connected")), (2.0, 1.0));

    let mut another = server.claims();
    another.jti = "another".into();
    let (one, other) = (sign(&server.claims()), sign(&another));
    for token in [&one, &one, &other, "nonsense"] {
        server.get("/me", token).await;
    }
    let remembered = read(&url).await;
    assert_eq!((number(&remembered, "goptri_cached_tokens"), number(&remembered, "goptri_keys")), (2.0, 1.0));
}

/// OP-09
#[actix_web::test]
async fn they_are_on_their_own_address_alone_and_nothing_else_is() {
    let server = TestServer::start_with(tempfile::tempdir().unwrap(), &[("METRICS_ADDR", "127.0.0.1:0")]);
    let metrics = server.metrics.clone().unwrap();
    let token = sign(&server.claims());
    assert_eq!(server.get("/metrics", &token).await.status, 404);
    for path in ["/", "/me", "/healthz", "/metrics/x"] {
        let answer = reqwest::get(metrics.replace("/metrics", path)).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    let posted = reqwest::Client::new().post(&metrics).body("x").send().await.unwrap();
    assert_eq!(posted.status(), 404);
    assert!(TestServer::start().metrics.is_none(), "unless it is asked for, they are nowhere");

    server.stop();
    let started = std::time::Instant::now();
    while reqwest::get(&metrics).await.is_ok() {
        assert!(started.elapsed() < TIMEOUT, "they stop with the server");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

/// Somebody who dribbles holds nobody up.
#[actix_web::test]
async fn a_slow_scraper_holds_up_no_other() {
    use std::io::Write;

    let server = TestServer::start_with(tempfile::tempdir().unwrap(), &[("METRICS_ADDR", "127.0.0.1:0")]);
    let metrics = server.metrics.clone().unwrap();
    let address = metrics.trim_start_matches("http://").trim_end_matches("/metrics");
    let slow = [(); 4].map(|()| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(b"GET /metr").unwrap();
        stream
    });
    assert!(read(&metrics).await.contains("goptri_feed_entries"));
    drop(slow);
}

#[actix_web::test]
async fn a_taken_address_is_a_clear_sentence() {
    let (folder, taken) = (tempfile::tempdir().unwrap(), std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let address = taken.local_addr().unwrap().to_string();
    let environment = environment_with(folder.path(), &[("METRICS_ADDR", &address)]);
    let config = Config::from_environment(&environment).unwrap();
    let monotonic = Arc::new(SystemMonotonicClock::default());
    let started = Application::start(config, Arc::new(SystemClock), monotonic, std::future::pending());
    let error: StartError = started.err().unwrap();
    let sentence = error.to_string();
    assert!(sentence.contains(&address) && sentence.contains("METRICS_ADDR"), "{sentence}");
}
