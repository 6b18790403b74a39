//! api-server's clock is wrong by an hour. auth-server is the real program; api-server runs in the test on clocks that the
//! test moves by two hours.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use api_server::{Application, Config};
use chrono::TimeDelta;
use goptri::clock::ManualClock;
use goptri::revocation::ManualMonotonicClock;
use goptri_settings::Environment;
use test_support::{Link, Proxy};
use tokio::sync::oneshot;

use super::fleet::{client, metric_at, sign_out, status};
use crate::programs::{ACCESS_TOKEN_SECRET, Database, FEED_SECRET, Server, TIMEOUT, auth_server};

/// The lifetime of an entry in minutes.
const LIFETIME: u64 = 125;

struct Api {
    url: String,
    metrics: String,
    clock: ManualClock,
    monotonic: ManualMonotonicClock,
    _stop: oneshot::Sender<()>,
}

impl Api {
    /// An api-server that follows `auth`, with its clock ahead by an offset and the maximum leeway.
    fn start(auth: &str, ahead: TimeDelta) -> Self {
        let environment = Environment::from_pairs([
            ("API_SERVER_ADDR", "127.0.0.1:0"),
            ("METRICS_ADDR", "127.0.0.1:0"),
            ("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET),
            ("FEED_SECRET", FEED_SECRET),
            ("AUTH_SERVER_URL", auth),
            ("CLOCK_LEEWAY", "5m"),
            ("PHOTOS_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/photos")),
        ]);
        let config = Config::from_environment(&environment).unwrap();
        let (clock, monotonic) = (ManualClock::default(), ManualMonotonicClock::default());
        clock.advance(ahead);
        let clocks = (Arc::new(clock.clone()), Arc::new(monotonic.clone()));
        let (stop, stopped) = oneshot::channel::<()>();
        let (hand, addresses) = channel();
        // On its own runtime, not on that of the test.
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // actix spawns local tasks.
            tokio::task::LocalSet::new().block_on(&runtime, async {
                let stopped = async move { drop(stopped.await) };
                let api = Application::start(config, clocks.0, clocks.1, stopped).unwrap();
                hand.send((api.address(), api.metrics_address().unwrap())).unwrap();
                api.run().await.unwrap();
            });
        });
        let (address, metrics) = addresses.recv_timeout(TIMEOUT).unwrap();
        let (url, metrics) = (format!("http://{address}"), format!("http://{metrics}/metrics"));
        Self { url, metrics, clock, monotonic, _stop: stop }
    }

    async fn entries(&self) -> f64 {
        metric_at(&self.metrics, "goptri_feed_entries").await
    }

    async fn wait_for_entries(&self, expected: f64) {
        let started = Instant::now();
        while (self.entries().await - expected).abs() > 0.1 {
            assert!(started.elapsed() < TIMEOUT, "not {expected} entries");
        }
    }

    /// Advances both clocks.
    fn a_minute_passes(&self) {
        self.clock.advance(TimeDelta::minutes(1));
        self.monotonic.advance(Duration::from_mins(1));
    }
}

/// RV-06: while this clock considers a token unexpired, the token is rejected if its session has ended. Returns for how many
/// minutes after the sign-out a token of another session was accepted.
async fn minutes_accepted(ahead: TimeDelta) -> u64 {
    let database = Database::sqlite();
    let mut command = auth_server(&database.url());
    command.env("ACCESS_TOKEN_TTL", "1h");
    let auth = Server::start(command);
    auth.register().await;
    let ((ended, _), (stays, _)) = (auth.sign_in().await, auth.sign_in().await);
    let link = Proxy::before(&auth.url);
    let (api, client) = (Api::start(&link.url(), ahead), client());
    let started = Instant::now();
    while status(&client, &api.url, "/readyz", "").await != 200 {
        assert!(started.elapsed() < TIMEOUT, "it does not become ready");
    }
    assert_eq!(status(&client, &api.url, "/me", &ended).await, 200);
    assert_eq!(sign_out(&client, &auth.url, &ended).await, 204);
    api.wait_for_entries(1.0).await;
    // From here on it receives no entries.
    link.set(Link::Down);
    let mut accepted = 0;
    for minute in 0..LIFETIME {
        assert_eq!(status(&client, &api.url, "/me", &ended).await, 401, "after {minute} minutes");
        assert!((api.entries().await - 1.0).abs() < 0.1, "dropped after {minute} minutes");
        accepted += u64::from(status(&client, &api.url, "/me", &stays).await == 200);
        api.a_minute_passes();
    }
    for _ in 0..5 {
        assert_eq!(status(&client, &api.url, "/me", &ended).await, 401, "once it has expired");
        api.a_minute_passes();
    }
    api.wait_for_entries(0.0).await;
    accepted
}

/// This clock accepts a token for an hour and the leeway after its expiry: as long as an entry lives.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_rejected_until_it_expires_on_a_clock_an_hour_behind() {
    let accepted = minutes_accepted(TimeDelta::hours(-1)).await;
    assert!((LIFETIME - 2..=LIFETIME).contains(&accepted), "accepted for {accepted} minutes");
}

/// This clock accepts a token only for the leeway.
#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_rejected_until_it_expires_on_a_clock_an_hour_ahead() {
    let accepted = minutes_accepted(TimeDelta::hours(1)).await;
    assert!((3..=5).contains(&accepted), "accepted for {accepted} minutes");
}
