//! The planned rotation: add behind, wait, reorder, wait, remove. Nothing valid is refused on the way, at no server and at no
//! moment, while some have the new file and others do not yet.

use super::fleet::{Fleet, KEYS, SECRET, SHORT};
use super::keys::{Key, as_logged, file_of};
use super::load::Load;

/// OP-02
#[tokio::test(flavor = "multi_thread")]
async fn a_shared_secret_is_replaced_and_nothing_valid_is_refused() {
    let (old, new) = (Key::secret("access-old"), Key::secret("access-new"));
    let mut fleet = Fleet::start(SHORT, &[(SECRET, &old.text)], &[(SECRET, &old.text)]).await;
    let load = Load::start(&fleet).await;
    load.goes_on().await;
    for ring in [&[&old, &new][..], &[&new, &old], &[&new]] {
        if ring.len() == 1 {
            load.outlives_tokens_of(old.kid()).await;
        }
        // One after the other: meanwhile some have it and others do not.
        for member in fleet.all_mut() {
            member.put(SECRET, &file_of(ring));
            member.says(&as_logged(ring));
            load.goes_on_a_little().await;
        }
        load.goes_on().await;
    }
    let unreached = load.ends("planned, a shared secret").await;
    assert_eq!(unreached, 0);
    nothing_is_told(&fleet, &[&old, &new]);
}

async fn a_key_file_is_replaced(old: &Key, new: &Key, what: &str) {
    let mut fleet = Fleet::start(SHORT, &[(KEYS, &old.text)], &[]).await;
    let load = Load::start(&fleet).await;
    load.goes_on().await;
    for ring in [&[old, new][..], &[new, old], &[new]] {
        if ring.len() == 1 {
            load.outlives_tokens_of(old.kid()).await;
        }
        for (auth, api) in fleet.auths.iter_mut().zip(&mut fleet.apis) {
            auth.put(KEYS, &file_of(ring));
            auth.says(&as_logged(ring));
            load.goes_on_a_little().await;
            api.says(&as_logged(ring));
        }
        load.goes_on().await;
    }
    let unreached = load.ends(what).await;
    assert_eq!(unreached, 0);
    nothing_is_told(&fleet, &[old, new]);
}

/// OP-02
#[tokio::test(flavor = "multi_thread")]
async fn a_key_file_is_replaced_and_nothing_valid_is_refused() {
    a_key_file_is_replaced(&Key::pair("ed25519"), &Key::pair("ed25519"), "planned, a key file").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_type_takes_over_and_nothing_valid_is_refused() {
    a_key_file_is_replaced(&Key::pair("ed25519"), &Key::pair("p256"), "planned, Ed25519 to P-256").await;
}

/// OP-03
fn nothing_is_told(fleet: &Fleet, keys: &[&Key]) {
    for member in fleet.all() {
        let output = member.server.running.output();
        for key in keys.iter().copied().chain([&fleet.refresh, &fleet.feed]) {
            assert!(!output.contains(key.hidden()), "a log has a secret of the files:\n{output}");
        }
        assert_eq!(member.times_said("ERROR"), 0, "{output}");
    }
}
