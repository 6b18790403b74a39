//! The emergency: somebody else has the secret or the key. The new one alone takes its place at once; whatever the old one
//! signed is refused from then on, and clients refresh and go on.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use super::fleet::{Fleet, KEYS, LONG, Member, SECRET, client};
use super::keys::Key;
use super::session_tokens;
use crate::programs::PATIENCE;

/// So many people are signed in.
const PEOPLE: usize = 40;

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
        assert!(since.elapsed() < PATIENCE, "still accepted:\n{}", member.server.running.output());
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
        let fleet = Fleet::start(LONG, &of_auth, of_api).await;
        let client = client();
        let mut signed_in = session_tokens::open(&fleet.database.url(), &fleet.refresh.text, PEOPLE).await;
        let mut old_tokens = Vec::new();
        for (turn, session) in signed_in.iter_mut().enumerate() {
            let (access, next) = refresh(&client, &fleet.auths[turn % 2], session).await;
            (old_tokens, *session) = ([old_tokens, vec![access]].concat(), next);
        }
        for member in fleet.all() {
            assert!(accepts(&client, member, &old_tokens[0]).await);
        }

        let since = Instant::now();
        self.takes_place(&fleet);
        let took = fleet.all().map(|member| until_refused(&client, member, &old_tokens[0], since));
        let took: Vec<Duration> = join_all(took).await;
        let told = if self.hangup { "with SIGHUP" } else { "without SIGHUP" };
        println!(
            "{}, {told}: refused by the two auth-servers after {:.0?} and {:.0?}, by the two api-servers after {:.0?} and {:.0?}",
            self.what, took[0], took[1], took[2], took[3]
        );

        for (turn, (old, session)) in old_tokens.iter().zip(&signed_in).enumerate() {
            let auth = &fleet.auths[turn % 2];
            assert_eq!(sign_out(&client, auth, old).await, 401);
            let (new, next) = refresh(&client, auth, session).await;
            for member in fleet.all() {
                assert!(!accepts(&client, member, old).await, "an old token is accepted again");
                assert!(accepts(&client, member, &new).await, "a new token is refused");
            }
            let signed_out = auth.server.delete("/logout", &json!({ "refresh_token": next })).await;
            assert_eq!(signed_out.status(), 204);
        }
    }

    fn takes_place(&self, fleet: &Fleet) {
        let holders = if self.of_apis_too { 4 } else { 2 };
        for member in fleet.all().take(holders) {
            member.put(self.variable, &self.new.text);
        }
        if self.hangup {
            fleet.all().take(holders).for_each(|member| member.server.running.signal("HUP"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shared_secret_that_leaked_is_worth_nothing_within_moments() {
    let (old, new) = (Key::secret("access-leaked"), Key::secret("access-new"));
    for hangup in [false, true] {
        let what = "emergency, a shared secret";
        let emergency = Emergency { what, variable: SECRET, of_apis_too: true, old: &old, new: &new, hangup };
        emergency.happens().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_leaked_is_worth_nothing_within_moments() {
    let (old, new) = (Key::pair("ed25519"), Key::pair("ed25519"));
    for hangup in [false, true] {
        let what = "emergency, a key file";
        let emergency = Emergency { what, variable: KEYS, of_apis_too: false, old: &old, new: &new, hangup };
        emergency.happens().await;
    }
}
