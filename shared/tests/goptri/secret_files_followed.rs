//! A guard that follows auth-server with its secrets in files: each is replaced by itself, and the feed is asked with the new one.

use std::fs;
use std::path::Path;

use goptri::TokenError;

use crate::feed_server::FeedServer;
use crate::followed::FEED_SECRET;
use crate::followed_keys::{FollowedKeys, ONLY_WHEN_ASKED};
use crate::secret_files::{THIRD_SECRET, UNUSABLE};
use test_support::forge::{NOW, OTHER_SECRET, SECRET, claims, ring};

const OTHER_FEED_SECRET: &str = "feed-8e71d2c5f0a9364b8e71d2c5f0a9364b";
const OTHER_ACCESS: &str = "the keys that verify access tokens have changed";
const OTHER_FEED: &str = "the revocation feed is asked for with other secrets from now on";

fn start(folder: &Path) -> FollowedKeys {
    let [access, feed] = ["access", "feed"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    fs::write(&access, SECRET).unwrap();
    fs::write(&feed, format!("{FEED_SECRET}\n")).unwrap();
    let files = [("ACCESS_TOKEN_SECRET_FILE", access.as_str()), ("FEED_SECRET_FILE", feed.as_str())];
    FollowedKeys::start(FeedServer::start(), ONLY_WHEN_ASKED, &files)
}

fn takes(followed: &FollowedKeys, secret: &str) -> bool {
    let token = ring(&[secret]).sign(goptri::TokenType::Access, &claims()).unwrap();
    match followed.guard.verify(&token) {
        Ok(claims) => claims.iat.to_datetime().timestamp() == NOW,
        Err(refusal) => {
            assert!(matches!(refusal, TokenError::UnknownKey | TokenError::KeysUnavailable), "{refusal}");
            false
        }
    }
}

/// The secret with which the feed is asked for.
fn presented(followed: &FollowedKeys) -> String {
    let head = followed.server.next().head;
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization:")).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn the_feed_is_asked_for_with_the_secret_that_the_file_holds_then() {
    let folder = tempfile::tempdir().unwrap();
    let followed = start(folder.path());
    // The connection is dropped, and the next one comes.
    assert_eq!(presented(&followed), FEED_SECRET);
    let mut feed = followed.server.next().accept();
    feed.caught_up(0);
    fs::write(folder.path().join("feed"), format!("{OTHER_FEED_SECRET},{FEED_SECRET}\n")).unwrap();
    followed.wait_for_log(OTHER_FEED);
    assert!(feed.heartbeat(0), "a connection that is there stays");
    drop(feed);
    assert_eq!(presented(&followed), OTHER_FEED_SECRET);
    let told = followed.log.text();
    assert!(!told.contains(FEED_SECRET) && !told.contains(OTHER_FEED_SECRET), "{told}");
}

#[test]
fn a_bad_secret_is_no_reason_not_to_take_the_other() {
    for (access, feed, taken) in [
        ("changeme", OTHER_FEED_SECRET, OTHER_FEED),
        (OTHER_SECRET, "changeme", OTHER_ACCESS),
        ("", OTHER_FEED_SECRET, OTHER_FEED),
        (OTHER_SECRET, "", OTHER_ACCESS),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let followed = start(folder.path());
        fs::write(folder.path().join("access"), access).unwrap();
        fs::write(folder.path().join("feed"), feed).unwrap();
        followed.wait_for_log(taken);
        followed.wait_for_log(UNUSABLE);
        let bad = if access == OTHER_SECRET { "FEED_SECRET" } else { "ACCESS_TOKEN_SECRET" };
        assert!(followed.log.text().contains(&format!("variable=\"{bad}\"")), "{}", followed.log.text());
        assert_eq!(takes(&followed, OTHER_SECRET), access == OTHER_SECRET);
        assert_eq!(takes(&followed, SECRET), access != OTHER_SECRET);
    }
}

/// One secret for two purposes. Which of the two is the new one is not looked at: neither is taken.
#[test]
fn a_secret_that_is_now_the_same_as_another_is_not_taken() {
    for (name, secret) in [("access", FEED_SECRET), ("feed", SECRET)] {
        let folder = tempfile::tempdir().unwrap();
        let followed = start(folder.path());
        fs::write(folder.path().join(name), secret).unwrap();
        followed.wait_for_log("is identical to ACCESS_TOKEN_SECRET");
        assert!(takes(&followed, SECRET) && !takes(&followed, FEED_SECRET), "{name}");
        assert_eq!((followed.log.times(OTHER_ACCESS), followed.log.times(OTHER_FEED)), (0, 0));
        assert_eq!(presented(&followed), FEED_SECRET, "{name}");
        // Once they differ, both are taken.
        fs::write(folder.path().join("access"), THIRD_SECRET).unwrap();
        fs::write(folder.path().join("feed"), OTHER_FEED_SECRET).unwrap();
        followed.wait("the new one is taken", || takes(&followed, THIRD_SECRET));
        followed.wait_for_log(OTHER_FEED);
    }
}
