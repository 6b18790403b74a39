//! Migration from a shared secret to a key file: no valid token is rejected, and afterwards only auth-server can sign.

use super::emergency::accepts;
use super::fleet::{Fleet, KEYS, Member, SECRET, SHORT, client};
use super::keys::{Key, as_logged};
use super::load::Load;
use super::session_tokens;

const SIGNED_BY: (&str, &str) = ("ACCESS_TOKEN_SIGNED_BY", "secret");

type Variables = Vec<(&'static str, String)>;

/// Restarts servers one after the other, without load until each is ready again.
async fn restart_each(members: &mut [Member], first: usize, load: &Load, change: impl Fn(&mut Variables)) {
    for (number, member) in members.iter_mut().enumerate() {
        load.leaves_out(first + number);
        load.runs_briefly().await;
        member.restart(&change);
        member.is_ready().await;
        load.includes_again(first + number);
        load.runs_briefly().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_replaces_a_shared_secret_and_no_valid_token_is_rejected() {
    let (secret, pair) = (Key::secret("access-shared"), Key::pair("ed25519"));
    let mut fleet = Fleet::start(SHORT, &[(SECRET, &secret.text)], &[(SECRET, &secret.text)]).await;
    let load = Load::start(&fleet).await;
    load.runs().await;

    // The key is published and verifies, but does not sign yet.
    for auth in &fleet.auths {
        auth.put(KEYS, &pair.text);
    }
    let paths = fleet.auths.each_ref().map(|auth| auth.path(KEYS).to_str().unwrap().to_owned());
    for (number, path) in paths.into_iter().enumerate() {
        restart_each(&mut fleet.auths[number..=number], number, &load, |variables| {
            variables.push((KEYS, path.clone()));
            variables.push((SIGNED_BY.0, SIGNED_BY.1.to_owned()));
        })
        .await;
        fleet.apis[number].says(&as_logged(&[&secret, &pair]));
    }
    load.runs().await;

    // The key signs.
    let no_longer = |variables: &mut Variables| variables.retain(|(name, _)| *name != SIGNED_BY.0);
    restart_each(&mut fleet.auths, 0, &load, no_longer).await;
    load.waits_for_expiry_of_tokens_of(secret.kid()).await;

    // No token of the secret is left: remove it, first from api-server.
    let without = |variables: &mut Variables| variables.retain(|(name, _)| *name != SECRET);
    restart_each(&mut fleet.apis, 2, &load, without).await;
    restart_each(&mut fleet.auths, 0, &load, without).await;
    load.runs().await;
    load.ends("from a shared secret to a key file").await;
    let forged = session_tokens::access_token(&secret.ring, 1);
    for member in fleet.all() {
        assert!(!accepts(&client(), member, &forged).await);
    }
}
