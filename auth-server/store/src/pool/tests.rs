#![expect(clippy::disallowed_methods, reason = "the clock of these tests is the paused one of Tokio")]

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
    const PATIENCE: Duration = Duration::from_secs(10);

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

#[tokio::test(start_paused = true)]
async fn a_verb_is_sent_again_only_where_it_cannot_do_harm() {
    use Sending::{Idempotent, Once};
    for (sending, fate, tries, resent) in [
        (Idempotent, Fate::Keep, 1, false),
        (Idempotent, Fate::Close, 1, false),
        (Idempotent, Fate::Refused, 2, false),
        (Idempotent, Fate::Lost, 2, true),
        (Once, Fate::Keep, 1, false),
        (Once, Fate::Close, 1, false),
        (Once, Fate::Refused, 2, false),
        (Once, Fate::Lost, 1, false),
    ] {
        let (_, pool) = pool(2);
        let tried = AtomicU32::new(0);
        let answer = pool
            .run(sending, async |_| match tried.fetch_add(1, Ordering::SeqCst) {
                0 => Err(Failure::Engine(fate)),
                _ => Ok(()),
            })
            .await;
        assert_eq!(tried.into_inner(), tries, "{sending:?} {fate:?}");
        let expected = if tries == 2 { Ok(Answer { value: (), resent }) } else { Err(Failure::Engine(fate)) };
        assert_eq!(answer, expected, "{sending:?} {fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_closes_its_connection_or_all_or_none() {
    for (fate, left) in [(Fate::Keep, 3), (Fate::Close, 2), (Fate::Refused, 0), (Fate::Lost, 0)] {
        let (server, pool) = pool(3);
        spread(&pool, 3).await;
        let failed: Result<Answer<()>, _> =
            pool.run(Sending::Once, async |_| Err(Failure::Engine(fate))).await;
        assert_eq!(failed, Err(Failure::Engine(fate)));
        let opened_again = u32::from(fate == Fate::Refused);
        yield_now().await;
        assert_eq!(server.state().connected, 3 + opened_again, "{fate:?}");
        assert_eq!(pool.size().open, left, "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_from_before_a_fault_says_nothing_about_later_ones() {
    let (_, pool) = pool(2);
    let (fail, failing) = oneshot::channel::<()>();
    let failing = Arc::new(Mutex::new(Some(failing)));
    let slow = {
        let pool = pool.clone();
        tokio::spawn(async move {
            let verb = async |_: &mut Socket| {
                let wait = failing.lock().unwrap().take();
                wait.unwrap().await.unwrap();
                Err::<(), _>(Failure::Engine(Fate::Lost))
            };
            pool.run(Sending::Once, verb).await
        })
    };
    yield_now().await;
    let _: Result<Answer<()>, _> = pool.run(Sending::Once, async |_| Err(Failure::Engine(Fate::Lost))).await;
    let later = succeed(&pool, Sending::Once).await.unwrap().value;
    fail.send(()).unwrap();
    assert!(slow.await.unwrap().is_err());
    assert_eq!(succeed(&pool, Sending::Once).await.unwrap().value, later);
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_pinged_after_ten_seconds_or_before_a_verb_that_is_sent_once() {
    let (server, pool) = pool(1);
    for (idle, sending, pings) in [
        (0, Sending::Idempotent, 0),
        (10, Sending::Idempotent, 0),
        (11, Sending::Idempotent, 1),
        (0, Sending::Once, 1),
    ] {
        succeed(&pool, Sending::Idempotent).await.unwrap();
        advance(Duration::from_secs(idle)).await;
        let before = server.state().pings;
        succeed(&pool, sending).await.unwrap();
        assert_eq!(server.state().pings - before, pings, "{idle} s, {sending:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_were_dropped_silently_cost_one_second_together() {
    let (server, pool) = pool(8);
    spread(&pool, 8).await;
    advance(Duration::from_mins(1)).await;
    server.silence();
    let began = Instant::now();
    assert_eq!(succeed(&pool, Sending::Idempotent).await.unwrap(), Answer { value: 9, resent: false });
    assert_eq!(began.elapsed(), PING_TIMEOUT);
    spread(&pool, 8).await;
    assert_eq!(began.elapsed(), PING_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn a_verb_that_gets_no_answer_is_sent_again_within_ten_seconds() {
    let (server, pool) = pool(1);
    let began = Instant::now();
    let hung = pool.run(Sending::Idempotent, async |_| pending::<Result<(), Failure>>().await).await;
    assert!(matches!(hung, Err(Failure::Pool(PoolError::NoAnswer(_)))), "{hung:?}");
    assert_eq!((began.elapsed(), server.state().connected), (DEADLINE, 2));
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_waited_for_and_a_longer_outage_fails_at_once() {
    let (server, pool) = pool(1);
    succeed(&pool, Sending::Once).await.unwrap();
    server.state().down = true;
    let restarted = async {
        sleep(Duration::from_secs(3)).await;
        server.state().down = false;
    };
    // Two verbs, and one connection: the second waits for longer than it would for a busy one.
    let (first, second, ()) =
        tokio::join!(succeed(&pool, Sending::Once), succeed(&pool, Sending::Idempotent), restarted);
    first.unwrap();
    second.unwrap();

    server.state().down = true;
    let began = Instant::now();
    assert_eq!(succeed(&pool, Sending::Once).await, Err(Failure::Engine(Fate::Lost)));
    assert!(began.elapsed() > Duration::from_secs(9) && began.elapsed() <= DEADLINE, "{:?}", began.elapsed());
    sleep(DEADLINE).await;
    let began = Instant::now();
    assert_eq!(succeed(&pool, Sending::Once).await, Err(Failure::Engine(Fate::Lost)));
    assert_eq!(began.elapsed(), Duration::ZERO);
    server.state().down = false;
    succeed(&pool, Sending::Once).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn before_the_first_connection_an_error_is_reported_at_once() {
    let (server, pool) = pool(1);
    server.state().down = true;
    let began = Instant::now();
    assert_eq!(succeed(&pool, Sending::Idempotent).await, Err(Failure::Engine(Fate::Lost)));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn the_pool_makes_do_with_what_the_server_grants_and_grows_when_there_is_room() {
    let (server, pool) = pool(8);
    server.state().slots = Some(3);
    let mut clients = JoinSet::new();
    for _ in 0..24 {
        let pool = pool.clone();
        clients.spawn(async move {
            for _ in 0..5 {
                let verb = async |_: &mut Socket| {
                    sleep(Duration::from_millis(1)).await;
                    Ok::<_, Failure>(())
                };
                pool.run(Sending::Idempotent, verb).await.unwrap();
            }
        });
    }
    clients.join_all().await;
    assert_eq!(server.state().connected, 3);
    assert_eq!(server.state().refused, 5);

    advance(Duration::from_secs(10)).await;
    spread(&pool, 3).await;
    server.state().slots = Some(10);
    for _ in 0..5 {
        succeed(&pool, Sending::Once).await.unwrap();
        advance(Duration::from_secs(10)).await;
    }
    spread(&pool, 8).await;
    assert_eq!(pool.size().open, 8);
}

#[tokio::test(start_paused = true)]
async fn a_reserved_connection_comes_before_those_of_the_pool() {
    let (server, pool) = pool(4);
    let reserved = pool.reserve(1);
    server.state().slots = Some(3);
    spread(&pool, 3).await;
    succeed(&reserved, Sending::Once).await.unwrap();
    assert_eq!((pool.size().open, reserved.size().open), (2, 1));
    spread(&pool, 2).await;
    succeed(&reserved, Sending::Once).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_connection_of_a_cancelled_verb_is_used_again_after_a_ping() {
    let (server, pool) = pool(1);
    let hung = pool.run(Sending::Idempotent, async |_| pending::<Result<(), Failure>>().await);
    assert!(timeout(Duration::from_secs(1), hung).await.is_err());
    assert_eq!(pool.size(), Connections { open: 1, idle: 0 });
    assert_eq!(succeed(&pool, Sending::Idempotent).await.unwrap().value, 1);
    assert_eq!(server.state().pings, 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_three_seconds_for_a_busy_connection() {
    let (_, pool) = pool(1);
    let hung = pool.run(Sending::Once, async |_| pending::<Result<(), Failure>>().await);
    let waiting = async {
        let began = Instant::now();
        assert_eq!(succeed(&pool, Sending::Once).await, Err(Failure::Pool(PoolError::Busy)));
        assert_eq!(began.elapsed(), BUSY_TIMEOUT);
    };
    let (hung, ()) = tokio::join!(hung, waiting);
    hung.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_old_or_were_long_idle_are_replaced() {
    let (_, pool) = pool(2);
    spread(&pool, 2).await;
    for _ in 0..11 {
        advance(Duration::from_mins(1)).await;
        succeed(&pool, Sending::Idempotent).await.unwrap();
    }
    assert_eq!(pool.size().open, 1, "the other one was idle");
    for _ in 0..20 {
        advance(Duration::from_mins(1)).await;
        succeed(&pool, Sending::Idempotent).await.unwrap();
    }
    assert_eq!(succeed(&pool, Sending::Idempotent).await.unwrap().value, 3, "the first one was old");
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_verbs_that_run_and_refuses_later_ones() {
    let (server, pool) = pool(2);
    let running = pool.run(Sending::Once, async |_| {
        sleep(Duration::from_secs(2)).await;
        Ok::<_, Failure>(())
    });
    let closing = async {
        yield_now().await;
        let began = Instant::now();
        pool.close().await;
        assert_eq!(began.elapsed(), Duration::from_secs(2));
    };
    let (ran, ()) = tokio::join!(running, closing);
    ran.unwrap();
    yield_now().await;
    assert_eq!(succeed(&pool, Sending::Idempotent).await, Err(Failure::Pool(PoolError::Closed)));
    assert!(server.state().open.is_empty());
}

/// Their server does not answer any more, and would hold them for seven seconds.
#[tokio::test(start_paused = true)]
async fn verbs_in_flight_at_an_abandoned_server_go_to_the_next_one() {
    let (server, pool) = pool(2);
    let reserved = pool.reserve(1);
    spread(&pool, 2).await;
    let waits_on_the_first = async |socket: &mut Socket| {
        if socket.id <= 3 {
            pending::<()>().await;
        }
        Ok::<_, Failure>(socket.id)
    };
    let (idempotent, once, other) = (
        pool.run(Sending::Idempotent, waits_on_the_first),
        pool.run(Sending::Once, waits_on_the_first),
        reserved.run(Sending::Idempotent, waits_on_the_first),
    );
    let abandoning = async {
        sleep(Duration::from_secs(1)).await;
        pool.abandon();
        Instant::now()
    };
    let (idempotent, once, other, abandoned) = tokio::join!(idempotent, once, other, abandoning);
    assert!(abandoned.elapsed() < Duration::from_secs(1), "they waited");
    assert!(idempotent.is_ok_and(|answer| answer.resent && answer.value > 3));
    assert_eq!(once, Err(Failure::Pool(PoolError::Abandoned)));
    assert!(other.is_ok_and(|answer| answer.value > 3));
    yield_now().await;
    assert!(server.state().open.iter().all(|id| *id > 3), "connections to the old server are open");
}
