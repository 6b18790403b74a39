//! Slows down who fails again and again, before anything is hashed or looked up (PW-11). The rule is in
//! `auth_domain::PER_ACCOUNT_AND_ADDRESS` and `PER_ADDRESS`; here is what is remembered, and for whom.
//!
//! It is remembered in this process alone: several auth-servers count each for itself, and a restart forgets. No
//! account or address is kept, only a keyed hash of it.

mod counters;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use auth_domain::{GuessLimit, PER_ACCOUNT_AND_ADDRESS, PER_ADDRESS, Tally, prefix};
use goptri::{Clock, ProtocolError};
use goptri_server::ClientAddress;

use crate::flow::Failure;
use counters::Counters;

const TOO_MANY_REQUESTS: ProtocolError = ProtocolError::new(
    429,
    "too_many_requests",
    "There were too many attempts; wait for the seconds that Retry-After says, and try again.",
);

/// Sets of 16 counters: 131,072 pairs in at most 3 MiB, and half as many addresses.
const SETS_OF_PAIRS: usize = 8192;
const SETS_OF_ADDRESSES: usize = 4096;

/// Counts attempts. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct Throttle {
    remembered: Arc<Remembered>,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Remembered {
    addresses: Counters,
    pairs: Counters,
}

/// What an address is counted for. The two do not add up: those who register keep nobody from signing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Purpose {
    Guessing,
    Registering,
}

/// Too many have failed; this one is not judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany {
    /// In how many seconds one will be.
    pub(crate) retry_after: u32,
    /// Which limit was reached, for the log.
    pub(crate) scope: LimitScope,
}

/// Which limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LimitScope {
    /// Those of the address, on any accounts.
    Address,
    /// Those of the address on this account.
    Pair,
}

/// An attempt under way. It counts as a failure from its beginning on, so that a burst is no longer than a series; and
/// it goes on to count, also when its client hangs up, unless one of the methods says otherwise.
#[must_use = "it counts as a failure unless it is told how it ended"]
#[derive(Debug)]
pub(crate) struct Attempt {
    throttle: Throttle,
    purpose: Purpose,
    address: Counted,
    pair: Option<Counted>,
}

/// One count, and what was remembered before it.
#[derive(Debug, Clone, Copy)]
struct Counted {
    key: u64,
    before: Option<Tally>,
}

impl Throttle {
    /// Nothing is remembered yet.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let addresses = Counters::new(SETS_OF_ADDRESSES);
        Self { remembered: Arc::new(Remembered { addresses, pairs: Counters::new(SETS_OF_PAIRS) }), clock }
    }

    /// Somebody at this address is about to present a password for `account`: the folded e-mail address, or what was
    /// typed in its place. It makes no difference whether there is such an account (PW-10).
    ///
    /// The address comes first: one that may not try at all leaves no trace of the accounts that it makes up.
    pub(crate) fn attempt(&self, account: &str, from: ClientAddress) -> Result<Attempt, TooMany> {
        let from = prefix(from.ip());
        let mut attempt = self.begin(Purpose::Guessing, from)?;
        match self.count(&self.remembered.pairs, &PER_ACCOUNT_AND_ADDRESS, &(account, from)) {
            Ok(pair) => attempt.pair = Some(pair),
            Err(retry_after) => {
                attempt.refund();
                return Err(TooMany { retry_after, scope: LimitScope::Pair });
            }
        }
        Ok(attempt)
    }

    /// Somebody at this address is about to register, which costs as much work as a guess. Counts whether it
    /// succeeds or not.
    pub(crate) fn registration(&self, from: ClientAddress) -> Result<Attempt, TooMany> {
        self.begin(Purpose::Registering, prefix(from.ip()))
    }

    fn begin(&self, purpose: Purpose, from: IpAddr) -> Result<Attempt, TooMany> {
        self.count(&self.remembered.addresses, &PER_ADDRESS, &(purpose, from))
            .map(|address| Attempt { throttle: self.clone(), purpose, address, pair: None })
            .map_err(|retry_after| TooMany { retry_after, scope: LimitScope::Address })
    }

    fn count(
        &self,
        counters: &Counters,
        pace: &GuessLimit,
        whom: &impl std::hash::Hash,
    ) -> Result<Counted, u32> {
        let key = counters.key(whom);
        counters.change(key, self.clock.as_ref(), |before, now| match pace.attempt(before, now) {
            Ok(tally) => (Some(tally), Ok(Counted { key, before })),
            Err(too_soon) => (Some(too_soon.tally), Err(too_soon.retry_after)),
        })
    }

    fn give_back(&self, counters: &Counters, pace: &GuessLimit, Counted { key, before }: Counted) {
        let given_back = |tally: Option<Tally>| tally.map(|tally| pace.refund(tally, before));
        counters.change(key, self.clock.as_ref(), |tally, _| (given_back(tally), ()));
    }
}

impl Attempt {
    /// The password was right: what failed before on this account from this address is forgotten. The address's
    /// other failures are not, or one account of one's own would be good for guessing at all others.
    pub(crate) fn succeeded(self) {
        let Self { throttle, purpose, address, pair } = self;
        if purpose == Purpose::Registering {
            return;
        }
        throttle.give_back(&throttle.remembered.addresses, &PER_ADDRESS, address);
        if let Some(Counted { key, .. }) = pair {
            throttle.remembered.pairs.change(key, throttle.clock.as_ref(), |_, _| (None, ()));
        }
    }

    /// Whether the password was right did not come out, through no fault of the one who sent it.
    pub(crate) fn refund(self) {
        let Self { throttle, address, pair, .. } = self;
        throttle.give_back(&throttle.remembered.addresses, &PER_ADDRESS, address);
        if let Some(pair) = pair {
            throttle.give_back(&throttle.remembered.pairs, &PER_ACCOUNT_AND_ADDRESS, pair);
        }
    }

    /// Tells the attempt how it ended: well, refund because of a fault on this side (5xx), or by a refusal,
    /// which counts.
    pub(crate) fn record_outcome<T>(self, outcome: Result<T, Failure>) -> Result<T, Failure> {
        match &outcome {
            Ok(_) => self.succeeded(),
            Err(failure) if failure.public_error().status >= 500 => self.refund(),
            Err(_) => {}
        }
        outcome
    }
}

impl fmt::Display for LimitScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => "too many failures from this address",
            Self::Pair => "too many failures on this account from this address",
        })
    }
}

impl From<TooMany> for Failure {
    /// The same whosever failures they were.
    fn from(too_many: TooMany) -> Self {
        TOO_MANY_REQUESTS.retry_after(too_many.retry_after).into()
    }
}

#[cfg(test)]
mod tests;
