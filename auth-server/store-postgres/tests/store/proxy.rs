//! A network that can freeze: what is sent is taken, and nothing arrives.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use sqlx::postgres::PgConnectOptions;
use url::Url;

/// A way to a Postgres server that a test can freeze.
pub(crate) struct Proxy {
    url: String,
    /// Whoever passes something on holds it meanwhile.
    gate: Arc<Mutex<()>>,
}

impl Proxy {
    /// A way to that database.
    pub(crate) fn before(database: &str) -> Self {
        let server: PgConnectOptions = database.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let gate = Arc::new(Mutex::new(()));
        let mut url = Url::parse(database).unwrap();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        url.set_query(Some("sslmode=disable"));
        {
            let gate = Arc::clone(&gate);
            thread::spawn(move || {
                for client in listener.incoming() {
                    serve(client.unwrap(), &server, &gate);
                }
            });
        }
        Self { url: url.into(), gate }
    }

    /// Where to connect to.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Nothing passes for as long as this is held.
    pub(crate) fn freeze(&self) -> MutexGuard<'_, ()> {
        self.gate.lock().unwrap()
    }
}

fn serve(client: TcpStream, server: &PgConnectOptions, gate: &Arc<Mutex<()>>) {
    let (host, port) = (server.get_host(), server.get_port());
    let folder = server.get_socket().cloned().or_else(|| host.starts_with('/').then(|| host.into()));
    if let Some(folder) = folder {
        let server = UnixStream::connect(folder.join(format!(".s.PGSQL.{port}"))).unwrap();
        pass_on(client.try_clone().unwrap(), server.try_clone().unwrap(), gate);
        pass_on(server, client, gate);
    } else {
        let server = TcpStream::connect((host, port)).unwrap();
        pass_on(client.try_clone().unwrap(), server.try_clone().unwrap(), gate);
        pass_on(server, client, gate);
    }
}

fn pass_on(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static, gate: &Arc<Mutex<()>>) {
    let gate = Arc::clone(gate);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let _passing = gate.lock().unwrap();
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
    });
}
