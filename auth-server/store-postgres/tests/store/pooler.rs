//! A pooler that moves its clients to another server between two statements, unnoticed.
//!
//! Only for clients without prepared statements, as poolers require, because the other server does not have them.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use scratch_pg::ScratchPg;

pub(crate) struct Pooler {
    url: String,
    /// The folder of the current server.
    server: Arc<Mutex<PathBuf>>,
}

impl Pooler {
    /// A pooler that begins with that server.
    pub(crate) fn before(server: &ScratchPg) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let url =
            format!("postgres://postgres@{address}/postgres?sslmode=disable&statement-cache-capacity=0");
        let server = Arc::new(Mutex::new(server.folder().to_owned()));
        let asked = Arc::clone(&server);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, asked) = (client.unwrap(), Arc::clone(&asked));
                thread::spawn(move || serve(client, &asked));
            }
        });
        Self { url, server }
    }

    /// The URL of the database through the pooler.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Sends the next statement to that server, also on existing connections.
    pub(crate) fn switch_to(&self, server: &ScratchPg) {
        server.folder().clone_into(&mut self.server.lock().unwrap());
    }
}

fn serve(mut client: TcpStream, asked: &Mutex<PathBuf>) {
    let (mut buffer, mut introduction) = ([0; 16 * 1024], Vec::new());
    let mut connected: Option<(PathBuf, UnixStream)> = None;
    while let Ok(length @ 1..) = client.read(&mut buffer) {
        let folder = asked.lock().unwrap().clone();
        if connected.as_ref().is_none_or(|(at, _)| *at != folder) {
            let mut server = UnixStream::connect(folder.join(".s.PGSQL.5432")).unwrap();
            if let Some((_, before)) = connected.take() {
                server.write_all(&introduction).unwrap();
                read_until_ready(&mut server);
                before.shutdown(Shutdown::Both).unwrap();
            } else {
                // The startup message, which identifies the client.
                introduction = buffer[..length].to_vec();
            }
            pass_back(server.try_clone().unwrap(), client.try_clone().unwrap());
            connected = Some((folder, server));
        }
        let Some((_, server)) = &mut connected else { return };
        server.write_all(&buffer[..length]).unwrap();
    }
}

/// Reads messages, each with a type, a length and a body, until the server is ready for a query.
fn read_until_ready(server: &mut UnixStream) {
    let mut head = [0; 5];
    while head[0] != b'Z' {
        server.read_exact(&mut head).unwrap();
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        server.read_exact(&mut vec![0; length as usize - 4]).unwrap();
    }
}

fn pass_back(mut server: UnixStream, mut client: TcpStream) {
    thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(length @ 1..) = server.read(&mut buffer) {
            client.write_all(&buffer[..length]).unwrap();
        }
    });
}
