//! A pool on a server whose state a test sets, in the paused time of Tokio.

#![expect(clippy::disallowed_methods, reason = "the clock of these tests is the paused one of Tokio")]

mod faults;
mod idle;
mod limits;

use std::collections::HashSet;
use std::future::pending;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, advance};

use super::*;

/// A server whose state a test sets.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    down: bool,
    /// Connections that get no answer.
    silent: HashSet<u32>,
    /// How many more connections it grants. `None`: any number.
    slots: Option<u32>,
    connected: u32,
    refused: u32,
    pings: u32,
    open: HashSet<u32>,
}

struct Socket {
    id: u32,
    server: Server,
}

impl Drop for Socket {
    fn drop(&mut self) {
        let mut state = self.server.state();
        state.open.remove(&self.id);
        state.slots = state.slots.map(|slots| slots + 1);
    }
}

#[derive(Debug, PartialEq)]
enum Failure {
    Engine(Fate),
    Pool(PoolError),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl Server {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn silence(&self) {
        let mut state = self.state();
        state.silent = state.open.clone();
    }
}

impl Connector for Server {
    type Connection = Socket;
    type Error = Failure;
    const RECONNECT_TIMEOUT: Duration = Duration::from_secs(10);

    async fn connect(&self) -> Result<Socket, Failure> {
        let mut state = self.state();
        if state.down {
            return Err(Failure::Engine(Fate::Lost));
        }
        if state.slots == Some(0) {
            state.refused += 1;
            return Err(Failure::Engine(Fate::NoSlot));
        }
        state.slots = state.slots.map(|slots| slots - 1);
        state.connected += 1;
        let id = state.connected;
        state.open.insert(id);
        Ok(Socket { id, server: self.clone() })
    }

    async fn ping(socket: &mut Socket) -> Result<(), Failure> {
        let (down, silent) = {
            let mut state = socket.server.state();
            state.pings += 1;
            (state.down, state.silent.contains(&socket.id))
        };
        if silent {
            pending::<()>().await;
        }
        if down { Err(Failure::Engine(Fate::Lost)) } else { Ok(()) }
    }

    async fn close(_: Socket) {}

    fn fate(error: &Failure) -> Fate {
        match error {
            Failure::Engine(fate) => *fate,
            Failure::Pool(PoolError::NoAnswer(_) | PoolError::Abandoned) => Fate::Lost,
            Failure::Pool(_) => Fate::Keep,
        }
    }
}

#[derive(Debug)]
struct TokioClock(Instant);

impl MonotonicClock for TokioClock {
    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

fn pool(max: u32) -> (Server, Pool<Server>) {
    let (server, clock) = (Server::default(), Arc::new(TokioClock(Instant::now())));
    (server.clone(), Pool::new(server, max, Handle::current(), clock))
}

/// Runs a verb that succeeds.
async fn succeed(pool: &Pool<Server>, sending: Sending) -> Result<Answer<u32>, Failure> {
    pool.run(sending, async |socket| Ok::<_, Failure>(socket.id)).await
}

/// Runs this many verbs at the same time, each on a connection of its own.
async fn spread(pool: &Pool<Server>, verbs: usize) {
    let (began, all) = (Arc::new(AtomicU32::new(0)), u32::try_from(verbs).unwrap());
    let mut tasks = JoinSet::new();
    for _ in 0..verbs {
        let (pool, began) = (pool.clone(), Arc::clone(&began));
        tasks.spawn(async move {
            let together = async |_: &mut Socket| {
                began.fetch_add(1, Ordering::SeqCst);
                while began.load(Ordering::SeqCst) < all {
                    yield_now().await;
                }
                Ok::<_, Failure>(())
            };
            pool.run(Sending::Idempotent, together).await.unwrap();
        });
    }
    tasks.join_all().await;
}
