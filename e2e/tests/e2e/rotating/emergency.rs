//! The emergency: somebody else has the secret or the key. The new one alone takes its place at once; whatever the old one
//! signed is refused from then on, and clients refresh and go on.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use super::fleet::{Fleet, KEYS, LONG, Member, SECRET, client};
use super::keys::Key;
use super::load::Load;
use super::session_tokens::access_token;
use crate::programs::TIMEOUT;

/// So many tokens did whoever has the leaked one make.
const STOLEN: usize = 40;

/// It takes a second or less (docs/rotating-keys.md); on a machine that does much else, more, but never as long as it takes until
/// somebody who was not told asks by themselves.
const SOON: Duration = Duration::from_secs(8);

/// Whether that server takes the token for good.
pub(super) async fn accepts(client: &Client, member: &Member, token: &str) -> bool {
    // Who is taken for nobody gets an answer, too.
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

pub(super) async fn until_refused(client: &Client, member: &Member, token: &str, since: Instant) -> Duration {
    while accepts(client, member, token).await {
        assert!(since.elapsed() < TIMEOUT, "still accepted:\n{}", member.server.running.output());
    }
    since.elapsed()
}

/// Which files change, and whether the servers are told by a signal.
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
        load.goes_on().await;
        // As whoever has the leaked one makes them, for any session.
        let stolen: Vec<_> =
            (1_000..1_000 + STOLEN).map(|session| access_token(&self.old.ring, session)).collect();
        for member in fleet.all() {
            assert!(accepts(&client, member, &stolen[0]).await);
        }

        load.tolerates_refusals();
        let since = Instant::now();
        self.takes_place(&mut fleet);
        let took = fleet.all().map(|member| until_refused(&client, member, &stolen[0], since));
        let took: Vec<Duration> = join_all(took).await;
        let told = if self.hangup { "with SIGHUP" } else { "without SIGHUP" };
        println!(
            "{}, {told}: refused by the two auth-servers after {:.0?} and {:.0?}, by the two api-servers after {:.0?} and {:.0?}",
            self.what, took[0], took[1], took[2], took[3]
        );
        assert!(
            took.iter().all(|took| *took < SOON),
            "they were not told, but asked by themselves: {took:?}"
        );

        load.sees_taken_back(self.old.kid());
        load.goes_on().await;
        for (turn, old) in stolen.iter().enumerate() {
            assert_eq!(sign_out(&client, &fleet.auths[turn % 2], old).await, 401);
            for member in fleet.all() {
                assert!(!accepts(&client, member, old).await, "an old token is accepted again");
            }
        }
        // Each refresh gave a token that all four accept.
        load.ends(&format!("{}, {told}", self.what)).await;
    }

    fn takes_place(&self, fleet: &mut Fleet) {
        let holders = if self.of_apis_too { 4 } else { 2 };
        for member in fleet.all().take(holders) {
            member.put(self.variable, &self.new.text);
        }
        if self.hangup {
            for member in fleet.all_mut().take(holders) {
                member.server.running.signal("HUP");
                member.says("SIGHUP: reloading the files of secrets and keys");
            }
        }
    }
}

async fn in_both_ways(what: &str, variable: &'static str, of_apis_too: bool, [old, new]: [Key; 2]) {
    for hangup in [false, true] {
        Emergency { what, variable, of_apis_too, old: &old, new: &new, hangup }.happens().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_secret_that_leaked_is_worth_nothing_within_moments() {
    let keys = [Key::secret("access-leaked"), Key::secret("access-new")];
    in_both_ways("emergency, a shared secret", SECRET, true, keys).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_leaked_is_worth_nothing_within_moments() {
    let keys = [Key::pair("ed25519"), Key::pair("ed25519")];
    in_both_ways("emergency, a key file", KEYS, false, keys).await;
}
