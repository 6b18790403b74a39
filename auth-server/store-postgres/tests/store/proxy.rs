//! A network that loses connections as a failing one does: what is sent is taken, nothing arrives, nobody is told.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use sqlx::postgres::PgConnectOptions;
use url::Url;

/// A way to a Postgres server that a test can make lose its connections.
pub(crate) struct Proxy {
    url: String,
    losses: Arc<AtomicU32>,
}

impl Proxy {
    /// A way to that database.
    pub(crate) fn before(database: &str) -> Self {
        let server: PgConnectOptions = database.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let losses = Arc::new(AtomicU32::new(0));
        let mut url = Url::parse(database).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        url.set_query(Some("sslmode=disable"));
        {
            let losses = Arc::clone(&losses);
            thread::spawn(move || {
                for client in listener.incoming() {
                    serve(client.unwrap(), &server, &losses);
                }
            });
        }
        Self { url: url.into(), losses }
    }

    /// Where to connect to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// From now on nothing passes on the connections that there are; new ones are as good as ever.
    pub(crate) fn lose_connections(&self) {
        self.losses.fetch_add(1, Ordering::SeqCst);
    }
}

fn serve(client: TcpStream, server: &PgConnectOptions, losses: &Arc<AtomicU32>) {
    let (host, port) = (server.get_host(), server.get_port());
    let folder = server.get_socket().cloned().or_else(|| host.starts_with('/').then(|| host.into()));
    if let Some(folder) = folder {
        let server = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).unwrap();
        pass_on(client.try_clone().unwrap(), server.try_clone().unwrap(), losses);
        pass_on(server, client, losses);
    } else {
        let server = TcpStream::connect((host, port)).unwrap();
        pass_on(client.try_clone().unwrap(), server.try_clone().unwrap(), losses);
        pass_on(server, client, losses);
    }
}

fn pass_on(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    losses: &Arc<AtomicU32>,
) {
    let losses = Arc::clone(losses);
    let at_first = losses.load(Ordering::SeqCst);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let lost = losses.load(Ordering::SeqCst) > at_first;
            if !lost && to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    });
}
