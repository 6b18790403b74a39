//! An api-server without a secret: while auth-server is down, and with tokens signed by a secret.

use std::process::Command;

use super::emergency::{accepts, refresh};
use super::fleet::{FEED, KEYS, LONG, REFRESH, SECRET, api_member, auth_member, client};
use super::keys::Key;
use super::session_tokens;
use crate::programs::{Database, Running, auth_server};

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_waits_for_published_keys_and_keeps_them_while_auth_server_is_down() {
    let database = Database::postgres().await;
    let (pair, refresh_secret, feed) =
        (Key::pair("ed25519"), Key::secret("refresh-one"), Key::secret("feed-one"));
    let files = [(KEYS, pair.text.as_str()), (REFRESH, &refresh_secret.text), (FEED, &feed.text)];
    let mut auth = auth_member(&database.url(), LONG, &files);
    let session = session_tokens::open(&database.url(), &refresh_secret.text, 1).await.remove(0);
    let client = client();
    let (token, next) = refresh(&client, &auth, &session).await;
    auth.stop();

    let api = api_member(&auth.server.url, &[(FEED, &feed.text)]);
    for _ in 0..3 {
        assert_eq!(api.server.get("/me", &token).await.status(), 503, "it has no keys yet");
        let waits = api.server.get("/readyz", "").await;
        assert_eq!(waits.status(), 503);
    }
    auth.start_again();
    api.is_ready().await;
    assert_eq!(api.server.get("/me", &token).await.status(), 200);

    auth.stop();
    for _ in 0..3 {
        assert_eq!(api.server.get("/me", &token).await.status(), 200, "verification goes on");
        let forged = session_tokens::access_token(&Key::pair("ed25519").ring, 1);
        assert_eq!(api.server.get("/me", &forged).await.status(), 401);
    }
    auth.start_again();
    api.says_times("connected to the revocation feed", 2).await;
    assert_eq!(api.server.get("/me", &token).await.status(), 200);
    let (newer, _) = refresh(&client, &auth, &next).await;
    assert_eq!(api.server.get("/me", &newer).await.status(), 200);
}

/// OP-01: a service without the secret rejects tokens signed with it, although auth-server accepts them.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_public_keys_rejects_tokens_signed_with_a_secret_and_no_secret_is_published() {
    let database = Database::postgres().await;
    let (pair, secret) = (Key::pair("ed25519"), Key::secret("access-one"));
    let (refresh_secret, feed) = (Key::secret("refresh-one"), Key::secret("feed-one"));
    let files = [
        (KEYS, pair.text.as_str()),
        (SECRET, &secret.text),
        (REFRESH, &refresh_secret.text),
        (FEED, &feed.text),
    ];
    let auth = auth_member(&database.url(), LONG, &files);
    session_tokens::open(&database.url(), &refresh_secret.text, 1).await;
    let api = api_member(&auth.server.url, &[(FEED, &feed.text)]);
    api.is_ready().await;

    let (by_key, by_secret) =
        (session_tokens::access_token(&pair.ring, 1), session_tokens::access_token(&secret.ring, 1));
    assert!(accepts(&client(), &auth, &by_secret).await, "auth-server accepts it");
    assert!(accepts(&client(), &auth, &by_key).await);
    assert_eq!(api.server.get("/me", &by_key).await.status(), 200);
    let refused = api.server.get("/me", &by_secret).await;
    assert_eq!(refused.status(), 401);
    assert!(refused.text().await.unwrap().contains("invalid_token"));
    // Again, after it has fetched the keys because of this kid.
    assert_eq!(api.server.get("/me", &by_secret).await.status(), 401);

    let published = auth.server.get("/.well-known/jwks.json", "").await.text().await.unwrap();
    assert!(published.contains(pair.kid()), "{published}");
    let logs = [auth.server.running.output(), api.server.running.output()].concat();
    for key in [&pair, &secret, &refresh_secret, &feed] {
        assert!(!published.contains(key.hidden()) && !logs.contains(key.hidden()), "{published}\n{logs}");
    }
    assert!(!published.contains(secret.kid()), "not even its kid: {published}");
}

/// SIGHUP before the first load of files must not end the server.
#[tokio::test(flavor = "multi_thread")]
async fn sighup_does_not_end_a_starting_server() {
    let mut command: Command = auth_server("postgres://nobody@127.0.0.1:1/nothing");
    command.env("LOG_FORMAT", "text");
    let mut starting = Running::start(command);
    starting.wait_for("waiting for the database");
    starting.signal("HUP");
    starting.signal("TERM");
    assert_eq!(starting.wait().code(), Some(0), "{}", starting.output());
}
