//! Invalid files, and files that are replaced as a kubelet does.

use std::fs;

use super::fleet::{FEED, Fleet, KEYS, LONG, Member, NOT_USED, REFRESH, SECRET};
use super::keys::{Key, as_logged, file_of};
use super::load::Load;
use super::session_tokens;

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBszCCAVmgAwIBAgIUQ2VydGlmaWNhdGVPZk5vYm9keTAKBggqhkjOPQQDAjAY
-----END CERTIFICATE-----
";

/// Invalid contents of a file, and a part of the error message.
fn bad(key: &Key, of_pair: bool) -> [(Option<&str>, &'static str); 4] {
    // Half of a secret must be shorter than the minimum; half of a PEM block is invalid.
    let half = &key.text[..if of_pair { key.text.len() / 2 } else { 20 }];
    let (empty, broken, certificate) = if of_pair {
        ("is empty", "is cut off in the middle", "holds a certificate")
    } else {
        ("which is empty", "is 20 bytes long", "contains white space")
    };
    [(Some(""), empty), (Some(half), broken), (Some(CERTIFICATE), certificate), (None, "cannot be read")]
}

fn put(member: &Member, variable: &str, contents: Option<&str>) {
    match contents {
        Some(contents) => member.put(variable, contents),
        None => fs::remove_file(member.path(variable)).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_file_leaves_the_old_keys_in_use_until_a_valid_one_arrives() {
    let (pair, new_pair) = (Key::pair("ed25519"), Key::pair("p256"));
    let (secret, new_secret) = (Key::secret("access-one"), Key::secret("access-two"));
    let mut fleet =
        Fleet::start(LONG, &[(KEYS, &pair.text), (SECRET, &secret.text)], &[(SECRET, &secret.text)]).await;
    let load = Load::start(&fleet).await;
    let (of_pair, of_secret) = (bad(&new_pair, true), bad(&new_secret, false));
    for (round, ((bad_pair, of_pair), (bad_secret, of_secret))) in
        of_pair.into_iter().zip(of_secret).enumerate()
    {
        for auth in &mut fleet.auths {
            put(auth, KEYS, bad_pair);
            auth.says_times(NOT_USED, round + 1).await;
            auth.says(of_pair);
        }
        for api in &mut fleet.apis {
            put(api, SECRET, bad_secret);
            api.says_times(NOT_USED, round + 1).await;
            api.says(of_secret);
            // The tokens of the load are signed with the key pair.
            let of_the_secret = session_tokens::access_token(&secret.ring, 0);
            assert_eq!(api.server.get("/me", &of_the_secret).await.status(), 200);
        }
        load.runs_briefly().await;
    }
    for auth in &mut fleet.auths {
        let ring = [&pair, &new_pair];
        auth.put(KEYS, &file_of(&ring));
        auth.says(&as_logged(&[&pair, &new_pair, &secret]));
    }
    for api in &mut fleet.apis {
        api.put(SECRET, &file_of(&[&secret, &new_secret]));
        api.says(&as_logged(&[&secret, &new_secret, &pair, &new_pair]));
    }
    assert_eq!(load.ends("files that cannot be used").await, 0);
    let named = [
        (&fleet.auths, "variable=\"ACCESS_TOKEN_KEY_FILE\""),
        (&fleet.apis, "variable=\"ACCESS_TOKEN_SECRET"),
    ];
    for (members, named) in named {
        for member in members {
            let output = member.server.running.output();
            let faults: Vec<&str> = output.lines().filter(|line| line.contains(NOT_USED)).collect();
            assert!(faults.iter().all(|line| line.contains(named) && line.contains("ERROR")), "{faults:?}");
            let half = &new_secret.text[..20];
            for hidden in [pair.hidden(), new_pair.hidden(), secret.hidden(), half, "MIIBszCC"] {
                assert!(!output.contains(hidden), "{output}");
            }
        }
    }
}

/// Half of a secret from `auth-server secrets` is long enough to be valid, so a file must be replaced by a rename, as the page
/// says. An invalid file does not block changes of others.
#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_file_of_one_secret_does_not_block_another() {
    let secret = Key::secret("access-one");
    let mut fleet = Fleet::start(LONG, &[(SECRET, &secret.text)], &[(SECRET, &secret.text)]).await;
    let (new_refresh, new_secret) = (Key::secret("refresh-two"), Key::secret("access-two"));
    for auth in &mut fleet.auths {
        auth.put(SECRET, "");
        auth.put(REFRESH, &file_of(&[&fleet.refresh, &new_refresh]));
        auth.says(&as_logged(&[&fleet.refresh, &new_refresh]));
    }
    let auth = &mut fleet.auths[0];
    auth.put(SECRET, &file_of(&[&secret, &new_secret]));
    auth.says(&as_logged(&[&secret, &new_secret]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_swapped_by_a_symbolic_link_is_noticed_by_all_servers() {
    let (pair, new_pair) = (Key::pair("ed25519"), Key::pair("ed25519"));
    let (secret, new_secret) = (Key::secret("access-one"), Key::secret("access-two"));
    let mut fleet =
        Fleet::start(LONG, &[(KEYS, &pair.text), (SECRET, &secret.text)], &[(SECRET, &secret.text)]).await;
    fleet.all().for_each(|member| member.mount(1, &[]));
    let load = Load::start(&fleet).await;
    load.runs().await;
    let (keys, secrets) = (file_of(&[&pair, &new_pair]), file_of(&[&secret, &new_secret]));
    let feeds = file_of(&[&fleet.feed, &Key::secret("feed-two")]);
    for auth in &mut fleet.auths {
        auth.mount(2, &[(KEYS, &keys), (SECRET, &secrets), (FEED, &feeds)]);
        auth.says(&as_logged(&[&pair, &new_pair, &secret, &new_secret]));
        auth.says("the secrets of the revocation feed have changed");
        load.runs_briefly().await;
    }
    for api in &mut fleet.apis {
        api.mount(2, &[(SECRET, &secrets), (FEED, &feeds)]);
        api.says(&as_logged(&[&secret, &new_secret, &pair, &new_pair]));
        api.says("the secret for the revocation feed has changed");
        load.runs_briefly().await;
    }
    assert_eq!(load.ends("a folder swapped by a link").await, 0);
    for member in fleet.all() {
        assert_eq!(member.times_said(NOT_USED), 0, "{}", member.server.running.output());
    }
}
