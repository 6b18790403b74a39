//! The CPU time of requests that are made to be expensive, compared with plain ones of the same size.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::TIMEOUT;
use crate::expensive::Pair;

/// Requests per measurement, and measurements, of which the cheapest counts: all other work of the process adds to it.
const BATCH: u32 = 8;
const BATCHES: usize = 4;

/// How often a pair is measured before it counts as too expensive. Other processes on the machine add to each measurement.
const MAX_ROUNDS: usize = 5;

/// How much more an expensive request may cost.
const MAX_RATIO: u32 = 5;

/// What the expensive request may cost in an optimised program.
#[cfg(not(debug_assertions))]
const MAX_COST: Duration = Duration::from_micros(200);

/// Below this, a ratio says nothing.
const NEGLIGIBLE: Duration = Duration::from_micros(50);

/// Sends both requests of each pair to a server in this process, and fails if an expensive one costs more than it may.
/// The server must reject them before any work that is meant to be expensive. Must not be called on a thread that serves.
#[expect(clippy::print_stdout, reason = "shown if the test fails")]
pub fn assert_costs(address: SocketAddr, pairs: &[Pair]) {
    assert!(!pairs.is_empty());
    let mut client = Client { address, stream: None };
    let mut failures = Vec::new();
    for pair in pairs {
        let (mut plains, mut plain, mut expensive) = (Vec::new(), Duration::ZERO, Duration::MAX);
        for _ in 0..MAX_ROUNDS {
            plains.push(client.cost(&pair.plain));
            plains.sort_unstable();
            // Not the least: a virtual machine sometimes counts far too little.
            plain = plains[plains.len() / 2];
            expensive = expensive.min(client.cost(&pair.expensive));
            if !is_over(plain, expensive) {
                break;
            }
        }
        println!("{:>5} µs, {:>5} µs: {}", plain.as_micros(), expensive.as_micros(), pair.name);
        if is_over(plain, expensive) {
            failures.push(format!("{}: {expensive:?}, and a plain one {plain:?}", pair.name));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn is_over(plain: Duration, expensive: Duration) -> bool {
    let over = expensive > plain * MAX_RATIO + NEGLIGIBLE;
    #[cfg(not(debug_assertions))]
    let over = over || expensive > plain.max(MAX_COST);
    over
}

struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

impl Client {
    /// The CPU time that this process, client and server, spends on one request.
    fn cost(&mut self, request: &[u8]) -> Duration {
        let batch = |_| {
            let start = cpu_time();
            (0..BATCH).for_each(|_| self.exchange(request));
            cpu_time().saturating_sub(start) / BATCH
        };
        (0..BATCHES).map(batch).min().unwrap()
    }

    /// Sends a request and reads the response. The server may have closed the connection of the last one.
    fn exchange(&mut self, request: &[u8]) {
        if let Some(stream) = self.stream.take()
            && let Ok(stream) = exchange(stream, request)
        {
            self.stream = stream;
            return;
        }
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        self.stream = exchange(stream, request).unwrap();
    }
}

/// Returns the connection if the server keeps it open.
fn exchange(mut stream: TcpStream, request: &[u8]) -> io::Result<Option<TcpStream>> {
    stream.write_all(request)?;
    let (mut received, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let bytes = stream.read(&mut buffer)?;
        if bytes == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received.extend_from_slice(&buffer[..bytes]);
        let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&received[..end]).to_ascii_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
        if received.len() >= end + 4 + length.map_or(0, |length| length.parse().unwrap()) {
            return Ok((!head.contains("connection: close")).then_some(stream));
        }
    }
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}
