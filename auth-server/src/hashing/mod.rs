//! Password hashing: Argon2id on a few threads of low priority behind a bounded queue, so that a refresh never waits
//! for a hash (docs/decisions/0007).

mod argon;
mod jobs;
mod metrics;
mod queue;
mod threads;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use auth_domain::{Entropy, HashingCost, NormalisedPassword, PasswordHash, network_prefix, random_token_id};
use goptri::revocation::MonotonicClock;
use goptri_settings::{Plain, TaskHealth};
use prometheus_client::registry::Registry;
use tokio::time::timeout;

use argon::{HashMemory, Stored, Unverifiable};
use metrics::HashingMetrics;
use threads::{HashingThreads, QueueFull};

/// Stands for a client in the queue, for hashes that no client asked for.
const NO_CLIENT: IpAddr = IpAddr::V6(Ipv6Addr::UNSPECIFIED);

/// How long a request waits for its hash. Only a machine on which a hash takes longer than the capacity of the queue
/// assumes reaches this limit.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(5);

/// Hashes and verifies passwords. Clones share the threads, which end with the last clone.
#[derive(Debug, Clone)]
pub(crate) struct PasswordHasher {
    threads: Arc<HashingThreads>,
    /// The client for which this clone queues hashes. Clients take turns.
    client: IpAddr,
    cost: HashingCost,
    entropy: Arc<dyn Entropy>,
    max_wait: Option<Duration>,
    metrics: Option<HashingMetrics>,
    /// The hash of an unknown random password: verifying an unknown user costs the same work (PW-10).
    dummy_hash: PasswordHash,
}

/// Why a password was not hashed or verified.
#[derive(Debug, thiserror::Error)]
pub enum HashingError {
    /// The queue has no room for this client, or the wait in it was too long.
    #[error("too many passwords are waiting to be hashed")]
    Busy,
    /// The stored hash cannot be compared with any password.
    #[error(transparent)]
    Unverifiable(#[from] Unverifiable),
    /// The thread panicked, or there is none.
    #[error("hashing the password panicked")]
    Panicked,
    /// The operating system refused a thread.
    #[error("a thread cannot be started")]
    Start(#[from] std::io::Error),
}

impl HashingError {
    /// Whether a retry may succeed.
    pub(crate) fn is_busy(&self) -> bool {
        matches!(self, Self::Busy)
    }
}

impl PasswordHasher {
    /// Starts `threads` hashing threads. Its callers wait without limit.
    pub(crate) async fn new(
        threads: usize,
        cost: HashingCost,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, HashingError> {
        let threads = Arc::new(HashingThreads::start(threads, cost)?);
        let dummy_hash = PasswordHash::from_phc(String::new());
        let mut hasher =
            Self { threads, client: NO_CLIENT, cost, entropy, max_wait: None, metrics: None, dummy_hash };
        let password = Plain::new(random_token_id(hasher.entropy.as_ref()));
        let password = NormalisedPassword::of(&password).ok_or(HashingError::Panicked)?;
        hasher.dummy_hash = hasher.hash(password).await?;
        Ok(hasher)
    }

    /// For requests over the network: limits how long callers wait, and shows the queue in `registry`.
    pub(crate) fn for_requests(self, registry: &mut Registry, clock: Arc<dyn MonotonicClock>) -> Self {
        let metrics = HashingMetrics::register(registry, clock, &self.threads);
        Self { max_wait: Some(QUEUE_TIMEOUT), metrics: Some(metrics), ..self }
    }

    /// Whether a hashing thread is down.
    pub(crate) fn health(&self) -> &TaskHealth {
        self.threads.health()
    }

    /// The same threads, for a client at this address: it waits for one hash of each other address at most, however
    /// many those have queued.
    pub(crate) fn for_client(&self, address: IpAddr) -> Self {
        Self { client: network_prefix(address), ..self.clone() }
    }

    /// A hash with the current parameters and a random salt.
    pub(crate) async fn hash(&self, password: NormalisedPassword) -> Result<PasswordHash, HashingError> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let cost = self.cost;
        self.run(move |memory| argon::hash(cost, &password, &salt, memory)).await
    }

    /// Whether `password` has this hash. Without a hash: `false`, after the same work.
    pub(crate) async fn verify(
        &self,
        password: NormalisedPassword,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, HashingError> {
        let stored = Stored::read(hash.unwrap_or(&self.dummy_hash))?;
        let matches = self.run(move |memory| stored.matches(&password, memory)).await?;
        Ok(matches && hash.is_some())
    }

    /// Whether a verified hash should be replaced, because the current parameters are stronger (PW-02).
    pub(crate) fn is_outdated(&self, hash: &PasswordHash) -> bool {
        Stored::read(hash).is_ok_and(|stored| stored.is_outdated(self.cost))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMemory) -> Result<T, Unverifiable> + Send + 'static,
    ) -> Result<T, HashingError> {
        let waiting = self.metrics.as_ref().map(HashingMetrics::start_wait);
        let work = move |memory: &mut HashMemory| {
            if let Some(waiting) = waiting {
                waiting.end();
            }
            work(memory)
        };
        let result = self.threads.queue(self.client, work);
        let result = match self.max_wait {
            Some(max_wait) => timeout(max_wait, result).await.map_err(|_| HashingError::Busy)?,
            None => result.await,
        };
        let result = result.map_err(|_| HashingError::Panicked)?;
        Ok(result.map_err(|QueueFull| HashingError::Busy)??)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::threads::QUEUE_PER_THREAD;
    use super::*;
    use crate::entropy::SystemEntropy;

    async fn hasher() -> PasswordHasher {
        PasswordHasher::new(1, HashingCost::CURRENT, Arc::new(SystemEntropy)).await.unwrap()
    }

    fn password() -> NormalisedPassword {
        NormalisedPassword::of(&Plain::new("correct horse battery staple".into())).unwrap()
    }

    fn is_busy<T>(answer: &Result<T, HashingError>) -> bool {
        matches!(answer, Err(HashingError::Busy))
    }

    /// PW-01, PW-02
    #[actix_web::test]
    async fn a_hash_contains_its_parameters_and_a_random_salt() {
        let hasher = hasher().await;
        let (one, other) = (hasher.hash(password()).await.unwrap(), hasher.hash(password()).await.unwrap());
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert_ne!(one, other);
        assert!(hasher.verify(password(), Some(&one)).await.unwrap());
        assert!(!hasher.is_outdated(&one));
    }

    /// PW-02
    #[actix_web::test]
    async fn a_hash_is_outdated_once_the_cost_is_raised() {
        let old = hasher().await.hash(password()).await.unwrap();
        let more = HashingCost::new(19_456, 3).unwrap();
        let hasher = PasswordHasher::new(1, more, Arc::new(SystemEntropy)).await.unwrap();
        assert!(hasher.is_outdated(&old) && hasher.verify(password(), Some(&old)).await.unwrap());
        let new = hasher.hash(password()).await.unwrap();
        assert!(new.as_str().starts_with("$argon2id$v=19$m=19456,t=3,p=1$"), "{}", new.as_str());
        assert!(!hasher.is_outdated(&new));
    }

    #[actix_web::test]
    async fn a_malformed_hash_is_an_error_and_not_a_wrong_password() {
        let broken = PasswordHash::from_phc("$argon2id$broken".into());
        let hasher = hasher().await;
        assert!(matches!(hasher.verify(password(), Some(&broken)).await, Err(HashingError::Unverifiable(_))));
        assert!(!hasher.is_outdated(&broken));
    }

    /// PW-10, PW-12: for known and unknown users alike.
    #[actix_web::test]
    async fn a_full_queue_rejects_immediately() {
        let hasher = hasher().await;
        let hash = hasher.hash(password()).await.unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (begun, at_work) = tokio::sync::oneshot::channel();
        let working = hasher.threads.queue(NO_CLIENT, move |_| {
            begun.send(()).unwrap();
            let _ = held.recv();
        });
        at_work.await.unwrap();
        let mut waiting: Vec<_> =
            (0..QUEUE_PER_THREAD).map(|_| Box::pin(hasher.verify(password(), Some(&hash)))).collect();
        for waiting in &mut waiting {
            assert!(waiting.now_or_never().is_none(), "the queue has room");
        }
        for hash in [Some(&hash), None] {
            let answer = hasher.verify(password(), hash).now_or_never().expect("an immediate answer");
            assert!(is_busy(&answer), "{answer:?}");
        }
        drop(release);
        working.await.unwrap().unwrap();
    }

    /// PW-12: the wait of requests is limited, for known and unknown users alike; that of a starting server is not.
    #[actix_web::test]
    async fn a_request_that_waits_too_long_is_rejected() {
        let patient = hasher().await;
        let clock = Arc::new(goptri::revocation::SystemMonotonicClock::default());
        let hasher = patient.clone().for_requests(&mut Registry::default(), clock);
        let hash = hasher.hash(password()).await.unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let working = hasher.threads.queue(NO_CLIENT, move |_| held.recv());
        let mut starting = Box::pin(patient.hash(password()));
        assert!((&mut starting).now_or_never().is_none());
        let (known, unknown) =
            tokio::join!(hasher.verify(password(), Some(&hash)), hasher.verify(password(), None));
        assert!(is_busy(&known) && is_busy(&unknown), "{known:?}, {unknown:?}");
        assert!((&mut starting).now_or_never().is_none(), "it still waits");
        drop(release);
        assert!(working.await.unwrap().unwrap().is_err());
        assert!(starting.await.is_ok());
    }
}
