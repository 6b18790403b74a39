//! A server whose clock a test controls, and direct access to its sessions: opening one without hashing a password, and
//! reading one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_domain::{ClientId, Credentials, Email, NewSession, RefreshTokens, Session, SessionId, SessionKey};
use auth_store::{OpenOutcome, Rotation, Store};
use chrono::TimeDelta;
use futures_util::future::join_all;
use goptri::clock::ManualClock;
use goptri_settings::Plain;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{EMAIL, Engine, TestServer, configured, stopped_store};

/// The server, and the user of all sessions.
pub(super) struct Stage {
    server: TestServer,
    client: Client,
    store: Arc<dyn Store>,
    clock: ManualClock,
    tokens: RefreshTokens,
    ann: Credentials,
    sessions: AtomicU64,
}

impl Stage {
    pub(super) async fn on(engine: Engine) -> Self {
        let clock = ManualClock::default();
        let (store, database) = stopped_store(engine, &clock).await;
        let config = configured(&[]);
        let tokens = RefreshTokens::new(config.keys.refresh.clone(), config.issuer.clone(), None);
        let server = TestServer::on(Arc::clone(&store), clock.clone(), config, database).await;
        assert_eq!(server.register().await.status, 201);
        let ann = store.credentials(&Email::parse(EMAIL).unwrap().key()).await.unwrap().unwrap();
        // Connections are reused, or the refreshes would exhaust the ports; but not so long that the server may be closing
        // them.
        let client = Client::builder().pool_idle_timeout(Duration::from_secs(2)).build().unwrap();
        Self { server, client, store, clock, tokens, ann, sessions: AtomicU64::new(1) }
    }

    /// Resets the clock for the next schedule.
    pub(super) fn rewind(&self) {
        self.clock.advance(-self.clock.offset());
    }

    pub(super) fn wait(&self, delay: TimeDelta) {
        self.clock.advance(delay);
    }

    /// Opens a session and returns its first token.
    pub(super) async fn open_session(&self) -> String {
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let jti = Plain::new(format!("jti of session {number}"));
        let key = SessionKey { user_id: self.ann.user_id, id: SessionId(Uuid::from_u128(number.into())) };
        let session = NewSession::for_test(key, self.ann.password_hash.clone().unwrap(), &jti);
        match self.store.open_session(&session).await.unwrap() {
            OpenOutcome::Opened(snapshot) => self.tokens.mint(&snapshot.session, &jti).unwrap(),
            OpenOutcome::Refused => panic!("no session opened"),
        }
    }

    /// The row of a token's session, if it exists. Read by a `rotate` for another client, which changes nothing.
    pub(super) async fn row(&self, token: &str) -> Option<Session> {
        let elsewhere = self.tokens.verify(token, ClientId::new("another-client".to_owned())).unwrap();
        match self.store.rotate(&elsewhere, None).await.unwrap() {
            Rotation::NotCurrent(snapshot) | Rotation::Resent(snapshot) => Some(snapshot.session),
            Rotation::Unknown => None,
            Rotation::Rotated(_) => panic!("rotated by a client that it is not for"),
        }
    }

    /// The generation of a token.
    pub(super) fn generation(&self, token: &str) -> i64 {
        self.tokens.verify(token, ClientId::built_in()).unwrap().generation.number()
    }

    /// Presents the token `at_once` times concurrently. Each gets the next token, or status and error code.
    pub(super) async fn present(&self, token: &str, at_once: usize) -> Vec<Result<String, (u16, String)>> {
        join_all((0..at_once).map(|_| self.refresh(token))).await
    }

    async fn refresh(&self, token: &str) -> Result<String, (u16, String)> {
        let url = format!("http://{}/token", self.server.address);
        let request = self.client.request(Method::POST, url).json(&json!({ "refresh_token": token }));
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let body: Value = response.json().await.unwrap();
        let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        if status == 200 { Ok(field("refresh_token")) } else { Err((status, field("error"))) }
    }
}
