//! auth-servers on one database, an api-server that follows each, and sessions that are opened without hashing passwords.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_domain::{
    ClientId, Digest, Email, NewSession, NewUser, PasswordHash, SessionId, SessionKey, UserId,
};
use auth_store::{AddUserOutcome, OpenOutcome, RunningServers, Store};
use chrono::TimeDelta;
use goptri::clock::{Clock, SystemClock};
use goptri::keys::KeyRing;
use goptri::revocation::FeedPage;
use goptri::token::{Audience, NumericDate, TokenType};
use goptri::{AccessClaims, Caller, Scope, User};
use goptri_settings::{AccessTokenSecret, Plain};
use reqwest::Client;
use store_postgres::PostgresStore;
use store_sqlite::SqliteStore;
use uuid::Uuid;

use crate::programs::{
    ACCESS_TOKEN_SECRET, Database, FEED_SECRET, Server, TIMEOUT, api_server_that_follows, auth_server,
};

/// The owner of the sessions.
const USER: UserId = UserId(Uuid::from_u128(1));
const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$MDEyMzQ1Njc4OWFiY2RlZg";

/// A session, by its access token.
#[derive(Debug, Clone)]
pub(super) struct SignedIn {
    pub(super) id: Uuid,
    pub(super) access: String,
}

/// Opens sessions through the store.
pub(super) async fn sign_in(url: &str, sessions: usize) -> Vec<SignedIn> {
    let store: Arc<dyn Store> = if url.starts_with("sqlite:") {
        Arc::new(SqliteStore::connect(url, Arc::new(SystemClock)).unwrap())
    } else {
        Arc::new(PostgresStore::connect(url, 4).unwrap())
    };
    store.migrate(RunningServers::Possible).await.unwrap();
    let hash = PasswordHash::from_phc(HASH.to_owned());
    let user = NewUser {
        id: USER,
        email: Email::parse("everybody@example.com").unwrap(),
        email_verified: true,
        password_hash: hash.clone(),
        roles: Vec::new(),
    };
    assert!(matches!(store.add_user(&user).await, Ok(AddUserOutcome::Added(_))));
    let keys: KeyRing =
        KeyRing::from_secrets(&Plain::<AccessTokenSecret>::new(ACCESS_TOKEN_SECRET.to_owned()), &[]).unwrap();
    let mut signed_in = Vec::new();
    for number in 1..=sessions {
        let id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | number as u128);
        let session = NewSession {
            key: SessionKey { user_id: USER, id: SessionId(id) },
            verified_hash: hash.clone(),
            client_id: ClientId::built_in(),
            scope: Scope::default(),
            audience: Vec::new(),
            jti_hash: Digest::of(&Plain::new(number.to_string())),
            lifetime: None,
            user_agent: None,
            ip: None,
            remember: false,
            handle_hash: None,
        };
        assert!(matches!(store.open_session(&session).await, Ok(OpenOutcome::Opened(_))));
        signed_in.push(SignedIn { id, access: access_token(&keys, id) });
    }
    store.close().await;
    signed_in
}

fn access_token(keys: &KeyRing, session: Uuid) -> String {
    let now = SystemClock.now();
    let user = User::new(USER.to_string(), session.to_string());
    let audience = Audience(["http://localhost:3000".into(), "http://localhost:4000".into()].into());
    let mut claims = AccessClaims::new("http://localhost:4000", audience, Caller::User(user));
    claims.exp = NumericDate::from(now + TimeDelta::minutes(30));
    claims.iat = NumericDate::from(now);
    claims.jti = session.simple().to_string();
    keys.sign(TokenType::Access, &claims).unwrap()
}

/// A client with persistent connections.
pub(super) fn client() -> Client {
    Client::builder().timeout(TIMEOUT).build().unwrap()
}

pub(super) async fn sign_out(client: &Client, auth: &str, token: &str) -> u16 {
    let answer = client.delete(format!("{auth}/logout")).bearer_auth(token).send().await;
    answer.map_or(0, |answer| answer.status().as_u16())
}

pub(super) async fn status(client: &Client, api: &str, path: &str, token: &str) -> u16 {
    client.get(format!("{api}{path}")).bearer_auth(token).send().await.unwrap().status().as_u16()
}

/// Waits until `api` responds with `expected`.
pub(super) async fn wait_for(client: &Client, api: &Server, path: &str, token: &str, expected: u16) {
    let started = Instant::now();
    while status(client, &api.url, path, token).await != expected {
        assert!(started.elapsed() < TIMEOUT, "{path} is not {expected}:\n{}", api.running.output());
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// An api-server that follows `auth` and has caught up.
pub(super) async fn ready_api(auth: &str, change: impl FnOnce(&mut Command)) -> Server {
    let mut command = api_server_that_follows(auth);
    command.env("METRICS_ADDR", "127.0.0.1:0");
    change(&mut command);
    let api = Server::start(command);
    wait_for(&client(), &api, "/readyz", "", 200).await;
    api
}

/// Two auth-servers on one database, and an api-server that follows each.
pub(super) async fn two_of_each(database: &Database) -> [(Server, Server); 2] {
    let one = Server::start(auth_server(&database.url()));
    let other = Server::start(auth_server(&database.url()));
    let (behind_one, behind_other) = tokio::join!(ready_api(&one.url, |_| {}), ready_api(&other.url, |_| {}));
    [(one, behind_one), (other, behind_other)]
}

/// The value of a metric.
pub(super) async fn metric(server: &mut Server, name: &str) -> f64 {
    metric_at(&server.running.wait_for("metrics are at "), name).await
}

/// The value of a metric at this address.
pub(super) async fn metric_at(url: &str, name: &str) -> f64 {
    let numbers = client().get(url).send().await.unwrap().text().await.unwrap();
    let line = numbers.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name}:\n{numbers}")).trim().parse().unwrap()
}

/// The number of entries in the feed, read page by page.
pub(super) async fn recorded(auth: &str) -> usize {
    let (client, mut after, mut all) = (client(), String::new(), std::collections::HashSet::new());
    loop {
        let url = format!("{auth}/revocations?after={after}");
        let page: FeedPage =
            client.get(url).bearer_auth(FEED_SECRET).send().await.unwrap().json().await.unwrap();
        let full = page.entries.len() == goptri::revocation::MAX_ENTRIES_PER_PAGE;
        all.extend(page.entries.into_iter().map(|entry| entry.subject));
        if !full {
            return all.len();
        }
        after = page.next;
    }
}

/// The median and the 99th percentile.
pub(crate) fn p50_and_p99(mut took: Vec<Duration>) -> (Duration, Duration) {
    took.sort_unstable();
    let percentile = |percent: usize| took[(took.len() - 1) * percent / 100];
    (percentile(50), percentile(99))
}
