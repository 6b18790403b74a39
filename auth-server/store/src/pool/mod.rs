//! A pool of connections that decides in one place what becomes of a connection, and of a verb, after an error.
//!
//! It replaces the pool of the driver, which cannot be cleared after a failover, waits in silence for connections that
//! the server refuses, and needs a round trip to take a connection back.

mod connector;
mod lease;
mod slots;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use goptri::revocation::MonotonicClock;
use tokio::runtime::Handle;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

pub use self::connector::{Connector, Fate, PoolError};
use self::lease::Lease;
use self::slots::{Held, Slots};
use crate::Connections;

/// How long all tries of one verb may take together.
const DEADLINE: Duration = Duration::from_secs(10);

/// How long to wait for the results of one try. One second longer than the limit of Postgres for a statement, so that
/// it is only reached when the server does not answer at all.
const VERB_TIMEOUT: Duration = Duration::from_secs(7);

/// How long to wait for a connection that is in use.
const BUSY_TIMEOUT: Duration = Duration::from_secs(3);

/// How long to wait for a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// How long to wait for the answer to a ping: something on the way may have dropped the connection silently.
const PING_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection that was idle for longer is pinged before use.
const PING_AFTER_IDLE: Duration = Duration::from_secs(10);

/// The first and the longest delay before connecting is retried.
const MIN_BACKOFF: Duration = Duration::from_millis(10);
const MAX_BACKOFF: Duration = Duration::from_millis(200);

/// A pool. Clones share its connections.
pub struct Pool<C: Connector>(Arc<Shared<C>>);

struct Shared<C: Connector> {
    connector: C,
    database: Arc<Database<C>>,
    permits: Arc<Semaphore>,
    slots: Mutex<Slots<C::Connection>>,
    /// The pool that gives a connection up when the server grants none to this one.
    donor: Option<Pool<C>>,
    /// Notified when a closed pool takes a connection back.
    returned: Notify,
    /// Notified when the verbs in flight are to fail.
    abandoned: Notify,
}

/// What the pools of one database share.
struct Database<C: Connector> {
    runtime: Handle,
    clock: Arc<dyn MonotonicClock>,
    pools: Mutex<Vec<Weak<Shared<C>>>>,
}

/// How often a verb may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// Once more after an error of the connection, on a new one: the verb is idempotent.
    Idempotent,
    /// Once, on a connection that has just answered a ping. Sent again only if the server refused to run it.
    Once,
}

/// The result of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<T> {
    /// The value.
    pub value: T,
    /// Whether the verb was sent before and may have run then.
    pub resent: bool,
}

impl<C: Connector> Pool<C> {
    /// A pool of at most `max` connections, which connects when it is first used. `runtime` completes cancelled verbs.
    pub fn new(connector: C, max: u32, runtime: Handle, clock: Arc<dyn MonotonicClock>) -> Self {
        Self::build(connector, max, Arc::new(Database { runtime, clock, pools: Mutex::default() }), None)
    }

    /// Another pool, which connects to the same database in another way. A fault that one of them meets closes the
    /// connections of all.
    #[must_use]
    pub fn beside(&self, connector: C, max: u32) -> Self {
        Self::build(connector, max, Arc::clone(&self.0.database), None)
    }

    /// Another pool of at most `max` connections to the same database. When the server grants it none, this pool gives
    /// one up.
    #[must_use]
    pub fn reserve(&self, max: u32) -> Self
    where
        C: Clone,
    {
        let Shared { connector, database, .. } = &*self.0;
        Self::build(connector.clone(), max, Arc::clone(database), Some(self.clone()))
    }

    fn build(connector: C, max: u32, database: Arc<Database<C>>, donor: Option<Self>) -> Self {
        let permits = Arc::new(Semaphore::new(usize::try_from(max).unwrap_or(Semaphore::MAX_PERMITS)));
        let slots = Mutex::new(Slots::new(max));
        let (returned, abandoned) = Default::default();
        let shared = Arc::new(Shared { connector, database, permits, slots, donor, returned, abandoned });
        shared.database.register(&shared);
        Self(shared)
    }

    /// Runs a verb on one connection, and once more on a new one where `sending` or the error allows it. Returns within
    /// about ten seconds whatever happens.
    ///
    /// A cancelled verb has happened entirely or not at all if it is one statement.
    pub async fn run<T, E: Into<C::Error>>(
        &self,
        sending: Sending,
        verb: impl AsyncFnOnce(&mut C::Connection) -> Result<T, E> + Clone,
    ) -> Result<Answer<T>, C::Error> {
        let deadline = self.now() + DEADLINE;
        let (fate, error) =
            match self.lease(sending, deadline).await?.run(self.left(deadline), verb.clone()).await {
                Ok(value) => return Ok(Answer { value, resent: false }),
                Err((error, fate)) => (fate, error),
            };
        let resent = match fate {
            Fate::Refused => false,
            Fate::Lost if sending == Sending::Idempotent => true,
            _ => return Err(error),
        };
        let lease = self.lease(sending, deadline).await?;
        match lease.run(self.left(deadline), verb).await {
            Ok(value) => Ok(Answer { value, resent }),
            Err((error, _)) => Err(error),
        }
    }

    /// A connection that is ready for a verb.
    async fn lease(&self, sending: Sending, deadline: Duration) -> Result<Lease<C>, C::Error> {
        let ping_after = match sending {
            Sending::Idempotent => Some(PING_AFTER_IDLE),
            Sending::Once => None,
        };
        loop {
            let mut lease = Lease::new(self.clone(), self.permit(deadline).await?);
            while let Some(idle_for) = lease.take_idle() {
                if ping_after.is_some_and(|limit| idle_for <= limit)
                    || lease.ping(PING_TIMEOUT.min(self.left(deadline))).await.is_ok()
                {
                    return Ok(lease);
                }
            }
            match self.connect(&mut lease, deadline).await {
                Ok(()) => return Ok(lease),
                // Waits for a connection that is in use.
                Err(error) if C::fate(&error) == Fate::NoSlot && self.withhold() => {
                    tracing::debug!(%error, "the database grants no more connections; waiting for one of the pool");
                    lease.forget();
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn permit(&self, deadline: Duration) -> Result<OwnedSemaphorePermit, C::Error> {
        if self.slots(Slots::regrow) {
            self.0.permits.add_permits(1);
        }
        loop {
            let (limit, permits) = (BUSY_TIMEOUT.min(self.left(deadline)), Arc::clone(&self.0.permits));
            match timeout(limit, permits.acquire_owned()).await {
                Ok(Ok(permit)) => return Ok(permit),
                Ok(Err(_closed)) => return Err(PoolError::Closed.into()),
                // The database is lost, and the callers that hold the permits are still connecting.
                Err(_) if self.slots(|slots, _| slots.is_lost()) && !self.left(deadline).is_zero() => {}
                Err(_) => return Err(PoolError::Busy.into()),
            }
        }
    }

    /// Connects, with retries while the database is expected back.
    async fn connect(&self, lease: &mut Lease<C>, deadline: Duration) -> Result<(), C::Error> {
        let (began, mut backoff, mut earlier) = (self.now(), MIN_BACKOFF, None);
        loop {
            let Err(error) = lease.connect(CONNECT_TIMEOUT.min(self.left(deadline))).await else {
                return Ok(());
            };
            if self.left(deadline).is_zero() {
                // This try was cut short, so an earlier error says more.
                return Err(earlier.unwrap_or(error));
            }
            let next = self.now() + backoff;
            let retry = match C::fate(&error) {
                Fate::Refused | Fate::Lost => {
                    self.slots(|slots, now| slots.connecting_failed(now, next, C::RECONNECT_TIMEOUT))
                }
                Fate::NoSlot => match &self.0.donor {
                    Some(donor) => donor.give_one_up().await && next < began + BUSY_TIMEOUT,
                    None => false,
                },
                Fate::Keep | Fate::Close => false,
            };
            if !retry || next >= deadline {
                return Err(error);
            }
            earlier = Some(error);
            sleep(backoff).await;
            backoff = (backoff * 2).min(MAX_BACKOFF);
        }
    }

    /// Closes one connection, and has one less from now on. Returns whether it did: the last one stays.
    async fn give_one_up(&self) -> bool {
        let Ok(permit) = self.permit(self.now() + PING_TIMEOUT).await else { return false };
        if !self.withhold() {
            return false;
        }
        permit.forget();
        let given = self.slots(|slots, now| slots.take(now).map(|(held, _)| slots.closed(held)));
        if let Some(connection) = given {
            let _ = timeout(PING_TIMEOUT, C::close(connection)).await;
        }
        true
    }

    /// Records that the server grants no more connections. Returns whether to forget the caller's permit: not the last
    /// one.
    fn withhold(&self) -> bool {
        self.slots(Slots::withhold)
    }

    fn put_back(&self, held: Held<C::Connection>) {
        let close = self.slots(|slots, now| slots.put_back(held, now));
        self.close_in_background(close);
        self.notify_close();
    }

    fn discard(&self, held: Held<C::Connection>) {
        let connection = self.slots(|slots, _| slots.closed(held));
        self.close_in_background([connection]);
        self.notify_close();
    }

    /// Lets [`close`](Self::close) continue.
    fn notify_close(&self) {
        if self.is_closed() {
            self.0.returned.notify_waiters();
        }
    }

    /// Closes all connections to this database, those of the other pools included: another server has taken over. Verbs
    /// in flight fail as if their connections were lost.
    pub fn abandon(&self) {
        for pool in self.0.database.pools() {
            pool.clear();
            pool.0.abandoned.notify_waiters();
        }
    }

    /// Closes the idle connections of the other pools of this database, and those in use when they are returned.
    fn clear_others(&self) {
        for pool in self.0.database.pools() {
            if !Arc::ptr_eq(&pool.0, &self.0) {
                pool.clear();
            }
        }
    }

    fn clear(&self) {
        let idle = self.slots(|slots, _| slots.clear());
        self.close_in_background(idle);
    }

    fn close_in_background(&self, connections: impl IntoIterator<Item = C::Connection>) {
        for connection in connections {
            self.spawn(async move {
                let _ = timeout(PING_TIMEOUT, C::close(connection)).await;
            });
        }
    }

    /// Closes all connections, after those in use have been returned. Later verbs fail.
    pub async fn close(&self) {
        self.0.permits.close();
        loop {
            let returned = self.0.returned.notified();
            let (idle, in_use) = self.slots(|slots, _| (slots.take_all(), slots.open()));
            for connection in idle {
                let _ = timeout(PING_TIMEOUT, C::close(connection)).await;
            }
            if in_use == 0 {
                return;
            }
            returned.await;
        }
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.0.permits.is_closed()
    }

    /// The connector.
    pub fn connector(&self) -> &C {
        &self.0.connector
    }

    /// How many connections are open, and how many of them are idle.
    pub fn size(&self) -> Connections {
        self.slots(|slots, _| Connections { open: slots.open(), idle: slots.idle() })
    }

    /// Calls `access` with the slots and the current time. Takes a closure, so that the lock is never held across an
    /// await.
    fn slots<R>(&self, access: impl FnOnce(&mut Slots<C::Connection>, Duration) -> R) -> R {
        access(&mut self.0.slots.lock().unwrap_or_else(PoisonError::into_inner), self.now())
    }

    fn now(&self) -> Duration {
        self.0.database.clock.elapsed()
    }

    fn left(&self, deadline: Duration) -> Duration {
        deadline.saturating_sub(self.now())
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.0.database.runtime.spawn(work);
    }
}

impl<C: Connector> Database<C> {
    fn register(&self, pool: &Arc<Shared<C>>) {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(pool));
    }

    fn pools(&self) -> Vec<Pool<C>> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.iter().filter_map(Weak::upgrade).map(Pool).collect()
    }
}

impl<C: Connector> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: Connector> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Connections { open, idle } = self.size();
        f.debug_struct("Pool").field("open", &open).field("idle", &idle).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
