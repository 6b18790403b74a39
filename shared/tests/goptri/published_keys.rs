//! A guard that verifies with the keys that auth-server publishes, and follows them.

use std::time::Instant;

use goptri::{Clock, Environment, Guard, KeyRing, SystemClock, TokenType};

use crate::feed_server::{FeedServer, PATIENCE};
use crate::forge::{AUDIENCE, ISSUER, claims, with};

/// A private key of RFC 8037, appendix A.1, in PKCS#8: known to everybody, and good for tests.
const ED25519: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

fn jwks(ring: &KeyRing) -> String {
    serde_json::to_string(&ring.verifying().jwks()).unwrap()
}

fn follow(server: &FeedServer, more: &[(&str, &str)]) -> Guard {
    let url = server.url();
    let common = [("AUTH_SERVER_URL", url.as_str()), ("ISSUER", ISSUER), ("AUDIENCE", AUDIENCE)];
    Guard::following(&Environment::from_pairs([&common, more].concat())).unwrap()
}

fn wait(what: &str, happened: impl Fn() -> bool) {
    let started = Instant::now();
    while !happened() {
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        std::thread::yield_now();
    }
}

fn token(ring: &KeyRing) -> String {
    let now = SystemClock.now().timestamp();
    ring.sign(TokenType::Access, &with(with(claims(), "iat", now), "exp", now + 900)).unwrap()
}

#[test]
fn without_a_secret_the_published_keys_verify_once_they_are_known() {
    let server = FeedServer::start();
    let ring = KeyRing::from_pem(ED25519).unwrap();
    server.publish(&jwks(&ring));
    let guard = follow(&server, &[]);
    wait("it knows the keys", || guard.ready().is_ok());
    assert!(guard.check(&token(&ring)).is_ok());
    assert_eq!(server.keys_asked(), 1);
}
