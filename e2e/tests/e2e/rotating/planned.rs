//! The planned rotation: append, wait, reorder, wait, remove. No server rejects a valid token at any time, even while only some
//! have the new file.

use super::fleet::{Fleet, KEYS, SECRET, SHORT};
use super::keys::{Key, as_logged, file_of};
use super::load::Load;

/// OP-02
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_secret_is_replaced_and_no_valid_token_is_rejected() {
    let (old, new) = (Key::secret("access-old"), Key::secret("access-new"));
    let mut fleet = Fleet::start(SHORT, &[(SECRET, &old.text)], &[(SECRET, &old.text)]).await;
    let load = Load::start(&fleet).await;
    load.runs().await;
    for ring in [&[&old, &new][..], &[&new, &old], &[&new]] {
        if ring.len() == 1 {
            load.waits_for_expiry_of_tokens_of(old.kid()).await;
        }
        // One after the other, so that only some have it meanwhile.
        for member in fleet.all_mut() {
            member.put(SECRET, &file_of(ring));
            member.says(&as_logged(ring));
            load.runs_briefly().await;
        }
        load.runs().await;
    }
    let unreached = load.ends("planned, a shared secret").await;
    assert_eq!(unreached, 0);
    no_secret_is_logged(&fleet, &[&old, &new]);
}

async fn a_key_file_is_replaced(old: &Key, new: &Key, what: &str) {
    let mut fleet = Fleet::start(SHORT, &[(KEYS, &old.text)], &[]).await;
    let load = Load::start(&fleet).await;
    load.runs().await;
    for ring in [&[old, new][..], &[new, old], &[new]] {
        if ring.len() == 1 {
            load.waits_for_expiry_of_tokens_of(old.kid()).await;
        }
        for (auth, api) in fleet.auths.iter_mut().zip(&mut fleet.apis) {
            auth.put(KEYS, &file_of(ring));
            auth.says(&as_logged(ring));
            load.runs_briefly().await;
            api.says(&as_logged(ring));
        }
        load.runs().await;
    }
    let unreached = load.ends(what).await;
    assert_eq!(unreached, 0);
    no_secret_is_logged(&fleet, &[old, new]);
}

/// OP-02
#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_is_replaced_and_no_valid_token_is_rejected() {
    a_key_file_is_replaced(&Key::pair("ed25519"), &Key::pair("ed25519"), "planned, a key file").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_type_replaces_the_old_one_and_no_valid_token_is_rejected() {
    a_key_file_is_replaced(&Key::pair("ed25519"), &Key::pair("p256"), "planned, Ed25519 to P-256").await;
}

/// OP-03
fn no_secret_is_logged(fleet: &Fleet, keys: &[&Key]) {
    for member in fleet.all() {
        let output = member.server.running.output();
        for key in keys.iter().copied().chain([&fleet.refresh, &fleet.feed]) {
            assert!(!output.contains(key.hidden()), "a log has a secret of the files:\n{output}");
        }
        assert_eq!(member.times_said("ERROR"), 0, "{output}");
    }
}
