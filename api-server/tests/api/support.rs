//! A server for each test, with a fresh folder, a free port, and clocks that the test controls.

use std::fs;
use std::io::{Read, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use api_server::{Application, Config};
use chrono::TimeDelta;
use goptri::clock::{Clock, ManualClock};
use goptri::keys::KeyRing;
use goptri::revocation::ManualMonotonicClock;
use goptri::token::{Audience, NumericDate, TokenType};
use goptri::{AccessClaims, Caller, Scope, User};
use goptri_settings::{AccessTokenSecret, Environment, Plain, TaskHealth};
use tempfile::TempDir;

pub(crate) const USER: &str = "0193b3a4-0000-7000-8000-000000000001";
pub(crate) const SESSION: &str = "0193b3a4-0000-7000-8000-000000000002";

use test_support::{ACCESS_TOKEN_SECRET, FEED_SECRET, LocalServer, Stop};
pub(crate) use test_support::{Answer, TIMEOUT, answer};

/// The photo of the README's walk-through.
pub(crate) const GOPHER: &[u8] = include_bytes!("../../../docs/gopher.png");

/// api-server; requests go to the [`LocalServer`].
pub(crate) struct TestServer {
    server: LocalServer,
    pub(crate) clock: ManualClock,
    /// The clock that setting the date does not move.
    pub(crate) monotonic: ManualMonotonicClock,
    pub(crate) metrics: Option<String>,
    /// The background tasks of its guard, and its others.
    pub(crate) tasks: Vec<TaskHealth>,
    folder: TempDir,
}

impl Deref for TestServer {
    type Target = LocalServer;

    fn deref(&self) -> &LocalServer {
        &self.server
    }
}

/// The variables of a server whose photos are in `folder`, and whose auth-server does not answer.
pub(crate) fn environment(folder: &Path) -> Environment {
    environment_with(folder, &[])
}

/// As [`environment`], with these variables too.
pub(crate) fn environment_with(folder: &Path, more: &[(&str, &str)]) -> Environment {
    let usual = [
        ("API_SERVER_ADDR", "127.0.0.1:0"),
        ("ACCESS_TOKEN_SECRET", ACCESS_TOKEN_SECRET),
        ("FEED_SECRET", FEED_SECRET),
        ("AUTH_SERVER_URL", "http://127.0.0.1:1"),
        ("PHOTOS_DIR", folder.to_str().unwrap()),
    ];
    Environment::from_pairs(usual.iter().chain(more).copied())
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap()).await
    }

    /// A server in a folder that may have files already.
    pub(crate) async fn start_in(folder: TempDir) -> Self {
        Self::start_with(folder, &[]).await
    }

    /// A server with these variables too.
    pub(crate) async fn start_with(folder: TempDir, more: &[(&str, &str)]) -> Self {
        let environment = environment_with(&folder.path().join("photos"), more);
        let config = Config::from_environment(&environment).unwrap();
        let (clock, monotonic) = (ManualClock::default(), ManualMonotonicClock::default());
        let (stop, stopped) = Stop::after_earlier_servers().await;
        let clocks = (Arc::new(clock.clone()), Arc::new(monotonic.clone()));
        let application = Application::start(config, clocks.0, clocks.1, stopped).unwrap();
        if !more.iter().any(|(name, _)| *name == "AUTH_SERVER_URL") {
            // Without a feed, ON_STALE decides only after the time within which the feed should have arrived.
            monotonic.advance(Duration::from_mins(1));
        }
        let metrics = application.metrics_address().map(|address| format!("http://{address}/metrics"));
        let tasks = application.guard().tasks().chain(&application.state().tasks()).cloned().collect();
        let server = LocalServer::start(application.address(), stop, application.run());
        Self { server, clock, monotonic, metrics, tasks, folder }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        answer(self.request("GET", path).bearer_auth(token)).await
    }

    pub(crate) async fn put(&self, path: &str, token: &str, photo: impl Into<Vec<u8>>) -> Answer {
        answer(self.request("PUT", path).bearer_auth(token).body(photo.into())).await
    }

    pub(crate) async fn delete(&self, path: &str, token: &str) -> Answer {
        answer(self.request("DELETE", path).bearer_auth(token)).await
    }

    pub(crate) fn claims(&self) -> AccessClaims {
        let now = self.clock.now();
        let mut user = User::new(USER, SESSION);
        user.email = Some("ann@example.com".into());
        user.email_verified = Some(true);
        user.roles = vec!["editor".into()];
        user.auth_time = Some(NumericDate::from(now));
        let audience = Audience(["http://localhost:3000".into()].into());
        let mut claims = AccessClaims::new("http://localhost:4000", audience, Caller::User(user));
        claims.exp = NumericDate::from(now + TimeDelta::minutes(15));
        claims.iat = NumericDate::from(now);
        claims.jti = "5f2a9c4be1d078365f2a9c4be1d07836".into();
        claims.scope = Scope::parse("photos:read").unwrap();
        claims
    }

    /// The token of a user with both scopes.
    pub(crate) fn user(&self, sub: &str) -> String {
        let mut claims = self.claims();
        claims.caller = Caller::User(User::new(sub, SESSION));
        claims.scope = Scope::parse("photos:read photos:write").unwrap();
        sign(&claims)
    }

    /// The token of a client without a user, with both scopes.
    pub(crate) fn client(&self, sub: &str) -> String {
        let mut claims = self.claims();
        claims.client_id = sub.into();
        claims.caller = Caller::Client { id: claims.client_id.clone() };
        claims.scope = Scope::parse("photos:read photos:write").unwrap();
        sign(&claims)
    }

    pub(crate) async fn ann_has_the_gopher(&self) -> String {
        let ann = self.user(USER);
        assert_eq!(self.put("/photos/gopher.png", &ann, GOPHER).await.status, 201);
        ann
    }

    /// `PHOTOS_DIR`.
    pub(crate) fn photos(&self) -> PathBuf {
        self.folder.path().join("photos")
    }

    /// Every file in `PHOTOS_DIR`, temporary ones too.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for folder in fs::read_dir(self.photos()).unwrap() {
            files.extend(fs::read_dir(folder.unwrap().path()).unwrap().map(|file| file.unwrap().path()));
        }
        files
    }

    /// Waits until there are `number` files.
    pub(crate) async fn wait_for_files(&self, number: usize) {
        let started = Instant::now();
        while self.files().len() != number {
            assert!(started.elapsed() < TIMEOUT, "not {number} files: {:?}", self.files());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Sends these bytes, keeps the connection open, and returns the status of the response.
    pub(crate) async fn status_of(&self, head: String, body: Vec<u8>) -> u16 {
        let mut stream = self.connect();
        let sending = thread::spawn(move || {
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).unwrap();
            String::from_utf8_lossy(&answer[9..]).parse().unwrap()
        });
        tokio::task::spawn_blocking(|| sending.join().unwrap()).await.unwrap()
    }
}

/// The head of a request with this token.
pub(crate) fn head(request: &str, token: &str, more: &str) -> String {
    format!("{request} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{more}\r\n")
}

pub(crate) fn sign(claims: &AccessClaims) -> String {
    let keys =
        KeyRing::from_secrets(&Plain::<AccessTokenSecret>::new(ACCESS_TOKEN_SECRET.into()), &[]).unwrap();
    keys.sign(TokenType::Access, claims).unwrap()
}
