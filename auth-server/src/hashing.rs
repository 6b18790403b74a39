//! Password hashing: Argon2id, off the threads that answer requests, and no more at once than there are cores.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use auth_domain::{Entropy, NormalPassword, PasswordHash};
use goptri::{Plain, ProtocolError};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::flow::Failure;

/// OWASP's parameters for Argon2id: 19 MiB, two passes, one lane (PW-01).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Who waited so long for their turn is told to come back later.
const PATIENCE: Duration = Duration::from_secs(5);

/// Hashes and verifies passwords. Clones share their permits.
#[derive(Debug, Clone)]
pub(crate) struct PasswordHasher {
    argon2: Argon2<'static>,
    permits: Arc<Semaphore>,
    entropy: Arc<dyn Entropy>,
    /// The hash of nobody's password: an unknown person costs the same work as a known one (PW-10).
    nobody: PasswordHash,
}

impl PasswordHasher {
    /// A hasher that works on at most `at_once` passwords at the same time.
    pub(crate) async fn new(at_once: usize, entropy: Arc<dyn Entropy>) -> Result<Self, Failure> {
        let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Failure::internal)?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let permits = Arc::new(Semaphore::new(at_once));
        let mut hasher = Self { argon2, permits, entropy, nobody: PasswordHash::from_phc(String::new()) };
        let password = NormalPassword::of(&Plain::new(auth_domain::random_name(hasher.entropy.as_ref())));
        hasher.nobody = hasher
            .hash(password.ok_or_else(|| Failure::internal("32 hexadecimal digits are a password"))?)
            .await?;
        Ok(hasher)
    }

    /// The hash to keep.
    pub(crate) async fn hash(&self, password: NormalPassword) -> Result<PasswordHash, Failure> {
        let mut salt = [0; 16];
        self.entropy.fill(&mut salt);
        self.work(move |argon2| {
            let hash = argon2.hash_password_with_salt(password.expose().as_bytes(), &salt);
            hash.map(|hash| PasswordHash::from_phc(hash.to_string())).map_err(Failure::internal)
        })
        .await?
    }

    /// Whether `password` is the one behind `hash`. `None` is nobody's: the same work, and never true.
    pub(crate) async fn verify(
        &self,
        password: NormalPassword,
        hash: Option<PasswordHash>,
    ) -> Result<bool, Failure> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let verified = self
            .work(move |argon2| argon2.verify_password(password.expose().as_bytes(), hash.as_str()))
            .await?;
        match verified {
            Ok(()) => Ok(known),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            // A hash that cannot be read is no wrong password.
            Err(error) => Err(Failure::internal(error)),
        }
    }

    /// Runs `work` on a thread that may block, unless so many wait that its turn does not come soon. The permit goes
    /// with it: a caller that vanishes does not free a place that is still worked on (PW-12).
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(Argon2<'static>) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let turn = Arc::clone(&self.permits).acquire_owned();
        let permit = timeout(PATIENCE, turn)
            .await
            .map_err(|_| ProtocolError::UNAVAILABLE)?
            .map_err(Failure::internal)?;
        let argon2 = self.argon2.clone();
        spawn_blocking(move || {
            let _permit = permit;
            work(argon2)
        })
        .await
        .map_err(Failure::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    async fn hasher() -> PasswordHasher {
        PasswordHasher::new(1, Arc::new(SystemEntropy)).await.unwrap()
    }

    fn password() -> NormalPassword {
        NormalPassword::of(&Plain::new("correct horse battery staple".into())).unwrap()
    }

    /// PW-01, PW-02
    #[actix_web::test]
    async fn a_hash_says_how_it_was_made_and_no_two_are_the_same() {
        let hasher = hasher().await;
        let (one, other) = (hasher.hash(password()).await.unwrap(), hasher.hash(password()).await.unwrap());
        assert!(one.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", one.as_str());
        assert_ne!(one, other);
        assert!(hasher.verify(password(), Some(one)).await.unwrap());
    }

    #[actix_web::test]
    async fn a_hash_that_cannot_be_read_is_no_wrong_password() {
        let broken = PasswordHash::from_phc("$argon2id$broken".into());
        assert!(matches!(hasher().await.verify(password(), Some(broken)).await, Err(Failure::Internal(_))));
    }

    /// PW-12: a known and an unknown person wait for the same turn, and neither waits without end.
    #[actix_web::test]
    async fn who_waits_too_long_for_their_turn_is_told_to_come_back() {
        let hasher = hasher().await;
        let hash = hasher.hash(password()).await.unwrap();
        let _all_turns = Arc::clone(&hasher.permits).acquire_owned().await.unwrap();
        let (known, unknown) =
            tokio::join!(hasher.verify(password(), Some(hash)), hasher.verify(password(), None));
        for waited in [known, unknown] {
            assert!(matches!(waited, Err(Failure::Refused(error)) if error == ProtocolError::UNAVAILABLE));
        }
    }
}
