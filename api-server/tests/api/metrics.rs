//! The metrics, and the address that serves them.

use std::sync::Arc;

use api_server::{Application, Config, StartError};
use goptri::clock::SystemClock;
use goptri::revocation::{EntryKind, SystemMonotonicClock};

use crate::support::{TIMEOUT, TestServer, environment_with, sign};
use test_support::feed_server::{FeedServer, entry};

/// The value of a metric without labels.
fn value(text: &str, name: &str) -> f64 {
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
async fn metrics_show_the_state_of_the_feed_and_of_the_cache() {
    let feed = FeedServer::start();
    let variables = [("AUTH_SERVER_URL", feed.url()), ("METRICS_ADDR", "127.0.0.1:0".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let server = TestServer::start_with(tempfile::tempdir().unwrap(), &variables).await;
    let url = server.metrics.clone().unwrap();
    let before = read(&url).await;
    assert!(value(&before, "goptri_feed_age_seconds").is_infinite(), "{before}");
    assert_eq!((value(&before, "goptri_feed_entries"), value(&before, "goptri_feed_connected")), (0.0, 0.0));
    assert!(before.ends_with("# EOF\n"), "{before}");

    let mut asked = feed.next_request().accept();
    asked.revoke(vec![entry(EntryKind::Session, "a", 0, 60), entry(EntryKind::Token, "b", 0, 60)]);
    asked.caught_up(7_000);
    let started = std::time::Instant::now();
    while value(&read(&url).await, "goptri_feed_connected") < 1.0 {
        assert!(started.elapsed() < TIMEOUT);
    }
    let after = read(&url).await;
    let age = value(&after, "goptri_feed_age_seconds");
    assert!((7.0..60.0).contains(&age), "{after}");
    assert_eq!((value(&after, "goptri_feed_entries"), value(&after, "goptri_feed_connected")), (2.0, 1.0));

    let mut another = server.claims();
    another.jti = "another".into();
    let (one, other) = (sign(&server.claims()), sign(&another));
    for token in [&one, &one, &other, "nonsense"] {
        server.get("/me", token).await;
    }
    let remembered = read(&url).await;
    assert_eq!((value(&remembered, "goptri_cached_tokens"), value(&remembered, "goptri_keys")), (2.0, 1.0));
}

/// OP-09
#[actix_web::test]
async fn only_the_address_of_the_metrics_serves_them_and_it_serves_nothing_else() {
    let server =
        TestServer::start_with(tempfile::tempdir().unwrap(), &[("METRICS_ADDR", "127.0.0.1:0")]).await;
    let metrics = server.metrics.clone().unwrap();
    let token = sign(&server.claims());
    assert_eq!(server.get("/metrics", &token).await.status, 404);
    for path in ["/", "/me", "/healthz", "/metrics/x"] {
        let answer = reqwest::get(metrics.replace("/metrics", path)).await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    let posted = reqwest::Client::new().post(&metrics).body("x").send().await.unwrap();
    assert_eq!(posted.status(), 404);
    assert!(TestServer::start().await.metrics.is_none(), "they are off by default");

    server.stop();
    let started = std::time::Instant::now();
    while reqwest::get(&metrics).await.is_ok() {
        assert!(started.elapsed() < TIMEOUT, "they stop with the server");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}

#[actix_web::test]
async fn a_slow_scraper_does_not_delay_others() {
    use std::io::Write;

    let server =
        TestServer::start_with(tempfile::tempdir().unwrap(), &[("METRICS_ADDR", "127.0.0.1:0")]).await;
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
async fn an_address_in_use_is_reported_with_its_variable() {
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

#[actix_web::test]
async fn requests_are_counted_by_route_and_status() {
    let server =
        TestServer::start_with(tempfile::tempdir().unwrap(), &[("METRICS_ADDR", "127.0.0.1:0")]).await;
    let ann = server.ann_has_the_gopher().await;
    for (path, token) in [
        ("/photos/gopher.png", ann.as_str()),
        ("/photos/none.png", &ann),
        ("/photos/other.png", &ann),
        ("/verify", &ann),
        ("/me", "forged"),
        ("/currentuser", "forged"),
        ("/nowhere/at/all", &ann),
    ] {
        server.get(path, token).await;
    }
    let metrics = read(&server.metrics.clone().unwrap()).await;
    for line in [
        r#"goptri_http_requests_total{method="PUT",route="/photos/{name}",status="201"} 1"#,
        r#"goptri_http_requests_total{method="GET",route="/photos/{name}",status="200"} 1"#,
        r#"goptri_http_requests_total{method="GET",route="/photos/{name}",status="404"} 2"#,
        r#"goptri_http_requests_total{method="GET",route="/me",status="401"} 1"#,
        r#"goptri_http_requests_total{method="",route="",status="404"} 1"#,
        r#"goptri_http_request_duration_seconds_count{method="GET",route="/photos/{name}"} 3"#,
        r#"goptri_http_request_duration_seconds_bucket{le="+Inf",method="GET",route="/photos/{name}"} 3"#,
        r#"goptri_token_verifications_total{result="accepted"} 6"#,
        r#"goptri_token_verifications_total{result="invalid"} 2"#,
        r#"goptri_token_verifications_total{result="revoked"} 0"#,
        r#"goptri_http_request_duration_seconds_count{method="DELETE",route="/photos/{name}"} 0"#,
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is not in {metrics}");
    }
}
