//! Concurrent callers, for a fixed time.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{Connection, Latencies, Response};
use crate::Error;
use crate::processes::cores;

/// A response that takes longer is an error.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(20);

/// Sends requests one after the other on one connection.
pub(crate) trait Caller: Send + 'static {
    /// Writes the next request into the empty `request`.
    fn next_request(&mut self, request: &mut Vec<u8>) -> Result<(), Error>;

    /// Checks the response to that request. An error ends the whole bench.
    fn on_response(&mut self, response: &Response<'_>) -> Result<(), Error>;
}

pub(crate) struct Load<C> {
    pub(crate) server: SocketAddr,
    /// Each has a connection.
    pub(crate) callers: Vec<C>,
    /// Requests sent within this time are waited for.
    pub(crate) duration: Duration,
    /// The rate of all callers together. `None`: each sends its next request as soon as it has a response.
    pub(crate) rate: Option<PerSecond>,
}

/// Requests per second.
#[derive(Clone, Copy)]
pub(crate) struct PerSecond(pub(crate) f64);

pub(crate) struct Measured<C> {
    /// With the state they ended in.
    pub(crate) callers: Vec<C>,
    pub(crate) latencies: Latencies,
    /// From the first request to the last response.
    pub(crate) took: Duration,
}

impl<C> Measured<C> {
    /// Responses per second.
    pub(crate) fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let number = self.latencies.len() as f64;
        number / self.took.as_secs_f64()
    }
}

struct Schedule {
    sent: AtomicU32,
    rate: Option<PerSecond>,
    duration: Duration,
}

impl Schedule {
    /// When to send the next request, counted from the start; `None` once the time is over.
    fn next(&self, begun: Instant) -> Option<Duration> {
        let due = match self.rate {
            None => begun.elapsed(),
            Some(PerSecond(rate)) => {
                Duration::from_secs_f64(f64::from(self.sent.fetch_add(1, Ordering::Relaxed)) / rate)
            }
        };
        (due < self.duration).then_some(due)
    }
}

impl<C: Caller> Load<C> {
    /// Runs on half of the cores; the server has the others.
    pub(crate) fn run(self) -> Result<Measured<C>, Error> {
        let threads = (cores() / 2).clamp(1, self.callers.len().max(1));
        let schedule =
            Arc::new(Schedule { sent: AtomicU32::new(0), rate: self.rate, duration: self.duration });
        let connected = Arc::new(Barrier::new(threads));
        let mut shares: Vec<Vec<C>> = (0..threads).map(|_| Vec::new()).collect();
        for (number, caller) in self.callers.into_iter().enumerate() {
            shares[number % threads].push(caller);
        }
        let server = self.server;
        let running: Vec<_> = shares
            .into_iter()
            .map(|share| {
                let (schedule, connected) = (Arc::clone(&schedule), Arc::clone(&connected));
                thread::spawn(move || on_this_thread(server, share, &schedule, &connected))
            })
            .collect();
        let mut all = Measured { callers: Vec::new(), latencies: Latencies::new(), took: Duration::ZERO };
        for thread in running {
            let mut part = thread.join().map_err(|_| "a thread of the driver panicked")??;
            all.callers.append(&mut part.callers);
            all.latencies.append(&part.latencies);
            all.took = all.took.max(part.took);
        }
        if all.latencies.len() == 0 { Err("there was no response".into()) } else { Ok(all) }
    }
}

fn on_this_thread<C: Caller>(
    server: SocketAddr,
    callers: Vec<C>,
    schedule: &Arc<Schedule>,
    connected: &Barrier,
) -> Result<Measured<C>, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = runtime.block_on(async {
        let mut opened = Vec::new();
        for caller in callers {
            opened.push((Connection::open(server).await?, caller));
        }
        Ok::<_, io::Error>(opened)
    });
    // Even after an error, because the other threads wait here.
    connected.wait();
    let opened = opened?;
    runtime.block_on(async {
        let begun = Instant::now();
        let mut running = JoinSet::new();
        for (connection, caller) in opened {
            running.spawn(send_until_the_end(connection, caller, Arc::clone(schedule), begun));
        }
        let mut all = Measured { callers: Vec::new(), latencies: Latencies::new(), took: Duration::ZERO };
        while let Some(ended) = running.join_next().await {
            let (caller, latencies) = ended??;
            all.callers.push(caller);
            all.latencies.append(&latencies);
        }
        all.took = begun.elapsed();
        Ok(all)
    })
}

async fn send_until_the_end<C: Caller>(
    mut connection: Connection,
    mut caller: C,
    schedule: Arc<Schedule>,
    begun: Instant,
) -> Result<(C, Latencies), Error> {
    let mut latencies = Latencies::new();
    let mut request = Vec::with_capacity(2048);
    while let Some(due) = schedule.next(begun) {
        let early = due.saturating_sub(begun.elapsed());
        if !early.is_zero() {
            sleep(early).await;
        }
        request.clear();
        caller.next_request(&mut request)?;
        let sent = Instant::now();
        let response = timeout(RESPONSE_TIMEOUT, connection.exchange(&request)).await;
        let response = response.map_err(|_| format!("no response within {RESPONSE_TIMEOUT:?}"))??;
        latencies.add(sent.elapsed());
        caller.on_response(&response)?;
    }
    Ok((caller, latencies))
}
