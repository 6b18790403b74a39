//! A follower with its secrets in files: each file is reloaded independently, and new connections present the new secret.

use std::fs;
use std::path::Path;

use goptri::TokenError;

use crate::feed_fixture::FEED_SECRET;
use crate::jwks_fixture::{FollowedKeys, ON_TRIGGER};
use crate::secret_files::{THIRD_SECRET, UNUSABLE};
use test_support::feed_server::FeedServer;
use test_support::forge::{ISSUED, OTHER_SECRET, SECRET, claims, ring};

const OTHER_FEED_SECRET: &str = "feed-8e71d2c5f0a9364b8e71d2c5f0a9364b";
const OTHER_ACCESS: &str = "the keys that verify access tokens have changed";
const OTHER_FEED: &str = "the secret for the revocation feed has changed";

fn start(folder: &Path) -> FollowedKeys {
    let [access, feed] = ["access", "feed"].map(|name| folder.join(name).to_str().unwrap().to_owned());
    fs::write(&access, SECRET).unwrap();
    fs::write(&feed, format!("{FEED_SECRET}\n")).unwrap();
    let files = [("ACCESS_TOKEN_SECRET_FILE", access.as_str()), ("FEED_SECRET_FILE", feed.as_str())];
    FollowedKeys::start(FeedServer::start(), ON_TRIGGER, &files)
}

fn accepts(followed: &FollowedKeys, secret: &str) -> bool {
    let token = ring(&[secret]).sign(goptri::token::TokenType::Access, &claims()).unwrap();
    match followed.guard.verify(&token) {
        Ok(claims) => claims.iat.to_datetime().timestamp() == ISSUED,
        // Revocations are looked up last: the token is genuine.
        Err(TokenError::NotCaughtUp) => true,
        Err(rejection) => {
            assert!(matches!(rejection, TokenError::UnknownKey | TokenError::KeysUnavailable), "{rejection}");
            false
        }
    }
}

/// The secret that the next request for the feed presents.
fn presented(followed: &FollowedKeys) -> String {
    let head = followed.server.next_request().head;
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization:")).unwrap();
    line.rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn each_connection_presents_the_current_secret_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let followed = start(folder.path());
    // Dropping the request makes the follower connect again.
    assert_eq!(presented(&followed), FEED_SECRET);
    let mut feed = followed.server.next_request().accept();
    feed.caught_up(0);
    fs::write(folder.path().join("feed"), format!("{OTHER_FEED_SECRET},{FEED_SECRET}\n")).unwrap();
    followed.wait_for_log(OTHER_FEED);
    assert!(feed.heartbeat(0), "an open connection stays");
    drop(feed);
    assert_eq!(presented(&followed), OTHER_FEED_SECRET);
    let text = followed.log.text();
    assert!(!text.contains(FEED_SECRET) && !text.contains(OTHER_FEED_SECRET), "{text}");
}

#[test]
fn an_invalid_secret_file_does_not_block_the_reload_of_the_other() {
    for (access, feed, logged) in [
        ("changeme", OTHER_FEED_SECRET, OTHER_FEED),
        (OTHER_SECRET, "changeme", OTHER_ACCESS),
        ("", OTHER_FEED_SECRET, OTHER_FEED),
        (OTHER_SECRET, "", OTHER_ACCESS),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let followed = start(folder.path());
        fs::write(folder.path().join("access"), access).unwrap();
        fs::write(folder.path().join("feed"), feed).unwrap();
        followed.wait_for_log(logged);
        followed.wait_for_log(UNUSABLE);
        let bad = if access == OTHER_SECRET { "FEED_SECRET" } else { "ACCESS_TOKEN_SECRET" };
        assert!(followed.log.text().contains(&format!("variable=\"{bad}_FILE\"")), "{}", followed.log.text());
        assert_eq!(accepts(&followed, OTHER_SECRET), access == OTHER_SECRET);
        assert_eq!(accepts(&followed, SECRET), access != OTHER_SECRET);
    }
}

/// Either of two equal secrets may be the wrong one, so neither takes effect.
#[test]
fn a_secret_that_equals_another_does_not_take_effect() {
    for (name, secret) in [("access", FEED_SECRET), ("feed", SECRET)] {
        let folder = tempfile::tempdir().unwrap();
        let followed = start(folder.path());
        fs::write(folder.path().join(name), secret).unwrap();
        followed.wait_for_log("is identical to ACCESS_TOKEN_SECRET");
        assert!(accepts(&followed, SECRET) && !accepts(&followed, FEED_SECRET), "{name}");
        assert_eq!((followed.log.times(OTHER_ACCESS), followed.log.times(OTHER_FEED)), (0, 0));
        assert_eq!(presented(&followed), FEED_SECRET, "{name}");
        // Once they differ, both take effect.
        fs::write(folder.path().join("access"), THIRD_SECRET).unwrap();
        fs::write(folder.path().join("feed"), OTHER_FEED_SECRET).unwrap();
        followed.wait("the new secret is accepted", || accepts(&followed, THIRD_SECRET));
        followed.wait_for_log(OTHER_FEED);
    }
}
