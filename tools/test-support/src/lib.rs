//! What the test suites share: servers, clocks, secrets, and responses as a client sees them.
#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test panics when it fails")]
#![expect(missing_docs, clippy::missing_panics_doc, reason = "used by tests only")]

mod answer;
mod bad_settings;
mod certificates;
mod cookie_jar;
mod costs;
pub mod cross_origin;
pub mod expensive;
pub mod feed_server;
pub mod forge;
mod forms;
mod local_server;
mod proxy;

use std::time::Duration;

pub use answer::{Answer, answer, bearing, get};
pub use bad_settings::{BadSetting, assert_sentences};
pub use certificates::{Authority, CertificateFiles, HTTP1, HTTP2, Issued, Validity, connect_tls};
pub use cookie_jar::{CookieJar, SetCookie};
pub use costs::assert_costs;
pub use forms::{attribute, hidden_fields};
pub use local_server::{LocalServer, Stop};
pub use proxy::{Link, Proxy, Target};

pub const ACCESS_TOKEN_SECRET: &str = "access-5f2a9c4be1d078365f2a9c4be1d07836";
pub const REFRESH_TOKEN_SECRET: &str = "refresh-c4be1d078365f2a9c4be1d078365f2a9";
pub const FEED_SECRET: &str = "feed-8365f2a9c4be1d07be1d078365f2a9c4";
pub const EMAIL: &str = "ann@example.com";
pub const PASSWORD: &str = "correct horse battery staple";

/// No operation takes this long; a test that waits longer fails.
pub const TIMEOUT: Duration = Duration::from_mins(1);
