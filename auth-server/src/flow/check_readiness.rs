//! Checks whether this server can answer requests: whether its database commits writes.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use auth_store::{Readiness, Store, StoreError};
use goptri::revocation::MonotonicClock;
use tokio::sync::{OnceCell, watch};
use tokio::time::timeout;

use crate::error::{CauseChain, NotReady, NotReadyBecause};

/// How long a caller waits for the database.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// For this long after a probe has started, callers get its result instead of a new probe.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Checks the database, at most once a second for all callers.
#[derive(Debug, Clone)]
pub struct CheckReadiness {
    database: DatabaseProbe,
    clock: Arc<dyn MonotonicClock>,
    last: Arc<Mutex<Option<Probe>>>,
}

type Outcome = Result<(), NotReadyBecause>;

/// A probe that has ended or is in flight.
#[derive(Debug, Clone)]
struct Probe {
    started: Duration,
    /// `None` while it is in flight.
    outcome: watch::Receiver<Option<Outcome>>,
}

impl CheckReadiness {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn MonotonicClock>) -> Self {
        let database = DatabaseProbe { store, server_checked: Arc::default() };
        Self { database, clock, last: Arc::default() }
    }

    /// Whether the database answers, has all migrations, and commits a write. Returns within two seconds.
    ///
    /// # Errors
    /// Why this server is not ready.
    pub async fn run(&self) -> Result<(), NotReady> {
        let Probe { started, mut outcome } = self.current_probe();
        let left = PROBE_TIMEOUT.saturating_sub(self.clock.elapsed().saturating_sub(started));
        let outcome = match timeout(left, outcome.wait_for(Option::is_some)).await {
            Ok(Ok(outcome)) => outcome.clone().unwrap_or(Err(NotReadyBecause::NoAnswer)),
            // The probe takes longer, or its task was cancelled.
            Err(_) | Ok(Err(_)) => Err(NotReadyBecause::NoAnswer),
        };
        outcome.map_err(|reason| NotReady { reason, host: self.database.store.host() })
    }

    /// The last probe, or a new one if the last one has ended and is old. A probe that hangs stays the only one, so
    /// that no more connections hang than that of one probe.
    fn current_probe(&self) -> Probe {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.elapsed();
        match &*last {
            Some(probe) if probe.is_current(now) => probe.clone(),
            _ => last.insert(self.start(now)).clone(),
        }
    }

    /// Starts a probe in a task of its own, because the caller may be cancelled while others wait for the result.
    fn start(&self, now: Duration) -> Probe {
        let (sender, outcome) = watch::channel(None);
        let database = self.database.clone();
        tokio::spawn(async move { sender.send(Some(database.run().await)) });
        Probe { started: now, outcome }
    }
}

impl Probe {
    fn is_current(&self, now: Duration) -> bool {
        let in_flight = self.outcome.borrow().is_none() && self.outcome.has_changed().is_ok();
        in_flight || now.saturating_sub(self.started) < PROBE_INTERVAL
    }
}

/// One probe of the database.
#[derive(Clone)]
struct DatabaseProbe {
    store: Arc<dyn Store>,
    /// A server that started without its database has not checked it yet.
    server_checked: Arc<OnceCell<()>>,
}

impl DatabaseProbe {
    async fn run(self) -> Outcome {
        let unreadable = |error| NotReadyBecause::Unreadable(cause(&error));
        self.server_checked.get_or_try_init(|| self.store.check_server()).await.map_err(unreadable)?;
        match self.store.ready().await.map_err(unreadable)? {
            Readiness::Ready => {}
            Readiness::NotMigrated | Readiness::NeedsStoppedServers => {
                return Err(NotReadyBecause::NotMigrated);
            }
        }
        self.store.probe_write().await.map_err(|error| NotReadyBecause::Unwritable(cause(&error)))
    }
}

fn cause(error: &StoreError) -> Arc<str> {
    CauseChain(error).to_string().into()
}

impl fmt::Debug for DatabaseProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatabaseProbe").finish_non_exhaustive()
    }
}
