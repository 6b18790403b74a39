//! A proxy in front of a server, with a link that a test can break.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The state of the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Link {
    /// Data arrives.
    Up,
    /// Data arrives half a second later.
    Slow,
    /// Data is held until the link changes; no side gets an error.
    BlackHole,
    /// Connections are closed, and new ones are closed immediately.
    Down,
}

/// The server behind the proxy.
#[derive(Debug, Clone)]
pub enum Target {
    /// `HOST:PORT`
    Tcp(String),
    Unix(PathBuf),
}

pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
}

struct State {
    link: AtomicU8,
    /// Incremented when all connections of that moment go dead.
    losses: AtomicU32,
    clients: Mutex<Vec<TcpStream>>,
    target: Mutex<Target>,
}

impl Proxy {
    pub fn new(target: Target) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            link: AtomicU8::new(Link::Up as u8),
            losses: AtomicU32::new(0),
            clients: Mutex::default(),
            target: Mutex::new(target),
        });
        let accepting = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if !accepting.is(Link::Down) {
                    // A server that is not there closes the connection.
                    let target = accepting.target.lock().unwrap().clone();
                    let _ = accepting.connect(client, &target);
                }
            }
        });
        Self { address, state }
    }

    /// A proxy in front of the HTTP server with this URL.
    pub fn before(url: &str) -> Self {
        Self::new(Target::Tcp(url.trim_start_matches("http://").to_owned()))
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn set(&self, link: Link) {
        self.state.link.store(link as u8, Ordering::SeqCst);
        if link == Link::Down {
            for client in self.state.clients.lock().unwrap().drain(..) {
                let _ = client.shutdown(Shutdown::Both);
            }
        }
    }

    /// The address moves to another server: connections are closed, and new ones go there.
    pub fn move_to(&self, target: Target) {
        self.send_new_connections_to(target);
        for client in self.state.clients.lock().unwrap().drain(..) {
            let _ = client.shutdown(Shutdown::Both);
        }
    }

    /// The address moves to another server, and connections stay open.
    pub fn send_new_connections_to(&self, target: Target) {
        *self.state.target.lock().unwrap() = target;
    }

    /// Existing connections go dead: data is accepted and lost, and no side gets an error. New connections work.
    pub fn lose_connections(&self) {
        self.state.losses.fetch_add(1, Ordering::SeqCst);
    }
}

impl State {
    fn is(&self, link: Link) -> bool {
        self.link.load(Ordering::SeqCst) == link as u8
    }

    fn connect(self: &Arc<Self>, client: TcpStream, target: &Target) -> std::io::Result<()> {
        let kept = client.try_clone()?;
        match target {
            Target::Tcp(address) => {
                let server = TcpStream::connect(address)?;
                self.pass(client.try_clone()?, server.try_clone()?);
                self.pass(server, client);
            }
            Target::Unix(path) => {
                let server = UnixStream::connect(path)?;
                self.pass(client.try_clone()?, server.try_clone()?);
                self.pass(server, client);
            }
        }
        self.clients.lock().unwrap().push(kept);
        Ok(())
    }

    fn pass(self: &Arc<Self>, mut from: impl Read + Send + 'static, mut to: impl Stream) {
        let state = Arc::clone(self);
        let losses = state.losses.load(Ordering::SeqCst);
        thread::spawn(move || {
            let mut buffer = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = from.read(&mut buffer) {
                if state.is(Link::Slow) {
                    thread::sleep(Duration::from_millis(500));
                }
                while state.is(Link::BlackHole) {
                    thread::sleep(Duration::from_millis(5));
                }
                let lost = state.losses.load(Ordering::SeqCst) != losses;
                if !lost && to.write_all(&buffer[..length]).is_err() {
                    break;
                }
            }
            to.close();
        });
    }
}

trait Stream: Write + Send + 'static {
    fn close(&self);
}

impl Stream for TcpStream {
    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}

impl Stream for UnixStream {
    fn close(&self) {
        let _ = self.shutdown(Shutdown::Both);
    }
}
