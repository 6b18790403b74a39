//! A proxy in front of a Postgres database.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use sqlx::postgres::PgConnectOptions;
use test_support::{Proxy, Target};
use url::Url;

/// A proxy, and the URL of the database through it.
pub(crate) fn before(database: &str) -> (Proxy, String) {
    let server: PgConnectOptions = database.parse().unwrap();
    let (host, port) = (server.get_host(), server.get_port());
    let folder = server.get_socket().cloned().or_else(|| host.starts_with('/').then(|| host.into()));
    let proxy = Proxy::new(match folder {
        Some(folder) => Target::Unix(folder.join(format!(".s.PGSQL.{port}"))),
        None => Target::Tcp(format!("{host}:{port}")),
    });
    let mut url = Url::parse(database).unwrap();
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.address().port())).unwrap();
    url.set_query(Some("sslmode=disable"));
    (proxy, url.into())
}
