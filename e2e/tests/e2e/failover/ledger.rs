//! Every request of the clients and its result, and what of it the database has lost.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::{Duration, Instant};

use crate::database_faults::refresh;
use crate::programs::Server;

/// How many requests of each kind were acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub(super) refreshes: usize,
    pub(super) sign_ins: usize,
    pub(super) sign_outs: usize,
}

/// What was acknowledged and is lost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Sessions that were signed out and live on.
    pub(super) sign_outs: usize,
    /// Sessions that were not signed out and have ended.
    pub(super) sessions: usize,
    /// Tokens that got two different successors.
    pub(super) successors: usize,
}

impl Losses {
    pub(super) fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// What the clients know.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    began: Instant,
    acknowledged: Acknowledged,
    /// When each request was acknowledged.
    times: Vec<Instant>,
    /// Requests that were sent again because they got 503 or no response.
    repeated: usize,
    /// The successors that each token got.
    successors: HashMap<String, HashSet<String>>,
    /// The newest tokens of the sessions that live.
    pub(super) live: HashSet<String>,
    /// The last tokens of sessions that were signed out.
    signed_out: HashSet<String>,
    /// Sessions that were rejected although nothing ended them.
    refused: usize,
}

impl Ledger {
    pub(super) fn new(live: impl IntoIterator<Item = String>) -> Self {
        Self {
            began: Instant::now(),
            acknowledged: Acknowledged::default(),
            times: Vec::new(),
            repeated: 0,
            successors: HashMap::new(),
            live: live.into_iter().collect(),
            signed_out: HashSet::new(),
            refused: 0,
        }
    }

    pub(super) fn signed_in(&mut self, token: &str) {
        self.acknowledged.sign_ins += 1;
        self.times.push(Instant::now());
        self.live.insert(token.to_owned());
    }

    pub(super) fn refreshed(&mut self, token: &str, successor: &str) {
        self.acknowledged.refreshes += 1;
        self.times.push(Instant::now());
        self.successors.entry(token.to_owned()).or_default().insert(successor.to_owned());
        self.live.remove(token);
        self.live.insert(successor.to_owned());
    }

    pub(super) fn signed_out(&mut self, token: &str) {
        self.acknowledged.sign_outs += 1;
        self.times.push(Instant::now());
        self.live.remove(token);
        self.signed_out.insert(token.to_owned());
    }

    pub(super) fn refused(&mut self, token: &str) {
        self.refused += 1;
        self.live.remove(token);
    }

    pub(super) fn repeated(&mut self) {
        self.repeated += 1;
    }

    pub(super) fn acknowledged(&self) -> Acknowledged {
        self.acknowledged
    }

    /// How many requests were acknowledged in the second before now.
    pub(super) fn in_the_last_second(&self) -> usize {
        self.times.iter().filter(|time| time.elapsed() < Duration::from_secs(1)).count()
    }

    /// When the last request was acknowledged.
    pub(super) fn last(&self) -> Instant {
        self.times.last().copied().unwrap_or(self.began)
    }

    /// The longest time between two acknowledged requests.
    pub(super) fn longest_interruption(&self) -> Duration {
        let pairs = self.times.windows(2);
        pairs.map(|pair| pair[1].saturating_duration_since(pair[0])).max().unwrap_or_default()
    }

    /// Asks a server about every session.
    pub(super) async fn losses(&self, auth: &Server) -> Losses {
        let mut losses = Losses {
            sign_outs: 0,
            sessions: self.refused,
            successors: self.successors.values().filter(|successors| successors.len() > 1).count(),
        };
        for token in &self.signed_out {
            losses.sign_outs += usize::from(refresh(auth, token).await != 400);
        }
        for token in &self.live {
            losses.sessions += usize::from(refresh(auth, token).await != 200);
        }
        losses
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Acknowledged { refreshes, sign_ins, sign_outs } = self.acknowledged;
        write!(
            f,
            "{refreshes} refreshes, {sign_ins} sign-ins and {sign_outs} sign-outs acknowledged, {} requests repeated, \
             {} sessions alive",
            self.repeated,
            self.live.len()
        )
    }
}
