//! The emergency: a secret or a key has leaked. The new one replaces it immediately; tokens signed with the old one are rejected,
//! and clients refresh and go on.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use super::fleet::{Fleet, KEYS, LONG, Member, SECRET, client};
use super::keys::Key;
use super::load::Load;
use super::session_tokens::access_token;
use crate::programs::TIMEOUT;

/// Tokens that the attacker signed with the leaked key.
const STOLEN: usize = 40;

/// A second or less is documented (docs/rotating-keys.md). This is generous for busy machines, and shorter than the interval
/// of regular requests.
const SOON: Duration = Duration::from_secs(8);

/// Whether the server accepts the token.
pub(super) async fn accepts(client: &Client, member: &Member, token: &str) -> bool {
    // `/currentuser` responds 200 to anonymous callers too.
    let url = format!("{}/currentuser", member.server.url);
    let answer: Value = client.get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap();
    answer["currentUser"].is_object()
}

/// The access token and the next refresh token.
pub(super) async fn refresh(client: &Client, auth: &Member, refresh_token: &str) -> (String, String) {
    let body = json!({ "refresh_token": refresh_token });
    let answer = client.post(format!("{}/token", auth.server.url)).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let tokens: Value = answer.json().await.unwrap();
    let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (token("access_token"), token("refresh_token"))
}

async fn sign_out(client: &Client, auth: &Member, access_token: &str) -> u16 {
    let url = format!("{}/logout", auth.server.url);
    client.delete(url).bearer_auth(access_token).send().await.unwrap().status().as_u16()
}

pub(super) async fn until_rejected(
    client: &Client,
    member: &Member,
    token: &str,
    since: Instant,
) -> Duration {
    while accepts(client, member, token).await {
        assert!(since.elapsed() < TIMEOUT, "still accepted:\n{}", member.server.running.output());
    }
    since.elapsed()
}

/// Which files change, and whether the servers get SIGHUP.
struct Emergency<'a> {
    what: &'a str,
    variable: &'static str,
    of_apis_too: bool,
    old: &'a Key,
    new: &'a Key,
    hangup: bool,
}

impl Emergency<'_> {
    async fn happens(&self) {
        let of_auth = [(self.variable, self.old.text.as_str())];
        let of_api = if self.of_apis_too { &of_auth[..] } else { &[] };
        let mut fleet = Fleet::start(LONG, &of_auth, of_api).await;
        let (client, load) = (client(), Load::start(&fleet).await);
        load.runs().await;
        // As an attacker signs them, for any session.
        let stolen: Vec<_> =
            (1_000..1_000 + STOLEN).map(|session| access_token(&self.old.ring, session)).collect();
        for member in fleet.all() {
            assert!(accepts(&client, member, &stolen[0]).await);
        }

        load.tolerates_refusals();
        let since = Instant::now();
        self.takes_place(&mut fleet);
        let took = fleet.all().map(|member| until_rejected(&client, member, &stolen[0], since));
        let took: Vec<Duration> = join_all(took).await;
        let signal = if self.hangup { "with SIGHUP" } else { "without SIGHUP" };
        println!(
            "{}, {signal}: rejected by the two auth-servers after {:.0?} and {:.0?}, by the two api-servers after {:.0?} and {:.0?}",
            self.what, took[0], took[1], took[2], took[3]
        );
        assert!(took.iter().all(|took| *took < SOON), "too slow: {took:?}");

        load.expects_rejection_of(self.old.kid());
        load.runs().await;
        for (turn, old) in stolen.iter().enumerate() {
            assert_eq!(sign_out(&client, &fleet.auths[turn % 2], old).await, 401);
            for member in fleet.all() {
                assert!(!accepts(&client, member, old).await, "an old token is accepted again");
            }
        }
        // Each refresh returned a token that all four servers accept.
        load.ends(&format!("{}, {signal}", self.what)).await;
    }

    fn takes_place(&self, fleet: &mut Fleet) {
        let holders = if self.of_apis_too { 4 } else { 2 };
        for member in fleet.all().take(holders) {
            member.put(self.variable, &self.new.text);
        }
        if self.hangup {
            for member in fleet.all_mut().take(holders) {
                member.server.running.signal("HUP");
                member.says("SIGHUP: reloading the files");
            }
        }
    }
}

async fn with_and_without_sighup(
    what: &str,
    variable: &'static str,
    of_apis_too: bool,
    [old, new]: [Key; 2],
) {
    for hangup in [false, true] {
        Emergency { what, variable, of_apis_too, old: &old, new: &new, hangup }.happens().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_shared_secret_is_rejected_within_seconds() {
    let keys = [Key::secret("access-leaked"), Key::secret("access-new")];
    with_and_without_sighup("emergency, a shared secret", SECRET, true, keys).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaked_key_is_rejected_within_seconds() {
    let keys = [Key::pair("ed25519"), Key::pair("ed25519")];
    with_and_without_sighup("emergency, a key file", KEYS, false, keys).await;
}
