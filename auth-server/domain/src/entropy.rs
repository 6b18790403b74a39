//! Randomness. Callers pass the source in, as they pass in the clock.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// A source of unpredictable random bytes.
pub trait Entropy: Send + Sync + std::fmt::Debug + 'static {
    /// Fills all of `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// An id for a row: a UUID version 7, so that new rows are stored next to each other. Unique, but not secret.
pub fn random_id(entropy: &dyn Entropy, now: DateTime<Utc>) -> Uuid {
    let mut bytes = [0; 10];
    entropy.fill(&mut bytes);
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
}

/// 128 random bits in hex, for values that must not be guessable (RT-01).
pub fn random_token_id(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}
