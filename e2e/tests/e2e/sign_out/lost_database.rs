//! The database fails: verification goes on, the feed reports its true age, and no entry is missing afterwards.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use scratch_pg::{Profile, ScratchPg};

use super::fleet::{client, metric, ready_api, sign_in, sign_out, status, wait_for};
use crate::programs::{Database, FEED_SECRET, Server, TIMEOUT, api_server_that_follows, auth_server};

/// OP-06, RV-04, RV-06
#[tokio::test(flavor = "multi_thread")]
async fn a_database_crash_makes_the_feed_stale_and_has_no_other_effect() {
    let postgres = ScratchPg::start(Profile::Durable).unwrap();
    let url = postgres.url("postgres");
    let signed_in = sign_in(&url, 30).await;
    let mut command = auth_server(&url);
    command.env("METRICS_ADDR", "127.0.0.1:0");
    let mut auth = Server::start(command);
    let mut api = ready_api(&auth.url, |_| {}).await;
    let client = client();
    assert!((metric(&mut auth, "goptri_feed_subscribers").await - 1.0).abs() < 0.1);
    for session in &signed_in[..10] {
        assert_eq!(sign_out(&client, &auth.url, &session.access).await, 204);
    }
    postgres.stop_immediate().unwrap();
    let began = Instant::now();
    assert_eq!(sign_out(&client, &auth.url, &signed_in[10].access).await, 503, "not acknowledged");
    while metric(&mut api, "goptri_feed_age_seconds").await < 6.0 {
        assert_eq!(status(&client, &api.url, "/me", &signed_in[29].access).await, 200, "no error");
        assert!(began.elapsed() < TIMEOUT, "auth-server goes on beating, and says how old it is");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(metric(&mut auth, "goptri_feed_tail_age_seconds").await > 5.0);
    assert!(
        (metric(&mut api, "goptri_feed_connected").await - 1.0).abs() < 0.1,
        "the stream is open all the while"
    );

    let mut fresh = auth_server(&url);
    fresh.env("AUTO_MIGRATE", "off");
    let fresh = Server::start(fresh);
    let unready = Server::start(api_server_that_follows(&fresh.url));
    postgres.restart().unwrap();
    for session in &signed_in[10..20] {
        let started = Instant::now();
        while sign_out(&client, &auth.url, &session.access).await != 204 {
            assert!(started.elapsed() < TIMEOUT, "{}", auth.running.output());
        }
    }
    for session in &signed_in[..20] {
        wait_for(&client, &api, "/me", &session.access, 401).await;
    }
    wait_for(&client, &unready, "/readyz", "", 200).await;
    assert_eq!(status(&client, &unready.url, "/me", &signed_in[0].access).await, 401);
    assert_eq!(status(&client, &api.url, "/me", &signed_in[29].access).await, 200);
}

/// RV-07: no follower becomes ready from a server that cannot read the feed, however long or often it follows.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_auth_server_without_its_database_never_sends_caught_up() {
    let postgres = ScratchPg::start(Profile::Durable).unwrap();
    let url = postgres.url("postgres");
    let signed_in = sign_in(&url, 1).await;
    postgres.stop_immediate().unwrap();
    let mut command = auth_server(&url);
    command.env("AUTO_MIGRATE", "off").env("METRICS_ADDR", "127.0.0.1:0");
    let mut auth = Server::start(command);
    let mut api = Server::start(api_server_that_follows(&auth.url));
    let began = Instant::now();
    // Some followers for three heartbeats, and then followers that leave after the first.
    let patient: Vec<_> = (0..3).map(|_| tokio::spawn(beats(auth.url.clone(), 3))).collect();
    while metric(&mut auth, "goptri_feed_subscribers").await < 4.0 {
        assert!(began.elapsed() < TIMEOUT, "not all follow:\n{}", api.running.output());
    }
    let mut came = 0;
    while !patient.iter().all(tokio::task::JoinHandle::is_finished) {
        drop(beats(auth.url.clone(), 1).await);
        came += 1;
        assert_eq!(status(&client(), &api.url, "/readyz", "").await, 503);
        assert!(began.elapsed() < TIMEOUT, "they are not told that the feed is alive");
    }
    assert!(came > 1 && api.running.child.try_wait().unwrap().is_none());

    postgres.restart().unwrap();
    for stream in patient {
        let mut stream = stream.await.unwrap();
        while !next(&mut stream).await.contains("event: caught-up\n") {}
    }
    wait_for(&client(), &api, "/readyz", "", 200).await;
    assert_eq!(status(&client(), &api.url, "/me", &signed_in[0].access).await, 200);
}

/// Follows until `count` heartbeats have arrived, and requires that nothing else does.
async fn beats(auth: String, number: usize) -> reqwest::Response {
    let request = client().get(format!("{auth}/revocations")).bearer_auth(FEED_SECRET);
    let mut stream = request.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut heard = String::new();
    while heard.matches("event: heartbeat\n").count() < number {
        heard.push_str(&next(&mut stream).await);
        assert_eq!(heard.matches("event: ").count(), heard.matches("event: heartbeat\n").count(), "{heard}");
    }
    stream
}

/// The next event; auth-server writes each event immediately.
async fn next(stream: &mut reqwest::Response) -> String {
    let piece = tokio::time::timeout(TIMEOUT, stream.chunk()).await.expect("an event arrives");
    String::from_utf8(piece.unwrap().expect("the stream is open").to_vec()).unwrap()
}

/// A transaction that commits late, for example because it waits for a synchronous standby, after newer entries were sent.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_commits_late_is_sent_late() {
    let database = Database::postgres().await;
    let signed_in = sign_in(&database.url(), 10).await;
    let auth = Server::start(auth_server(&database.url()));
    let api = ready_api(&auth.url, |_| {}).await;
    let client = client();
    let mut psql = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", &database.url()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut typed = psql.stdin.take().unwrap();
    let late = &signed_in[0];
    let record = format!(
        "begin; insert into revocations (user_id, kind, subject, created_at, expires_at)
         values (gen_random_uuid(), 'session', '{}', now(), now() + interval '2 hours');\n\\echo recorded\n",
        late.id
    );
    typed.write_all(record.as_bytes()).unwrap();
    let mut said = std::io::BufRead::lines(std::io::BufReader::new(psql.stdout.take().unwrap()));
    assert_eq!(said.next().unwrap().unwrap(), "recorded");
    for session in &signed_in[1..9] {
        assert_eq!(sign_out(&client, &auth.url, &session.access).await, 204);
        wait_for(&client, &api, "/me", &session.access, 401).await;
    }
    assert_eq!(status(&client, &api.url, "/me", &late.access).await, 200, "it is not committed");
    typed.write_all(b"commit;\n\\echo committed\n").unwrap();
    assert_eq!(said.next().unwrap().unwrap(), "committed");
    wait_for(&client, &api, "/me", &late.access, 401).await;
    assert_eq!(status(&client, &api.url, "/me", &signed_in[9].access).await, 200);
    drop(typed);
    assert!(psql.wait().unwrap().success());
}
