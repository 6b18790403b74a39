//! Password hashing: Argon2id, on a few threads of low priority and with a bounded queue, so that a refresh never waits
//! for a hash.

mod argon;
mod threads;

use std::sync::Arc;
use std::time::Duration;

use auth_domain::{Entropy, HashingCost, NormalizedPassword, PasswordHash};
use goptri::ProtocolError;
use goptri_settings::Plain;
use tokio::time::timeout;

use crate::flow::Failure;
use argon::{HashMemory, Stored, Unverifiable};
use threads::{Full, HashingThreads};

/// Who asks over the network and waited so long is told to come back later: where a hash takes longer than the queue
/// was made for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Told to everybody for whom there is no place in the queue, known or not; by then those who wait now have been served.
const BUSY: ProtocolError = ProtocolError::UNAVAILABLE.retry_after(5);

/// Hashes and verifies passwords. Clones share their threads, which end with the last of them.
#[derive(Debug, Clone)]
pub(crate) struct PasswordHasher {
    threads: Arc<HashingThreads>,
    cost: HashingCost,
    entropy: Arc<dyn Entropy>,
    patience: Option<Duration>,
    /// The hash of nobody's password: an unknown person costs the same work as a known one (PW-10).
    dummy_hash: PasswordHash,
}

impl PasswordHasher {
    /// A hasher that works on so many passwords at the same time. Whoever asks waits as long as it takes, on a starved
    /// machine too.
    pub(crate) async fn new(
        threads: usize,
        cost: HashingCost,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Failure> {
        let threads = Arc::new(HashingThreads::start(threads, cost).map_err(Failure::internal)?);
        let dummy_hash = PasswordHash::from_phc(String::new());
        let mut hasher = Self { threads, cost, entropy, patience: None, dummy_hash };
        let password =
            NormalizedPassword::of(&Plain::new(auth_domain::random_token_id(hasher.entropy.as_ref())));
        hasher.dummy_hash = hasher
            .hash(password.ok_or_else(|| Failure::internal("32 hexadecimal digits are a password"))?)
            .await?;
        Ok(hasher)
    }

    /// The same, for those who ask over the network: nobody waits for more than a few seconds.
    pub(crate) fn for_requests(self) -> Self {
        Self { patience: Some(PATIENCE), ..self }
    }

    /// The hash to keep.
    pub(crate) async fn hash(&self, password: NormalizedPassword) -> Result<PasswordHash, Failure> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        let cost = self.cost;
        self.work(move |memory| argon::hash(cost, &password, &salt, memory)).await
    }

    /// Whether `password` is the one behind `hash`. `None` is nobody's: the same work, and never true.
    pub(crate) async fn verify(
        &self,
        password: NormalizedPassword,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, Failure> {
        let stored = Stored::read(hash.unwrap_or(&self.dummy_hash)).map_err(Failure::internal)?;
        let matches = self.work(move |memory| stored.matches(&password, memory)).await?;
        Ok(matches && hash.is_some())
    }

    /// Whether a hash that was verified is to be made anew, because passwords are hashed better by now (PW-02).
    pub(crate) fn is_outdated(&self, hash: &PasswordHash) -> bool {
        Stored::read(hash).is_ok_and(|stored| stored.is_outdated(self.cost))
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut HashMemory) -> Result<T, Unverifiable> + Send + 'static,
    ) -> Result<T, Failure> {
        let result = self.threads.queue(work).map_err(|Full| BUSY)?;
        let result = match self.patience {
            Some(patience) => timeout(patience, result).await.map_err(|_| BUSY)?,
            None => result.await,
        };
        result.map_err(|_| Failure::internal("hashing the password panicked"))?.map_err(Failure::internal)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::threads::PLACES_PER_THREAD;
    use super::*;
    use crate::entropy::SystemEntropy;

    async fn hasher() -> PasswordHasher {
        PasswordHasher::new(1, HashingCost::CURRENT, Arc::new(SystemEntropy)).await.unwrap()
    }

    fn password() -> NormalizedPassword {
        NormalizedPassword::of(&Plain::new("correct horse battery staple".into())).unwrap()
    }

    fn is_busy<T>(answer: &Result<T, Failure>) -> bool {
        matches!(answer, Err(Failure::Refused(error)) if error.status == 503 && error.retry_after == Some(5))
    }

    /// PW-01, PW-02
    #[actix_web::test]
    async fn a_hash_says_how_it_was_made_and_no_two_are_the_same() {
        let hasher = hasher().await;
        let (one, other) = (hasher.hash(password()).await.unwrap(), hasher.hash(password()).await.unwrap());
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert_ne!(one, other);
        assert!(hasher.verify(password(), Some(&one)).await.unwrap());
        assert!(!hasher.is_outdated(&one));
    }

    /// PW-02
    #[actix_web::test]
    async fn a_hash_is_outdated_once_hashing_costs_more() {
        let old = hasher().await.hash(password()).await.unwrap();
        let more = HashingCost::new(19_456, 3).unwrap();
        let hasher = PasswordHasher::new(1, more, Arc::new(SystemEntropy)).await.unwrap();
        assert!(hasher.is_outdated(&old) && hasher.verify(password(), Some(&old)).await.unwrap());
        let new = hasher.hash(password()).await.unwrap();
        assert!(new.as_str().starts_with("$argon2id$v=19$m=19456,t=3,p=1$"), "{}", new.as_str());
        assert!(!hasher.is_outdated(&new));
    }

    #[actix_web::test]
    async fn a_hash_that_cannot_be_read_is_no_wrong_password() {
        let broken = PasswordHash::from_phc("$argon2id$broken".into());
        let hasher = hasher().await;
        assert!(matches!(hasher.verify(password(), Some(&broken)).await, Err(Failure::Internal(_))));
        assert!(!hasher.is_outdated(&broken));
    }

    /// PW-10, PW-12: nobody beyond the queue waits, known or not.
    #[actix_web::test]
    async fn who_finds_no_place_in_the_queue_is_told_so_at_once() {
        let hasher = hasher().await;
        let hash = hasher.hash(password()).await.unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let (begun, at_work) = tokio::sync::oneshot::channel();
        let working = hasher.threads.queue(move |_| {
            begun.send(()).unwrap();
            let _ = held.recv();
        });
        at_work.await.unwrap();
        let mut waiting: Vec<_> =
            (0..PLACES_PER_THREAD).map(|_| Box::pin(hasher.verify(password(), Some(&hash)))).collect();
        for waiting in &mut waiting {
            assert!(waiting.now_or_never().is_none(), "there is a place");
        }
        for hash in [Some(&hash), None] {
            let answer = hasher.verify(password(), hash).now_or_never().expect("an answer at once");
            assert!(is_busy(&answer), "{answer:?}");
        }
        drop(release);
        working.unwrap().await.unwrap();
    }

    /// PW-12: a known and an unknown person wait for the same turn, and neither waits without end; but a server that starts,
    /// or a command, on a machine that has much else to do.
    #[actix_web::test]
    async fn who_waits_too_long_for_their_turn_is_told_to_come_back() {
        let patient = hasher().await;
        let hasher = patient.clone().for_requests();
        let hash = hasher.hash(password()).await.unwrap();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let working = hasher.threads.queue(move |_| held.recv());
        let mut starting = Box::pin(patient.hash(password()));
        assert!((&mut starting).now_or_never().is_none());
        let (known, unknown) =
            tokio::join!(hasher.verify(password(), Some(&hash)), hasher.verify(password(), None));
        assert!(is_busy(&known) && is_busy(&unknown), "{known:?}, {unknown:?}");
        assert!((&mut starting).now_or_never().is_none(), "it waits on");
        drop(release);
        assert!(working.unwrap().await.unwrap().is_err());
        assert!(starting.await.is_ok());
    }
}
