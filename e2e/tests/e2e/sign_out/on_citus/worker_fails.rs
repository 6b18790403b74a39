//! A worker that stops, and one that hangs: only its users are concerned, except where the feed must be complete.

use std::time::{Duration, Instant};

use reqwest::Client;
use scratch_pg::{CitusCluster, CitusDatabase, Profile};
use serde_json::{Value, json};

use super::super::fleet::{client, metric_at, ready_api, sign_out, status, wait_for};
use super::{Tokens, distributed, refresh, register, sign_in};
use crate::programs::{Server, TIMEOUT, auth_server};

/// How long a sign-out may take to reach api-server while a worker is down: the nodes are read once a second, and one
/// that hangs is waited for, for another second.
const MAX_DELAY: Duration = Duration::from_secs(4);

/// The same for the first one if the worker accepts connections and answers nothing: the read of all nodes waits for 6 s.
const MAX_FIRST_DELAY_OF_HANGING: Duration = Duration::from_secs(15);

/// The worker that fails.
const FAILING: usize = 1;

/// A cluster with an auth-server on its coordinator and one on the worker that stays, and users on both workers.
struct Site {
    client: Client,
    auth: Server,
    other_auth: Server,
    metrics: String,
    /// Users whose data and address are on the worker that fails.
    lost: Vec<String>,
    /// The same on the other one.
    served: Vec<String>,
    _database: CitusDatabase,
    cluster: CitusCluster,
}

impl Site {
    async fn start() -> Self {
        let cluster = CitusCluster::start(Profile::Durable, 2).unwrap();
        let database = distributed(&cluster).await;
        let mut command = auth_server(&database.url(0));
        command.env("METRICS_ADDR", "127.0.0.1:0").env("RUST_LOG", "info");
        let mut auth = Server::start(command);
        let metrics = auth.running.wait_for("metrics are at ");
        let other_auth = Server::start(auth_server(&database.url(2)));
        let client = client();
        let emails: Vec<_> = (0..24).map(|number| format!("user{number}@example.com")).collect();
        for email in &emails {
            register(&client, &auth.url, email).await;
        }
        let ports = [FAILING, 2].map(|worker| i64::from(cluster.node(worker).port()));
        let (lost, served) =
            (users_on(&database, ports[0], &emails).await, users_on(&database, ports[1], &emails).await);
        Self { client, auth, other_auth, metrics, lost, served, _database: database, cluster }
    }

    async fn sign_in(&self, email: &str) -> Tokens {
        sign_in(&self.client, &self.auth.url, email).await.1.unwrap()
    }

    /// The status of a refresh at the coordinator, and how long it took.
    async fn refresh(&self, tokens: &Tokens) -> (u16, Duration) {
        let began = Instant::now();
        (refresh(&self.client, &self.auth.url, &tokens.refresh).await.0, began.elapsed())
    }

    /// Users of the other worker refresh at both auth-servers, sign in and sign out. The first sign-out reaches api-server
    /// within this delay, the second one soon.
    async fn serves_the_others(&self, api: &Server, sessions: [Tokens; 2], max_first_delay: Duration) {
        let [here, there] = sessions;
        let began = Instant::now();
        let (code, successor) = refresh(&self.client, &self.auth.url, &here.refresh).await;
        assert_eq!(code, 200);
        let (code, at_other) = refresh(&self.client, &self.other_auth.url, &there.refresh).await;
        assert_eq!(code, 200, "at an auth-server on the worker that runs");
        assert_eq!(sign_in(&self.client, &self.auth.url, &self.served[2]).await.0, 200);
        println!("two refreshes and a sign-in of the others took {:?}", began.elapsed());
        for (tokens, max_delay) in [(successor, max_first_delay), (at_other, MAX_DELAY)] {
            let tokens = tokens.unwrap();
            let began = Instant::now();
            assert_eq!(sign_out(&self.client, &self.auth.url, &tokens.access).await, 204);
            wait_for(&self.client, api, "/me", &tokens.access, 401).await;
            println!("while a worker is down, a sign-out reached api-server within {:?}", began.elapsed());
            assert!(began.elapsed() < max_delay, "{:?}", began.elapsed());
        }
    }

    /// `/readyz`, the log and the metrics name the part that the feed lacks since `began`.
    async fn names_the_worker(&self, began: Instant) {
        let node = format!("127.0.0.1:{}", self.cluster.node(FAILING).port());
        let ready = self.client.get(format!("{}/readyz", self.auth.url)).send().await.unwrap();
        assert_eq!(ready.status(), 200);
        let body: Value = ready.json().await.unwrap();
        assert_eq!(body, json!({ "status": "ok", "feed_cannot_read": [node] }));
        let output = self.auth.running.output();
        assert!(output.contains("cannot read these nodes"), "{output}");
        assert!((metric_at(&self.metrics, "goptri_feed_unread_nodes").await - 1.0).abs() < 0.1);
        let down = began.elapsed().as_secs_f64();
        let age = metric_at(&self.metrics, "goptri_feed_tail_age_seconds").await;
        assert!(age > down - 1.0, "the age of the oldest part: {age}");
    }

    /// The worker is back: its users are served, and their sign-outs arrive.
    async fn recovers(&self, api: &Server, lost: &Tokens) {
        let began = Instant::now();
        while self.refresh(lost).await.0 != 200 {
            assert!(began.elapsed() < TIMEOUT, "{}", self.auth.running.output());
        }
        println!("the first refresh after the worker was back succeeded after {:?}", began.elapsed());
        assert_eq!(sign_out(&self.client, &self.auth.url, &lost.access).await, 204);
        wait_for(&self.client, api, "/me", &lost.access, 401).await;
        while metric_at(&self.metrics, "goptri_feed_unread_nodes").await > 0.1 {
            assert!(began.elapsed() < TIMEOUT, "{}", self.auth.running.output());
        }
        assert_eq!(status(&self.client, &self.auth.url, "/readyz", "").await, 200);
    }
}

/// Users whose data and address are on that worker.
async fn users_on(database: &CitusDatabase, worker: i64, emails: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for email in emails {
        let on_worker = |table: &str, key: String| {
            format!(
                "select count(*) from pg_dist_placement p join pg_dist_node n on n.groupid = p.groupid
                 where p.shardid = get_shard_id_for_distribution_column('{table}', {key}) and n.nodeport = {worker}"
            )
        };
        let id = format!("(select user_id from emails where email_key = '{email}')");
        let user = database.number(&on_worker("users", id)).await;
        let address = database.number(&on_worker("emails", format!("'{email}'::text"))).await;
        if (user, address) == (1, 1) {
            found.push(email.clone());
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_a_worker_that_stops_concerns_only_its_users() {
    let site = Site::start().await;
    let api = ready_api(&site.auth.url, |_| {}).await;
    let sessions = [site.sign_in(&site.served[0]).await, site.sign_in(&site.served[1]).await];
    let lost = site.sign_in(&site.lost[0]).await;

    site.cluster.node(FAILING).stop_immediate().unwrap();
    let began = Instant::now();
    site.serves_the_others(&api, sessions, MAX_DELAY).await;
    assert_eq!(site.refresh(&lost).await.0, 503);
    assert_eq!(sign_out(&site.client, &site.auth.url, &lost.access).await, 503, "not acknowledged");
    site.names_the_worker(began).await;

    site.cluster.node(FAILING).restart().unwrap();
    site.recovers(&api, &lost).await;
}

/// Its processes get SIGSTOP: it accepts connections, and nothing answers.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_a_worker_that_hangs_concerns_only_its_users() {
    let site = Site::start().await;
    let api = ready_api(&site.auth.url, |_| {}).await;
    let sessions = [site.sign_in(&site.served[0]).await, site.sign_in(&site.served[1]).await];
    let lost = site.sign_in(&site.lost[0]).await;

    site.cluster.node(FAILING).pause().unwrap();
    let began = Instant::now();
    let (refreshed, ()) =
        tokio::join!(site.refresh(&lost), site.serves_the_others(&api, sessions, MAX_FIRST_DELAY_OF_HANGING));
    println!("a refresh of a user of the worker that hangs got {refreshed:?}");
    assert_eq!(refreshed.0, 503);
    assert!(refreshed.1 < Duration::from_secs(11), "{refreshed:?}");
    site.names_the_worker(began).await;

    site.cluster.node(FAILING).resume().unwrap();
    site.recovers(&api, &lost).await;
}

/// The age of the feed is that of its oldest part, so users of the other nodes are refused too.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "scripts/test-citus runs it, on a cluster"]
async fn on_citus_while_a_worker_is_down_on_stale_refuse_refuses_every_user_and_allow_none() {
    let site = Site::start().await;
    let strict = ready_api(&site.auth.url, |command| {
        command.env("ON_STALE", "refuse").env("REVOCATION_MAX_STALENESS", "7s");
    })
    .await;
    let lenient = ready_api(&site.auth.url, |command| {
        command.env("ON_STALE", "allow").env("REVOCATION_MAX_STALENESS", "7s");
    })
    .await;
    let tokens = [site.sign_in(&site.served[0]).await, site.sign_in(&site.lost[0]).await];
    for Tokens { access, .. } in &tokens {
        assert_eq!(status(&site.client, &strict.url, "/me", access).await, 200);
    }

    site.cluster.node(FAILING).stop_immediate().unwrap();
    let began = Instant::now();
    wait_for(&site.client, &strict, "/me", &tokens[0].access, 503).await;
    println!("with refuse, every user was refused after {:?}", began.elapsed());
    assert!(began.elapsed() > Duration::from_secs(4), "before the feed was stale: {:?}", began.elapsed());
    assert_eq!(status(&site.client, &strict.url, "/me", &tokens[1].access).await, 503);
    assert_eq!(status(&site.client, &strict.url, "/readyz", "").await, 503);
    for Tokens { access, .. } in &tokens {
        assert_eq!(status(&site.client, &lenient.url, "/me", access).await, 200);
    }
    assert_eq!(refresh(&site.client, &site.auth.url, &tokens[0].refresh).await.0, 200, "auth-server serves");

    site.cluster.node(FAILING).restart().unwrap();
    for Tokens { access, .. } in &tokens {
        wait_for(&site.client, &strict, "/me", access, 200).await;
    }
}
