//! The published keys, and changes of key and secret files while the server runs.

use std::fs;
use std::path::Path;
use std::time::Instant;

use goptri::keys::KeyRing;
use goptri::keys::{Jwks, VerifyingKeys};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::feed::Events;
use crate::support::{Answer, Engine, FEED_SECRET, TIMEOUT, TestServer, by_the_secret};

/// Public test keys: RFC 8037 §A.1, and one from `openssl genpkey`.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";
const P256: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgDJEgs6jxu+lR8eSI
7nTUo1y0pbukgVZz8QprIgS7BUShRANCAAS5xkM5NlubEomhlkz+KxYzmdd7P9lE
RK+HlJkrk40ky4Cm2Yt4r4SYqCZDtUZ4yke8mBFN8LtMY1a5pB+IzVIf
-----END PRIVATE KEY-----
";

const PATH: &str = "/.well-known/jwks.json";

/// A folder with these files.
fn files(contents: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in contents {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// Replaces the file atomically.
fn replace(folder: &TempDir, name: &str, text: &str) {
    let new = folder.path().join("new");
    fs::write(&new, text).unwrap();
    fs::rename(new, folder.path().join(name)).unwrap();
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

async fn with_key_file(folder: &TempDir) -> TestServer {
    let file = folder.path().join("keys.pem");
    TestServer::start(Engine::Sqlite, &[("ACCESS_TOKEN_KEY_FILE", text(&file))]).await
}

async fn published(server: &TestServer) -> VerifyingKeys {
    let answer = server.get(PATH, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let (keys, left_out) = Jwks::parse(answer.text.as_bytes()).unwrap();
    assert!(left_out.is_empty());
    keys
}

async fn wait_until_published(server: &TestServer, ring: &KeyRing) {
    let started = Instant::now();
    while published(server).await != *ring.verifying_keys() {
        assert!(started.elapsed() < TIMEOUT, "the new keys are not published");
    }
}

async fn current_user(server: &TestServer, token: &str) -> Value {
    server.get("/currentuser", Some(token)).await.body["currentUser"].clone()
}

/// OI-03
#[actix_web::test]
async fn a_shared_secret_is_never_published() {
    let server = TestServer::start(Engine::Sqlite, &[]).await;
    let answer = server.get(PATH, None).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"keys":[]}"#));
    assert_eq!(answer.header("content-type"), Some("application/jwk-set+json"));
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));

    let folder = files(&[("keys.pem", ED25519)]);
    let server = with_key_file(&folder).await;
    let keys = server.get(PATH, None).await.body["keys"].clone();
    assert_eq!(
        keys,
        json!([{
            "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "alg": "EdDSA", "use": "sig",
        }]),
        "and not the secret, which verifies as well"
    );
}

#[actix_web::test]
async fn a_client_with_current_keys_gets_304() {
    let folder = files(&[("keys.pem", P256)]);
    let server = with_key_file(&folder).await;
    let ask = async |tag: &str| -> Answer {
        server.send(server.request(Method::GET, PATH).header("if-none-match", tag)).await
    };
    let etag = server.get(PATH, None).await.header("etag").unwrap().to_owned();
    for (tag, status) in [
        (etag.as_str(), 304),
        (&format!("W/{etag}"), 304),
        (&format!("\"other\", {etag}"), 304),
        ("*", 304),
        ("\"other\"", 200),
        ("nonsense", 200),
    ] {
        let answer = ask(tag).await;
        assert_eq!((answer.status, answer.text.is_empty()), (status, status == 304), "{tag}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()), "{tag}");
    }
    replace(&folder, "keys.pem", ED25519);
    wait_until_published(&server, &KeyRing::from_pem(ED25519).unwrap()).await;
    assert_eq!(ask(&etag).await.status, 200);
}

#[actix_web::test]
async fn the_key_file_signs_and_the_secret_still_verifies() {
    let folder = files(&[("keys.pem", &format!("{ED25519}{P256}"))]);
    let server = with_key_file(&folder).await;
    let (access, _) = server.signed_in().await;
    let header: Value =
        serde_json::from_str(goptri::token::UnverifiedJws::parse(&access).unwrap().header_json()).unwrap();
    assert_eq!((header["alg"].as_str(), header["typ"].as_str()), (Some("EdDSA"), Some("at+jwt")));
    assert_eq!(server.get("/sessions", Some(&access)).await.status, 200);
    // The same claims, signed by the secret.
    let by_secret = by_the_secret(&access);
    assert_eq!(current_user(&server, &by_secret).await, current_user(&server, &access).await);
    assert_eq!(published(&server).await.len(), 2);
}

/// OP-02: without a restart.
#[actix_web::test]
async fn a_changed_key_file_takes_effect_and_is_announced() {
    let folder = files(&[("keys.pem", ED25519)]);
    let server = with_key_file(&folder).await;
    let (old, refresh) = server.signed_in().await;
    let mut events = Events::of(&server).await;
    events.caught_up().await;
    replace(&folder, "keys.pem", &format!("{P256}{ED25519}"));
    assert_eq!(events.next_named("keys").await, "{}");
    let new = server.refresh(&refresh).await.field("access_token");
    for token in [&old, &new] {
        assert_eq!(current_user(&server, token).await["email"], "ann@example.com");
    }
    let ring = KeyRing::from_pem(&format!("{P256}{ED25519}")).unwrap();
    assert_eq!(published(&server).await, *ring.verifying_keys());

    replace(&folder, "keys.pem", P256);
    assert_eq!(events.next_named("keys").await, "{}");
    assert_eq!(current_user(&server, &old).await, Value::Null);
    assert_eq!(current_user(&server, &new).await["email"], "ann@example.com");
}

#[actix_web::test]
async fn an_invalid_file_keeps_the_keys_and_the_next_valid_one_takes_effect() {
    let folder = files(&[("keys.pem", ED25519)]);
    let server = with_key_file(&folder).await;
    let (access, _) = server.signed_in().await;
    for bad in ["", "-----BEGIN PRIVATE KEY-----\nMC4CAQAw", "nonsense"] {
        replace(&folder, "keys.pem", bad);
        server.reread();
        assert_eq!(
            published(&server).await,
            *KeyRing::from_pem(ED25519).unwrap().verifying_keys(),
            "{bad:?}"
        );
        assert_eq!(current_user(&server, &access).await["email"], "ann@example.com");
    }
    replace(&folder, "keys.pem", P256);
    wait_until_published(&server, &KeyRing::from_pem(P256).unwrap()).await;
}

const REFRESH: [&str; 2] =
    ["refresh-c4be1d078365f2a9c4be1d078365f2a9", "refresh-07be1d83c4f265a907be1d83c4f265a9"];

/// OP-02
#[actix_web::test]
async fn replacing_the_refresh_secret_rejects_no_refresh_until_the_old_one_is_removed() {
    let folder = files(&[("refresh", REFRESH[0])]);
    let file = folder.path().join("refresh");
    let server = TestServer::start(Engine::Sqlite, &[("REFRESH_TOKEN_SECRET_FILE", text(&file))]).await;
    let (_, mut refresh) = server.signed_in().await;
    let (by_old, kid) = (refresh.clone(), |token: &str| token.split('.').next().unwrap().to_owned());
    for step in [format!("{},{}", REFRESH[0], REFRESH[1]), format!("{},{}", REFRESH[1], REFRESH[0])] {
        replace(&folder, "refresh", &step);
        server.reread();
        refresh = server.refresh(&refresh).await.field("refresh_token");
    }
    assert_ne!(kid(&refresh), kid(&by_old), "signed by the new secret");
    replace(&folder, "refresh", REFRESH[1]);
    server.reread();
    assert_eq!(server.refresh(&by_old).await.error(), (400, "invalid_grant"));
    assert_eq!(server.refresh(&refresh).await.status, 200);
}

/// RV-12
#[actix_web::test]
async fn withdrawing_a_feed_secret_ends_the_streams() {
    let other = "feed-07be1d83c4f265a907be1d83c4f265a9";
    let folder = files(&[("feed", FEED_SECRET)]);
    let file = folder.path().join("feed");
    let server = TestServer::start(Engine::Sqlite, &[("FEED_SECRET_FILE", text(&file))]).await;
    let mut events = Events::of(&server).await;
    events.caught_up().await;

    replace(&folder, "feed", &format!("{other},{FEED_SECRET}"));
    server.reread();
    let asks = async |secret: &str| {
        server.send(server.request(Method::GET, "/revocations").bearer_auth(secret)).await.status
    };
    assert_eq!((asks(other).await, asks(FEED_SECRET).await), (200, 200));
    let (_, refresh) = server.signed_in().await;
    assert_eq!(server.logout(&json!({ "refresh_token": refresh })).await.status, 204);
    events.next_named("revocations").await;

    replace(&folder, "feed", other);
    server.reread();
    while events.next().await.is_some() {}
    assert_eq!((asks(other).await, asks(FEED_SECRET).await), (200, 401));
}
