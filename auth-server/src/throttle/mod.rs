//! Limits how fast passwords can be guessed, before anything is hashed or looked up (PW-11). The limits are
//! `auth_domain::PER_ACCOUNT_AND_ADDRESS` and `PER_ADDRESS`; this module stores what they count.
//!
//! The counters are in memory: each server counts for itself, and a restart clears them. They contain no account and
//! no address, only keyed hashes.

mod counters;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{GuessLimit, PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, Tally, network_prefix};
use goptri::clock::Clock;

use counters::Counters;

/// Sets of 16 counters: 131,072 pairs in at most 3 MiB, and half as many addresses.
const SETS_OF_PAIRS: usize = 8192;
const SETS_OF_ADDRESSES: usize = 4096;

/// Counts attempts. Clones share the counters.
#[derive(Debug, Clone)]
pub(crate) struct Throttle {
    state: Arc<State>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct State {
    addresses: Counters,
    /// An account and a network address.
    pairs: Counters,
}

/// What a network address is counted for. Each is counted separately: registrations do not slow down sign-ins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Purpose {
    Guessing,
    Registering,
    Client,
    Pushing,
}

/// A limit is reached: the attempt must be rejected without looking at the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{limit}")]
pub struct TooManyAttempts {
    /// In how many seconds an attempt will be accepted.
    pub retry_after: u32,
    /// Which limit.
    pub limit: ExceededLimit,
}

/// The limit that is reached, by what it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExceededLimit {
    /// Failures from the network address, on any account.
    Address,
    /// Failures from the network address on this account.
    AccountAndAddress,
}

/// An attempt in progress. From its start it counts as a failure, so that a parallel burst gets no further than a
/// series. If it is dropped without an outcome, it still counts.
#[must_use = "it counts as a failure until its outcome is recorded"]
#[derive(Debug)]
pub(crate) struct Attempt {
    throttle: Throttle,
    purpose: Purpose,
    address: Counted,
    pair: Option<Counted>,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttemptOutcome {
    /// The password was right, or the registration succeeded.
    Succeeded,
    /// It was rejected. It stays counted.
    Failed,
    /// The server failed (5xx). It does not count.
    NotJudged,
}

/// A counter that was incremented, and its value before.
#[derive(Debug, Clone, Copy)]
struct Counted {
    key: u64,
    before: Option<Tally>,
}

impl Throttle {
    /// Starts with empty counters.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let addresses = Counters::new(SETS_OF_ADDRESSES);
        Self { state: Arc::new(State { addresses, pairs: Counters::new(SETS_OF_PAIRS) }), clock }
    }

    /// Counts an attempt to sign in to `account`: the key of an e-mail address, or the text sent in its place. Whether
    /// the account exists makes no difference (PW-10).
    ///
    /// The network address is counted first: above its limit, its attempts leave no trace of the accounts that they
    /// name.
    pub(crate) fn count_attempt(&self, account: &str, from: IpAddr) -> Result<Attempt, TooManyAttempts> {
        let from = network_prefix(from);
        let mut attempt = self.begin(Purpose::Guessing, from)?;
        match self.count(&self.state.pairs, &PER_ACCOUNT_AND_ADDRESS, &(account, from)) {
            Ok(pair) => attempt.pair = Some(pair),
            Err(retry_after) => {
                attempt.refund();
                return Err(TooManyAttempts { retry_after, limit: ExceededLimit::AccountAndAddress });
            }
        }
        Ok(attempt)
    }

    /// Counts a registration, which costs as much work as a guess. It stays counted if it succeeds.
    pub(crate) fn count_registration(&self, from: IpAddr) -> Result<Attempt, TooManyAttempts> {
        self.begin(Purpose::Registering, network_prefix(from))
    }

    /// Counts a request that a public client pushes: its id is no secret, and each request is stored.
    pub(crate) fn count_pushed_request(&self, from: IpAddr) -> Result<(), TooManyAttempts> {
        let counted =
            self.count(&self.state.addresses, &PER_ADDRESS, &(Purpose::Pushing, network_prefix(from)));
        let too_many = |retry_after| TooManyAttempts { retry_after, limit: ExceededLimit::Address };
        counted.map(|_| ()).map_err(too_many)
    }

    /// Whether a client may try to authenticate (AS-13). Nothing is counted until it fails: one application sends many
    /// requests at the same time, and its secret cannot be guessed in a burst.
    pub(crate) fn admit_client(&self, client: &str, from: IpAddr) -> Result<(), TooManyAttempts> {
        let from = network_prefix(from);
        let address = self.state.addresses.key(&(Purpose::Client, from));
        let pair = self.state.pairs.key(&(Purpose::Client, client, from));
        self.peek(&self.state.addresses, &PER_ADDRESS, address)
            .map_err(|retry_after| TooManyAttempts { retry_after, limit: ExceededLimit::Address })?;
        self.peek(&self.state.pairs, &PER_ACCOUNT_AND_ADDRESS, pair)
            .map_err(|retry_after| TooManyAttempts { retry_after, limit: ExceededLimit::AccountAndAddress })
    }

    /// Counts a client that failed to authenticate. Sign-ins are counted separately.
    pub(crate) fn count_client_failure(&self, client: &str, from: IpAddr) {
        let from = network_prefix(from);
        // It is too soon only if other requests have failed meanwhile.
        if self.count(&self.state.addresses, &PER_ADDRESS, &(Purpose::Client, from)).is_ok() {
            let pair = (Purpose::Client, client, from);
            let _ = self.count(&self.state.pairs, &PER_ACCOUNT_AND_ADDRESS, &pair);
        }
    }

    fn peek(&self, counters: &Counters, limit: &GuessLimit, key: u64) -> Result<(), u32> {
        counters.update(key, self.clock.as_ref(), |before, now| {
            (before, limit.attempt(before, now).map(|_| ()).map_err(|too_soon| too_soon.retry_after))
        })
    }

    fn begin(&self, purpose: Purpose, from: IpAddr) -> Result<Attempt, TooManyAttempts> {
        self.count(&self.state.addresses, &PER_ADDRESS, &(purpose, from))
            .map(|address| Attempt { throttle: self.clone(), purpose, address, pair: None })
            .map_err(|retry_after| TooManyAttempts { retry_after, limit: ExceededLimit::Address })
    }

    fn count(
        &self,
        counters: &Counters,
        limit: &GuessLimit,
        subject: &impl std::hash::Hash,
    ) -> Result<Counted, u32> {
        let key = counters.key(subject);
        counters.update(key, self.clock.as_ref(), |before, now| match limit.attempt(before, now) {
            Ok(tally) => (Some(tally), Ok(Counted { key, before })),
            Err(too_soon) => (Some(too_soon.tally), Err(too_soon.retry_after)),
        })
    }

    fn refund(&self, counters: &Counters, limit: &GuessLimit, Counted { key, before }: Counted) {
        let refunded = |tally: Option<Tally>| tally.map(|tally| limit.refund(tally, before));
        counters.update(key, self.clock.as_ref(), |tally, _| (refunded(tally), ()));
    }
}

impl Attempt {
    /// Counts the attempt by how it ended.
    pub(crate) fn record_outcome(self, outcome: AttemptOutcome) {
        match outcome {
            AttemptOutcome::Succeeded => self.succeeded(),
            AttemptOutcome::NotJudged => self.refund(),
            AttemptOutcome::Failed => {}
        }
    }

    /// Clears the failures on this account from this address. The address keeps its other failures; otherwise an
    /// attacker could clear them with an account of their own.
    fn succeeded(self) {
        let Self { throttle, purpose, address, pair } = self;
        if purpose == Purpose::Registering {
            return;
        }
        throttle.refund(&throttle.state.addresses, &PER_ADDRESS, address);
        if let Some(Counted { key, .. }) = pair {
            throttle.state.pairs.update(key, throttle.clock.as_ref(), |_, _| (None, ()));
        }
    }

    fn refund(self) {
        let Self { throttle, address, pair, .. } = self;
        throttle.refund(&throttle.state.addresses, &PER_ADDRESS, address);
        if let Some(pair) = pair {
            throttle.refund(&throttle.state.pairs, &PER_ACCOUNT_AND_ADDRESS, pair);
        }
    }
}

impl fmt::Display for ExceededLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "too many attempts from this address",
            Self::AccountAndAddress => "too many attempts on this account from this address",
        })
    }
}

#[cfg(test)]
mod tests;
