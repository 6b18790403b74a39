//! A guard that verifies with the published keys, with and without a secret of its own.

use std::time::Duration;

use goptri::keys::{JwksRefreshConfig, KeysUnavailable};
use goptri::{Environment, Guard, NotReady, TokenError};
use goptri_settings::TaskHealth;

use crate::feed_fixture::FEED_SECRET;
use crate::jwks_fixture::{CONTINUOUSLY, FollowedKeys, ON_TRIGGER, token_of};
use crate::test_keys::{ED25519, P256, RSA, jwks, kid_of};
use test_support::feed_server::FeedServer;
use test_support::forge::{AUDIENCE, ISSUER, SECRET, good, kid};

/// OP-01
#[test]
fn without_a_secret_tokens_are_verified_once_the_published_keys_are_fetched() {
    let followed = FollowedKeys::start(FeedServer::start_manual(), ON_TRIGGER, &[]);
    let asked = followed.server.next_keys_request();
    let head = asked.head.to_ascii_lowercase();
    assert!(head.starts_with("get /.well-known/jwks.json http/1.1\r\n"), "{head}");
    for header in ["accept: application/jwk-set+json, application/json", "cache-control: no-cache"] {
        assert!(head.contains(&format!("\r\n{header}\r\n")), "{head}");
    }
    assert!(!head.contains("authorization") && !head.contains("if-none-match"), "{head}");

    assert_eq!(followed.guard.check_ready(), Err(NotReady::Keys(KeysUnavailable::NotFetched)));
    let waits = followed.guard.check_ready().unwrap_err().to_string();
    assert_eq!(waits, "waits for the public keys of auth-server");
    assert_eq!(followed.rejection(ED25519), Some(TokenError::KeysUnavailable), "it may be a good one");
    // Malformed tokens are rejected as before.
    assert_eq!(followed.guard.verify("nonsense").err(), Some(TokenError::NotCompact));

    asked.publish(&jwks(&[ED25519, RSA]));
    followed.wait_until_used(ED25519);
    assert_eq!((followed.guard.check_ready(), followed.rejection(RSA)), (Ok(()), None));
    assert_eq!(followed.rejection(P256), Some(TokenError::UnknownKey));
    assert_eq!(followed.guard.verify(&good()).err(), Some(TokenError::UnknownKey));
    followed.wait_for_log(&format!("{} (EdDSA), {} (RS256)", kid_of(ED25519), kid_of(RSA)));
}

/// On a 401, a client would discard a valid token.
#[cfg(feature = "actix")]
#[actix_web::test]
async fn until_the_keys_are_fetched_the_middleware_responds_503() {
    use crate::protected_app::call_guarded;
    use test_support::{bearing, get};

    let followed = FollowedKeys::start(FeedServer::start_manual(), ON_TRIGGER, &[]);
    let asked = followed.server.next_keys_request();
    let token = token_of(ED25519);
    for path in ["/api/me", "/open/who"] {
        let answer = call_guarded(bearing(path, &token), followed.guard.clone()).await;
        assert_eq!((answer.status, answer.header("www-authenticate")), (503, None), "{path}");
    }
    let stranger = call_guarded(get("/api/me"), followed.guard.clone()).await;
    assert_eq!(stranger.status, 401);
    asked.publish(&jwks(&[ED25519]));
    followed.wait_until_used(ED25519);
    assert_eq!(call_guarded(bearing("/api/me", &token), followed.guard.clone()).await.status, 200);
    let other = call_guarded(bearing("/api/me", &token_of(P256)), followed.guard.clone()).await;
    assert_eq!(other.status, 401);
}

/// auth-server signs with its secret only, which this service does not have, so it can verify no token.
#[test]
fn with_an_empty_jwks_and_no_secret_the_error_names_the_remedy() {
    let soon = JwksRefreshConfig { unknown_kid_cooldown: ON_TRIGGER.change_cooldown, ..ON_TRIGGER };
    let followed = FollowedKeys::start(FeedServer::start(), soon, &[]);
    let sentence = "has no key: auth-server publishes none, and ACCESS_TOKEN_SECRET is not set. Give this service the secret, or auth-server an ACCESS_TOKEN_KEY_FILE";
    followed.wait_for_log(sentence);
    assert_eq!(followed.guard.check_ready().unwrap_err().to_string(), sentence);
    assert_eq!(followed.rejection(ED25519), Some(TokenError::KeysUnavailable));
    // The token triggers another fetch with the same result, which is not logged again.
    followed.wait("it has looked again", || {
        assert_eq!(followed.rejection(ED25519), Some(TokenError::KeysUnavailable));
        followed.server.keys_requests() > 3
    });
    assert_eq!(followed.log.times(sentence), 1, "{}", followed.log.text());
    assert!(followed.log.text().contains("ERROR"));
    // The operator applies the remedy.
    followed.server.publish(&jwks(&[ED25519]));
    followed.wait_until_used(ED25519);
    assert_eq!(followed.guard.check_ready(), Ok(()));
}

#[test]
fn with_a_secret_its_tokens_are_accepted_at_once_besides_those_of_published_keys() {
    let secret = ("ACCESS_TOKEN_SECRET", SECRET);
    let followed = FollowedKeys::start(FeedServer::start_manual(), CONTINUOUSLY, &[secret]);
    let asked = followed.server.next_keys_request();
    assert_eq!(followed.guard.verify(&good()).err(), None);
    assert_eq!(followed.rejection(ED25519), Some(TokenError::KeysUnavailable));
    assert_eq!(followed.guard.check_ready(), Err(NotReady::Keys(KeysUnavailable::NotFetched)));
    asked.publish(&jwks(&[ED25519]));
    followed.wait_until_used(ED25519);
    assert_eq!((followed.guard.verify(&good()).err(), followed.guard.check_ready()), (None, Ok(())));
    followed.wait_for_log(&format!("{} (HS256), {} (EdDSA)", kid(SECRET), kid_of(ED25519)));
    // An empty JWKS does not affect the secret.
    followed.server.next_keys_request().publish(r#"{"keys":[]}"#);
    followed.wait("the key is gone", || followed.rejection(ED25519) == Some(TokenError::UnknownKey));
    assert_eq!((followed.guard.verify(&good()).err(), followed.guard.check_ready()), (None, Ok(())));
}

/// Otherwise a service would never start while auth-server cannot publish its keys.
#[test]
fn with_a_secret_a_guard_waits_for_the_keys_no_longer_than_for_the_feed() {
    for (secret, ready) in [(Some(("ACCESS_TOKEN_SECRET", SECRET)), true), (None, false)] {
        let settings: Vec<_> = [("FEED_SECRET", FEED_SECRET)].into_iter().chain(secret).collect();
        let followed = FollowedKeys::start(FeedServer::start_manual(), ON_TRIGGER, &settings);
        let mut feed = followed.server.next_request().accept();
        feed.caught_up(0);
        followed.wait("caught up", || followed.guard.revocations().unwrap().check_ready().is_ok());
        let names: Vec<_> = followed.guard.tasks().map(TaskHealth::name).collect();
        assert_eq!(names, ["goptri-feed", "goptri-keys"]);
        let waits = Err(NotReady::Keys(KeysUnavailable::NotFetched));
        assert_eq!(followed.guard.check_ready(), waits);
        followed.clock.advance(Duration::from_secs(61));
        assert_eq!(followed.guard.check_ready(), if ready { Ok(()) } else { waits });
    }
}

/// A published key with the name of the secret is skipped.
#[test]
fn a_published_key_with_the_kid_of_the_secret_does_not_replace_it() {
    let secret = ("ACCESS_TOKEN_SECRET", SECRET);
    let followed = FollowedKeys::start(FeedServer::start_manual(), CONTINUOUSLY, &[secret]);
    let named = jwks(&[P256]).replace(&kid_of(P256), &kid(SECRET));
    followed.server.next_keys_request().publish(&named);
    let _taken = followed.server.next_keys_request();
    assert_eq!(followed.guard.verify(&good()).err(), None);
    assert_eq!(followed.guard.keys().snapshot().len(), 1);
}

/// OP-02: a key is published, then used, then removed.
#[test]
fn a_key_that_is_no_longer_published_is_not_trusted() {
    let followed = FollowedKeys::start(FeedServer::start_manual(), CONTINUOUSLY, &[]);
    for (published, taken, refused) in [
        (vec![ED25519], vec![ED25519], vec![P256, RSA]),
        (vec![ED25519, P256], vec![ED25519, P256], vec![RSA]),
        (vec![P256, ED25519], vec![ED25519, P256], vec![RSA]),
        (vec![P256], vec![P256], vec![ED25519, RSA]),
        (vec![RSA], vec![RSA], vec![ED25519, P256]),
    ] {
        followed.server.next_keys_request().publish(&jwks(&published));
        followed.wait("only these are taken", || {
            taken.iter().all(|pem| followed.rejection(pem).is_none())
                && refused.iter().all(|pem| followed.rejection(pem) == Some(TokenError::UnknownKey))
        });
    }
    assert_eq!(followed.log.times("access tokens are verified with these keys"), 5);
}

#[test]
fn without_a_secret_and_an_auth_server_the_error_names_both_settings() {
    let environment = Environment::from_pairs([("ISSUER", ISSUER), ("AUDIENCE", AUDIENCE)]);
    let faults = Guard::from_environment_with_feed(&environment).unwrap_err();
    let sentence = "ACCESS_TOKEN_SECRET is not set, nor is AUTH_SERVER_URL, from which public keys could be fetched instead";
    assert!(faults.0.len() == 1 && faults.to_string().contains(sentence), "{faults}");
}
