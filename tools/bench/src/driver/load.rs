//! Many who ask at the same time, for a bounded time.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Answer, Connection, Latencies};
use crate::Failed;
use crate::processes::cores;

/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(20);

/// One who asks again and again, on one connection.
pub(crate) trait Caller: Send + 'static {
    /// Puts the next request into the empty `request`.
    fn ask(&mut self, request: &mut Vec<u8>) -> Result<(), Failed>;

    /// Takes the answer to it. An error ends the whole bench.
    fn take(&mut self, answer: &Answer<'_>) -> Result<(), Failed>;
}

/// What is asked, and for how long.
pub(crate) struct Load<C> {
    /// Of whom.
    pub(crate) server: SocketAddr,
    /// By whom: a connection each.
    pub(crate) callers: Vec<C>,
    /// For how long. What was asked by then is waited for.
    pub(crate) lasting: Duration,
    /// How often, all together. `None`: each as soon as it has its answer.
    pub(crate) pace: Option<Pace>,
}

/// So many a second.
#[derive(Clone, Copy)]
pub(crate) struct Pace(pub(crate) f64);

/// What came of it.
pub(crate) struct Measured<C> {
    /// They may go on with what they learnt.
    pub(crate) callers: Vec<C>,
    pub(crate) latencies: Latencies,
    /// From the first question to the last answer.
    pub(crate) took: Duration,
}

impl<C> Measured<C> {
    /// Answers a second.
    pub(crate) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
        let number = self.latencies.len() as f64;
        number / self.took.as_secs_f64()
    }
}

struct Turns {
    taken: AtomicU32,
    pace: Option<Pace>,
    lasting: Duration,
}

impl Turns {
    /// When the next one may be asked, from the beginning on. `None`: there is no time left for another one.
    fn next(&self, begun: Instant) -> Option<Duration> {
        let turn = match self.pace {
            None => begun.elapsed(),
            Some(Pace(a_second)) => {
                Duration::from_secs_f64(f64::from(self.taken.fetch_add(1, Ordering::Relaxed)) / a_second)
            }
        };
        (turn < self.lasting).then_some(turn)
    }
}

impl<C: Caller> Load<C> {
    /// Asks. Half of the cores do so, as the others are the server's.
    pub(crate) fn run(self) -> Result<Measured<C>, Failed> {
        let threads = (cores() / 2).clamp(1, self.callers.len().max(1));
        let turns = Arc::new(Turns { taken: AtomicU32::new(0), pace: self.pace, lasting: self.lasting });
        let connected = Arc::new(Barrier::new(threads));
        let mut shares: Vec<Vec<C>> = (0..threads).map(|_| Vec::new()).collect();
        for (number, caller) in self.callers.into_iter().enumerate() {
            shares[number % threads].push(caller);
        }
        let server = self.server;
        let running: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let (turns, connected) = (Arc::clone(&turns), Arc::clone(&connected));
                thread::spawn(move || on_this_thread(server, share, &turns, &connected))
            })
            .collect();
        let mut all = Measured { callers: Vec::new(), latencies: Latencies::default(), took: Duration::ZERO };
        for thread in running {
            let mut part = thread.join().map_err(|_| "whoever asked the server panicked")??;
            all.callers.append(&mut part.callers);
            all.latencies.append(part.latencies);
            all.took = all.took.max(part.took);
        }
        if all.latencies.len() == 0 { Err("nothing was answered".into()) } else { Ok(all) }
    }
}

fn on_this_thread<C: Caller>(
    server: SocketAddr,
    callers: Vec<C>,
    turns: &Arc<Turns>,
    connected: &Barrier,
) -> Result<Measured<C>, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = runtime.block_on(async {
        let mut opened = Vec::new();
        for caller in callers {
            opened.push((Connection::open(server).await?, caller));
        }
        Ok::<_, io::Error>(opened)
    });
    // Also when it failed: the other threads wait.
    connected.wait();
    let opened = opened?;
    runtime.block_on(async {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        for (connection, caller) in opened {
            running.spawn(ask_until_the_end(connection, caller, Arc::clone(turns), begun));
        }
        let mut all = Measured { callers: Vec::new(), latencies: Latencies::default(), took: Duration::ZERO };
        while let Some(ended) = running.join_next().await {
            let (caller, latencies) = ended??;
            all.callers.push(caller);
            all.latencies.append(latencies);
        }
        all.took = begun.elapsed();
        Ok(all)
    })
}

async fn ask_until_the_end<C: Caller>(
    mut connection: Connection,
    mut caller: C,
    turns: Arc<Turns>,
    begun: Instant,
) -> Result<(C, Latencies), Failed> {
    let mut latencies = Latencies::default();
    let mut request = Vec::with_capacity(2048);
    while let Some(turn) = turns.next(begun) {
        let early = turn.saturating_sub(begun.elapsed());
        if !early.is_zero() {
            sleep(early).await;
        }
        request.clear();
        caller.ask(&mut request)?;
        let asked = Instant::now();
        let answer = timeout(PATIENCE, connection.exchange(&request)).await;
        let answer = answer.map_err(|_| format!("no answer within {PATIENCE:?}"))??;
        latencies.add(asked.elapsed());
        caller.take(&answer)?;
    }
    Ok((caller, latencies))
}
