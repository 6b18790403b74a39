//! Uploads that take long: the caller is verified again before the photo is stored.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use chrono::TimeDelta;
use goptri::revocation::EntryKind;
use serde_json::Value;

use crate::revoked::{caught_up, follow, wait_for_status};
use crate::support::{GOPHER, SESSION, TestServer, USER, head};
use test_support::feed_server::entry;

/// An upload of which the second half has not been sent.
struct HalfSent(TcpStream);

impl HalfSent {
    async fn begin(server: &TestServer, name: &str, token: &str) -> Self {
        let mut stream = server.connect();
        let before = server.files().len();
        let length = format!("Content-Length: {}\r\nConnection: close\r\n", GOPHER.len());
        stream.write_all(head(&format!("PUT /photos/{name}"), token, &length).as_bytes()).unwrap();
        stream.write_all(&GOPHER[..GOPHER.len() / 2]).unwrap();
        server.wait_for_files(before + 1).await;
        Self(stream)
    }

    /// Sends the second half. Returns the status and the error code.
    async fn finish(self) -> (u16, String) {
        let mut stream = self.0;
        let finishing = tokio::task::spawn_blocking(move || {
            stream.write_all(&GOPHER[GOPHER.len() / 2..]).unwrap();
            let mut response = String::new();
            stream.read_to_string(&mut response).unwrap();
            response
        });
        let response = finishing.await.unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        (head[9..12].parse().unwrap(), body["error"].as_str().unwrap_or_default().to_owned())
    }
}

/// RV-06
#[actix_web::test]
async fn an_upload_that_began_before_a_sign_out_is_not_stored_after_it() {
    let (server, feed) = follow(&[]).await;
    let mut feed = caught_up(&server, &feed).await;
    let ann = server.user(USER);
    assert_eq!(server.put("/photos/old.png", &ann, GOPHER).await.status, 201);
    let (new, old) =
        (HalfSent::begin(&server, "new.png", &ann).await, HalfSent::begin(&server, "old.png", &ann).await);
    feed.revoke(vec![entry(EntryKind::Session, SESSION, 0, 60)]);
    wait_for_status(&server, "/photos", &ann, 401).await;
    for upload in [new, old] {
        assert_eq!(
            upload.finish().await,
            (401, "invalid_token".to_owned()),
            "it was stored after the sign-out"
        );
    }
    server.wait_for_files(1).await;
}

#[actix_web::test]
async fn an_upload_that_outlasts_its_token_is_not_stored() {
    let server = TestServer::start().await;
    let upload = HalfSent::begin(&server, "new.png", &server.user(USER)).await;
    server.clock.advance(TimeDelta::minutes(16));
    assert_eq!(upload.finish().await, (401, "invalid_token".to_owned()));
    server.wait_for_files(0).await;
}

/// RV-07
#[actix_web::test]
async fn an_upload_that_ends_while_revocations_are_unknown_gets_503() {
    let (server, feed) = follow(&[("ON_STALE", "refuse")]).await;
    let _feed = caught_up(&server, &feed).await;
    let upload = HalfSent::begin(&server, "new.png", &server.user(USER)).await;
    server.monotonic.advance(Duration::from_secs(61));
    assert_eq!(upload.finish().await, (503, "temporarily_unavailable".to_owned()));
    server.wait_for_files(0).await;
}

#[actix_web::test]
async fn a_slow_upload_of_a_live_session_is_stored() {
    let (server, feed) = follow(&[]).await;
    let _feed = caught_up(&server, &feed).await;
    let ann = server.user(USER);
    let upload = HalfSent::begin(&server, "new.png", &ann).await;
    server.clock.advance(TimeDelta::minutes(5));
    assert_eq!(upload.finish().await.0, 201);
    assert!(server.get("/photos/new.png", &ann).await.bytes == GOPHER);
}
